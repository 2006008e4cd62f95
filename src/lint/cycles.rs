//! Stages that copy from one another in a circle.

use std::collections::{BTreeSet, btree_map};

use super::Stop;
use super::stages::Dependency;
use super::walk::{Stopped, Walk};
use crate::text::Lines;

/// A state on a path of dependencies, with what led to it.
struct OnPath<'s> {
    idx: usize,
    rest: btree_map::Iter<'s, usize, Dependency>,
    led_by: Option<Dependency>,
}

impl Walk<'_> {
    /// Refuses stages that copy from one another in a circle.
    pub(super) fn check_cycles(&mut self) -> Result<(), Stopped> {
        let mut was_seen = vec![false; self.states.len()];
        for (start, state) in self.states.iter().enumerate() {
            // An explicit stack, so that no file can exhaust ours.
            let mut path: Vec<OnPath<'_>> = Vec::new();
            let mut is_on_path = BTreeSet::new();
            let mut enter = |idx: usize, led_by, path: &mut Vec<_>, is_on_path: &mut BTreeSet<usize>| {
                let Some((slot, state)) = was_seen.get_mut(idx).zip(self.states.get(idx)) else { return };
                if !std::mem::replace(slot, true) {
                    is_on_path.insert(idx);
                    path.push(OnPath { idx, rest: state.dependencies.iter(), led_by });
                }
            };
            enter(start, None, &mut path, &mut is_on_path);
            while let Some(last) = path.last_mut() {
                let Some((on, dependency)) = last.rest.next() else {
                    is_on_path.remove(&last.idx);
                    path.pop();
                    continue;
                };
                if is_on_path.contains(on) {
                    let way = path.iter().filter_map(|state| state.led_by).chain([*dependency]);
                    return Err(Box::new(Stop {
                        message: format!("circular dependency detected on stage: {}", state.name),
                        range: dependency.range,
                        lines: Lines::merged(way.map(|dependency| dependency.lines).collect()),
                        is_refusal: false,
                    }));
                }
                enter(*on, Some(*dependency), &mut path, &mut is_on_path);
            }
        }
        if let [state] = self.states.as_mut_slice() {
            state.name.clear();
        }
        Ok(())
    }
}
