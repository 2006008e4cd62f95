//! Diffs of all that a build is made of.

use expect_test::{Expect, expect};

use super::*;
use crate::app::state::Session;
use crate::context::{Entry, EntryKind};
use crate::digest::Digest;

const NEW: &str = "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD node .\n";
const OLD: &str = "FROM node:20\nWORKDIR /app\nCOPY . .\nCMD node .\n";

fn version(dockerfile: &str, dockerignore: &str, files: &[&str]) -> Version {
    let mut version = Session::example().now;
    version.dockerfile = dockerfile.to_owned();
    version.dockerignore = dockerignore.to_owned();
    let mut tree = crate::context::Tree::default();
    for path in files {
        tree.insert(path, Entry::file(Digest::of(path.as_bytes()), 1));
    }
    version.files = Rc::new(tree);
    version
}

fn dockerfile_diff(path: &str) -> String {
    format!(
        "diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n\
         @@ -1,3 +1,3 @@\n-FROM node:20\n+FROM node:22\n WORKDIR /app\n COPY . .\n"
    )
}

fn file_diff(path: &str) -> String {
    format!(
        "diff --git a/{path} b/{path}\nindex 3333333..4444444 100644\n--- a/{path}\n+++ b/{path}\n\
         @@ -1 +1 @@\n-one\n+two\n"
    )
}

fn shown(version: &Version, now: &Version) -> String {
    let mut out =
        format!("{} {:?}", version.dockerfile_path, version.dockerfile.lines().next().unwrap_or(""));
    if !version.dockerignore.is_empty() {
        out.push_str(&format!(" {} {:?}", version.ignore_path, version.dockerignore));
    }
    for (path, entry) in version.files.iter().filter(|(_, entry)| !entry.is_dir()) {
        let is_same = now.files.get(&path).is_some_and(|now| now.kind == entry.kind);
        out.push_str(&format!(" {path}{}", if is_same { "" } else { "*" }));
    }
    out
}

fn check(version: &Version, diff: &str, expected: &Expect) {
    let told = match whole_change(version, diff, 7) {
        Ok(change) => {
            let present = if change.present == Side::Old { &change.before } else { &change.after };
            assert_eq!(present, version);
            let mut told = format!("before {}\n", shown(&change.before, version));
            told.push_str(&format!("after  {}\n", shown(&change.after, version)));
            change.done.iter().for_each(|it| told.push_str(&format!("{it}\n")));
            change.notes.iter().for_each(|it| told.push_str(&format!("! {it}\n")));
            told
        }
        Err(error) => format!("error: {error}\n"),
    };
    expected.assert_eq(&told);
}

#[test]
fn both_ways() {
    let diff = dockerfile_diff("Dockerfile") + &file_diff("src/a.js");
    check(
        &version(OLD, "", &["src/a.js"]),
        &diff,
        &expect![[r#"
        before Dockerfile "FROM node:20" src/a.js
        after  Dockerfile "FROM node:22" src/a.js*
        The present state was taken as the old side, and the diff applied to it.
        Dockerfile differs between the two sides.
        Files on the other side: 1 edited.
    "#]],
    );
    check(
        &version(NEW, "", &["src/a.js"]),
        &diff,
        &expect![[r#"
        before Dockerfile "FROM node:20" src/a.js*
        after  Dockerfile "FROM node:22" src/a.js
        The present state is the new side already; the old side was derived from it.
        Dockerfile differs between the two sides.
        Files on the other side: 1 edited.
    "#]],
    );
}

#[test]
fn the_context_lies_in_a_folder() {
    let diff = dockerfile_diff("web/Dockerfile")
        + &dockerfile_diff("services/api/Dockerfile").replace("node:2", "python:3.1")
        + &file_diff("web/src/a.js")
        + &file_diff("README.md");
    check(
        &version(NEW, "", &["src/a.js"]),
        &diff,
        &expect![[r#"
        before Dockerfile "FROM node:20" src/a.js*
        after  Dockerfile "FROM node:22" src/a.js
        The present state is the new side already; the old side was derived from it.
        Dockerfile differs between the two sides.
        Files on the other side: 1 edited.
        ! 2 changes are outside of web/, where the context is.
    "#]],
    );
    // The one that fits is meant.
    let python = NEW.replace("node:2", "python:3.1");
    check(
        &version(&python, "", &["src/a.js"]),
        &diff,
        &expect![[r#"
        before Dockerfile "FROM python:3.10" src/a.js
        after  Dockerfile "FROM python:3.12" src/a.js
        The present state is the new side already; the old side was derived from it.
        Dockerfile differs between the two sides.
        ! 3 changes are outside of services/api/, where the context is.
    "#]],
    );
    // Without a text, the files tell.
    check(
        &version(NEW, "", &["src/a.js"]),
        &file_diff("web/src/a.js"),
        &expect![[r#"
        before Dockerfile "FROM node:22" src/a.js
        after  Dockerfile "FROM node:22" src/a.js*
        The present state was taken as the old side, and the diff applied to it.
        Files on the other side: 1 edited.
    "#]],
    );
}

#[test]
fn the_ignore_file_comes_and_goes() {
    let added = "diff --git a/.dockerignore b/.dockerignore\nnew file mode 100644\nindex 0000000..1111111\n\
        --- /dev/null\n+++ b/.dockerignore\n@@ -0,0 +1,2 @@\n+node_modules\n+dist\n";
    check(
        &version(OLD, "", &["a"]),
        added,
        &expect![[r#"
        before Dockerfile "FROM node:20" a
        after  Dockerfile "FROM node:20" .dockerignore "node_modules\ndist\n" a
        The present state was taken as the old side, and the diff applied to it.
        .dockerignore differs between the two sides.
    "#]],
    );
    check(
        &version(OLD, "node_modules\ndist\n", &["a"]),
        added,
        &expect![[r#"
        before Dockerfile "FROM node:20" a
        after  Dockerfile "FROM node:20" .dockerignore "node_modules\ndist\n" a
        The present state is the new side already; the old side was derived from it.
        .dockerignore differs between the two sides.
    "#]],
    );
    check(
        &version(OLD, "other\n", &["a"]),
        added,
        &expect![[r#"
        error: .dockerignore: the hunk on line 6 of the diff fits neither before nor after the change; at line 1 it expects nothing and finds “other”
    "#]],
    );
    let deleted = "diff --git a/.dockerignore b/.dockerignore\ndeleted file mode 100644\nindex 1111111..0000000\n\
        --- a/.dockerignore\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-node_modules\n-dist\n";
    check(
        &version(OLD, "node_modules\ndist\n", &["a"]),
        deleted,
        &expect![[r#"
        before Dockerfile "FROM node:20" .dockerignore "node_modules\ndist\n" a
        after  Dockerfile "FROM node:20" a
        The present state was taken as the old side, and the diff applied to it.
        .dockerignore differs between the two sides.
    "#]],
    );
    check(
        &version(OLD, "", &["a"]),
        deleted,
        &expect![[r#"
        before Dockerfile "FROM node:20" .dockerignore "node_modules\ndist\n" a
        after  Dockerfile "FROM node:20" a
        The present state is the new side already; the old side was derived from it.
        .dockerignore differs between the two sides.
    "#]],
    );
}

#[test]
fn the_dockerfile_moves() {
    let moved = "diff --git a/Dockerfile b/docker/Dockerfile\nsimilarity index 90%\nrename from Dockerfile\n\
        rename to docker/Dockerfile\nindex 1111111..2222222 100644\n--- a/Dockerfile\n+++ b/docker/Dockerfile\n\
        @@ -1,2 +1,2 @@\n-FROM node:20\n+FROM node:22\n WORKDIR /app\n";
    check(
        &version(OLD, "", &["a"]),
        moved,
        &expect![[r#"
        before Dockerfile "FROM node:20" a
        after  docker/Dockerfile "FROM node:22" a
        The present state was taken as the old side, and the diff applied to it.
        docker/Dockerfile differs between the two sides.
    "#]],
    );
    let mut there = version(NEW, "", &["a"]);
    there.dockerfile_path = "docker/Dockerfile".to_owned();
    check(
        &there,
        moved,
        &expect![[r#"
        before Dockerfile "FROM node:20" a
        after  docker/Dockerfile "FROM node:22" a
        The present state is the new side already; the old side was derived from it.
        Dockerfile differs between the two sides.
    "#]],
    );
}

#[test]
fn the_dockerfile_comes_and_goes() {
    let lines: String = NEW.lines().map(|line| format!("+{line}\n")).collect();
    let added = format!(
        "diff --git a/Dockerfile b/Dockerfile\nnew file mode 100644\nindex 0000000..1111111\n--- /dev/null\n\
         +++ b/Dockerfile\n@@ -0,0 +1,4 @@\n{lines}"
    );
    check(
        &version(NEW, "", &["a"]),
        &added,
        &expect![[r#"
        before Dockerfile "" a
        after  Dockerfile "FROM node:22" a
        The present state is the new side already; the old side was derived from it.
        Dockerfile differs between the two sides.
        ! Dockerfile is new: there was nothing to build before.
    "#]],
    );
    let deleted = format!(
        "diff --git a/Dockerfile b/Dockerfile\ndeleted file mode 100644\nindex 1111111..0000000\n\
         --- a/Dockerfile\n+++ /dev/null\n@@ -1,4 +0,0 @@\n{}",
        lines.replace('+', "-")
    );
    check(
        &version(NEW, "", &["a"]),
        &deleted,
        &expect![[r#"
            before Dockerfile "FROM node:22" a
            after  Dockerfile "FROM node:22" a
            The present state was taken as the old side, and the diff applied to it.
            ! Dockerfile is deleted; a build needs it, so it stays.
        "#]],
    );
    let copied = "diff --git a/Dockerfile b/docs/Dockerfile\nsimilarity index 100%\ncopy from Dockerfile\n\
        copy to docs/Dockerfile\n";
    let version = version(NEW, "", &["docs/a"]);
    check(
        &version,
        copied,
        &expect![[r#"
        before Dockerfile "FROM node:22" docs/a
        after  Dockerfile "FROM node:22" docs/Dockerfile* docs/a
        The present state was taken as the old side, and the diff applied to it.
        Files on the other side: 1 added.
    "#]],
    );
    let change = whole_change(&version, copied, 1).unwrap();
    let copy = change.after.files.get("docs/Dockerfile").unwrap();
    let EntryKind::File { digest, .. } = copy.kind else { panic!() };
    assert_eq!(digest, Digest::of(NEW.as_bytes()));
}

#[test]
fn files_tell_the_side() {
    let diff = "diff --git a/new.js b/new.js\nnew file mode 100644\nindex 0000000..1111111\n--- /dev/null\n\
        +++ b/new.js\n@@ -0,0 +1 @@\n+x\n\
        diff --git a/old.js b/old.js\ndeleted file mode 100755\nindex 1111111..0000000\n--- a/old.js\n\
        +++ /dev/null\n@@ -1 +0,0 @@\n-y\n";
    check(
        &version(OLD, "", &["a.js", "old.js"]),
        diff,
        &expect![[r#"
        before Dockerfile "FROM node:20" a.js old.js
        after  Dockerfile "FROM node:20" a.js new.js*
        The present state was taken as the old side, and the diff applied to it.
        Files on the other side: 1 added, 1 deleted.
    "#]],
    );
    check(
        &version(OLD, "", &["a.js", "new.js"]),
        diff,
        &expect![[r#"
        before Dockerfile "FROM node:20" a.js old.js*
        after  Dockerfile "FROM node:20" a.js new.js
        The present state is the new side already; the old side was derived from it.
        Files on the other side: 1 added, 1 deleted.
    "#]],
    );
    let (old, new) = ("1".repeat(40), "2".repeat(40));
    let listed = |blob: &str| crate::context::listing::parse(&format!("100644 {blob} 0\tf\n")).tree().0;
    let diff =
        format!("diff --git a/f b/f\nindex {old}..{new} 100644\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n");
    let mut version = version(OLD, "", &[]);
    version.files = Rc::new(listed(&new));
    let change = whole_change(&version, &diff, 1).unwrap();
    assert_eq!(change.present, Side::New);
    assert_eq!(change.before.files.get("f").unwrap().kind, listed(&old).get("f").unwrap().kind);
}

#[test]
fn lines_at_the_end_tell_the_side() {
    let diff = "diff --git a/.dockerignore b/.dockerignore\n--- a/.dockerignore\n+++ b/.dockerignore\n\
        @@ -1 +1,2 @@\n a\n+b\n";
    let side = |ignore: &str, diff: &str| whole_change(&version(OLD, ignore, &[]), diff, 1).unwrap().present;
    assert_eq!((side("a\n", diff), side("a\nb\n", diff)), (Side::Old, Side::New));
    let diff = diff.replace("-1 +1,2", "-1,2 +1").replace("+b\n", "-b\n");
    assert_eq!((side("a\n", &diff), side("a\nb\n", &diff)), (Side::New, Side::Old));
}

#[test]
fn lines_that_moved_are_found() {
    let moved = format!("# a comment\n\n{OLD}");
    let change = whole_change(&version(&moved, "", &[]), &dockerfile_diff("Dockerfile"), 1).unwrap();
    assert_eq!(change.after.dockerfile, format!("# a comment\n\n{NEW}"));
}

#[test]
fn what_does_not_fit() {
    let other = version("FROM alpine\nRUN a\n", "", &["a"]);
    check(
        &other,
        &dockerfile_diff("Dockerfile"),
        &expect![[r#"
        error: Dockerfile: the hunk on line 5 of the diff fits neither before nor after the change; at line 1 it expects “FROM node:20⏎WORKDIR /app⏎COPY . .” and finds “FROM alpine⏎RUN a”
    "#]],
    );
    check(
        &other,
        "M\tDockerfile\n",
        &expect![[r#"
        error: this is no diff; paste what git diff prints
    "#]],
    );
    check(
        &other,
        "hello",
        &expect![[r#"
        error: this is no diff; paste what git diff prints
    "#]],
    );
    check(
        &other,
        &file_diff("elsewhere/b.js"),
        &expect![[r#"
            error: it changes neither the Dockerfile, nor the ignore file, nor a file of the context
        "#]],
    );
    check(
        &other,
        "diff --git a/Dockerfile b/Dockerfile\nindex 1111111..2222222 100644\nBinary files a/Dockerfile and b/Dockerfile differ\n",
        &expect![[r#"
            error: Dockerfile: how it changes is not told; paste what git diff prints
        "#]],
    );
    let ignore = "diff --git a/.dockerignore b/.dockerignore\n--- a/.dockerignore\n+++ b/.dockerignore\n\
        @@ -1 +1 @@\n-a\n+b\n";
    check(
        &version(OLD, "b\n", &[]),
        &(dockerfile_diff("Dockerfile") + ignore),
        &expect![[r#"
        error: Dockerfile is as it was before the change and .dockerignore as it is after it; make one like the other
    "#]],
    );
    // The second hunk is the one that does not fit.
    let two = format!("{}@@ -4 +4 @@\n-CMD nothing\n+CMD other\n", dockerfile_diff("Dockerfile"));
    check(
        &version(OLD, "", &[]),
        &two,
        &expect![[r#"
        error: Dockerfile: the hunk on line 10 of the diff fits neither before nor after the change; at line 4 it expects “CMD nothing” and finds “CMD node .”
    "#]],
    );
}

#[test]
fn a_series_of_patches() {
    let second = "diff --git a/Dockerfile b/Dockerfile\n--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1 +1 @@\n\
        -FROM node:22\n+FROM node:24\n";
    let series = dockerfile_diff("Dockerfile") + second;
    let latest = NEW.replace("22", "24");
    let change = whole_change(&version(&latest, "", &[]), &series, 1).unwrap();
    assert_eq!((change.before.dockerfile.as_str(), change.after.dockerfile.as_str()), (OLD, latest.as_str()));
    let change = whole_change(&version(OLD, "", &[]), &series, 1).unwrap();
    assert_eq!(change.after.dockerfile, latest);
}

#[test]
fn two_panes() {
    let now = version(NEW, "x\n", &["a"]);
    let (before, after) = two_versions(&now, OLD);
    assert_eq!(after, now);
    assert_eq!(before, Version { dockerfile: OLD.to_owned(), ..now });
}
