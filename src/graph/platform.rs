//! Platforms as people write them: `linux/arm/v7`, `arm64`, `aarch64`.
//!
//! The rules are those of [containerd/platforms](https://github.com/containerd/platforms).

use crate::oci::Platform;
use crate::text::go_quote;

/// Reads a platform.
///
/// # Errors
/// The problem, in containerd's words.
pub fn parse(text: &str) -> Result<Platform, String> {
    let parts: Vec<&str> = text.split('/').collect();
    for part in &parts {
        let is_component = !part.is_empty()
            && part.chars().all(|ch| ch.is_ascii_alphanumeric() || matches!(ch, '_' | '.' | '-' | '(' | ')'));
        if !is_component {
            return Err(format!(
                "{} is an invalid component of {}: platform specifier component must match {}: invalid argument",
                go_quote(part),
                go_quote(text),
                go_quote("^[A-Za-z0-9_.-]+$"),
            ));
        }
    }
    match parts.as_slice() {
        [one] => {
            let os = normal_os(one);
            if matches!(os.as_str(), "linux" | "windows" | "darwin" | "freebsd") {
                return Ok(Platform { os, ..Platform::linux_amd64() });
            }
            let (architecture, variant) = normal_arch(one, "");
            let known = [
                "amd64", "arm64", "arm", "386", "ppc64le", "ppc64", "s390x", "riscv64", "mips64le", "mips64",
                "mips", "mipsle", "loong64", "wasm",
            ];
            if known.contains(&architecture.as_str()) {
                return Ok(Platform { architecture, os: "linux".into(), variant, os_version: None });
            }
            Err(format!("{}: unknown operating system or architecture: invalid argument", go_quote(text)))
        }
        [os, arch] => {
            let (architecture, variant) = normal_arch(arch, "");
            Ok(Platform { architecture, os: normal_os(os), variant, os_version: None })
        }
        [os, arch, variant] => {
            let (architecture, variant) = normal_arch(arch, variant);
            Ok(Platform { architecture, os: normal_os(os), variant, os_version: None })
        }
        _ => Err(format!("{}: cannot parse platform specifier: invalid argument", go_quote(text))),
    }
}

fn normal_os(os: &str) -> String {
    let os = os.to_lowercase();
    if os == "macos" { "darwin".into() } else { os }
}

fn normal_arch(arch: &str, variant: &str) -> (String, Option<String>) {
    let (arch, variant) = (arch.to_lowercase(), variant.to_lowercase());
    let (arch, variant) = match (arch.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
        ("aarch64", variant) => ("arm64", variant),
        ("armhf", _) => ("arm", "v7"),
        ("armel", _) => ("arm", "v6"),
        ("arm", "" | "7") => ("arm", "v7"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "6") => ("arm", "v6"),
        ("arm", "8") => ("arm", "v8"),
        (arch, variant) => (arch, variant),
    };
    (arch.to_owned(), Some(variant.to_owned()).filter(|variant| !variant.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let shown = |text| parse(text).map(|platform| platform.to_string());
        assert_eq!(shown("arm64"), Ok("linux/arm64".into()));
        assert_eq!(shown("linux/arm"), Ok("linux/arm/v7".into()));
        assert_eq!(shown("Linux/aarch64/v8"), Ok("linux/arm64".into()));
        assert!(parse("a/b/c/d").is_err() && parse("linux/").is_err());
    }
}
