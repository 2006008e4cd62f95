//! Flags of instructions, and the values that can be named.

use super::{Doc, doc};

const MOUNT: Doc = doc(
    "files that are there for this command only",
    "Puts files of the context, a stage or an image, a cache, memory, a secret or an SSH agent into the file system of this one \
     command. None of it ends up in the layer. What a bind mount shows counts for the cache like the sources of COPY; \
     what is in a cache or a secret never counts.",
    "run---mount",
);
const NETWORK: Doc = doc(
    "the network of this command",
    "`none` cuts the command off, `host` gives it the network of the builder's machine, which a builder has \
     to be allowed. It is part of the step's key.",
    "run---network",
);
const SECURITY: Doc = doc(
    "run with or without the sandbox",
    "`insecure` runs the command with all privileges, which a builder has to be allowed; `sandbox` is the \
     default. It is part of the step's key.",
    "run---security",
);
const DEVICE: Doc = doc(
    "devices of the builder's machine",
    "Gives the command a device by its CDI name, such as a GPU: `vendor.com/class=name`. The builder has to know the device \
     and to be allowed to hand it out; older front ends refuse the flag.",
    "run---device",
);
const PLATFORM: Doc = doc(
    "the platform of the base",
    "Which platform's image is taken where the base has several; without it the target platform's. \
     `$BUILDPLATFORM` keeps a stage on the builder's own platform, so that a compiler runs without emulation \
     and crosses to `$TARGETPLATFORM`.",
    "from",
);
const COPY_FROM: Doc = doc(
    "copy from a stage, an image or a named context",
    "Takes the files from an earlier stage, by name or number, from an image or from a named context. Paths \
     begin at the root there. Only the bytes that are copied count: if the stage reruns and writes the same, \
     the copy stays cached. Variables are not allowed.",
    "copy---from",
);
const CHOWN: Doc = doc(
    "owner of the copied files",
    "User and group of the files, as names or numbers; without it both are 0. Names are looked up in the \
     image's `/etc/passwd` and `/etc/group`, so with `--link` only numbers work. It is part of the step's key.",
    "copy---chown",
);
const CHMOD: Doc = doc(
    "permission bits of the copied files",
    "Permissions of the files, in octal (`755`) or as `chmod` writes them (`u=rwX,go=rX`). Setting them here \
     saves a RUN that would store every file a second time. It is part of the step's key.",
    "copy---chmod",
);
const LINK: Doc = doc(
    "a layer that does not depend on those below",
    "Copies into an empty folder that is laid over the image as a layer of its own. The step does not \
     depend on the layers below: it stays cached when they change. Symbolic links in the \
     destination's path are therefore not followed.",
    "copy---link",
);
const PARENTS: Doc = doc(
    "keep the folders of the sources",
    "Keeps the source's parent folders in the destination: `a/b.txt` becomes `dest/a/b.txt`. A `/./` in the \
     source says from where on they are kept.",
    "copy---parents",
);
const EXCLUDE: Doc = doc(
    "leave out what matches",
    "Leaves out the files that match a pattern; it can be given several times. What is left out does not count for the \
     cache.",
    "copy---exclude",
);
const KEEP_GIT_DIR: Doc = doc(
    "keep the folder `.git`",
    "Keeps the `.git` folder of a repository that is added by its address. Without it only the checked-out \
     files are there.",
    "add---keep-git-dir",
);
const CHECKSUM: Doc = doc(
    "what is fetched must have this digest",
    "Refuses a download whose bytes differ: `sha256:…` for a file of the web, a commit for a git repository. \
     It makes what an address gives as fixed as a file of the context.",
    "add---checksum",
);
const UNPACK: Doc = doc(
    "unpack archives, or do not",
    "Says whether tar archives are unpacked, compressed ones included. Without it those of the context are and those that \
     are downloaded are not.",
    "add---unpack",
);
const INTERVAL: Doc = doc(
    "time between two checks",
    "How long after one check the next one starts, such as `30s`, which is the default. At least 1ms.",
    "healthcheck",
);
const TIMEOUT: Doc = doc(
    "how long one check may take",
    "A check that takes longer counts as failed. The default is `30s`.",
    "healthcheck",
);
const START_PERIOD: Doc = doc(
    "time to start up",
    "Failures within this time do not count, until a check has succeeded. The default is `0s`.",
    "healthcheck",
);
const START_INTERVAL: Doc = doc(
    "time between checks during the start",
    "How long after one check the next one starts during `--start-period`. The default is `5s`; it takes Docker Engine 25 \
     or later.",
    "healthcheck",
);
const RETRIES: Doc = doc(
    "failures in a row until unhealthy",
    "How many checks in a row have to fail before the container counts as unhealthy. The default is 3.",
    "healthcheck",
);

/// The text for a flag of an instruction, by the keyword in upper case and the name without dashes.
pub(in crate::assist) fn flag(keyword: &str, name: &str) -> Option<&'static Doc> {
    Some(match (keyword, name) {
        ("RUN", "mount") => &MOUNT,
        ("RUN", "network") => &NETWORK,
        ("RUN", "security") => &SECURITY,
        ("RUN", "device") => &DEVICE,
        ("FROM", "platform") => &PLATFORM,
        ("COPY", "from") => &COPY_FROM,
        ("COPY" | "ADD", "chown") => &CHOWN,
        ("COPY" | "ADD", "chmod") => &CHMOD,
        ("COPY" | "ADD", "link") => &LINK,
        ("COPY", "parents") => &PARENTS,
        ("COPY" | "ADD", "exclude") => &EXCLUDE,
        ("ADD", "keep-git-dir") => &KEEP_GIT_DIR,
        ("ADD", "checksum") => &CHECKSUM,
        ("ADD", "unpack") => &UNPACK,
        ("HEALTHCHECK", "interval") => &INTERVAL,
        ("HEALTHCHECK", "timeout") => &TIMEOUT,
        ("HEALTHCHECK", "start-period") => &START_PERIOD,
        ("HEALTHCHECK", "start-interval") => &START_INTERVAL,
        ("HEALTHCHECK", "retries") => &RETRIES,
        _ => return None,
    })
}

/// Values worth offering for a flag, each with what it means.
pub(in crate::assist) fn flag_values(name: &str) -> &'static [(&'static str, &'static str)] {
    match name {
        "network" => &[
            ("default", "the builder's network"),
            ("none", "no network"),
            ("host", "the network of the builder's machine"),
        ],
        "security" => &[("sandbox", "the default"), ("insecure", "all privileges")],
        "platform" => &[
            ("$BUILDPLATFORM", "the builder's own platform"),
            ("$TARGETPLATFORM", "the platform that is built for"),
            ("linux/amd64", "64-bit x86"),
            ("linux/arm64", "64-bit Arm"),
            ("linux/arm/v7", "32-bit Arm, version 7"),
            ("linux/arm/v6", "32-bit Arm, version 6"),
            ("linux/386", "32-bit x86"),
            ("linux/ppc64le", "POWER"),
            ("linux/riscv64", "RISC-V"),
            ("linux/s390x", "IBM Z"),
            ("windows/amd64", "Windows"),
        ],
        "chmod" => &[
            ("644", "files that all can read"),
            ("755", "programs that all can run"),
            ("600", "files for the owner only"),
            ("700", "programs for the owner only"),
            ("+x", "as it is, and all can run it"),
            ("u=rwX,go=rX", "755 for folders and programs, 644 for files"),
        ],
        "chown" => &[("root:root", "the default"), ("1000:1000", "by numbers")],
        "checksum" => &[("sha256:", "of a file of the web")],
        "link" | "parents" | "keep-git-dir" | "unpack" => &[("true", ""), ("false", "")],
        "interval" => &[("30s", "the default"), ("10s", ""), ("1m", ""), ("5m", "")],
        "timeout" => &[("30s", "the default"), ("3s", ""), ("10s", "")],
        "start-period" => &[("0s", "the default"), ("10s", ""), ("30s", ""), ("1m", "")],
        "start-interval" => &[("5s", "the default"), ("1s", ""), ("2s", "")],
        "retries" => &[("3", "the default"), ("1", ""), ("5", "")],
        _ => &[],
    }
}
