//! Lining up two lists, and what differs between two texts word by word.

/// Pairs of places that hold the same: an equal beginning and an equal end, and
/// between them a longest common subsequence.
#[must_use]
pub fn line_up<A, B>(now: &[A], old: &[B], same: impl Fn(&A, &B) -> bool) -> Vec<(usize, usize)> {
    let start = now.iter().zip(old).take_while(|(now, old)| same(now, old)).count();
    let rest = now.len().min(old.len()) - start;
    let is_pair = |(now, old): &(&A, &B)| same(now, old);
    let end = now.iter().rev().zip(old.iter().rev()).take(rest).take_while(is_pair).count();
    let (now_end, old_end) = (now.len() - end, old.len() - end);
    let middle =
        longest_common(now.get(start..now_end).unwrap_or(&[]), old.get(start..old_end).unwrap_or(&[]), &same);
    let mut pairs: Vec<(usize, usize)> = (0..start).map(|idx| (idx, idx)).collect();
    pairs.extend(middle.into_iter().map(|(i, j)| (start + i, start + j)));
    pairs.extend((0..end).map(|idx| (now_end + idx, old_end + idx)));
    pairs
}

/// Places of a longest common subsequence.
fn longest_common<A, B>(now: &[A], old: &[B], same: &impl Fn(&A, &B) -> bool) -> Vec<(usize, usize)> {
    let width = old.len() + 1;
    let mut table = vec![0_usize; (now.len() + 1) * width];
    let at = |i: usize, j: usize| i * width + j;
    for (i, new) in now.iter().enumerate().rev() {
        for (j, old) in old.iter().enumerate().rev() {
            let value = if same(new, old) {
                table.get(at(i + 1, j + 1)).copied().unwrap_or(0) + 1
            } else {
                let down = table.get(at(i + 1, j)).copied().unwrap_or(0);
                down.max(table.get(at(i, j + 1)).copied().unwrap_or(0))
            };
            if let Some(slot) = table.get_mut(at(i, j)) {
                *slot = value;
            }
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while let (Some(new), Some(before)) = (now.get(i), old.get(j)) {
        let here = table.get(at(i, j)).copied().unwrap_or(0);
        if same(new, before) && here == table.get(at(i + 1, j + 1)).copied().unwrap_or(0) + 1 {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if table.get(at(i + 1, j)).copied().unwrap_or(0)
            >= table.get(at(i, j + 1)).copied().unwrap_or(0)
        {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// Words of two texts, told apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// In both.
    Same(String),
    /// Only in the first.
    Gone(String),
    /// Only in the second.
    New(String),
}

/// Texts with more words than this are not compared word by word.
const MAX_WORDS: usize = 400;

/// What differs between two texts, word by word; blanks stay with the word in front of them.
#[must_use]
pub fn word_difference(before: &str, after: &str) -> Vec<Piece> {
    let words =
        |text: &str| -> Vec<String> { text.split_inclusive([' ', '\t', '\n']).map(str::to_owned).collect() };
    let (old, new) = (words(before), words(after));
    let mut pieces = Vec::new();
    if old.len() > MAX_WORDS || new.len() > MAX_WORDS {
        return vec![Piece::Gone(before.to_owned()), Piece::New(after.to_owned())];
    }
    let mut pairs = line_up(&new, &old, |new, old| new.trim_end() == old.trim_end());
    pairs.push((new.len(), old.len()));
    let (mut i, mut j) = (0, 0);
    for (next_i, next_j) in pairs {
        let joined = |words: &[String], from: usize, to: usize| words.get(from..to).unwrap_or(&[]).concat();
        let (gone, added) = (joined(&old, j, next_j), joined(&new, i, next_i));
        if !gone.is_empty() {
            pieces.push(Piece::Gone(gone));
        }
        if !added.is_empty() {
            pieces.push(Piece::New(added));
        }
        if let Some(word) = new.get(next_i) {
            match pieces.last_mut() {
                Some(Piece::Same(text)) => text.push_str(word),
                _ => pieces.push(Piece::Same(word.clone())),
            }
        }
        (i, j) = (next_i + 1, next_j + 1);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_changed_are_told_apart() {
        let found = word_difference("RUN npm install --silent", "RUN npm ci --silent");
        let expected = [
            Piece::Same("RUN npm ".into()),
            Piece::Gone("install ".into()),
            Piece::New("ci ".into()),
            Piece::Same("--silent".into()),
        ];
        assert_eq!(found, expected);
        assert_eq!(word_difference("a", "a b"), [Piece::Same("a ".into()), Piece::New("b".into())]);
        assert_eq!(word_difference("", ""), []);
    }
}
