//! One diff of all that a build is made of: from either side it gives both.

use std::fmt::Write as _;

use layerlab::app::change::whole_change;
use layerlab::app::state::{Session, Version};
use proptest::prelude::*;

fn lines() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-c]{1,2}", 1..8)
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A diff with as much context as `git` gives.
fn diff(path: &str, old: &[String], new: &[String]) -> String {
    let is_same = |(a, b): &(&String, &String)| a == b;
    let n_first = old.iter().zip(new).take_while(is_same).count();
    let shorter = old.len().min(new.len()) - n_first;
    let n_last = old.iter().rev().zip(new.iter().rev()).take_while(is_same).count().min(shorter);
    let start = n_first.saturating_sub(3);
    let n_after = n_last.min(3);
    let (old_end, new_end) = (old.len() - n_last, new.len() - n_last);
    let n_context = n_first - start + n_after;
    let mut out = format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n");
    let (n_old, n_new) = (old_end - n_first + n_context, new_end - n_first + n_context);
    writeln!(out, "@@ -{0},{n_old} +{0},{n_new} @@", start + 1).unwrap();
    old[start..n_first].iter().for_each(|line| writeln!(out, " {line}").unwrap());
    old[n_first..old_end].iter().for_each(|line| writeln!(out, "-{line}").unwrap());
    new[n_first..new_end].iter().for_each(|line| writeln!(out, "+{line}").unwrap());
    old[old_end..old_end + n_after].iter().for_each(|line| writeln!(out, " {line}").unwrap());
    out
}

fn version(dockerfile: &[String], dockerignore: &[String]) -> Version {
    let mut version = Session::example().now;
    version.dockerfile = format!("FROM x\n{}", text(dockerfile));
    version.dockerignore = text(dockerignore);
    version
}

proptest! {
    /// Told from whole files, so that each side is found in itself alone.
    #[test]
    fn either_side_gives_both(
        dockerfiles in (lines(), lines()), ignores in (lines(), lines()), folder in "(|web/|a/b/)",
    ) {
        let whole = |lines: &[String]| -> Vec<String> {
            let mut all = vec!["FROM x".to_owned()];
            all.extend(lines.to_vec());
            all
        };
        prop_assume!(dockerfiles.0 != dockerfiles.1 && ignores.0 != ignores.1);
        let diff = diff(&format!("{folder}Dockerfile"), &whole(&dockerfiles.0), &whole(&dockerfiles.1))
            + &diff(&format!("{folder}.dockerignore"), &ignores.0, &ignores.1);
        let (old, new) = (version(&dockerfiles.0, &ignores.0), version(&dockerfiles.1, &ignores.1));
        let from_old = whole_change(&old, &diff, 1);
        let from_new = whole_change(&new, &diff, 1);
        let sides = |change: Result<layerlab::app::change::WholeChange, _>| {
            change.map(|change| (change.before, change.after)).map_err(|error: layerlab::app::change::ChangeError| error.to_string())
        };
        prop_assert_eq!(sides(from_old), Ok((old.clone(), new.clone())), "{}", diff);
        prop_assert_eq!(sides(from_new), Ok((old, new)), "{}", diff);
    }

    #[test]
    fn no_diff_panics(text in any::<String>(), pieces in proptest::collection::vec(0..14_usize, 0..30)) {
        let all = [
            "diff --git a/Dockerfile b/Dockerfile\n", "diff --git a/x/.dockerignore b/x/.dockerignore\n",
            "--- a/Dockerfile\n+++ b/Dockerfile\n", "--- /dev/null\n+++ b/.dockerignore\n", "@@ -1 +1 @@\n",
            "@@ -4 +4,2 @@\n", "-RUN npm install\n", "+RUN npm ci\n", " RUN npm install\n", "new file mode 100644\n",
            "deleted file mode 100644\n", "rename from Dockerfile\nrename to a/Dockerfile\n", "copy from index.js\n",
            "index 1111111..2222222\n",
        ];
        let diff: String = pieces.iter().map(|idx| all[*idx]).chain([text.as_str()]).collect();
        let now = Session::example().now;
        if let Ok(change) = whole_change(&now, &diff, 1) {
            prop_assert!(change.before == now || change.after == now);
        }
    }
}
