//! `RUN --mount`: its types, and the keys of each.

use super::{Doc, doc};
use crate::dockerfile::mount::MountKind;
use MountKind::{Bind, Cache, Secret, Ssh, Tmpfs};

const BIND: Doc = doc(
    "files of the context, a stage or an image",
    "Shows files without copying them; they are read-only unless `rw` is given, and what is written is dropped. What they \
     hold counts for the cache like the sources of COPY. It is the type where none is named.",
    "run---mounttypebind",
);
const CACHE: Doc = doc(
    "a folder that outlives the build",
    "A folder that the builder keeps from build to build, for package managers and compilers. What is in it never \
     counts for the cache and is not part of the image. It may be empty at any time, so the command has to work \
     without it.",
    "run---mounttypecache",
);
const TMPFS: Doc = doc(
    "memory",
    "An empty folder in memory that is gone after the command, for files that are to be in no layer.",
    "run---mounttypetmpfs",
);
const SECRET: Doc = doc(
    "a secret of the client",
    "A secret given by `docker build --secret`, as a file below `/run/secrets` or as a variable. It is in no layer \
     and in no history, and its value does not count for the cache: a new one reruns nothing.",
    "run---mounttypesecret",
);
const SSH: Doc = doc(
    "the client's SSH agent",
    "The socket of an SSH agent that `docker build --ssh` forwards, so that the command can use keys without \
     having them.",
    "run---mounttypessh",
);

/// The text for a type of mount.
pub(in crate::assist) fn mount_type(name: &str) -> Option<&'static Doc> {
    Some(match name {
        "bind" => &BIND,
        "cache" => &CACHE,
        "tmpfs" => &TMPFS,
        "secret" => &SECRET,
        "ssh" => &SSH,
        _ => return None,
    })
}

/// The types of mounts, those that are used most first.
pub(in crate::assist) fn mount_types() -> [(&'static str, &'static Doc); 5] {
    [("cache", &CACHE), ("bind", &BIND), ("secret", &SECRET), ("ssh", &SSH), ("tmpfs", &TMPFS)]
}

/// A key of a mount, and the types that have it.
pub(in crate::assist) struct MountKey {
    /// As one writes it.
    pub(in crate::assist) name: &'static str,
    /// It needs no value.
    pub(in crate::assist) is_bare: bool,
    /// The types that have it.
    pub(in crate::assist) kinds: &'static [MountKind],
    doc: Doc,
}

const fn key(
    name: &'static str,
    is_bare: bool,
    kinds: &'static [MountKind],
    summary: &'static str,
    body: &'static str,
) -> MountKey {
    MountKey { name, is_bare, kinds, doc: doc(summary, body, "run---mount") }
}

/// All keys, without their other names.
pub(in crate::assist) const MOUNT_KEYS: [MountKey; 13] = [
    key(
        "target",
        false,
        &[Bind, Cache, Tmpfs, Secret, Ssh],
        "where it is mounted",
        "The path at which the command finds it; a relative one begins at WORKDIR. `dst` and `destination` say the same. A secret \
         without it is at `/run/secrets/` and its id.",
    ),
    key(
        "source",
        false,
        &[Bind, Cache, Secret],
        "what is mounted",
        "The path in the context, or in what `from` names; its root if left out. For a secret it is another name of \
         `id`. `src` says the same.",
    ),
    key(
        "from",
        false,
        &[Bind, Cache],
        "a stage, an image or a named context",
        "Where the files come from, by name: an earlier stage, an image or a named context. A bind mount without it shows the build \
         context, a cache begins empty. Variables are not allowed.",
    ),
    key(
        "id",
        false,
        &[Cache, Secret, Ssh],
        "its name at the builder or client",
        "Names the cache that is kept, the secret of `--secret id=…` or the agent of `--ssh`. A cache without it is \
         named by its target, a secret by the last part of it, an agent `default`.",
    ),
    key(
        "sharing",
        false,
        &[Cache],
        "whether several steps may use it at once",
        "`shared` lets all write at the same time, `private` gives each a cache of its own while others \
         use it, `locked` makes them wait. apt and dpkg need `locked`.",
    ),
    key(
        "readonly",
        true,
        &[Bind, Cache, Tmpfs],
        "nothing can be written",
        "Makes the mount read-only, which a bind mount is anyway. `ro` says the same.",
    ),
    key(
        "rw",
        true,
        &[Bind, Cache, Tmpfs],
        "files can be written",
        "Lets the command write to the mount, which a cache and memory allow anyway. What is written to a bind mount is dropped \
         after the command. `readwrite` says the same.",
    ),
    key(
        "required",
        true,
        &[Secret, Ssh],
        "fail where it is not given",
        "Makes the step fail if the client gives no such secret or agent; without it the mount is just not there.",
    ),
    key(
        "env",
        false,
        &[Secret],
        "a variable that holds the secret",
        "Gives the secret to the command as a variable. There is no file then, unless `target` names one.",
    ),
    key(
        "mode",
        false,
        &[Cache, Secret, Ssh],
        "permission bits, in octal",
        "Permissions of a new cache folder (`0755` if left out), of the secret's file (`0400`) or of the socket (`0600`).",
    ),
    key(
        "uid",
        false,
        &[Cache, Secret, Ssh],
        "owner, as a number",
        "The user that a new cache folder, the secret's file or the socket belongs to; 0 if left out. A step that \
         runs as another USER needs it to write to a cache.",
    ),
    key(
        "gid",
        false,
        &[Cache, Secret, Ssh],
        "group, as a number",
        "The group that a new cache folder, the secret's file or the socket belongs to; 0 if left out.",
    ),
    key("size", false, &[Tmpfs], "upper limit", "How much the mount may hold at most, such as `64m`."),
];

/// The text for a key of a mount, by any of its names; `kind` as far as it is known.
pub(in crate::assist) fn mount_key(name: &str, kind: &str) -> Option<&'static Doc> {
    const KEYS: &[MountKey] = &MOUNT_KEYS;
    let name = match name {
        "src" => "source",
        "dst" | "destination" => "target",
        "ro" => "readonly",
        "readwrite" => "rw",
        _ => name,
    };
    let found = KEYS.iter().find(|key| key.name == name)?;
    let fits = mount_type(kind).is_none() || found.kinds.iter().any(|known| known.name() == kind);
    fits.then_some(&found.doc)
}
