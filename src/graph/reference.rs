//! Image names: `alpine` → `docker.io/library/alpine:latest`.
//!
//! ```text
//! name   = [ domain "/" ] path { "/" path } [ ":" tag ] [ "@" digest ]
//! domain = first part with a "." or ":" in it, or "localhost", or with an upper-case letter
//! ```
//!
//! See [distribution/reference](https://github.com/distribution/reference).

/// Completes `name` with registry, namespace and tag.
///
/// # Errors
/// The problem, in the words of the reference package.
pub fn normalize(name: &str) -> Result<String, String> {
    const INVALID: &str = "invalid reference format";
    if name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(format!("invalid repository name ({name}), cannot specify 64-byte hexadecimal strings"));
    }
    let (domain, remainder) = match name.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':']) || first == "localhost" || first.to_lowercase() != first =>
        {
            (if first == "index.docker.io" { "docker.io" } else { first }, rest.to_owned())
        }
        _ => ("docker.io", name.to_owned()),
    };
    let is_short = domain == "docker.io" && !remainder.contains('/');
    let remainder = if is_short { format!("library/{remainder}") } else { remainder };
    let repository_end = remainder.find(':').unwrap_or(remainder.len());
    let repository = remainder.get(..repository_end).unwrap_or("");
    let repository = repository.split('@').next().unwrap_or("");
    if repository.to_lowercase() != repository {
        return Err(format!("{INVALID}: repository name ({repository}) must be lowercase"));
    }
    let (without_digest, digest) = match remainder.split_once('@') {
        Some((head, digest)) => (head, Some(digest)),
        None => (remainder.as_str(), None),
    };
    let (path, tag) = match without_digest.rsplit_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (without_digest, None),
    };
    let is_valid = is_domain(domain)
        && path.split('/').all(is_path_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest);
    if !is_valid {
        return Err(INVALID.to_owned());
    }
    let tag = match (tag, digest) {
        (Some(tag), _) => format!(":{tag}"),
        (None, None) => ":latest".to_owned(),
        (None, Some(_)) => String::new(),
    };
    let digest = digest.map_or(String::new(), |digest| format!("@{digest}"));
    Ok(format!("{domain}/{path}{tag}{digest}"))
}

/// A name without its digest, as progress lines compare it.
#[must_use]
pub fn without_digest(name: &str) -> &str {
    name.split_once('@').map_or(name, |(head, _)| head)
}

/// A name as people write it: the default registry and namespace left out.
#[must_use]
pub fn familiar(name: &str) -> &str {
    let name = without_digest(name);
    name.strip_prefix("docker.io/library/").or_else(|| name.strip_prefix("docker.io/")).unwrap_or(name)
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (domain, None),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|ch| ch.is_ascii_alphanumeric() || ch == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.split('.').all(is_label)
        && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// Lower-case letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_path_component(part: &str) -> bool {
    let is_word = |ch: char| ch.is_ascii_lowercase() || ch.is_ascii_digit();
    let mut rest = part;
    loop {
        let len = rest.find(|ch| !is_word(ch)).unwrap_or(rest.len());
        if len == 0 {
            return false;
        }
        rest = rest.get(len..).unwrap_or("");
        if rest.is_empty() {
            return true;
        }
        let len = rest.find(is_word).unwrap_or(rest.len());
        let separator = rest.get(..len).unwrap_or("");
        if !matches!(separator, "." | "_" | "__") && !separator.chars().all(|ch| ch == '-') {
            return false;
        }
        rest = rest.get(len..).unwrap_or("");
    }
}

fn is_tag(tag: &str) -> bool {
    tag.len() <= 128
        && tag.starts_with(|ch: char| ch.is_ascii_alphanumeric() || ch == '_')
        && tag.chars().all(|ch| ch.is_ascii_alphanumeric() || matches!(ch, '_' | '.' | '-'))
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    algorithm.starts_with(|ch: char| ch.is_ascii_alphabetic())
        && hex.len() >= 32
        && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_names() {
        for (name, full) in [
            ("alpine", "docker.io/library/alpine:latest"),
            ("a/b:1", "docker.io/a/b:1"),
            ("ghcr.io/a/b", "ghcr.io/a/b:latest"),
            ("localhost:5000/x", "localhost:5000/x:latest"),
        ] {
            assert_eq!(normalize(name).as_deref(), Ok(full));
        }
        assert_eq!(
            normalize("X"),
            Err("invalid reference format: repository name (library/X) must be lowercase".into())
        );
        assert_eq!(normalize("a:"), Err("invalid reference format".into()));
        assert_eq!(familiar("docker.io/library/alpine:latest@sha256:00"), "alpine:latest");
    }
}
