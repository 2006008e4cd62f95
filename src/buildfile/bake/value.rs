//! Values of HCL.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::buildfile::scalar::plain;

/// A value. Numbers are as exact as a double; they are versions and counts.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    /// None.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A map; its keys are in order, as they are gone through.
    Map(BTreeMap<String, Value>),
    /// There is none that can be told here.
    Unknown(Rc<Unknown>),
}

/// Why a value cannot be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Unknown {
    /// Why, as a sentence without a full stop.
    pub(super) message: String,
    /// Bake would refuse it, too; else a real run knows it.
    pub(super) is_error: bool,
}

impl Value {
    /// What bake refuses.
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::Unknown(Rc::new(Unknown { message: message.into(), is_error: true }))
    }

    /// What only a real run knows.
    pub(super) fn not_here(message: impl Into<String>) -> Self {
        Self::Unknown(Rc::new(Unknown { message: message.into(), is_error: false }))
    }

    /// The kind, for what is said of a wrong one.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Unknown(_) => "unknown",
        }
    }

    /// As a text.
    pub(super) fn to_text(&self) -> Result<String, Self> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Bool(it) => Ok(it.to_string()),
            Self::Number(number) => Ok(plain(*number)),
            Self::Unknown(_) => Err(self.clone()),
            Self::Null | Self::List(_) | Self::Map(_) => {
                Err(Self::error(format!("{} stands where a text belongs", self.kind())))
            }
        }
    }

    /// As a number.
    pub(super) fn to_number(&self) -> Result<f64, Self> {
        let number = match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => {
                text.parse().ok().filter(|_| text.bytes().all(|byte| b"0123456789.eE+-".contains(&byte)))
            }
            Self::Unknown(_) => return Err(self.clone()),
            _ => None,
        };
        number.ok_or_else(|| Self::error(format!("{} stands where a number belongs", self.kind())))
    }

    /// As a boolean.
    pub(super) fn to_bool(&self) -> Result<bool, Self> {
        match self {
            Self::Bool(it) => Ok(*it),
            Self::Text(text) if text == "true" || text == "1" => Ok(true),
            Self::Text(text) if text == "false" || text == "0" => Ok(false),
            Self::Unknown(_) => Err(self.clone()),
            _ => Err(Self::error(format!("{} stands where true or false belongs", self.kind()))),
        }
    }

    /// A number that is a place or a count.
    pub(super) fn to_index(&self) -> Result<i64, Self> {
        let number = self.to_number()?;
        // Larger numbers count nothing here.
        if number.fract() != 0.0 || number.abs() > 1e9 {
            return Err(Self::error(format!("{} is no whole number", plain(number))));
        }
        plain(number).parse().map_err(|_| Self::error("this is no whole number"))
    }

    /// The values of a list or a map.
    pub(super) fn items(&self) -> Result<Vec<Self>, Self> {
        match self {
            Self::List(items) => Ok(items.clone()),
            Self::Map(entries) => Ok(entries.values().cloned().collect()),
            Self::Unknown(_) => Err(self.clone()),
            _ => Err(Self::error(format!("{} stands where a list belongs", self.kind()))),
        }
    }

    /// How much there is of it, and how deep it goes.
    pub(super) fn extent(&self) -> (usize, usize) {
        match self {
            Self::Text(text) => (1 + text.len() / 16, 0),
            Self::List(items) => extent_of(items.iter()),
            Self::Map(entries) => extent_of(entries.values()),
            _ => (1, 0),
        }
    }

    /// The first value in it that cannot be told.
    pub(super) fn unknown(&self) -> Option<&Rc<Unknown>> {
        match self {
            Self::Unknown(why) => Some(why),
            Self::List(items) => items.iter().find_map(Self::unknown),
            Self::Map(entries) => entries.values().find_map(Self::unknown),
            _ => None,
        }
    }
}

fn extent_of<'v>(values: impl Iterator<Item = &'v Value>) -> (usize, usize) {
    values.map(Value::extent).fold((1, 1), |(size, depth), (more, below)| (size + more, depth.max(below + 1)))
}
