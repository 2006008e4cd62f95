//! A stage while it is walked through: its file system so far, its environment, its numbers.

use super::convert::Converter;
use super::env::{DEFAULT_PATH, EnvList, split_pair};
use super::path::join_workdir;
use super::{StageId, StepId, platform};
use crate::dockerfile::word::Env as _;
use crate::oci::{HistoryEntry, ImageConfig, Platform};

/// A stage while it is walked through.
#[derive(Clone, Debug)]
pub(super) struct StageState {
    pub(super) id: StageId,
    /// As names show it; empty where the file has one stage.
    pub(super) name: String,
    pub(super) platform: Platform,
    pub(super) image: ImageConfig,
    /// The file system so far; none for scratch.
    pub(super) output: Option<StepId>,
    pub(super) env: EnvList,
    pub(super) cwd: String,
    /// Arguments declared so far, with their values.
    pub(super) args: Vec<(String, Option<String>)>,
    pub(super) has_own_cmd: bool,
    /// How many steps the names count, and how many had their number.
    pub(super) total: usize,
    index: u32,
    pub(super) ignores_cache: bool,
    pub(super) hostname: String,
}

impl StageState {
    /// A stage with nothing in it.
    pub(super) fn new(id: StageId, name: String, platform: Platform) -> Self {
        Self {
            id,
            name,
            platform,
            image: ImageConfig::default(),
            output: None,
            env: EnvList::default(),
            cwd: "/".into(),
            args: Vec::new(),
            has_own_cmd: false,
            total: 0,
            index: 0,
            ignores_cache: false,
            hostname: String::new(),
        }
    }

    /// Begins where another stage ended.
    pub(super) fn inherit(&mut self, parent: &Self) {
        self.output = parent.output;
        self.platform.clone_from(&parent.platform);
        self.image.clone_from(&parent.image);
        self.env.clone_from(&parent.env);
        self.cwd.clone_from(&parent.cwd);
        self.args.clone_from(&parent.args);
    }

    /// Takes over what the image's configuration says.
    pub(super) fn begin(&mut self, converter: &Converter<'_>) {
        let env = self.image.config.env.clone();
        if !env.iter().any(|pair| split_pair(pair).0 == "PATH") && self.platform.os != "windows" {
            self.image.config.env.push(format!("PATH={DEFAULT_PATH}"));
        }
        for pair in self.image.config.env.clone() {
            let (name, value) = split_pair(&pair);
            self.env.set(name, value);
        }
        if !self.image.config.working_dir.is_empty() {
            self.cwd = join_workdir("", &self.image.config.working_dir);
            self.image.config.working_dir.clone_from(&self.cwd);
        }
        let hostname = converter.options.build_args.get("BUILDKIT_SANDBOX_HOSTNAME");
        self.hostname = hostname.cloned().unwrap_or_default();
    }

    /// Leaves numbers out.
    pub(super) fn skip(&mut self, n: u32) {
        self.index += n;
    }

    /// A step's name and its number; each call counts one further.
    pub(super) fn step_name(
        &mut self,
        converter: &Converter<'_>,
        text: &str,
        is_onbuild: bool,
    ) -> (String, Option<(u32, u32)>) {
        if self.total == 0 {
            return (text.to_owned(), None);
        }
        self.index += 1;
        let mut name = String::from("[");
        if converter.is_multi {
            name.push_str(&self.platform.to_string());
            name.push_str(&cross_target(&self.platform, &self.env));
            name.push(' ');
        }
        if !self.name.is_empty() {
            name.push_str(&self.name);
            name.push(' ');
        }
        let width = self.total.to_string().len();
        let trigger = if is_onbuild { "ONBUILD " } else { "" };
        name.push_str(&format!("{:>width$}/{}] {trigger}{text}", self.index, self.total));
        let total = u32::try_from(self.total).unwrap_or(u32::MAX);
        (name, Some((self.index, total)))
    }

    pub(super) fn commit(&mut self, created_by: String, has_layer: bool) {
        self.image.history.push(HistoryEntry {
            created_by,
            comment: Some("buildkit.dockerfile.v0".into()),
            empty_layer: !has_layer,
            ..HistoryEntry::default()
        });
    }

    pub(super) fn set_config_env(&mut self, name: &str, value: &str) {
        let line = format!("{name}={value}");
        match self.image.config.env.iter_mut().find(|pair| split_pair(pair).0 == name) {
            Some(pair) => *pair = line,
            None => self.image.config.env.push(line),
        }
    }

    pub(super) fn with_shell(&self, args: &[String]) -> Vec<String> {
        let shell = &self.image.config.shell;
        let own = ["/bin/sh".to_owned(), "-c".to_owned()];
        let shell = if shell.is_empty() { own.as_slice() } else { shell };
        shell.iter().cloned().chain([args.join(" ")]).collect()
    }
}

/// `->arm64` where a step is built for another platform than it runs on.
fn cross_target(own: &Platform, env: &EnvList) -> String {
    let target = match env.get("TARGETPLATFORM") {
        Some(text) => platform::parse(text).ok(),
        None => env.get("TARGETARCH").map(|arch| Platform {
            architecture: arch.to_owned(),
            os: env.get("TARGETOS").unwrap_or(&own.os).to_owned(),
            variant: env.get("TARGETVARIANT").filter(|variant| !variant.is_empty()).map(str::to_owned),
            os_version: None,
        }),
    };
    match target {
        Some(target) if target.os != own.os => format!("->{target}"),
        Some(target) if target.architecture != own.architecture => {
            let variant = target.variant.map_or(String::new(), |variant| format!("/{variant}"));
            format!("->{}{variant}", target.architecture)
        }
        _ => String::new(),
    }
}
