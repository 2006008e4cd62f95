//! Arguments that a builder knows by name.

use super::{Doc, doc};

/// Set by BuildKit in the global scope; a stage declares them to use them.
pub(in crate::assist) const PLATFORM_NAMES: [&str; 11] = [
    "TARGETPLATFORM",
    "TARGETARCH",
    "TARGETOS",
    "TARGETVARIANT",
    "TARGETOSVERSION",
    "TARGETSTAGE",
    "BUILDPLATFORM",
    "BUILDARCH",
    "BUILDOS",
    "BUILDVARIANT",
    "BUILDOSVERSION",
];

/// Handed to every RUN where they are given, declared or not.
pub(in crate::assist) const PROXY_NAMES: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Read by BuildKit itself.
pub(in crate::assist) const BUILT_IN: [&str; 7] = [
    "SOURCE_DATE_EPOCH",
    "BUILDKIT_SYNTAX",
    "BUILDKIT_SANDBOX_HOSTNAME",
    "BUILDKIT_MULTI_PLATFORM",
    "BUILDKIT_CACHE_MOUNT_NS",
    "BUILDKIT_CONTEXT_KEEP_GIT_DIR",
    "BUILDKIT_INLINE_CACHE",
];

const PLATFORM: &str = "automatic-platform-args-in-the-global-scope";

const TARGET: Doc = doc(
    "the platform that is built for",
    "Set by BuildKit from `--platform`, the builder's own platform without it. FROM lines can use it as it is; a stage has to declare \
     it by an ARG without a value. RUN steps below that ARG are kept apart for each platform.",
    PLATFORM,
);
const BUILD: Doc = doc(
    "the platform of the builder",
    "Set by BuildKit to where the build runs. FROM lines can use it as it is; a stage has to declare it by an ARG without a \
     value. `FROM --platform=$BUILDPLATFORM` runs a stage without emulation.",
    PLATFORM,
);
const STAGE: Doc = doc(
    "the stage that is built",
    "Set by BuildKit to the name of the target stage, `default` if it has none. A stage has to declare it by an ARG \
     without a value, and then reruns for each target.",
    PLATFORM,
);
const PROXY: Doc = doc(
    "a proxy for RUN steps",
    "Handed to every RUN where `--build-arg` gives it, without an ARG. It then counts neither for the cache nor \
     in the image's history; declared by an ARG it does both.",
    "predefined-args",
);
const EPOCH: Doc = doc(
    "the time of what is built",
    "Seconds since 1970 that BuildKit writes as the time of the image and its history, for builds that give the same bytes \
     every time.",
    "buildkit-built-in-build-args",
);
const OTHER: Doc = doc(
    "an option of BuildKit",
    "Read by BuildKit itself where `--build-arg` gives it; the file does not have to declare it.",
    "buildkit-built-in-build-args",
);

/// The text for a name that a builder knows.
pub(in crate::assist) fn predefined(name: &str) -> Option<&'static Doc> {
    Some(match name {
        "TARGETSTAGE" => &STAGE,
        "SOURCE_DATE_EPOCH" => &EPOCH,
        _ if PLATFORM_NAMES.contains(&name) && name.starts_with("TARGET") => &TARGET,
        _ if PLATFORM_NAMES.contains(&name) => &BUILD,
        _ if PROXY_NAMES.contains(&name) => &PROXY,
        _ if BUILT_IN.contains(&name) => &OTHER,
        _ => return None,
    })
}
