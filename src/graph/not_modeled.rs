//! What of a whole build is not modeled.

use super::{BuildOptions, Graph, Op, reference};
use crate::dockerfile::stage::Dockerfile;

/// Says what, if there is something.
pub(super) fn of(file: &Dockerfile, options: &BuildOptions, graph: &Graph) -> Option<String> {
    other_front_end(file, options).or_else(|| other_system(graph))
}

/// The front end that the file or the build asks for, if it is another one than that of Dockerfiles.
/// All releases of that one are taken for equal, mirrored ones too.
fn other_front_end(file: &Dockerfile, options: &BuildOptions) -> Option<String> {
    let asked = options.build_args.get("BUILDKIT_SYNTAX").cloned();
    let reference = asked.or_else(|| file.syntax.as_ref().map(|directive| directive.value.value.clone()))?;
    let image = reference.split_whitespace().next()?;
    let name = reference::normalize(image).unwrap_or_else(|_| image.to_owned());
    let name = name.split('@').next()?;
    let name = match name.rsplit_once('/') {
        Some((path, last)) => format!("{path}/{}", last.split(':').next()?),
        None => name.to_owned(),
    };
    let is_own = ["/docker/dockerfile", "/docker/dockerfile-upstream"].iter().any(|own| name.ends_with(own));
    (!is_own).then(|| format!("the front end {image}"))
}

/// A step runs on Windows.
fn other_system(graph: &Graph) -> Option<String> {
    let systems = graph.steps.iter().filter_map(|step| step.platform.as_ref()).map(|it| it.os.as_str());
    let of_bases = graph.steps.iter().filter_map(|step| match &step.op {
        Op::Image { base, .. } => Some(base.config.os.as_str()),
        _ => None,
    });
    systems.chain(of_bases).any(|os| os == "windows").then(|| "a build for Windows".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::convert;

    #[test]
    fn other_front_ends_and_systems() {
        let of = |text: &str, options: &BuildOptions| {
            convert::build(&Dockerfile::read(text), options, &|_, _| None).unwrap().not_modeled
        };
        let plain = BuildOptions::default();
        let front_end = |line: &str| of(&format!("{line}\nFROM a\nRUN b\n"), &plain);
        for own in [
            "docker/dockerfile:1.4",
            "mirror.gcr.io/docker/dockerfile:1.9-labs",
            "docker/dockerfile-upstream:master",
        ] {
            assert_eq!(front_end(&format!("# syntax={own}")), None, "{own}");
        }
        let other = "the front end ghcr.io/x/nix2:v1".to_owned();
        assert_eq!(front_end("# syntax=ghcr.io/x/nix2:v1 x"), Some(other.clone()));
        let mut asked = BuildOptions::default();
        asked.build_args.insert("BUILDKIT_SYNTAX".into(), "ghcr.io/x/nix2:v1".into());
        assert_eq!(of("# syntax=docker/dockerfile:1\nFROM a\nRUN b\n", &asked), Some(other));
        assert_eq!(
            of("FROM --platform=windows/amd64 a\nRUN b\n", &plain),
            Some("a build for Windows".into())
        );
    }
}
