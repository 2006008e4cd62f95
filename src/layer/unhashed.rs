//! Whose content has to be hashed of layers that were listed by their headers alone.
//!
//! Two contents of different lengths differ, and what stands once cannot be a
//! copy: of an ordinary image a few files are left.

use std::collections::BTreeMap;

use super::LayerTree;
use crate::archive::tar::MemberKind;

/// Files of each layer that have no digest yet and are written with the same path and length by
/// another layer: rewritten, or given another mode or owner.
#[must_use]
pub fn rewritten(layers: &[&LayerTree]) -> Vec<Vec<String>> {
    wanted(layers, |path, size_bytes| (path, size_bytes))
}

/// Files of each layer that have no digest yet and have the length of another file: they may be copies.
#[must_use]
pub fn of_same_length(layers: &[&LayerTree]) -> Vec<Vec<String>> {
    wanted(layers, |_, size_bytes| size_bytes)
}

fn wanted<'l, K: Ord>(layers: &[&'l LayerTree], key: impl Fn(&'l str, u64) -> K) -> Vec<Vec<String>> {
    let files = |layer: &'l LayerTree| layer.iter().filter(|(_, entry)| entry.kind == MemberKind::File);
    let mut n_times: BTreeMap<K, u32> = BTreeMap::new();
    for (path, entry) in layers.iter().flat_map(|layer| files(layer)) {
        *n_times.entry(key(path, entry.size_bytes)).or_default() += 1;
    }
    let of_layer = |layer: &&'l LayerTree| {
        let unhashed = files(layer).filter(|(_, entry)| entry.digest.is_none());
        let again = unhashed
            .filter(|(path, entry)| n_times.get(&key(path, entry.size_bytes)).is_some_and(|n| *n > 1));
        again.map(|(path, _)| path.to_owned()).collect()
    };
    layers.iter().map(of_layer).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::layer;
    use super::*;

    #[test]
    fn few_are_left() {
        let unhashed = |names: &[&str]| {
            let mut tree = layer(names);
            tree.forget_digests();
            tree
        };
        let layers =
            [unhashed(&["a=1", "b=2", "c=333"]), unhashed(&["a=9", "c=22"]), layer(&["b=2", "d=333"])];
        let layers: Vec<&LayerTree> = layers.iter().collect();
        assert_eq!(rewritten(&layers), [vec!["a", "b"], vec!["a"], vec![]]);
        assert_eq!(of_same_length(&layers), [vec!["a", "b", "c"], vec!["a"], vec![]]);
    }
}
