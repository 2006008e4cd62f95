//! What in an image people wish they had not stored: leftovers of package managers, and secrets.
//!
//! Told by paths alone, since contents are not kept. A leftover is a folder that a tool fills for its
//! own use, and a name as of a key is no proof that it is one: a finding says where to look. The rules
//! are data, each with its reason beside it.
//!
//! A layer's own entries count, whether the image still shows them or not: whoever has the layer can
//! read what a later one removes. That matters most for secrets.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::LayerTree;
use super::stack::Stack;
use crate::archive::tar::MemberKind;

/// Which rule found something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum FindingKind {
    /// A private key, by its name.
    PrivateKey,
    /// A file of environment variables, such as `.env`.
    EnvFile,
    /// Credentials of a package registry: `.npmrc`, `.pypirc`, those of Cargo.
    RegistryCredentials,
    /// Logins for hosts: `.netrc`, `.git-credentials`, GitHub's command line.
    HostCredentials,
    /// Credentials of a cloud: AWS, Google, Azure.
    CloudCredentials,
    /// Logins of Docker: `.docker/config.json`.
    DockerConfig,
    /// Access to a cluster: `.kube/config`.
    Kubeconfig,
    /// Passwords of a database or a web server: `.pgpass`, `.my.cnf`, `.htpasswd`.
    PasswordFile,
    /// What Terraform knows, secrets included.
    TerraformState,
    /// Commands that someone typed.
    ShellHistory,
    /// Package lists of APT.
    AptLists,
    /// Packages and indexes that APT keeps.
    AptCache,
    /// Indexes and packages that apk keeps.
    ApkCache,
    /// What dnf, yum and microdnf keep.
    DnfCache,
    /// What zypper keeps.
    ZypperCache,
    /// What pacman keeps.
    PacmanCache,
    /// What pip, uv, Poetry and conda keep.
    PythonCache,
    /// What npm, Yarn and pnpm keep.
    NodeCache,
    /// What Go's build and its modules keep.
    GoCache,
    /// What Cargo keeps.
    CargoCache,
    /// What Maven and Gradle keep.
    JavaCache,
    /// What Composer keeps.
    ComposerCache,
    /// Gems as they were downloaded.
    GemCache,
    /// Python's compiled files.
    Bytecode,
    /// Temporary files.
    TempFiles,
    /// Logs of the build.
    Logs,
    /// The history of a repository.
    GitFolder,
}

impl FindingKind {
    /// It is a secret, and no leftover.
    #[must_use]
    pub fn is_secret(self) -> bool {
        self <= Self::ShellHistory
    }
}

/// What to write instead.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Advice {
    /// `RUN --mount=type=secret`, and a new secret in place of this one.
    SecretMount,
    /// A line in `.dockerignore`; for a secret a new one as well.
    Ignore,
    /// Remove it in the same RUN, or keep it in `RUN --mount=type=cache`.
    CacheMount,
    /// The tool's own switch, such as `apk add --no-cache` or `pip install --no-cache-dir`, or
    /// `RUN --mount=type=cache`.
    NoCacheFlag,
    /// Remove it in the same RUN.
    RemoveInSameRun,
    /// Build in a stage of its own and copy what comes out.
    Stage,
    /// `PYTHONDONTWRITEBYTECODE=1`; programs start a little later then.
    NoBytecode,
}

/// Whether the image still shows something that a layer stores.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Visibility {
    /// All of it.
    Shown,
    /// Some of it.
    Partly,
    /// None: a later layer removes it or writes over it, and the bytes are still there.
    Hidden,
}

/// Something that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Which rule found it.
    pub kind: FindingKind,
    /// What to write instead, if a RUN made it.
    pub advice: Advice,
    /// A file, or the folder that all of it lies in.
    pub path: String,
    /// The layer that stores it.
    pub layer_idx: usize,
    /// Its bytes in that layer.
    pub bytes: u64,
    /// Its files in that layer.
    pub n_files: u64,
    /// Whether the image still shows it.
    pub visibility: Visibility,
    /// The layer that takes the last of it out of sight.
    pub hidden_by: Option<usize>,
}

/// Where a folder stands.
#[derive(Clone, Copy)]
enum At {
    /// From the root.
    Root(&'static str),
    /// Anywhere.
    Any(&'static str),
}

/// Folders whose files are leftovers.
const FOLDERS: [(At, FindingKind, Advice); 44] = [
    // `apt-get update` writes them and every later one would fetch them again.
    (At::Root("var/lib/apt/lists"), FindingKind::AptLists, Advice::CacheMount),
    // Debian's own images empty it after each install; others, and `apt` with settings, do not.
    (At::Root("var/cache/apt"), FindingKind::AptCache, Advice::CacheMount),
    (At::Root("var/cache/apk"), FindingKind::ApkCache, Advice::NoCacheFlag),
    (At::Root("etc/apk/cache"), FindingKind::ApkCache, Advice::NoCacheFlag),
    (At::Root("var/cache/dnf"), FindingKind::DnfCache, Advice::CacheMount),
    (At::Root("var/cache/libdnf5"), FindingKind::DnfCache, Advice::CacheMount),
    (At::Root("var/cache/yum"), FindingKind::DnfCache, Advice::CacheMount),
    (At::Root("var/cache/zypp"), FindingKind::ZypperCache, Advice::CacheMount),
    (At::Root("var/cache/pacman/pkg"), FindingKind::PacmanCache, Advice::CacheMount),
    // In the home of whoever ran the tool.
    (At::Any(".cache/pip"), FindingKind::PythonCache, Advice::NoCacheFlag),
    (At::Any(".cache/uv"), FindingKind::PythonCache, Advice::CacheMount),
    (At::Any(".cache/pypoetry"), FindingKind::PythonCache, Advice::CacheMount),
    (At::Any("conda/pkgs"), FindingKind::PythonCache, Advice::CacheMount),
    (At::Any("miniconda3/pkgs"), FindingKind::PythonCache, Advice::CacheMount),
    (At::Any(".npm/_cacache"), FindingKind::NodeCache, Advice::CacheMount),
    (At::Any(".npm/_logs"), FindingKind::NodeCache, Advice::CacheMount),
    (At::Any(".cache/yarn"), FindingKind::NodeCache, Advice::CacheMount),
    (At::Any(".yarn/berry/cache"), FindingKind::NodeCache, Advice::CacheMount),
    (At::Any(".local/share/pnpm/store"), FindingKind::NodeCache, Advice::CacheMount),
    (At::Any(".cache/node"), FindingKind::NodeCache, Advice::CacheMount),
    // Bundlers and test runners keep it beside the packages.
    (At::Any("node_modules/.cache"), FindingKind::NodeCache, Advice::Stage),
    (At::Any(".cache/go-build"), FindingKind::GoCache, Advice::CacheMount),
    // A program in Go does not need its modules to run.
    (At::Any("go/pkg/mod"), FindingKind::GoCache, Advice::Stage),
    (At::Any(".cargo/registry"), FindingKind::CargoCache, Advice::CacheMount),
    (At::Any(".cargo/git"), FindingKind::CargoCache, Advice::CacheMount),
    (At::Any("cargo/registry"), FindingKind::CargoCache, Advice::CacheMount),
    (At::Any("cargo/git"), FindingKind::CargoCache, Advice::CacheMount),
    (At::Any(".m2/repository"), FindingKind::JavaCache, Advice::Stage),
    (At::Any(".gradle/caches"), FindingKind::JavaCache, Advice::Stage),
    (At::Any(".gradle/wrapper/dists"), FindingKind::JavaCache, Advice::Stage),
    (At::Any(".composer/cache"), FindingKind::ComposerCache, Advice::CacheMount),
    (At::Any(".cache/composer"), FindingKind::ComposerCache, Advice::CacheMount),
    (At::Any("bundle/cache"), FindingKind::GemCache, Advice::RemoveInSameRun),
    (At::Any(".bundle/cache"), FindingKind::GemCache, Advice::RemoveInSameRun),
    (At::Any(".gem/cache"), FindingKind::GemCache, Advice::RemoveInSameRun),
    // Compiled again at the first import, if the folder can be written.
    (At::Any("__pycache__"), FindingKind::Bytecode, Advice::NoBytecode),
    (At::Root("tmp"), FindingKind::TempFiles, Advice::RemoveInSameRun),
    (At::Root("var/tmp"), FindingKind::TempFiles, Advice::RemoveInSameRun),
    (At::Root("root/.cache"), FindingKind::TempFiles, Advice::CacheMount),
    (At::Root("var/log"), FindingKind::Logs, Advice::RemoveInSameRun),
    (At::Root("var/cache/debconf"), FindingKind::AptCache, Advice::RemoveInSameRun),
    (At::Root("var/cache/man"), FindingKind::TempFiles, Advice::RemoveInSameRun),
    (At::Root("var/cache/ldconfig"), FindingKind::TempFiles, Advice::RemoveInSameRun),
    // Copied with the sources; it holds all that was ever committed.
    (At::Any(".git"), FindingKind::GitFolder, Advice::Ignore),
];

/// What a name looks like.
#[derive(Clone, Copy)]
enum Named {
    /// The name itself.
    Exactly(&'static str),
    /// The end of the path, at the edge of a name.
    Tail(&'static str),
    /// The end of the name.
    Ends(&'static str),
    /// The beginning of the name.
    Begins(&'static str),
}

/// Files that look like secrets.
const SECRETS: [(Named, FindingKind); 40] = [
    (Named::Exactly("id_rsa"), FindingKind::PrivateKey),
    (Named::Exactly("id_dsa"), FindingKind::PrivateKey),
    (Named::Exactly("id_ecdsa"), FindingKind::PrivateKey),
    (Named::Exactly("id_ed25519"), FindingKind::PrivateKey),
    (Named::Ends(".pem"), FindingKind::PrivateKey),
    (Named::Ends(".key"), FindingKind::PrivateKey),
    (Named::Ends(".p12"), FindingKind::PrivateKey),
    (Named::Ends(".pfx"), FindingKind::PrivateKey),
    (Named::Ends(".ppk"), FindingKind::PrivateKey),
    (Named::Ends(".keystore"), FindingKind::PrivateKey),
    (Named::Exactly("secring.gpg"), FindingKind::PrivateKey),
    (Named::Exactly(".env"), FindingKind::EnvFile),
    (Named::Begins(".env."), FindingKind::EnvFile),
    (Named::Exactly(".npmrc"), FindingKind::RegistryCredentials),
    (Named::Exactly(".yarnrc.yml"), FindingKind::RegistryCredentials),
    (Named::Exactly(".pypirc"), FindingKind::RegistryCredentials),
    (Named::Tail(".cargo/credentials"), FindingKind::RegistryCredentials),
    (Named::Tail(".cargo/credentials.toml"), FindingKind::RegistryCredentials),
    (Named::Tail(".gem/credentials"), FindingKind::RegistryCredentials),
    (Named::Tail(".m2/settings.xml"), FindingKind::RegistryCredentials),
    (Named::Tail(".composer/auth.json"), FindingKind::RegistryCredentials),
    (Named::Exactly(".netrc"), FindingKind::HostCredentials),
    (Named::Exactly("_netrc"), FindingKind::HostCredentials),
    (Named::Exactly(".git-credentials"), FindingKind::HostCredentials),
    (Named::Tail(".config/git/credentials"), FindingKind::HostCredentials),
    (Named::Tail(".config/gh/hosts.yml"), FindingKind::HostCredentials),
    (Named::Exactly(".vault-token"), FindingKind::HostCredentials),
    (Named::Tail(".aws/credentials"), FindingKind::CloudCredentials),
    (Named::Exactly("application_default_credentials.json"), FindingKind::CloudCredentials),
    (Named::Tail("gcloud/credentials.db"), FindingKind::CloudCredentials),
    (Named::Tail(".azure/accessTokens.json"), FindingKind::CloudCredentials),
    (Named::Tail(".azure/msal_token_cache.json"), FindingKind::CloudCredentials),
    (Named::Tail(".docker/config.json"), FindingKind::DockerConfig),
    (Named::Exactly(".dockercfg"), FindingKind::DockerConfig),
    (Named::Tail(".kube/config"), FindingKind::Kubeconfig),
    (Named::Exactly("kubeconfig"), FindingKind::Kubeconfig),
    (Named::Exactly(".pgpass"), FindingKind::PasswordFile),
    (Named::Exactly(".my.cnf"), FindingKind::PasswordFile),
    (Named::Exactly(".htpasswd"), FindingKind::PasswordFile),
    (Named::Ends(".tfstate"), FindingKind::TerraformState),
];

/// Files that hold what somebody typed.
const HISTORIES: [&str; 5] =
    [".bash_history", ".ash_history", ".zsh_history", ".python_history", ".psql_history"];

/// Samples of `.env` that are meant to be seen.
const SAMPLES: [&str; 5] = [".example", ".sample", ".template", ".dist", ".defaults"];

/// Folders in which certificates of authorities and other public keys are kept.
const PUBLIC_KEYS: [&str; 7] = [
    "etc/ssl/certs/",
    "etc/pki/",
    "etc/ca-certificates/",
    "usr/share/ca-certificates/",
    "usr/share/pki/",
    "usr/lib/ssl/",
    "usr/share/keyrings/",
];

/// What is stored in layers, which are those of the stack, lowest first. Secrets come first, then by
/// bytes, the most first.
#[must_use]
pub fn find(layers: &[&LayerTree], stack: &Stack) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for (layer_idx, layer) in layers.iter().enumerate() {
        of_layer(layer, layer_idx, stack, &mut found);
    }
    found.sort_by(|a, b| {
        let rank = |one: &Finding| (!one.kind.is_secret(), std::cmp::Reverse(one.bytes), one.layer_idx);
        rank(a).cmp(&rank(b)).then_with(|| a.path.cmp(&b.path))
    });
    found
}

/// A folder with leftovers, while its files are counted.
struct Open {
    prefix: String,
    finding: Finding,
    sight: Sight,
}

/// How many files of a finding are shown, and which layer hides the last one.
#[derive(Default)]
struct Sight {
    n_shown: u64,
    hidden_by: Option<usize>,
}

impl Sight {
    fn add(&mut self, stack: &Stack, path: &str, layer_idx: usize) {
        match hidden_by(stack, path, layer_idx) {
            None => self.n_shown += 1,
            hidden_by => self.hidden_by = self.hidden_by.max(hidden_by),
        }
    }

    fn visibility(&self, n_files: u64) -> Visibility {
        match self.n_shown {
            0 => Visibility::Hidden,
            n_shown if n_shown < n_files => Visibility::Partly,
            _ => Visibility::Shown,
        }
    }
}

/// The layer that next does something at a path itself.
fn hidden_by(stack: &Stack, path: &str, layer_idx: usize) -> Option<usize> {
    let node = stack.find(path)?;
    stack.writes(node).map(|(idx, _)| idx).find(|idx| *idx > layer_idx)
}

fn of_layer(layer: &LayerTree, layer_idx: usize, stack: &Stack, found: &mut Vec<Finding>) {
    let mut open: Vec<Open> = Vec::new();
    let mut bytecode: Option<Open> = None;
    let secrets: BTreeSet<&str> = layer
        .iter()
        .filter(|(path, entry)| is_file(entry.kind) && secret(path).is_some())
        .map(|(path, _)| path)
        .collect();
    for (path, entry) in layer.iter() {
        // In order of the paths, `a-b` comes between `a` and what is in it.
        let mut idx = 0;
        while let Some(one) = open.get(idx) {
            if path > one.prefix.as_str() && !path.starts_with(&one.prefix) {
                close(open.remove(idx), found, &mut bytecode);
            } else {
                idx += 1;
            }
        }
        if entry.kind == MemberKind::Dir {
            let is_inside = open.iter().any(|one| path.starts_with(&one.prefix));
            if let Some((kind, advice)) = leftovers(path).filter(|_| !is_inside) {
                let finding = Finding {
                    kind,
                    advice,
                    path: path.to_owned(),
                    layer_idx,
                    bytes: 0,
                    n_files: 0,
                    visibility: Visibility::Shown,
                    hidden_by: None,
                };
                open.push(Open { prefix: format!("{path}/"), finding, sight: Sight::default() });
            }
            continue;
        }
        if secrets.contains(path)
            && let Some(kind) = secret(path)
        {
            let mut sight = Sight::default();
            sight.add(stack, path, layer_idx);
            found.push(Finding {
                kind,
                advice: Advice::SecretMount,
                path: path.to_owned(),
                layer_idx,
                bytes: entry.size_bytes,
                n_files: 1,
                visibility: sight.visibility(1),
                hidden_by: sight.hidden_by,
            });
            continue;
        }
        if entry.kind != MemberKind::File {
            continue;
        }
        if let Some(one) = open.iter_mut().find(|one| path.starts_with(&one.prefix)) {
            one.finding.bytes = one.finding.bytes.saturating_add(entry.size_bytes);
            one.finding.n_files += 1;
            one.sight.add(stack, path, layer_idx);
        }
    }
    for one in open {
        close(one, found, &mut bytecode);
    }
    if let Some(one) = bytecode {
        tell(one, found);
    }
}

fn is_file(kind: MemberKind) -> bool {
    matches!(kind, MemberKind::File | MemberKind::HardLink)
}

/// Ends the counting of a folder. Those of compiled files are told together, for there are many.
fn close(one: Open, found: &mut Vec<Finding>, bytecode: &mut Option<Open>) {
    if one.finding.kind != FindingKind::Bytecode {
        tell(one, found);
        return;
    }
    let Some(all) = bytecode else {
        *bytecode = Some(one);
        return;
    };
    all.finding.bytes = all.finding.bytes.saturating_add(one.finding.bytes);
    all.finding.n_files += one.finding.n_files;
    all.sight.n_shown += one.sight.n_shown;
    all.sight.hidden_by = all.sight.hidden_by.max(one.sight.hidden_by);
    all.finding.path = common_folder(&all.finding.path, &one.finding.path);
}

fn tell(one: Open, found: &mut Vec<Finding>) {
    let Open { mut finding, sight, .. } = one;
    // Empty files are placeholders.
    if finding.bytes == 0 {
        return;
    }
    finding.visibility = sight.visibility(finding.n_files);
    finding.hidden_by = sight.hidden_by;
    found.push(finding);
}

/// The folder that both lie in.
fn common_folder(a: &str, b: &str) -> String {
    let same = a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b);
    same.map(|(name, _)| name).collect::<Vec<_>>().join("/")
}

fn is_tail(path: &str, tail: &str) -> bool {
    path.strip_suffix(tail).is_some_and(|front| front.is_empty() || front.ends_with('/'))
}

/// The rule for a folder.
fn leftovers(path: &str) -> Option<(FindingKind, Advice)> {
    let fits = |at: &At| match at {
        At::Root(root) => path == *root,
        At::Any(tail) => is_tail(path, tail),
    };
    FOLDERS.iter().find(|(at, ..)| fits(at)).map(|(_, kind, advice)| (*kind, *advice))
}

/// The rule for a file.
fn secret(path: &str) -> Option<FindingKind> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if HISTORIES.contains(&name) {
        return Some(FindingKind::ShellHistory);
    }
    let fits = |named: &Named| match named {
        Named::Exactly(own) => name == *own,
        Named::Tail(tail) => is_tail(path, tail),
        Named::Ends(end) => name.ends_with(end) && name.len() > end.len(),
        Named::Begins(start) => name.starts_with(start),
    };
    let (_, kind) = SECRETS.iter().find(|(named, _)| fits(named))?;
    let is_public = match kind {
        FindingKind::PrivateKey => {
            // Bundles of certificates have such names wherever they are.
            PUBLIC_KEYS.iter().any(|folder| path.starts_with(folder))
                || matches!(name, "cacert.pem" | "cert.pem" | "ca.pem" | "fullchain.pem" | "chain.pem")
                || name.ends_with(".pub.pem")
        }
        FindingKind::EnvFile => SAMPLES.iter().any(|sample| name.ends_with(sample)),
        // npm and Yarn bring settings of their own.
        FindingKind::RegistryCredentials => path.contains("node_modules/"),
        _ => false,
    };
    (!is_public).then_some(*kind)
}

#[cfg(test)]
mod tests {
    use super::super::testing::layer;
    use super::*;

    fn found(layers: &[&[&str]]) -> Vec<String> {
        let layers: Vec<LayerTree> = layers.iter().map(|names| layer(names)).collect();
        let layers: Vec<&LayerTree> = layers.iter().collect();
        let stack = Stack::new(layers.iter().copied());
        let line = |one: Finding| {
            let Finding { kind, path, layer_idx, bytes, n_files, visibility, hidden_by, .. } = one;
            format!("{kind:?} {path} {layer_idx} {bytes} {n_files} {visibility:?} {hidden_by:?}")
        };
        find(&layers, &stack).into_iter().map(line).collect()
    }

    #[test]
    fn leftovers_are_counted_by_their_folder() {
        let lines = found(&[
            &[
                "var/lib/apt/lists/a=333",
                "var/lib/apt/lists/partial/b=22",
                "var/lib/apt/lists-x=1",
                "var/lib/dpkg/x=1",
            ],
            &["root/.npm/_cacache/x=4444", "srv/go/pkg/mod/cache/.cache/pip/x=1", ".wh.srv"],
            &[".wh.var"],
        ]);
        let expected = [
            "AptLists var/lib/apt/lists 0 5 2 Hidden Some(2)",
            "NodeCache root/.npm/_cacache 1 4 1 Shown None",
            "GoCache srv/go/pkg/mod 1 1 1 Shown None",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn compiled_files_are_told_once() {
        let lines = found(&[&["usr/lib/a/__pycache__/x.pyc=1", "usr/lib/b/__pycache__/y.pyc=22"]]);
        assert_eq!(lines, ["Bytecode usr/lib 0 3 2 Shown None"]);
    }

    #[test]
    fn a_secret_that_is_removed_is_still_there() {
        let lines =
            found(&[&["app/.env=KEY", "app/.env.example=", "root/.aws/credentials=x"], &["app/.wh..env"]]);
        let expected = [
            "EnvFile app/.env 0 3 1 Hidden Some(1)",
            "CloudCredentials root/.aws/credentials 0 1 1 Shown None",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn public_keys_are_no_secrets() {
        for path in [
            "etc/ssl/certs/x.pem",
            "usr/lib/python3/site-packages/certifi/cacert.pem",
            "usr/local/lib/node_modules/npm/.npmrc",
            ".env.sample",
            "root/.ssh/id_rsa.pub",
            ".pem",
        ] {
            assert_eq!(secret(path), None, "{path}");
        }
        assert_eq!(secret("root/.ssh/id_rsa"), Some(FindingKind::PrivateKey));
        assert_eq!(secret("home/x/.kube/config"), Some(FindingKind::Kubeconfig));
    }
}
