//! Values once their variables are expanded: modes, digests, signals, ports, sources.
//!
//! What a builder refuses here it refuses late, when it makes the graph, so
//! that its message has no `parse error` in front. Each function gives that
//! message.

use super::mount::go_bool;
use crate::text::go_quote;

/// Checks `--chmod`: an octal number up to 07777, or clauses as `chmod` takes them.
///
/// # Errors
/// The problem, in BuildKit's words.
pub fn check_chmod(chmod: &str) -> Result<(), String> {
    let not_octal =
        || format!("invalid chmod parameter: '{chmod}'. it should be octal string and between 0 and 07777");
    // A sign is no part of a number here.
    if let (Ok(mode), false) = (u32::from_str_radix(chmod, 8), chmod.starts_with('+')) {
        return if mode > 0o7777 { Err(not_octal()) } else { Ok(()) };
    }
    // What looks like a number is told the range, whatever else is wrong with it.
    if chmod.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) {
        return Err(not_octal());
    }
    let is_clause = |clause: &str| {
        let mut rest = clause.trim_start_matches(['u', 'g', 'o', 'a']);
        let mut has_operator = false;
        while let Some(after) = rest.strip_prefix(['+', '-', '=']) {
            has_operator = true;
            rest = after.trim_start_matches(['r', 'w', 'x', 'X', 's', 't', 'u', 'g', 'o']);
        }
        has_operator && rest.is_empty()
    };
    if chmod.split(',').all(is_clause) { Ok(()) } else { Err("invalid syntax".into()) }
}

/// Checks the `--checksum` of a file of the web: `sha256:…`.
///
/// # Errors
/// The problem, in the words of the digest package.
pub fn check_digest(text: &str) -> Result<(), String> {
    const FORMAT: &str = "invalid checksum digest format";
    let (algorithm, hex) = text.split_once(':').filter(|(_, hex)| !hex.is_empty()).ok_or(FORMAT)?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => {
            let is_part = |part: &str| {
                !part.is_empty()
                    && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            };
            let is_digest = algorithm.split(['.', '+', '_', '-']).all(is_part)
                && hex.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'_' | b'-'));
            return Err(if is_digest { "unsupported digest algorithm" } else { FORMAT }.into());
        }
    };
    if hex.len() != length {
        return Err("invalid checksum digest length".into());
    }
    if !hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(FORMAT.into());
    }
    Ok(())
}

/// Whether `STOPSIGNAL` takes `text`: any number but zero, or a name of Linux.
#[must_use]
pub fn is_signal(text: &str) -> bool {
    const NAMES: [&str; 37] = [
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL",
        "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP",
        "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX", "UNUSED",
    ];
    if let Ok(number) = text.parse::<i64>() {
        return number != 0;
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let is_real_time = |prefix: &str, sign: char, most: u32| {
        let offset = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(sign));
        offset.and_then(|digits| digits.parse::<u32>().ok()).is_some_and(|n| (1..=most).contains(&n))
    };
    NAMES.contains(&name) || is_real_time("RTMIN", '+', 15) || is_real_time("RTMAX", '-', 14)
}

/// One word of `EXPOSE`, cut: `[ address ":" ] [ host ":" ] port [ "/" protocol ]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSpec<'a> {
    /// The address, with the brackets of IPv6.
    pub address: &'a str,
    /// The port or ports of the host.
    pub host: &'a str,
    /// The port or ports of the container.
    pub container: &'a str,
    /// The protocol as written; empty where there is none.
    pub protocol: &'a str,
}

impl<'a> PortSpec<'a> {
    /// Cuts a word.
    ///
    /// # Errors
    /// Where it has no port or an unknown protocol, in BuildKit's words.
    pub fn read(text: &'a str) -> Result<Self, String> {
        let (front, last) = text.rsplit_once(':').unwrap_or(("", text));
        let (address, host) = front.rsplit_once(':').unwrap_or(("", front));
        let (container, protocol) = last.split_once('/').unwrap_or((last, ""));
        let invalid = |cause: String| Err(format!("invalid port: {}: {cause}", go_quote(text)));
        if container.is_empty() {
            return invalid("no port specified".into());
        }
        if !matches!(protocol.to_lowercase().as_str(), "" | "tcp" | "udp" | "sctp") {
            return invalid(format!("invalid proto: {protocol}"));
        }
        Ok(Self { address, host, container, protocol })
    }

    /// The container's ports with their protocol: `80/tcp`.
    ///
    /// # Errors
    /// An address or a port that is none, in BuildKit's words.
    pub fn ports(&self) -> Result<Vec<String>, String> {
        let address = match self.address.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').unwrap_or(rest),
            None => self.address,
        };
        if !address.is_empty() && address.parse::<std::net::IpAddr>().is_err() {
            return Err(format!("invalid IP address: {address}"));
        }
        let (first, last) =
            port_range(self.container).ok_or_else(|| format!("invalid containerPort: {}", self.container))?;
        if !self.host.is_empty() {
            let (host_first, host_last) =
                port_range(self.host).ok_or_else(|| format!("invalid hostPort: {}", self.host))?;
            // A single port may be mapped to any of several.
            if last - first != host_last - host_first && first != last {
                return Err(format!(
                    "invalid ranges specified for container and host Ports: {} and {}",
                    self.container, self.host
                ));
            }
        }
        let protocol = if self.protocol.is_empty() { "tcp".to_owned() } else { self.protocol.to_lowercase() };
        Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
    }
}

fn port_range(text: &str) -> Option<(u16, u16)> {
    let number = |digits: &str| {
        let digits = digits.strip_prefix('+').unwrap_or(digits);
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u16>().ok())?
    };
    match text.split_once('-') {
        Some((first, last)) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some((first, last))
        }
        None => number(text).map(|port| (port, port)),
    }
}

/// What a source of COPY or ADD is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A path.
    Local,
    /// A file of the web.
    Http,
    /// A git repository.
    Git,
}

impl SourceKind {
    /// Tells what `source` is. A repository is an address of scheme `git` or
    /// `ssh`, one of the web whose path ends with `.git`, or `user@host:path`.
    ///
    /// # Errors
    /// A repository with a query that git sources do not have, in BuildKit's words.
    pub fn of(source: &str) -> Result<Self, String> {
        let address = source.split('#').next().unwrap_or("");
        let (path, query) = match address.split_once('?') {
            Some((path, query)) => (path, query),
            None => (address, ""),
        };
        let is_http = source.starts_with("http://") || source.starts_with("https://");
        let is_git = match source.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => match scheme.to_ascii_lowercase().as_str() {
                "http" | "https" => {
                    path.ends_with(".git")
                        && path.split_once("://").is_some_and(|(_, rest)| rest.contains('/'))
                }
                "git" | "ssh" => true,
                _ => false,
            },
            _ => is_scp_style(path),
        };
        if is_git {
            check_git_query(query)?;
            return Ok(Self::Git);
        }
        Ok(if is_http { Self::Http } else { Self::Local })
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `user@host:path`.
fn is_scp_style(text: &str) -> bool {
    let Some((user, rest)) = text.split_once('@') else { return false };
    let Some((host, _)) = rest.split_once(':') else { return false };
    let is_name = |text: &str, more: [char; 2]| {
        !text.is_empty() && text.chars().all(|ch| ch.is_ascii_alphanumeric() || more.contains(&ch))
    };
    is_name(user, ['-', '_']) && is_name(host, ['-', '.'])
}

/// Checks the part behind the `?` of a repository's address.
fn check_git_query(query: &str) -> Result<(), String> {
    let mut seen: Vec<&str> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let quoted = go_quote(name);
        if seen.contains(&name) {
            return Err(format!("query {quoted} has multiple values"));
        }
        seen.push(name);
        match name {
            "submodules" | "keep-git-dir" if value.is_empty() || go_bool(value).is_some() => {}
            "submodules" | "keep-git-dir" => {
                return Err(format!("invalid {name} value: {}", go_quote(value)));
            }
            _ if value.is_empty() => return Err(format!("query {quoted} has no value")),
            "ref" | "tag" | "branch" | "subdir" | "checksum" | "commit" => {}
            _ => return Err(format!("unexpected query {quoted}")),
        }
    }
    if seen.contains(&"branch") && seen.contains(&"tag") {
        return Err("branch conflicts with tag".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_and_digests() {
        for (chmod, is_fine) in [
            ("755", true),
            ("07777", true),
            ("10000", false),
            ("u+x,go=", true),
            ("abc", false),
            ("9", false),
        ] {
            assert_eq!(check_chmod(chmod).is_ok(), is_fine, "{chmod}");
        }
        assert_eq!(check_digest("md5:0"), Err("unsupported digest algorithm".into()));
        assert_eq!(check_digest("sha256:"), Err("invalid checksum digest format".into()));
        assert!(check_digest(&format!("sha256:{}", "0".repeat(64))).is_ok());
    }

    #[test]
    fn signals() {
        for (signal, is_fine) in
            [("9", true), ("0", false), ("-1", true), ("sigterm", true), ("RTMIN+3", true), ("nope", false)]
        {
            assert_eq!(is_signal(signal), is_fine, "{signal}");
        }
    }

    #[test]
    fn ports() {
        let ports = |text| PortSpec::read(text).and_then(|spec| spec.ports());
        assert_eq!(ports("8000-8001/udp"), Ok(vec!["8000/udp".into(), "8001/udp".into()]));
        assert_eq!(ports("[::1]:80:90/TCP"), Ok(vec!["90/tcp".into()]));
        assert_eq!(ports("80a"), Err("invalid containerPort: 80a".into()));
        assert_eq!(ports("x:80:80"), Err("invalid IP address: x".into()));
        assert_eq!(ports("/udp"), Err("invalid port: \"/udp\": no port specified".into()));
    }

    #[test]
    fn sources() {
        for (source, kind) in [
            ("a/b.git", SourceKind::Local),
            ("github.com/a/b.git", SourceKind::Local),
            ("https://example.com/a.tar", SourceKind::Http),
            ("https://example.com/a.git#main:sub", SourceKind::Git),
            ("git@example.com:a/b", SourceKind::Git),
            ("ftp://example.com/a", SourceKind::Local),
        ] {
            assert_eq!(SourceKind::of(source), Ok(kind), "{source}");
        }
        assert_eq!(SourceKind::of("https://a/b.git?x=1"), Err("unexpected query \"x\"".into()));
    }
}
