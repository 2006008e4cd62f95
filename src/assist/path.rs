//! Paths of the context, folder by folder, found by halving a sorted list.

/// How many are offered at once.
pub(super) const MAX_PATHS: usize = 200;

/// Something in a folder of the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Child {
    /// The whole path; a folder's ends with `/`.
    pub(super) path: String,
    pub(super) is_folder: bool,
}

/// What begins with `prefix` in the folder that `prefix` names up to its last
/// `/`, and whether there is more than [`MAX_PATHS`]. Of what is below a
/// folder nothing is looked at.
pub(super) fn children(paths: &[String], prefix: &str) -> (Vec<Child>, bool) {
    let folder_len = prefix.rfind('/').map_or(0, |at| at + 1);
    let mut found: Vec<Child> = Vec::new();
    let mut at = paths.partition_point(|path| path.as_str() < prefix);
    while let Some(path) = paths.get(at).filter(|path| path.starts_with(prefix)) {
        if found.len() == MAX_PATHS {
            return (found, true);
        }
        let name = path.get(folder_len..).unwrap_or("");
        let Some(slash) = name.find('/') else {
            if !name.is_empty() {
                found.push(Child { path: path.clone(), is_folder: false });
            }
            at += 1;
            continue;
        };
        let folder = path.get(..folder_len + slash).unwrap_or("");
        // `0` comes right behind `/`, so this begins what is not in the folder.
        let behind = format!("{folder}0");
        found.push(Child { path: format!("{folder}/"), is_folder: true });
        at += paths.get(at..).unwrap_or(&[]).partition_point(|path| *path < behind);
    }
    (found, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(prefix: &str, expected: &[&str]) {
        let mut paths: Vec<String> =
            ["a b", "a.txt", "a/x", "a/y/1", "a/y/2", "a0", "b/", "ü/z"].map(str::to_owned).into();
        paths.sort();
        let (found, _) = children(&paths, prefix);
        let shown: Vec<&str> = found.iter().map(|child| child.path.as_str()).collect();
        assert_eq!(shown, expected, "{prefix}");
        assert!(found.iter().all(|child| child.is_folder == child.path.ends_with('/')));
    }

    #[test]
    fn folder_by_folder() {
        check("", &["a b", "a.txt", "a/", "a0", "b/", "ü/"]);
        check("a", &["a b", "a.txt", "a/", "a0"]);
        check("a/", &["a/x", "a/y/"]);
        check("a/y/", &["a/y/1", "a/y/2"]);
        check("b/", &[]);
        check("c", &[]);
    }

    #[test]
    fn a_large_context_is_cut_and_folders_are_passed_over() {
        let mut paths: Vec<String> = (0..100_000).map(|idx| format!("deep/{idx:05}/f")).collect();
        paths.push("z".into());
        assert_eq!(children(&paths, "").0.len(), 2);
        let (found, is_cut) = children(&paths, "deep/0");
        assert!(is_cut && found.len() == MAX_PATHS);
        assert_eq!(children(&paths, "deep/0001").0.len(), 10);
    }
}
