//! Completion, place by place.

use std::collections::BTreeMap;

use super::super::testing::{cursor, known};
use super::*;

#[track_caller]
fn complete(marked: &str, known: &Known<'_>) -> (String, Completions) {
    let (text, offset) = cursor(marked);
    let found = completions(&text, &Dockerfile::read(&text), offset, known);
    assert!(found.items.is_empty() || found.replace.start() <= offset && offset <= found.replace.end());
    assert!(found.items.iter().all(|item| item.insert.is_char_boundary(item.caret)));
    (text, found)
}

/// The labels that are offered, the first `expected.len()` of them where there are more.
#[track_caller]
fn check(marked: &str, expected: &[&str]) {
    let (_, found) = complete(marked, &known());
    let labels: Vec<&str> = found.items.iter().map(|item| item.label.as_str()).collect();
    let shown =
        if expected.is_empty() { labels.as_slice() } else { labels.get(..expected.len()).unwrap_or(&labels) };
    assert_eq!(shown, expected, "{marked}");
}

/// These labels, and no others.
#[track_caller]
fn exactly(marked: &str, expected: &[&str]) {
    exactly_with(marked, &known(), expected);
}

#[track_caller]
fn exactly_with(marked: &str, known: &Known<'_>, expected: &[&str]) {
    let (_, found) = complete(marked, known);
    let labels: Vec<&str> = found.items.iter().map(|item| item.label.as_str()).collect();
    assert_eq!(labels, expected, "{marked}");
}

/// The text once the first item is taken, with a `|` where the cursor goes.
#[track_caller]
fn taken(marked: &str, known: &Known<'_>, expected: &str) {
    let (mut text, found) = complete(marked, known);
    let item = &found.items[0];
    let mut insert = item.insert.clone();
    insert.insert(item.caret, '|');
    text.replace_range(found.replace.start()..found.replace.end(), &insert);
    assert_eq!(text, expected, "{marked}");
}

#[test]
fn keywords() {
    exactly("|", &["FROM", "ARG", "# syntax=", "# check=", "# escape="]);
    exactly("# syntax=a\n|\nFROM x\n", &["FROM", "ARG", "# check=", "# escape="]);
    check("FROM x\n|", &["RUN", "COPY", "ARG", "ENV"]);
    check("FROM x\n|\nRUN a\n", &["RUN", "COPY"]);
    exactly("FROM x\nwork|", &["WORKDIR"]);
    exactly("from x\nWORK|", &["workdir"]);
    exactly("fr|", &["from"]);
    exactly("FR|", &["FROM"]);
    exactly("FROM x\nONBUILD fr|", &[]);
    exactly("FROM x\nONBUILD EN|", &["ENV", "ENTRYPOINT"]);
    exactly("FROM x\nRUN a \\\n  EN|", &[]);
    taken("FROM x\nEX| 80\n", &known(), "FROM x\nEXPOSE| 80\n");
    taken("FROM x\nRU|\n", &known(), "FROM x\nRUN |\n");
    taken("FROM x\nC|OPI a b\n", &known(), "FROM x\nCOPY| a b\n");
}

#[test]
fn directives() {
    exactly("#|", &["syntax=", "check=", "escape="]);
    exactly("# es|\nFROM x\n", &["escape="]);
    taken("#s|\n", &known(), "# syntax=|\n");
    taken("#|\n", &known(), "# syntax=|\n");
    exactly("# hello\n# es|\nFROM x\n", &[]);
    exactly("# escape=|\nFROM x\n", &["`", "\\"]);
    check("# syntax=|\nFROM x\n", &["docker/dockerfile:1"]);
    exactly("# check=|\nFROM x\n", &["skip=", "error=true", "experimental="]);
    exactly(
        "# check=skip=From|\nFROM x\n",
        &["FromAsCasing", "FromPlatformFlagConstDisallowed", "UndefinedArgInFrom", "InvalidDefaultArgInFrom"],
    );
    exactly("# check=skip=JSONArgsRecommended,JSON|\nFROM x\n", &[]);
    exactly("# check=skip=all;error=|\nFROM x\n", &["true", "false"]);
    exactly("FROM x\n# check=skip=MaintainerD|\nMAINTAINER a\n", &["MaintainerDeprecated"]);
    exactly("FROM x\n# RUN |\n", &[]);
}

#[test]
fn flags() {
    exactly("FROM x\nCOPY --|", &["--chown=", "--from=", "--chmod=", "--link", "--parents", "--exclude="]);
    exactly("FROM x\nCOPY --link --l| a b\n", &[]);
    exactly("FROM x\nRUN --m|", &["--mount="]);
    exactly(
        "FROM x\nRUN --network=none --mount=type=tmpfs,target=/x --| a\n",
        &["--mount=", "--security=", "--device="],
    );
    exactly("FROM x\nRUN |", &["--mount=", "--network=", "--security=", "--device="]);
    exactly("FROM x\nRUN --network=none \\\n  |", &["--mount=", "--security=", "--device="]);
    exactly("FROM x\nRUN echo --|", &[]);
    exactly("FROM --|x\n", &["--platform="]);
    check("FROM x\nHEALTHCHECK |", &["CMD", "NONE", "--interval="]);
    exactly("FROM x\nHEALTHCHECK --interval=1s --st| CMD a\n", &["--start-period=", "--start-interval="]);
    exactly("FROM x\nONBUILD COPY --par|", &["--parents"]);
    exactly("FROM x\nUSER --|", &[]);
    taken("FROM x\nCOPY --f|=a b c\n", &known(), "FROM x\nCOPY --from=|a b c\n");
    taken("FROM x\nCOPY --chm|\n", &known(), "FROM x\nCOPY --chmod=|\n");
}

#[test]
fn values_of_flags() {
    exactly("FROM x\nRUN --network=|", &["default", "none", "host"]);
    exactly("FROM x\nRUN --security=in|", &["insecure"]);
    exactly("FROM x\nCOPY --link=|", &["true", "false"]);
    check("FROM --platform=|", &["$BUILDPLATFORM", "$TARGETPLATFORM", "linux/amd64"]);
    exactly("FROM --platform=linux/arm|64 x\n", &["linux/arm64", "linux/arm/v7", "linux/arm/v6"]);
    check("FROM --platform=$B|", &["$BUILDARCH", "$BUILDOS"]);
    exactly("FROM x\nADD --checksum=|", &["sha256:"]);
    exactly("FROM x\nUSER app\nCOPY --chown=|", &["root:root", "1000:1000", "app"]);
    check("FROM x\nHEALTHCHECK --retries=|", &["3"]);
    exactly("FROM x\nADD --from=|", &[]);
}

#[test]
fn mounts() {
    check(
        "FROM x\nRUN --mount=|",
        &["type=cache", "type=bind", "type=secret", "type=ssh", "type=tmpfs", "target="],
    );
    taken("FROM x\nRUN --mount=|\n", &known(), "FROM x\nRUN --mount=type=cache,target=|\n");
    exactly("FROM x\nRUN --mount=type=|", &["cache", "bind", "secret", "ssh", "tmpfs"]);
    exactly(
        "FROM x\nRUN --mount=type=cache,|",
        &["target=", "source=", "from=", "id=", "sharing=", "readonly", "rw", "mode=", "uid=", "gid="],
    );
    exactly("FROM x\nRUN --mount=type=tmpfs,dst=/x,ro,|", &["rw", "size="]);
    exactly(
        "FROM x\nRUN --mount=|,type=secret,id=a b\n",
        &["target=", "source=", "required", "env=", "mode=", "uid=", "gid="],
    );
    exactly("FROM x\nRUN --mount=type=ssh,re|", &["required"]);
    exactly("FROM x\nRUN --mount=sharing=lo|,type=cache,target=/x a\n", &["locked"]);
    taken(
        "FROM x\nRUN --mount=type=cache,sh|=shared,target=/a b\n",
        &known(),
        "FROM x\nRUN --mount=type=cache,sharing=|shared,target=/a b\n",
    );
    exactly("FROM x\nRUN --mount=type=secret,id=npm a\nRUN --mount=type=secret,id=|", &["npm"]);
    check("FROM x\nRUN --mount=type=cache,target=/root/.cache/go|", &["/root/.cache/go-build"]);
    exactly("FROM x AS a\nFROM y AS b\nRUN --mount=type=bind,from=| c\n", &["a", "x", "y"]);
    exactly("FROM x\nRUN --mount=type=cache,target=/x \\\n  --mount=type=s|", &["secret", "ssh"]);
}

#[test]
fn stages_and_images() {
    let file = "FROM golang AS Build\nFROM node\nFROM ";
    exactly(&format!("{file}|"), &["build", "golang", "node", "scratch", "--platform="]);
    exactly(&format!("{file}b|\nCOPY a b\nFROM y AS base\n"), &["build"]);
    exactly(&format!("{file}x |"), &["AS"]);
    exactly("from x a|", &["as"]);
    exactly(&format!("{file}x AS |"), &[]);
    exactly(&format!("{file}x\nCOPY --from=|"), &["1", "build", "golang", "node", "x"]);
    exactly("FROM x AS a\nFROM y\nCOPY --from=|\nFROM z AS later\n", &["a", "x", "y", "z"]);
    // The name leads to the later stage, which cannot be copied from here.
    exactly("FROM x AS a\nFROM y\nCOPY --from=|\nFROM z AS a\n", &["0", "x", "y", "z"]);
    exactly("FROM x\nCOPY --from=nginx:1 a b\nFROM n|", &["nginx:1"]);
    let contexts = ["assets".to_owned()];
    exactly_with("FROM x\nCOPY --from=a|", &Known { contexts: &contexts, ..known() }, &["assets"]);
}

#[test]
fn variables() {
    let details = |marked: &str, known: &Known<'_>| -> Vec<String> {
        let (_, found) = complete(marked, known);
        found.items.iter().map(|item| format!("{} {}", item.label, item.detail)).collect()
    };
    let build_args = BTreeMap::from([("W".to_owned(), "9".to_owned())]);
    let base_env = [vec![("PATH".to_owned(), "/bin".to_owned())]];
    let all = Known { build_args: &build_args, base_env: &base_env, ..known() };
    assert_eq!(
        details("ARG V=1\nFROM x\nARG V\nARG W U\nENV E=$V\nRUN echo $|\n", &all),
        [
            "$E ENV, line 5: 1",
            "$U ARG, line 4, no value: ${U:-…}",
            "$V ARG, line 3: 1",
            "$W ARG, line 4: 9",
            "$PATH set by the base image: /bin",
        ]
    );
    check("ARG V\nFROM x:$|\n", &["$V", "$BUILDARCH"]);
    exactly("ARG V\nFROM x\nCOPY $V|", &[]);
    exactly("FROM x AS a\nENV VA=1\nFROM a\nWORKDIR /a/${V|\n", &["${VA}"]);
    taken("FROM x\nENV VA=1\nWORKDIR /a/${V|X}/b\n", &known(), "FROM x\nENV VA=1\nWORKDIR /a/${VA}|/b\n");
    exactly("FROM x\nARG V=1\nCOPY ${V|", &["${V}", "${V:-}", "${V:+}", "${V:?}", "${V-}"]);
    exactly("FROM x\nARG V=1\nENV A=1\nCMD echo $|", &["$A"]);
    for none in ["COPY '$|' a", "COPY \\$| a", "RUN '$|", "COPY --from=$|", "RUN --mount=from=$|", "# $|"] {
        exactly(&format!("FROM x\nENV V=1\n{none}\n"), &[]);
    }
    exactly("FROM x\nENV V=1\nRUN --mount=type=cache,target=$|", &["$V"]);
    exactly("FROM x\nENV V=1\nCMD [\"sh\", \"-c\", \"echo $|\"]\n", &["$V"]);
    exactly("FROM x\nENV V=1\nRUN <<E\necho $|\nE\n", &["$V"]);
    exactly("FROM x\nENV V=1\nCOPY <<'E' /a\necho $|\nE\n", &[]);
    exactly("FROM x\nENV V=1\nCOPY <<E /a\nFR|\nE\n", &[]);
}

#[test]
fn paths() {
    let mut paths: Vec<String> =
        ["a b.txt", "app/main.go", "app/sub dir/x", "app/[x].js", "it's", "README.md", "src/index.ts"]
            .map(str::to_owned)
            .into();
    paths.sort();
    let known = Known { paths: &paths, ..known() };
    exactly_with("FROM x\nCOPY ap|", &known, &["app/"]);
    exactly_with("FROM x\nCOPY app/|", &known, &["app/[[]x].js", "app/main.go", "app/sub dir/"]);
    exactly_with("FROM x\nCOPY ./app/m| /x\n", &known, &["./app/main.go"]);
    exactly_with("FROM x\nCOPY --link /R|", &known, &["/README.md"]);
    exactly_with("FROM x\nCOPY README.md s| /x\n", &known, &["src/"]);
    exactly_with("FROM x\nCOPY README.md /s|\n", &known, &[]);
    exactly_with("FROM x\nCOPY --from=a R|\n", &known, &[]);
    exactly_with("FROM x\nCOPY ../R|\n", &known, &[]);
    exactly_with("FROM x\nADD R|\n", &known, &["README.md"]);
    taken("FROM x\nCOPY a|\n", &known, "FROM x\nCOPY [\"a b.txt\", \"./|\"]\n");
    taken("FROM x\nCOPY a|x /x\n", &known, "FROM x\nCOPY a?b.txt| /x\n");
    taken("FROM x\nCOPY app/s|\n", &known, "FROM x\nCOPY [\"app/sub dir/|\", \"./\"]\n");
    taken("FROM x\nCOPY [\"app/sub |\", \"/x\"]\n", &known, "FROM x\nCOPY [\"app/sub dir/|\", \"/x\"]\n");
    taken("FROM x\nCOPY [\"a\", \"i|\"]\n", &known, "FROM x\nCOPY [\"a\", \"it\\\\'s|\"]\n");
    taken(
        "FROM x\nRUN --mount=type=bind,source=app/su|,target=/x b\n",
        &known,
        "FROM x\nRUN --mount=type=bind,source=app/sub\\ dir/|,target=/x b\n",
    );
    exactly_with("FROM x\nRUN --mount=from=a,source=|\n", &known, &[]);
    exactly_with("FROM x\nRUN cat R|\n", &known, &[]);
}

#[test]
fn words() {
    exactly("FROM x\nUSER app\nUSER |", &["app", "root", "nobody", "1000:1000"]);
    check("FROM x\nWORKDIR /here\nWORKDIR |", &["/here", "/app"]);
    exactly("FROM x\nEXPOSE 80|", &["80/tcp", "80/udp", "80/sctp"]);
    exactly("FROM x\nSTOPSIGNAL SIGQ|", &["SIGQUIT"]);
    exactly("FROM x\nSHELL [\"powe|", &["[\"powershell\", \"-Command\"]"]);
    taken("FROM x\nCMD |\n", &known(), "FROM x\nCMD [\"|\"]\n");
    taken("FROM x\nHEALTHCHECK CMD |\n", &known(), "FROM x\nHEALTHCHECK CMD [\"|\"]\n");
    exactly("FROM x\nLABEL org.opencontainers.image.ti|", &["org.opencontainers.image.title"]);
    check("ARG V=1\nFROM x\nARG |", &["V", "TARGETPLATFORM"]);
    exactly("ARG V=1\nFROM x\nARG TARGETA|", &["TARGETARCH"]);
    exactly("FROM x\nENV A|", &[]);
    exactly("FROM x\nRUN apt|", &[]);
    exactly("FROM x\nMAINTAINER a|", &[]);
}

#[test]
fn what_is_there_already_is_not_offered() {
    exactly("FROM x\nRUN --network=none|\n", &[]);
    exactly("FROM x\nRUN --network=no|ne a\n", &[]);
}
