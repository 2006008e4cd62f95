//! What an image's history tells of the Dockerfile that made it.

/// The instruction behind a line of the history, as it was written, as far as
/// the builder kept it.
///
/// BuildKit writes `RUN /bin/sh -c npm install # buildkit`, the classic builder
/// `/bin/sh -c #(nop) CMD ["node"]` and, for RUN, the bare command; arguments in
/// force stand in front as `|1 NAME=value`.
#[must_use]
pub fn instruction_of(created_by: &str) -> String {
    let text = created_by.trim().trim_end_matches("# buildkit").trim();
    let (keyword, rest) = match text.strip_prefix("RUN ") {
        Some(rest) => ("RUN ", rest),
        None => ("", text),
    };
    let rest = without_arguments(rest);
    if let Some(metadata) = rest.strip_prefix("/bin/sh -c #(nop)") {
        return one_line(metadata.trim());
    }
    if let Some(command) = rest.strip_prefix("/bin/sh -c ") {
        return one_line(&format!("RUN {}", command.trim()));
    }
    one_line(&format!("{keyword}{rest}"))
}

/// Takes `|2 A=1 B=2` off the front.
fn without_arguments(text: &str) -> &str {
    let Some(rest) = text.strip_prefix('|') else { return text };
    let Some((count, mut rest)) = rest.split_once(' ') else { return text };
    let Ok(n_args) = count.parse::<usize>() else { return text };
    // Values may hold blanks; the shell that follows tells where they end.
    if let Some(idx) = rest.find("/bin/sh -c ") {
        return rest.get(idx..).unwrap_or(rest);
    }
    for _ in 0..n_args {
        let Some((_, after)) = rest.split_once(' ') else { return rest };
        rest = after;
    }
    rest
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_builders() {
        for (created_by, instruction) in [
            ("RUN /bin/sh -c npm install # buildkit", "RUN npm install"),
            ("COPY package*.json ./ # buildkit", "COPY package*.json ./"),
            ("/bin/sh -c #(nop)  CMD [\"npm\" \"start\"]", "CMD [\"npm\" \"start\"]"),
            ("/bin/sh -c apk add curl", "RUN apk add curl"),
            ("|1 V=a b /bin/sh -c echo $V", "RUN echo $V"),
            ("RUN |1 V=1 /bin/sh -c echo $V # buildkit", "RUN echo $V"),
            ("RUN /bin/bash -c x # buildkit", "RUN /bin/bash -c x"),
        ] {
            assert_eq!(instruction_of(created_by), instruction);
        }
    }
}
