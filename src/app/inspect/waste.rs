//! The view of waste: what the reader chose for it, dive's rules, and what to write instead.
//!
//! Thresholds are kept as they were typed and read as dive 0.13.1 reads them: empty, `disabled`, `off`
//! and `false` turn a rule off, shares go from 0 to 1, and a value that equals its threshold passes.

use super::rows::aspect_word;
use crate::app::known::read_size;
use crate::protocol::inspect::SettleScope;
use crate::protocol::inspect::waste::{
    Advice, DiveReport, DiveThresholds, FindingKind, FindingRow, HiddenCause, HiddenRow,
};

/// A rule of dive, in the order in which dive tells of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Wasted bytes by those above the lowest layer.
    HighestUserWastedPercent,
    /// Wasted bytes.
    HighestWastedBytes,
    /// The efficiency.
    LowestEfficiency,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 3] =
        [Self::HighestUserWastedPercent, Self::HighestWastedBytes, Self::LowestEfficiency];

    /// Its key in `.dive-ci`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::HighestUserWastedPercent => "highestUserWastedPercent",
            Self::HighestWastedBytes => "highestWastedBytes",
            Self::LowestEfficiency => "lowestEfficiency",
        }
    }
}

/// What happened in the view of waste.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WasteMessage {
    /// So many of the lowest layers are left out.
    BaseChosen(u32),
    /// A threshold was typed.
    ThresholdTyped(Rule, String),
    /// Contents are to be told apart.
    SettleAsked(SettleScope),
}

/// What the reader chose in the view of waste.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WasteLook {
    /// So many of the lowest layers are left out.
    pub n_base_layers: u32,
    /// The threshold of `highestUserWastedPercent`.
    pub user_wasted: String,
    /// The threshold of `highestWastedBytes`.
    pub wasted_bytes: String,
    /// The threshold of `lowestEfficiency`.
    pub efficiency: String,
}

impl Default for WasteLook {
    /// What dive checks where nothing is configured.
    fn default() -> Self {
        Self {
            n_base_layers: 0,
            user_wasted: "0.1".to_owned(),
            wasted_bytes: "disabled".to_owned(),
            efficiency: "0.9".to_owned(),
        }
    }
}

impl WasteLook {
    /// What was typed for a rule.
    #[must_use]
    pub fn typed(&self, rule: Rule) -> &str {
        match rule {
            Rule::HighestUserWastedPercent => &self.user_wasted,
            Rule::HighestWastedBytes => &self.wasted_bytes,
            Rule::LowestEfficiency => &self.efficiency,
        }
    }

    pub(super) fn set(&mut self, rule: Rule, typed: String) {
        match rule {
            Rule::HighestUserWastedPercent => self.user_wasted = typed,
            Rule::HighestWastedBytes => self.wasted_bytes = typed,
            Rule::LowestEfficiency => self.efficiency = typed,
        }
    }

    /// The threshold of a rule can be read, or the rule is off.
    #[must_use]
    pub fn is_readable(&self, rule: Rule) -> bool {
        let typed = self.typed(rule);
        is_off(typed)
            || match rule {
                Rule::HighestWastedBytes => read_size(typed).is_some(),
                _ => read_share(typed).is_some(),
            }
    }

    /// What is typed, as far as it can be read.
    #[must_use]
    pub fn thresholds(&self) -> DiveThresholds {
        DiveThresholds {
            lowest_efficiency: read_share(&self.efficiency),
            highest_wasted_bytes: read_size(&self.wasted_bytes),
            highest_user_wasted: read_share(&self.user_wasted),
        }
    }

    /// The file `.dive-ci` with these thresholds.
    #[must_use]
    pub fn dive_ci(&self) -> String {
        let mut text = "rules:\n".to_owned();
        for rule in [Rule::LowestEfficiency, Rule::HighestWastedBytes, Rule::HighestUserWastedPercent] {
            let typed = self.typed(rule).trim();
            let value = if is_off(typed) { "disabled" } else { typed };
            text.push_str(&format!("  {}: {value}\n", rule.key()));
        }
        text
    }
}

fn is_off(typed: &str) -> bool {
    matches!(typed.trim().to_ascii_lowercase().as_str(), "" | "disabled" | "off" | "false")
}

fn read_share(typed: &str) -> Option<f64> {
    typed.trim().parse().ok().filter(|share| (0.0..=1.0).contains(share))
}

/// What dive says of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// It is off.
    Skip,
    /// Its threshold cannot be read; dive ends with an error.
    Bad,
}

impl Verdict {
    /// The word that dive prints.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Skip => "SKIP",
            Self::Bad => "ERROR",
        }
    }
}

/// What dive says of each rule, in the order of [`Rule::ALL`], and of all together.
#[must_use]
pub fn verdicts(report: &DiveReport, look: &WasteLook) -> ([Verdict; 3], Verdict) {
    let said = report.verdict(&look.thresholds());
    let each = Rule::ALL.map(|rule| {
        let passes = match rule {
            Rule::HighestUserWastedPercent => said.is_user_wasted_few,
            Rule::HighestWastedBytes => said.is_wasted_few,
            Rule::LowestEfficiency => said.is_efficient,
        };
        match passes {
            _ if !look.is_readable(rule) => Verdict::Bad,
            Some(true) => Verdict::Pass,
            Some(false) => Verdict::Fail,
            None => Verdict::Skip,
        }
    });
    let all = if each.contains(&Verdict::Bad) {
        Verdict::Bad
    } else if each.contains(&Verdict::Fail) {
        Verdict::Fail
    } else {
        Verdict::Pass
    };
    (each, all)
}

/// The name of what a rule finds.
#[must_use]
pub fn kind_words(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::PrivateKey => "Private key",
        FindingKind::EnvFile => "Environment file",
        FindingKind::RegistryCredentials => "Registry login",
        FindingKind::HostCredentials => "Host login",
        FindingKind::CloudCredentials => "Cloud credentials",
        FindingKind::DockerConfig => "Docker login",
        FindingKind::Kubeconfig => "Cluster access",
        FindingKind::PasswordFile => "Password file",
        FindingKind::TerraformState => "Terraform state",
        FindingKind::ShellHistory => "Shell history",
        FindingKind::AptLists => "APT lists",
        FindingKind::AptCache => "APT cache",
        FindingKind::ApkCache => "apk cache",
        FindingKind::DnfCache => "dnf cache",
        FindingKind::ZypperCache => "zypper cache",
        FindingKind::PacmanCache => "pacman cache",
        FindingKind::PythonCache => "Python package cache",
        FindingKind::NodeCache => "Node package cache",
        FindingKind::GoCache => "Go cache",
        FindingKind::CargoCache => "Cargo cache",
        FindingKind::JavaCache => "Java package cache",
        FindingKind::ComposerCache => "Composer cache",
        FindingKind::GemCache => "Downloaded gems",
        FindingKind::Bytecode => "Python bytecode",
        FindingKind::TempFiles => "Temporary files",
        FindingKind::Logs => "Logs",
        FindingKind::GitFolder => "Git history",
    }
}

/// What to write instead: a sentence, and a line of code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instead {
    /// What to do.
    pub sentence: &'static str,
    /// The line; empty where there is none.
    pub code: String,
}

/// What to write in place of what was found.
#[must_use]
pub fn instead(finding: &FindingRow) -> Instead {
    let path = format!("/{}", finding.path);
    let name = finding.path.rsplit('/').next().unwrap_or(&finding.path);
    let (sentence, code) = match (finding.advice, finding.kind) {
        (Advice::SecretMount, _) => (
            "Replace the secret by a new one, and mount it for the command that needs it.",
            format!("RUN --mount=type=secret,id=secret,target={path} COMMAND"),
        ),
        (Advice::Ignore, kind) if kind.is_secret() => (
            "Replace the secret by a new one, and keep the file out of the build with a line in .dockerignore.",
            format!("**/{name}"),
        ),
        (Advice::Ignore, _) => {
            ("Keep it out of the build with a line in .dockerignore.", format!("**/{name}"))
        }
        (Advice::CacheMount, FindingKind::AptLists) => (
            "Remove the lists in the RUN that fetches them.",
            "RUN apt-get update && apt-get install -y PACKAGES && rm -rf /var/lib/apt/lists/*".to_owned(),
        ),
        (Advice::CacheMount, _) => (
            "Keep it in a cache of the builder, outside the image.",
            format!("RUN --mount=type=cache,target={path},sharing=locked COMMAND"),
        ),
        (Advice::NoCacheFlag, FindingKind::ApkCache) => {
            ("Let apk keep no cache.", "RUN apk add --no-cache PACKAGES".to_owned())
        }
        (Advice::NoCacheFlag, _) => {
            ("Let pip keep no cache.", "RUN pip install --no-cache-dir PACKAGES".to_owned())
        }
        (Advice::RemoveInSameRun, _) => {
            ("Remove it in the RUN that makes it.", format!("RUN COMMAND && rm -rf {path}"))
        }
        (Advice::Stage, _) => (
            "Build in a stage of its own and copy only what the program needs.",
            "COPY --from=build /app /app".to_owned(),
        ),
        (Advice::NoBytecode, _) => (
            "Let Python write none; programs start a little later.",
            "ENV PYTHONDONTWRITEBYTECODE=1".to_owned(),
        ),
    };
    Instead { sentence, code }
}

/// How content was hidden.
#[must_use]
pub fn cause_words(row: &HiddenRow) -> String {
    match &row.cause {
        HiddenCause::Removed => "removed".to_owned(),
        HiddenCause::Overwritten if row.is_undecided => "written again, perhaps the same".to_owned(),
        HiddenCause::Overwritten => "overwritten".to_owned(),
        HiddenCause::Metadata(aspects) => {
            let words: Vec<&str> = aspects.iter().map(|aspect| aspect_word(*aspect)).collect();
            format!("same content, other {}", words.join(", "))
        }
        HiddenCause::Repeated => "written again unchanged".to_owned(),
        HiddenCause::WithinLayer => "stands twice in the layer".to_owned(),
    }
}

/// What to write so that nothing is hidden. `stored_by` is the instruction of the layer that stores it.
#[must_use]
pub fn unhidden(row: &HiddenRow, stored_by: Option<&str>) -> Instead {
    let path = format!("/{}", row.path);
    let name = row.path.rsplit('/').next().unwrap_or(&row.path);
    let is_copied = stored_by.is_some_and(|code| {
        let word = code.split_whitespace().next().unwrap_or_default();
        word.eq_ignore_ascii_case("COPY") || word.eq_ignore_ascii_case("ADD")
    });
    let (sentence, code) = match &row.cause {
        HiddenCause::Removed if is_copied => {
            ("Do not copy it: a line in .dockerignore keeps it out.", format!("**/{name}"))
        }
        HiddenCause::Removed => {
            ("Remove it in the RUN that makes it.", format!("RUN COMMAND && rm -rf {path}"))
        }
        HiddenCause::Metadata(_) if is_copied => (
            "Set owner and mode while it is copied.",
            format!("COPY --chown=USER:GROUP --chmod=MODE SOURCE {path}"),
        ),
        HiddenCause::Metadata(_) => {
            ("Set owner and mode in the RUN that makes it.", format!("RUN COMMAND && chmod MODE {path}"))
        }
        HiddenCause::Overwritten => ("Write it once, in its last form.", String::new()),
        HiddenCause::Repeated => ("Leave out the second copy.", String::new()),
        HiddenCause::WithinLayer => ("Build the layer again with a current builder.", String::new()),
    };
    Instead { sentence, code }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> DiveReport {
        DiveReport {
            smallest_bytes: 90,
            discovered_bytes: 100,
            wasted_bytes: 10,
            user_bytes: 50,
            ..DiveReport::default()
        }
    }

    #[track_caller]
    fn check(typed: [&str; 3], each: [Verdict; 3], all: Verdict) {
        let mut look = WasteLook::default();
        for (rule, typed) in Rule::ALL.into_iter().zip(typed) {
            look.set(rule, typed.to_owned());
        }
        assert_eq!(verdicts(&report(), &look), (each, all), "{typed:?}");
    }

    #[test]
    fn rules_say_what_dive_says() {
        use Verdict::{Bad, Fail, Pass, Skip};
        check(["0.1", "disabled", "0.9"], [Fail, Skip, Pass], Fail);
        check(["0.2", "10B", "0.9"], [Pass, Pass, Pass], Pass);
        check(["off", "9", "0.91"], [Skip, Fail, Fail], Fail);
        check(["", " FALSE ", "Off"], [Skip, Skip, Skip], Pass);
        check(["1.5", "ten", "0.9"], [Bad, Bad, Pass], Bad);
    }

    #[test]
    fn the_file_has_the_thresholds() {
        let mut look = WasteLook::default();
        look.set(Rule::HighestWastedBytes, " 20MB".to_owned());
        look.set(Rule::LowestEfficiency, String::new());
        assert_eq!(
            look.dive_ci(),
            "rules:\n  lowestEfficiency: disabled\n  highestWastedBytes: 20MB\n  highestUserWastedPercent: 0.1\n"
        );
    }

    #[test]
    fn a_removed_file_is_kept_out_where_it_comes_from() {
        let row = HiddenRow {
            path: "srv/app/.env".to_owned(),
            size_bytes: 1,
            layer_idx: 0,
            hidden_by: 1,
            cause: HiddenCause::Removed,
            is_undecided: false,
        };
        assert_eq!(unhidden(&row, Some("COPY . /srv/app")).code, "**/.env");
        assert_eq!(unhidden(&row, Some("RUN make")).code, "RUN COMMAND && rm -rf /srv/app/.env");
    }
}
