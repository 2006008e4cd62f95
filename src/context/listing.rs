//! Files from a pasted list.
//!
//! | text | what it tells |
//! | --- | --- |
//! | `git ls-files -s` | modes, and contents by their blobs |
//! | `git ls-tree -r HEAD`, with `-l` | the same, with `-l` the lengths, too |
//! | `git ls-files`, `find .`, any paths | that the files are there |
//!
//! One line of a kind of git's makes the list one of that kind; other lines are
//! then told as not understood. Names that git quoted are read as it means them.
//! A list of paths does not tell an empty folder from a file, unless it ends in
//! a slash.
//!
//! [`Listing::apply_modes`] puts the truth about modes onto files whose contents
//! are known already, such as those of a dropped folder.

use std::fmt;

use super::git::{GitMode, blob_digest, is_id, listed_name, unknown_target};
use super::path::{self, MAX_ENTRIES, PathError, folders_above};
use super::{Assumed, Entry, EntryKind, Tree};
use crate::digest::Digest;

/// What a list is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListingKind {
    /// `git ls-files -s`.
    Index,
    /// `git ls-tree -r`.
    Commit,
    /// Paths.
    Paths,
}

/// A file of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedFile {
    /// Its path.
    pub path: String,
    /// It is written as a folder.
    pub is_dir: bool,
    /// Its mode, where the list tells one.
    pub mode: Option<GitMode>,
    /// The blob, where the list tells one.
    pub blob: Option<String>,
    /// Its length, where the list tells it.
    pub size_bytes: Option<u64>,
    /// The line, counted from 1.
    pub line: u32,
}

/// A list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// What it is.
    pub kind: ListingKind,
    /// Its files, in order.
    pub files: Vec<ListedFile>,
    /// What was not understood, in order.
    pub problems: Vec<ListingProblem>,
}

/// A line with something wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListingProblem {
    /// The line, counted from 1.
    pub line: u32,
    /// What.
    pub kind: ListingProblemKind,
}

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListingProblemKind {
    /// Not a line of such a list.
    NotUnderstood {
        /// How it begins.
        text: String,
    },
    /// A name that cannot be a path.
    BadPath(PathError),
    /// A name that leads out of the context.
    OutsideRoot,
    /// A file in the middle of a merge; which content it has is not told.
    Unmerged,
    /// A submodule, whose files are not listed.
    Submodule,
    /// More files than are taken; this line and those after it are left out.
    TooManyEntries,
}

impl fmt::Display for ListingProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUnderstood { text } => write!(f, "{text:?} is not understood"),
            Self::BadPath(error) => error.fmt(f),
            Self::OutsideRoot => f.write_str("the path leads out of the context"),
            Self::Unmerged => f.write_str("the file is not merged; its content is assumed"),
            Self::Submodule => f.write_str("a submodule; its files are not listed"),
            Self::TooManyEntries => write!(f, "no more than {MAX_ENTRIES} files and folders are taken"),
        }
    }
}

impl fmt::Display for ListingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind)
    }
}

/// What [`Listing::apply_modes`] did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModesApplied {
    /// Files whose mode is another now, links made of files among them.
    pub n_changed: usize,
    /// Files whose mode was right; if it was assumed, it is known now.
    pub n_same: usize,
    /// Listed files that are not there.
    pub n_missing: usize,
    /// Files that are there and not listed.
    pub n_unlisted: usize,
    /// Of the list: lines that were not understood, and what else is to be told.
    pub problems: Vec<ListingProblem>,
}

/// Reads a list. Any text is one; of no use is one without files.
#[must_use]
pub fn parse(text: &str) -> Listing {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_of_git = |line: &str| index_line(line).or_else(|| commit_line(line)).is_some();
    let kind = match text.lines().find(|line| is_of_git(line)) {
        Some(line) if index_line(line).is_some() => ListingKind::Index,
        Some(_) => ListingKind::Commit,
        None => ListingKind::Paths,
    };
    let mut listing = Listing { kind, files: Vec::new(), problems: Vec::new() };
    for (line, number) in text.lines().zip(1..) {
        if line.trim().is_empty() {
            continue;
        }
        let found = match kind {
            ListingKind::Index => index_line(line),
            ListingKind::Commit => commit_line(line),
            ListingKind::Paths => path_line(line),
        };
        match found {
            Some(found) => listing.add(found, number),
            None => listing.problem(number, not_understood(line)),
        }
    }
    listing
}

fn not_understood(line: &str) -> ListingProblemKind {
    ListingProblemKind::NotUnderstood { text: line.chars().take(80).collect() }
}

/// A line before its name is looked at.
struct Found<'a> {
    mode: Option<GitMode>,
    blob: Option<&'a str>,
    size_bytes: Option<u64>,
    is_unmerged: bool,
    name: String,
}

/// `MODE ID STAGE\tNAME`
fn index_line(line: &str) -> Option<Found<'_>> {
    let (mode, rest) = line.split_once(' ')?;
    let (id, rest) = rest.split_once(' ')?;
    let (stage, name) = rest.split_at_checked(1)?;
    let is_stage = matches!(stage, "0" | "1" | "2" | "3");
    let mode = GitMode::parse(mode).filter(|_| is_id(id) && is_stage)?;
    let is_unmerged = stage != "0";
    let name = name_behind(name)?;
    Some(Found { mode: Some(mode), blob: Some(id), size_bytes: None, is_unmerged, name })
}

/// `MODE TYPE ID\tNAME` or `MODE TYPE ID  SIZE\tNAME`
fn commit_line(line: &str) -> Option<Found<'_>> {
    let (mode, rest) = line.split_once(' ')?;
    let (kind, rest) = rest.split_once(' ')?;
    let mode = GitMode::parse(mode).filter(|_| matches!(kind, "blob" | "tree" | "commit"))?;
    let (id, rest) = rest.split_at_checked(rest.find([' ', '\t'])?)?;
    let blob = Some(id).filter(|id| is_id(id))?;
    let sized = rest.trim_start_matches(' ');
    let end = sized.find(|ch: char| !ch.is_ascii_digit() && ch != '-').unwrap_or(0);
    let (size, behind) = sized.split_at_checked(end)?;
    // Without `-l` the name follows at once.
    let (size_bytes, name) = match size {
        "" => (None, rest),
        "-" => (None, behind),
        size if behind.starts_with('\t') => (size.parse().ok(), behind),
        _ => (None, rest),
    };
    Some(Found {
        mode: Some(mode),
        blob: Some(blob),
        size_bytes,
        is_unmerged: false,
        name: name_behind(name)?,
    })
}

/// A name behind a tab, which some terminals copy as blanks.
fn name_behind(text: &str) -> Option<String> {
    let name = match text.strip_prefix('\t') {
        Some(name) => name,
        None => text.strip_prefix(' ')?.trim_start_matches(' '),
    };
    (!name.is_empty()).then(|| listed_name(name))
}

/// A path, but no prompt and no complaint of a program.
fn path_line(line: &str) -> Option<Found<'static>> {
    let is_said =
        ["$ ", "# ", "fatal: ", "error: ", "warning: ", "find: "].iter().any(|it| line.starts_with(it));
    let name = listed_name(line);
    (!is_said).then_some(Found { mode: None, blob: None, size_bytes: None, is_unmerged: false, name })
}

impl Listing {
    fn problem(&mut self, line: u32, kind: ListingProblemKind) {
        self.problems.push(ListingProblem { line, kind });
    }

    fn add(&mut self, found: Found<'_>, line: u32) {
        let clean = match path::clean(&found.name) {
            Ok(clean) if clean.is_outside => return self.problem(line, ListingProblemKind::OutsideRoot),
            Ok(clean) => clean,
            Err(error) => return self.problem(line, ListingProblemKind::BadPath(error)),
        };
        if clean.path.is_empty() {
            return;
        }
        if found.is_unmerged {
            // Up to three lines tell of one file.
            if self.files.last().is_some_and(|last| last.path == clean.path) {
                return;
            }
            self.problem(line, ListingProblemKind::Unmerged);
        }
        if found.mode == Some(GitMode::Submodule) {
            self.problem(line, ListingProblemKind::Submodule);
        }
        self.files.push(ListedFile {
            path: clean.path,
            is_dir: clean.is_dir || matches!(found.mode, Some(GitMode::Dir | GitMode::Submodule)),
            mode: found.mode,
            blob: found.blob.filter(|_| !found.is_unmerged).map(str::to_owned),
            size_bytes: found.size_bytes,
            line,
        });
    }

    /// The files as a context. What the list does not tell is assumed: of a list
    /// of paths, mode and content. Lengths that are not told are 0.
    ///
    /// The second value is the problem of a list that is too long.
    #[must_use]
    pub fn tree(&self) -> (Tree, Option<ListingProblem>) {
        let mut tree = Tree::default();
        for file in &self.files {
            let missing: Vec<&str> =
                folders_above(&file.path).take_while(|it| !tree.get(it).is_some_and(Entry::is_dir)).collect();
            if tree.len() + missing.len() + 1 > MAX_ENTRIES {
                let kind = ListingProblemKind::TooManyEntries;
                return (tree, Some(ListingProblem { line: file.line, kind }));
            }
            let assumed = if file.mode.is_some() { Assumed::NOTHING } else { Assumed::MODE };
            for folder in missing.into_iter().rev() {
                tree.insert(folder, Entry { assumed, ..Entry::dir() });
            }
            // `find` lists a folder in front of what is in it, `sort` may turn that around.
            let is_folder_there = file.mode.is_none() && tree.get(&file.path).is_some_and(Entry::is_dir);
            if !is_folder_there {
                tree.insert(&file.path, file.entry());
            }
        }
        (tree, None)
    }

    /// Gives files of a tree the modes that the list tells, and leaves their contents alone.
    /// Bits that are known and say the same as `git` are kept.
    pub fn apply_modes(&self, tree: &mut Tree) -> ModesApplied {
        let mut applied = ModesApplied { problems: self.problems.clone(), ..ModesApplied::default() };
        let n_files = |tree: &Tree| tree.iter().filter(|(_, entry)| !entry.is_dir()).count();
        let n_before = n_files(tree);
        let mut n_found = 0;
        for file in &self.files {
            let Some(known) = tree.get(&file.path) else {
                applied.n_missing += 1;
                continue;
            };
            n_found += usize::from(!known.is_dir());
            let Some(mode) = file.mode else { continue };
            let mut entry = known.clone();
            entry.mode = mode.bits_for(known);
            entry.assumed = entry.assumed.without(Assumed::MODE);
            let is_link = matches!(entry.kind, EntryKind::Symlink { .. });
            match mode {
                GitMode::Symlink if !is_link => {
                    // What a browser showed is what the link leads to.
                    entry.kind = file.entry().kind;
                    entry.assumed = entry.assumed.and(Assumed::CONTENT);
                }
                GitMode::Submodule | GitMode::Dir if !entry.is_dir() => continue,
                GitMode::File | GitMode::Executable if entry.is_dir() || is_link => continue,
                _ => {}
            }
            if (entry.mode, &entry.kind) == (known.mode, &known.kind) {
                applied.n_same += 1;
            } else {
                applied.n_changed += 1;
            }
            tree.insert(&file.path, entry);
            // Folders of a checkout have the mode that folders have.
            for folder in folders_above(&file.path) {
                let is_assumed = |entry: &Entry| entry.assumed.includes(Assumed::MODE);
                if !tree.get(folder).is_some_and(is_assumed) {
                    break;
                }
                tree.change(folder, |entry| entry.assumed = entry.assumed.without(Assumed::MODE));
            }
        }
        applied.n_unlisted = n_before.saturating_sub(n_found);
        applied
    }
}

impl ListedFile {
    /// The file as far as the list tells it.
    fn entry(&self) -> Entry {
        if self.is_dir {
            // A submodule's files are somewhere, and not in the list.
            let assumed = match self.mode {
                Some(GitMode::Submodule) => Assumed::CONTENT,
                Some(_) => Assumed::NOTHING,
                None => Assumed::MODE,
            };
            return Entry { assumed, ..Entry::dir() };
        }
        let mode = self.mode.unwrap_or(GitMode::File);
        let mode_assumed = if self.mode.is_some() { Assumed::NOTHING } else { Assumed::MODE };
        if mode == GitMode::Symlink {
            let target = unknown_target(self.blob.as_deref().unwrap_or(&self.path));
            let kind = EntryKind::Symlink { target };
            return Entry { kind, mode: mode.bits(), assumed: Assumed::CONTENT, ..Entry::dir() };
        }
        let digest = match &self.blob {
            Some(blob) => blob_digest(blob),
            None => Digest::of(self.path.as_bytes()),
        };
        let content_assumed = if self.blob.is_some() { Assumed::NOTHING } else { Assumed::CONTENT };
        let assumed = mode_assumed.and(content_assumed);
        Entry { mode: mode.bits(), assumed, ..Entry::file(digest, self.size_bytes.unwrap_or(0)) }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::{Expect, expect};

    use super::*;

    const A: &str = "78981922613b2afb6025042ff6bd878ac1994e85";
    const B: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

    fn render(tree: &Tree) -> String {
        let mut out = String::new();
        for (path, entry) in tree.iter() {
            let what = match &entry.kind {
                EntryKind::File { digest, size_bytes } if *digest == blob_digest(A) => {
                    format!("{size_bytes} A")
                }
                EntryKind::File { digest, size_bytes } if *digest == blob_digest(B) => {
                    format!("{size_bytes} B")
                }
                EntryKind::File { size_bytes, .. } => format!("{size_bytes}"),
                EntryKind::Dir => "folder".to_owned(),
                EntryKind::Symlink { target } | EntryKind::HardLink { target } => format!("-> {target}"),
            };
            let letters = [(Assumed::MODE, "m"), (Assumed::CONTENT, "c"), (Assumed::EXISTENCE, "e")];
            let has = |(assumed, letter)| if entry.assumed.includes(assumed) { letter } else { "" };
            let line = format!("{path} {:o} {what} {}", entry.mode, letters.map(has).concat());
            writeln!(out, "{}", line.trim_end()).unwrap();
        }
        out
    }

    fn check(text: &str, kind: ListingKind, expected: &Expect) {
        let listing = parse(text);
        assert_eq!(listing.kind, kind);
        let (tree, too_many) = listing.tree();
        assert_eq!(too_many, None);
        let problems: String = listing.problems.iter().map(|problem| format!("! {problem}\n")).collect();
        expected.assert_eq(&(render(&tree) + &problems));
    }

    #[test]
    fn index() {
        let text = format!(
            "$ git ls-files -s\n100644 {A} 0\tDockerfile\n100755 {B} 0\tbin/run\r\n120000 {A} 0\tlink\n\
             160000 {A} 0\tvendor/lib\n100644 {B} 0\t\"\\303\\244 b\"\n100644 {A} 1\tm\n100644 {B} 2\tm\n\
             100644 {A} 0    blanks\n100644 {A} 0\t../up\nnonsense\n"
        );
        check(
            &text,
            ListingKind::Index,
            &expect![[r#"
            Dockerfile 644 0 A
            bin 755 folder
            bin/run 755 0 B
            blanks 644 0 A
            link 777 -> (git blob 78981922613b2afb6025042ff6bd878ac1994e85) c
            m 644 0 c
            vendor 755 folder
            vendor/lib 755 folder c
            ä b 644 0 B
            ! line 1: "$ git ls-files -s" is not understood
            ! line 5: a submodule; its files are not listed
            ! line 7: the file is not merged; its content is assumed
            ! line 10: the path leads out of the context
            ! line 11: "nonsense" is not understood
        "#]],
        );
    }

    #[test]
    fn commit() {
        let text = format!(
            "100644 blob {A}\tDockerfile\n100755 blob {B}     123\tbin/run\n040000 tree {A}       -\tlib\n\
             160000 commit {A}       -\tvendor\n100644 blob 78981922\t12 a\n100644 blob {A}     7\t-x\n"
        );
        check(
            &text,
            ListingKind::Commit,
            &expect![[r#"
            -x 644 7 A
            12 a 644 0
            Dockerfile 644 0 A
            bin 755 folder
            bin/run 755 123 B
            lib 755 folder
            vendor 755 folder c
            ! line 4: a submodule; its files are not listed
        "#]],
        );
    }

    #[test]
    fn paths() {
        let text =
            ".\n./a\n./a/b\n./empty/\n./c d\n\n./a\nfatal: not a git repository\n/abs\n\"\\303\\244\"\n";
        check(
            text,
            ListingKind::Paths,
            &expect![[r#"
            a 755 folder m
            a/b 644 0 mc
            abs 644 0 mc
            c d 644 0 mc
            empty 755 folder m
            ä 644 0 mc
            ! line 8: "fatal: not a git repository" is not understood
        "#]],
        );
        check("", ListingKind::Paths, &expect![[""]]);
        let deep = "a/".repeat(path::MAX_DEPTH + 1);
        check(
            &deep,
            ListingKind::Paths,
            &expect![[r#"
            ! line 1: the path is more than 256 folders deep
        "#]],
        );
    }

    #[test]
    fn modes_onto_a_dropped_folder() {
        let mut tree = Tree::default();
        for path in ["Dockerfile", "bin/run", "link", "untracked"] {
            let entry = Entry { assumed: Assumed::MODE, ..Entry::file(Digest::of(b"x"), 1) };
            tree.insert(path, entry);
        }
        tree.change("bin", |entry| entry.assumed = Assumed::MODE);
        let text = format!(
            "100644 {A} 0\tDockerfile\n100755 {B} 0\tbin/run\n120000 {A} 0\tlink\n100644 {A} 0\tgone\nwhat\n"
        );
        let applied = parse(&text).apply_modes(&mut tree);
        let ModesApplied { n_changed, n_same, n_missing, n_unlisted, problems } = applied;
        assert_eq!((n_changed, n_same, n_missing, n_unlisted), (2, 1, 1, 1));
        assert_eq!(problems.iter().map(|it| it.line).collect::<Vec<_>>(), [5]);
        let EntryKind::File { digest, .. } = tree.get("bin/run").unwrap().kind else { panic!() };
        assert_eq!(digest, Digest::of(b"x"), "the content is kept");
        expect![[r#"
            Dockerfile 644 1
            bin 755 folder
            bin/run 755 1
            link 777 -> (git blob 78981922613b2afb6025042ff6bd878ac1994e85) c
            untracked 644 1 m
        "#]]
        .assert_eq(&render(&tree));
    }
}
