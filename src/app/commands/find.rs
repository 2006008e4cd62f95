//! Finds by a few characters of a name.
//!
//! Words of the query count in any order, upper and lower case are the same. A name that has the
//! query as it stands comes first, then one that has all its words. Where no name has those, names
//! that have its characters in order are found. Among equals the shorter way through the name wins, then the order given.

use super::entries::Entry;

/// More than this is counted and not shown.
pub const MAX_SHOWN: usize = 50;

/// Ranks from here on are of names that have the characters alone.
const LOOSE: u32 = 100;

/// A thing that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// Its place among all.
    pub idx: usize,
    /// The name in pieces, and which of them the query has.
    pub pieces: Vec<(String, bool)>,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// The best, best first.
    pub hits: Vec<Hit>,
    /// All that fit.
    pub n_found: usize,
}

impl Found {
    /// How many there are, as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match (self.n_found, self.hits.len()) {
            (0, _) => "Nothing has these characters in its name.".to_owned(),
            (1, _) => "1 result.".to_owned(),
            (n, shown) if shown < n => format!("{n} results, the best {shown} are shown."),
            (n, _) => format!("{n} results."),
        }
    }
}

/// Looks for a query; an empty one finds everything.
#[must_use]
pub fn find(entries: &[Entry], query: &str) -> Found {
    let words: Vec<Vec<char>> = query.split_whitespace().map(lower).collect();
    let whole = lower(query.trim());
    let mut scored: Vec<(u32, usize, Vec<usize>)> = Vec::new();
    for (idx, entry) in entries.iter().enumerate() {
        let name = lower(&entry.label);
        if let Some((rank, places)) = matched(&name, &whole, &words) {
            scored.push((rank, idx, places));
        }
    }
    if scored.iter().any(|(rank, ..)| *rank < LOOSE) {
        scored.retain(|(rank, ..)| *rank < LOOSE);
    }
    scored.sort_by_key(|(rank, idx, _)| (*rank, *idx));
    let n_found = scored.len();
    let hit = |(_, idx, places): (u32, usize, Vec<usize>)| {
        let label = entries.get(idx).map_or("", |entry| entry.label.as_str());
        Hit { idx, pieces: pieces(label, &places) }
    };
    Found { hits: scored.into_iter().take(MAX_SHOWN).map(hit).collect(), n_found }
}

/// One character for each of the text, so that places stay.
fn lower(text: &str) -> Vec<char> {
    text.chars().map(|ch| ch.to_lowercase().next().unwrap_or(ch)).collect()
}

/// Where the name has the query, and how good that is: lower is better.
fn matched(name: &[char], whole: &[char], words: &[Vec<char>]) -> Option<(u32, Vec<usize>)> {
    if whole.is_empty() {
        return Some((0, Vec::new()));
    }
    if let Some(at) = best_place(name, whole) {
        return Some((
            u32::from(!is_start(name, at)) * 2 + u32::from(at > 0),
            (at..at + whole.len()).collect(),
        ));
    }
    let each: Option<Vec<usize>> = words.iter().map(|word| best_place(name, word)).collect();
    if let Some(starts) = each {
        let n_within = starts.iter().filter(|at| !is_start(name, **at)).count();
        let places = starts.iter().zip(words).flat_map(|(at, word)| *at..*at + word.len()).collect();
        return Some((10 + u32::try_from(n_within).unwrap_or(0).min(LOOSE / 2), places));
    }
    let query: Vec<char> = words.concat();
    let places = in_order(name, &query)?;
    let span = places.last()? - places.first()?;
    Some((LOOSE + u32::try_from(span).unwrap_or(u32::MAX / 2), places))
}

/// Where a word begins: after anything that is neither letter nor digit.
fn is_start(name: &[char], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| name.get(before)).is_none_or(|ch| !ch.is_alphanumeric())
}

/// The first place at the start of a word, or the first at all.
fn best_place(name: &[char], part: &[char]) -> Option<usize> {
    let mut places = name.windows(part.len()).enumerate().filter(|(_, window)| *window == part);
    let first = places.next()?.0;
    if is_start(name, first) {
        return Some(first);
    }
    places.map(|(at, _)| at).find(|at| is_start(name, *at)).or(Some(first))
}

/// The characters in order: the first end, and from there back by the shortest way.
fn in_order(name: &[char], query: &[char]) -> Option<Vec<usize>> {
    let mut wanted = query.iter();
    let mut next = wanted.next();
    let mut end = None;
    for (at, ch) in name.iter().enumerate() {
        if Some(ch) == next {
            next = wanted.next();
            if next.is_none() {
                end = Some(at);
                break;
            }
        }
    }
    let mut places = Vec::new();
    let mut wanted = query.iter().rev().peekable();
    for at in (0..=end?).rev() {
        match wanted.peek() {
            None => break,
            Some(ch) if name.get(at) == Some(ch) => {
                places.push(at);
                wanted.next();
            }
            Some(_) => {}
        }
    }
    places.reverse();
    Some(places)
}

/// The text cut where it goes from what was asked to what was not.
fn pieces(text: &str, places: &[usize]) -> Vec<(String, bool)> {
    let mut pieces: Vec<(String, bool)> = Vec::new();
    for (at, ch) in text.chars().enumerate() {
        let is_hit = places.contains(&at);
        match pieces.last_mut() {
            Some((piece, was_hit)) if *was_hit == is_hit => piece.push(ch),
            _ => pieces.push((ch.to_string(), is_hit)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::app::update::Message;

    fn check(query: &str, expected: Expect) {
        let names = [
            "Simulate",
            "Theme: dark",
            "3 COPY package*.json ./",
            "12 RUN npm ci",
            "13 RUN npm run build",
            "package.json",
            "src/deep/ünïcode.js",
            "docs/npm-ci.md",
        ];
        let entry = |name: &&str| Entry {
            label: (*name).to_owned(),
            kind: "",
            keys: None,
            message: Message::BuildRequested,
        };
        let found = find(&names.iter().map(entry).collect::<Vec<_>>(), query);
        let mut out = format!("{}\n", found.sentence());
        for hit in found.hits {
            let pieces = hit.pieces.iter();
            out.extend(pieces.map(|(text, is_hit)| if *is_hit { format!("[{text}]") } else { text.clone() }));
            out.push('\n');
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn the_closest_comes_first() {
        check(
            "npm ci",
            expect![[r#"
            2 results.
            12 RUN [npm ci]
            docs/[npm]-[ci].md
        "#]],
        );
        check(
            "package",
            expect![[r#"
            2 results.
            [package].json
            3 COPY [package]*.json ./
        "#]],
        );
        check(
            "build run",
            expect![[r#"
            1 result.
            13 [RUN] npm run [build]
        "#]],
        );
        check(
            "tdk",
            expect![[r#"
            1 result.
            [T]heme: [d]ar[k]
        "#]],
        );
        check(
            "ÜNÏ",
            expect![[r#"
            1 result.
            src/deep/[ünï]code.js
        "#]],
        );
        check(
            "xyz",
            expect![[r#"
            Nothing has these characters in its name.
        "#]],
        );
        check(
            "sim",
            expect![[r#"
            1 result.
            [Sim]ulate
        "#]],
        );
    }

    #[test]
    fn many_are_counted_and_the_best_are_shown() {
        let entry = |n: usize| Entry {
            label: format!("file {n}"),
            kind: "",
            keys: None,
            message: Message::BuildRequested,
        };
        let entries: Vec<Entry> = (0..300).map(entry).collect();
        let found = find(&entries, "");
        assert_eq!((found.n_found, found.hits.len()), (300, MAX_SHOWN));
        assert_eq!(found.sentence(), "300 results, the best 50 are shown.");
        assert_eq!(find(&entries, "299").hits.first().map(|hit| hit.idx), Some(299));
    }
}
