//! The figures of [dive](https://github.com/wagoodman/dive), to the byte.
//!
//! Many know them, so that they are told beside [`waste`](super::waste), which
//! says what they miss. For each layer only the leaves of its own tree count,
//! whiteouts as the path that they remove. Of a path, the sum of its sizes in
//! all layers is *discovered*, the smallest is what it would need; paths in two
//! layers or more are the wasted files. Hence both copies of a file that is
//! written twice are waste, and a folder that one whiteout removes is none.
//!
//! What dive does not understand is not understood here either: opaque folders
//! are ignored, and after a whiteout that names nothing the rest of the layer,
//! by name, is left out; the path that it names counts -1 byte as the smallest
//! size. Layers are taken in the order of the manifest.

use std::collections::BTreeMap;

use super::{LayerTree, WHITEOUT};
use crate::archive::tar::MemberKind;

/// A path that dive counts as wasted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiveFile {
    /// The path, with a leading `/`.
    pub path: String,
    /// How many layers have it.
    pub n_layers: u64,
    /// The sum of its sizes.
    pub bytes: u64,
}

/// What dive says of an image.
#[derive(Clone, PartialEq, Debug)]
pub struct Dive {
    /// The smallest sizes by the discovered ones.
    pub efficiency: f64,
    /// The sum of the smallest sizes, paths aside that only a whiteout names that removes nothing.
    pub smallest_bytes: u64,
    /// How many such paths there are: each counts -1.
    pub n_unknown: u64,
    /// The sum of the discovered sizes.
    pub discovered_bytes: u64,
    /// The sum over the wasted files.
    pub wasted_bytes: u64,
    /// Sizes of all that the layers store.
    pub size_bytes: u64,
    /// By layer.
    pub layer_bytes: Vec<u64>,
    /// The wasted files, the most wasteful first.
    pub files: Vec<DiveFile>,
}

/// Old marks that dive never adds to a tree; opaque folders are among them.
const DOUBLE_WHITEOUT: &str = ".wh..wh..";

/// A node's own data; that of a folder without an entry is empty.
#[derive(Clone, Copy, Default)]
struct Info {
    size_bytes: u64,
    is_dir: bool,
}

/// A tree as paths whose parts are joined by NUL, so that their order is that of
/// a walk by name, and what lies below a path follows it.
type Tree = BTreeMap<String, Info>;

/// What is found about a path.
#[derive(Default)]
struct Found {
    n_layers: u64,
    bytes: u64,
    /// None where only a whiteout names it that removes nothing.
    smallest: Option<u64>,
}

impl Dive {
    /// What dive says of these layers, lowest first.
    pub fn of<'l>(layers: impl IntoIterator<Item = &'l LayerTree>) -> Self {
        let mut found: BTreeMap<String, Found> = BTreeMap::new();
        let mut stacked: Option<Tree> = None;
        let mut layer_bytes = Vec::new();
        for layer in layers {
            let tree = tree(layer);
            layer_bytes.push(layer.content_bytes);
            // The lowest layer is put on a copy of itself.
            let stacked = stacked.get_or_insert_with(|| tree.clone());
            discover(&tree, stacked, &mut found);
            put(&tree, stacked);
        }
        let (mut smallest, mut discovered, mut n_unknown) = (0_u64, 0_u64, 0_u64);
        for one in found.values() {
            smallest = smallest.saturating_add(one.smallest.unwrap_or(0));
            n_unknown += u64::from(one.smallest.is_none());
            discovered = discovered.saturating_add(one.bytes);
        }
        let wasted = found.into_iter().filter(|(_, one)| one.n_layers > 1);
        let file = |(path, one): (String, Found)| DiveFile {
            path: format!("/{}", path.replace('\0', "/")),
            n_layers: one.n_layers,
            bytes: one.bytes,
        };
        let mut files: Vec<DiveFile> = wasted.map(file).collect();
        files.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
        Self {
            efficiency: if discovered == 0 {
                1.0
            } else {
                (to_f64(smallest) - to_f64(n_unknown)) / to_f64(discovered)
            },
            smallest_bytes: smallest,
            n_unknown,
            discovered_bytes: discovered,
            wasted_bytes: files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes)),
            size_bytes: layer_bytes.iter().fold(0, |sum, bytes| sum.saturating_add(*bytes)),
            layer_bytes,
            files,
        }
    }
}

/// A layer's own tree, whiteouts under their names in the tar.
fn tree(layer: &LayerTree) -> Tree {
    let mut tree = Tree::new();
    for (path, entry) in layer.iter() {
        let is_dir = entry.kind == MemberKind::Dir && !entry.is_implicit;
        add(&mut tree, &path.replace('/', "\0"), Some(Info { size_bytes: entry.size_bytes, is_dir }));
    }
    for path in &layer.whiteouts {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let name = format!("{WHITEOUT}{name}");
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        add(&mut tree, &path.replace('/', "\0"), Some(Info::default()));
    }
    for path in layer.marks.keys() {
        add(&mut tree, &path.replace('/', "\0"), None);
    }
    for folder in &layer.opaque {
        add(&mut tree, &format!("{}\0{DOUBLE_WHITEOUT}opq", folder.replace('/', "\0")), None);
    }
    tree
}

/// Adds a path and the folders above it; data of a path that is there is kept if none comes.
fn add(tree: &mut Tree, key: &str, info: Option<Info>) {
    let key = key.trim_start_matches('\0');
    let ends = key.match_indices('\0').map(|(idx, _)| idx).chain([key.len()]);
    let mut start = 0;
    for end in ends {
        let name = key.get(start..end).unwrap_or("");
        let path = key.get(..end).unwrap_or(key);
        if !tree.contains_key(path) {
            if name.starts_with(DOUBLE_WHITEOUT) {
                return;
            }
            tree.insert(path.to_owned(), Info::default());
        }
        start = end + 1;
    }
    if let Some(info) = info {
        tree.insert(key.to_owned(), info);
    }
}

/// The path that a whiteout removes; none for anything else.
fn removed_by(key: &str) -> Option<String> {
    let (folder, name) = key.rsplit_once('\0').unwrap_or(("", key));
    let name = name.strip_prefix(WHITEOUT)?;
    Some(if folder.is_empty() { name.to_owned() } else { format!("{folder}\0{name}") })
}

/// All that lies below a path.
fn below<'t>(tree: &'t Tree, key: &str) -> impl Iterator<Item = (&'t String, &'t Info)> {
    let prefix = format!("{key}\0");
    tree.range(prefix.clone()..).take_while(move |(path, _)| path.starts_with(&prefix))
}

/// Counts the leaves of a layer against the layers below.
fn discover(tree: &Tree, stacked: &Tree, found: &mut BTreeMap<String, Found>) {
    for (key, info) in tree {
        if below(tree, key).next().is_some() {
            continue;
        }
        let removed = removed_by(key);
        let one = found.entry(removed.as_ref().unwrap_or(key).clone()).or_default();
        let size_bytes = match &removed {
            None => info.size_bytes,
            Some(removed) => {
                let Some(before) = stacked.get(removed) else { return };
                let all = [before].into_iter().chain(below(stacked, removed).map(|(_, info)| info));
                let sum = all.fold(0_u64, |sum, info| sum.saturating_add(info.size_bytes));
                if before.is_dir { sum } else { 0 }
            }
        };
        one.n_layers += 1;
        one.bytes = one.bytes.saturating_add(size_bytes);
        one.smallest = Some(one.smallest.map_or(size_bytes, |smallest| smallest.min(size_bytes)));
    }
}

/// Puts a layer on top of the layers below.
fn put(tree: &Tree, stacked: &mut Tree) {
    for (key, info) in tree {
        let Some(removed) = removed_by(key) else {
            add(stacked, key, Some(*info));
            continue;
        };
        let keys: Vec<String> = below(stacked, &removed).map(|(path, _)| path.clone()).collect();
        for path in keys.iter().chain([&removed]) {
            stacked.remove(path);
        }
    }
}

/// The nearest number; there is no lossless conversion.
fn to_f64(n: u64) -> f64 {
    let high = u32::try_from(n >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(n & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

#[cfg(test)]
mod tests {
    use super::super::testing::layer;
    use super::*;

    fn files(dive: &Dive) -> Vec<(&str, u64, u64)> {
        dive.files.iter().map(|file| (file.path.as_str(), file.n_layers, file.bytes)).collect()
    }

    #[test]
    fn counts_as_dive_does() {
        let dive = Dive::of(&[layer(&["a=12", "d/", "d/e=333", "d/f=1"]), layer(&["a=4567", ".wh.d"])]);
        assert_eq!(files(&dive), [("/a", 2, 6)]);
        // The folder itself was no leaf before.
        assert_eq!((dive.wasted_bytes, dive.size_bytes, dive.layer_bytes), (6, 10, vec![6, 4]));
        assert!((dive.efficiency - 10.0 / 14.0).abs() < 1e-12);
    }

    #[test]
    fn stops_where_a_whiteout_names_nothing() {
        let dive = Dive::of(&[layer(&["a=1", "b=1", "z=1"]), layer(&["-=1", ".wh.never", "b=1", "z=1"])]);
        assert!(files(&dive).is_empty());
        assert!((dive.efficiency - 3.0 / 4.0).abs() < 1e-12);
        assert!((Dive::of(&[]).efficiency - 1.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_are_rounded_once() {
        assert!((to_f64(u64::MAX) - 18_446_744_073_709_551_615.0).abs() < 1.0);
        assert!((to_f64((1 << 53) - 1) - 9_007_199_254_740_991.0).abs() < 0.5);
    }
}
