//! Paths in an image, joined and cleaned as Go does it.

/// Go's `path.Clean` of an absolute path.
#[must_use]
pub(crate) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Go's `path.Join` of an absolute path and another.
pub(crate) fn join_abs(base: &str, path: &str) -> String {
    clean(&format!("{base}/{path}"))
}

/// Go's `path.Clean`: a relative path stays relative.
pub(super) fn clean_relative(path: &str) -> String {
    if path.starts_with('/') {
        return clean(path);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// A relative working directory goes on from the one before; an absolute one
/// stays as written, and so does the one before if nothing is asked for.
pub(crate) fn join_workdir(current: &str, requested: &str) -> String {
    match (requested, current) {
        ("", current) if current.starts_with('/') => current.to_owned(),
        (requested, _) if requested.starts_with('/') => requested.to_owned(),
        _ => join_abs(&format!("/{current}"), requested),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths() {
        for (path, cleaned) in
            [("", "."), ("a/./b", "a/b"), ("a/..", "."), ("../a/../..", "../.."), ("/../a/", "/a")]
        {
            assert_eq!(clean_relative(path), cleaned);
        }
    }

    #[test]
    fn working_directories() {
        for (current, requested, joined) in [
            ("", "", "/"),
            ("/a", "", "/a"),
            ("/a/", "", "/a/"),
            ("/a", "b/../c", "/a/c"),
            ("/a", "/b/../c", "/b/../c"),
            ("a", "", "/a"),
        ] {
            assert_eq!(join_workdir(current, requested), joined);
        }
    }
}
