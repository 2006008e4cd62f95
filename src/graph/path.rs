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

/// A relative working directory goes on from the one before; an absolute one stays as written.
pub(crate) fn join_workdir(current: &str, requested: &str) -> String {
    if requested.starts_with('/') {
        requested.to_owned()
    } else {
        join_abs(&format!("/{current}"), requested)
    }
}
