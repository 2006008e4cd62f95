//! Instructions and parser directives.

use super::{Doc, doc};

/// How each instruction is written, where that is more than a word and its argument.
pub(in crate::assist) const FORMS: [(&str, &str); 18] = [
    ("ADD", "ADD [--flags] source… destination"),
    ("ARG", "ARG name[=default]…"),
    ("CMD", "CMD [\"program\", \"argument\"…]"),
    ("COPY", "COPY [--flags] source… destination"),
    ("ENTRYPOINT", "ENTRYPOINT [\"program\", \"argument\"…]"),
    ("ENV", "ENV name=value…"),
    ("EXPOSE", "EXPOSE port[/protocol]…"),
    ("FROM", "FROM [--platform=…] image|stage|scratch [AS name]"),
    ("HEALTHCHECK", "HEALTHCHECK [--flags] CMD command, or NONE"),
    ("LABEL", "LABEL name=value…"),
    ("MAINTAINER", "MAINTAINER name"),
    ("ONBUILD", "ONBUILD instruction"),
    ("RUN", "RUN [--flags] command"),
    ("SHELL", "SHELL [\"program\", \"argument\"…]"),
    ("STOPSIGNAL", "STOPSIGNAL signal"),
    ("USER", "USER name|id[:group]"),
    ("VOLUME", "VOLUME path…"),
    ("WORKDIR", "WORKDIR path"),
];

const ADD: Doc = doc(
    "copy files, fetch addresses, unpack archives",
    "Copies files like COPY, and takes more: a local tar archive is unpacked, an address of the web is \
     downloaded, and a git repository is checked out. Names, bytes, owners and permission bits of what is \
     added count for the cache, times do not. Where nothing has to be fetched or unpacked, COPY says more \
     plainly what happens.",
    "add",
);
const ARG: Doc = doc(
    "a variable of the build",
    "Declares a variable that `--build-arg` can set. It holds from its line to the end of the stage and in \
     stages built on that; one above the first FROM holds in FROM lines only, until a stage declares it \
     again. Every later RUN of the stage has it in its environment, so another value reruns these. It is \
     not part of the image's environment but can be read from its history, so it is no place for a secret.",
    "arg",
);
const CMD: Doc = doc(
    "what a container runs by default",
    "The default command of a container, or the default arguments of its ENTRYPOINT. Only the last one of \
     an image counts. It is stored in the image's configuration: it makes no layer, and changing it reruns \
     no step.",
    "cmd",
);
const COPY: Doc = doc(
    "copy files into the image",
    "Copies files of the build context, or with `--from` of a stage, an image or a named context, into a \
     layer of its own. Names, bytes, owners and permission bits of the files that match count for the \
     cache, times do not. Copying what changes seldom before what changes often keeps the steps in between \
     cached.",
    "copy",
);
const ENTRYPOINT: Doc = doc(
    "the program of a container",
    "The program that a container always starts; CMD and the arguments of `docker run` are handed to it. \
     The exec form starts it directly, so that it gets signals; in the shell form a shell stands in between \
     and CMD is ignored. It makes no layer, and changing it reruns no step.",
    "entrypoint",
);
const ENV: Doc = doc(
    "a variable of the image",
    "Sets variables for the rest of the stage, for stages built on it and for every container of the image. \
     They make no layer, but each later RUN has all of them in its environment: changing one reruns every \
     RUN below it, whether it reads it or not. Other instructions rerun only if their words use it and come \
     out different.",
    "env",
);
const EXPOSE: Doc = doc(
    "ports the program listens on",
    "Notes which ports a container listens on, TCP unless another protocol is named. It publishes nothing: \
     that is for `docker run -p` and `-P`. It makes no layer, and changing it reruns no step.",
    "expose",
);
const FROM: Doc = doc(
    "begin a stage on a base",
    "Begins a stage on an image, on an earlier stage or on nothing (`scratch`). An image counts for the cache by \
     its layers: a tag that moved to other layers reruns all steps of the stage. Stages that the target does \
     not need are not built.",
    "from",
);
const HEALTHCHECK: Doc = doc(
    "how to test that a container works",
    "A command that is run again and again inside the container; its exit code says whether the container is \
     healthy. `NONE` switches off the check of the base image. It makes no layer, and changing it reruns no \
     step.",
    "healthcheck",
);
const LABEL: Doc = doc(
    "metadata of the image",
    "Puts names and values into the image's configuration, where `docker inspect` and registries show them. \
     It makes no layer, and changing it reruns no step of BuildKit. In the classic builder the labels count \
     for the steps below.",
    "label",
);
const MAINTAINER: Doc = doc(
    "the author, in the old way",
    "Names the image's author. It is deprecated: the label `org.opencontainers.image.authors` says the same, \
     and tools read it.",
    "maintainer-deprecated",
);
const ONBUILD: Doc = doc(
    "an instruction for builds on top of this one",
    "Stores an instruction in the image. A build whose FROM names the image runs it right below that FROM, \
     with its own context and arguments; images built on top of that no longer do. Here it makes no layer.",
    "onbuild",
);
const RUN: Doc = doc(
    "run a command and keep what it changed",
    "Runs a command on the files so far, and keeps what it changed as a layer. It is taken from the cache if \
     its text, its environment (ENV and declared ARGs), directory, user, mounts and the files below are as \
     before. What it would fetch never counts: an unchanged `apt-get update` keeps its old answer.",
    "run",
);
const SHELL: Doc = doc(
    "the shell of the shell form",
    "Sets the program that runs the shell form of RUN, CMD, ENTRYPOINT and HEALTHCHECK from here on, `/bin/sh -c` \
     unless the base says otherwise. It is part of each command that it runs, so changing it reruns every RUN \
     in shell form below.",
    "shell",
);
const STOPSIGNAL: Doc = doc(
    "the signal that stops a container",
    "The signal that `docker stop` sends first, as a name or a number; `SIGTERM` unless it is set. It makes no \
     layer, and changing it reruns no step.",
    "stopsignal",
);
const USER: Doc = doc(
    "who runs what follows",
    "The user, and the group behind a colon, of later RUN steps and of the container. It makes no layer, but \
     counts for each RUN below. COPY and ADD do not look at it: their files belong to root unless `--chown` \
     says otherwise.",
    "user",
);
const VOLUME: Doc = doc(
    "folders kept outside of the container's layer",
    "Marks folders that get a volume of their own when a container starts, filled with what the image has \
     there. It makes no layer, and changing it reruns no step. Later steps of the build can still change such \
     a folder; the classic builder drops these changes.",
    "volume",
);
const WORKDIR: Doc = doc(
    "the folder of what follows",
    "The folder in which later RUN, CMD, ENTRYPOINT, COPY and ADD work, and where a container starts. A relative path \
     goes on from the one before. The folder is made if it is missing, as a step with a layer, and it counts \
     for each RUN below.",
    "workdir",
);

/// The text for an instruction, by its keyword in upper case.
pub(in crate::assist) fn instruction(keyword: &str) -> Option<&'static Doc> {
    Some(match keyword {
        "ADD" => &ADD,
        "ARG" => &ARG,
        "CMD" => &CMD,
        "COPY" => &COPY,
        "ENTRYPOINT" => &ENTRYPOINT,
        "ENV" => &ENV,
        "EXPOSE" => &EXPOSE,
        "FROM" => &FROM,
        "HEALTHCHECK" => &HEALTHCHECK,
        "LABEL" => &LABEL,
        "MAINTAINER" => &MAINTAINER,
        "ONBUILD" => &ONBUILD,
        "RUN" => &RUN,
        "SHELL" => &SHELL,
        "STOPSIGNAL" => &STOPSIGNAL,
        "USER" => &USER,
        "VOLUME" => &VOLUME,
        "WORKDIR" => &WORKDIR,
        _ => return None,
    })
}

const SYNTAX: Doc = doc(
    "the front end that reads this file",
    "Names the image of the front end that reads this file, in place of the builder's own. `docker/dockerfile:1` \
     follows the newest release of version 1, so that new syntax works with an older builder. It has to stand \
     at the very top.",
    "syntax",
);
const ESCAPE: Doc = doc(
    "the character that continues lines",
    "Sets the character that continues a line and escapes within words: a backslash, which is the default, or a \
     backtick, which leaves Windows paths readable. It has to stand above the first instruction.",
    "escape",
);
const CHECK: Doc = doc(
    "options of the build checks",
    "`skip=` switches rules off, `experimental=` switches experimental ones on, and `error=true` makes a \
     build with warnings fail. Options are separated by `;`, names of rules by commas.",
    "check",
);

/// The text for a parser directive, by its name in lower case.
pub(in crate::assist) fn directive(name: &str) -> Option<&'static Doc> {
    Some(match name {
        "syntax" => &SYNTAX,
        "escape" => &ESCAPE,
        "check" => &CHECK,
        _ => return None,
    })
}
