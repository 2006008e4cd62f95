//! What looks like a secret in a text that is about to be handed around.
//!
//! Found are tokens that their makers mark by how they begin, private keys, JSON Web Tokens,
//! passwords in addresses, and literal values of names such as `NPM_TOKEN`. A value that comes from
//! somewhere else (`$TOKEN`), is empty, or plainly stands in for one (`changeme`, `xxxx`, `<token>`)
//! is none. Nothing says that what is not found is no secret.

/// What it looks like.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SecretKind {
    /// A token of this maker.
    Token(&'static str),
    /// A private key.
    PrivateKey,
    /// A JSON Web Token.
    Jwt,
    /// A password in an address.
    UrlPassword,
    /// The value of a name that sounds like a secret's.
    NamedValue,
}

impl SecretKind {
    /// As people read it.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Token(maker) => format!("a token of {maker}"),
            Self::PrivateKey => "a private key".to_owned(),
            Self::Jwt => "a JSON Web Token".to_owned(),
            Self::UrlPassword => "a password in an address".to_owned(),
            Self::NamedValue => "a value of a name that sounds like a secret".to_owned(),
        }
    }
}

/// Something that looks like a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// The line it begins on, counted from 1.
    pub line: u32,
    /// What it looks like.
    pub kind: SecretKind,
}

/// Which characters a token goes on with.
#[derive(Clone, Copy)]
enum Chars {
    Upper,
    Alnum,
    Word,
    WordDash,
    WordDashDot,
    WordSlash,
}

impl Chars {
    fn has(self, ch: char) -> bool {
        match self {
            Self::Upper => ch.is_ascii_uppercase() || ch.is_ascii_digit(),
            Self::Alnum => ch.is_ascii_alphanumeric(),
            Self::Word => ch.is_ascii_alphanumeric() || ch == '_',
            Self::WordDash => ch.is_ascii_alphanumeric() || ch == '_' || ch == '-',
            Self::WordDashDot => ch.is_ascii_alphanumeric() || "_-.".contains(ch),
            Self::WordSlash => ch.is_ascii_alphanumeric() || "_/".contains(ch),
        }
    }
}

/// How tokens begin, whose they are, what follows and how much of it at least.
const TOKENS: [(&str, &str, Chars, usize); 39] = [
    ("AKIA", "AWS", Chars::Upper, 16),
    ("ASIA", "AWS", Chars::Upper, 16),
    ("ghp_", "GitHub", Chars::Alnum, 36),
    ("gho_", "GitHub", Chars::Alnum, 36),
    ("ghu_", "GitHub", Chars::Alnum, 36),
    ("ghs_", "GitHub", Chars::Alnum, 36),
    ("ghr_", "GitHub", Chars::Alnum, 36),
    ("github_pat_", "GitHub", Chars::Word, 22),
    ("glpat-", "GitLab", Chars::WordDash, 20),
    ("gldt-", "GitLab", Chars::WordDash, 20),
    ("glrt-", "GitLab", Chars::WordDash, 20),
    ("glptt-", "GitLab", Chars::WordDash, 20),
    ("glcbt-", "GitLab", Chars::WordDash, 20),
    ("glsoat-", "GitLab", Chars::WordDash, 20),
    ("dckr_pat_", "Docker Hub", Chars::WordDash, 20),
    ("dckr_oat_", "Docker Hub", Chars::WordDash, 20),
    ("xoxb-", "Slack", Chars::WordDash, 20),
    ("xoxp-", "Slack", Chars::WordDash, 20),
    ("xoxa-", "Slack", Chars::WordDash, 20),
    ("xoxr-", "Slack", Chars::WordDash, 20),
    ("xoxs-", "Slack", Chars::WordDash, 20),
    ("xapp-", "Slack", Chars::WordDash, 20),
    ("hooks.slack.com/services/T", "Slack", Chars::WordSlash, 20),
    ("npm_", "npm", Chars::Alnum, 36),
    ("pypi-", "PyPI", Chars::WordDash, 50),
    ("AIza", "Google", Chars::WordDash, 35),
    ("GOCSPX-", "Google", Chars::WordDash, 28),
    ("ya29.", "Google", Chars::WordDash, 20),
    ("sk_live_", "Stripe", Chars::Alnum, 16),
    ("rk_live_", "Stripe", Chars::Alnum, 16),
    ("sk_test_", "Stripe", Chars::Alnum, 16),
    ("rk_test_", "Stripe", Chars::Alnum, 16),
    ("whsec_", "Stripe", Chars::Alnum, 24),
    ("SG.", "SendGrid", Chars::WordDashDot, 60),
    ("hf_", "Hugging Face", Chars::Alnum, 34),
    ("dop_v1_", "DigitalOcean", Chars::Alnum, 64),
    ("sk-ant-", "Anthropic", Chars::WordDash, 40),
    ("sk-proj-", "OpenAI", Chars::WordDash, 40),
    ("hvs.", "HashiCorp Vault", Chars::WordDash, 24),
];

/// Looks through a text, line by line. Of one line each kind is told once.
#[must_use]
pub fn find(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let from = found.len();
        let mut push = |kind| {
            let finding = Finding { line: number, kind };
            if !found.get(from..).unwrap_or(&[]).contains(&finding) {
                found.push(finding);
            }
        };
        tokens(line, &mut push);
        if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY") {
            push(SecretKind::PrivateKey);
        }
        if has_jwt(line) {
            push(SecretKind::Jwt);
        }
        if has_url_password(line) {
            push(SecretKind::UrlPassword);
        }
        // What was told more exactly already is not told again.
        if found.len() == from && has_named_value(line) {
            found.push(Finding { line: number, kind: SecretKind::NamedValue });
        }
    }
    found
}

/// Nothing that belongs to a word stands in front.
fn is_start(line: &str, at: usize) -> bool {
    !line.get(..at).unwrap_or("").ends_with(|ch: char| ch.is_alphanumeric() || ch == '_' || ch == '.')
}

fn tokens(line: &str, push: &mut dyn FnMut(SecretKind)) {
    for (prefix, maker, chars, min) in TOKENS {
        for (at, _) in line.match_indices(prefix) {
            let rest = line.get(at + prefix.len()..).unwrap_or("");
            let end = rest.find(|ch| !chars.has(ch)).unwrap_or(rest.len());
            let body = rest.get(..end).unwrap_or("");
            // Keys of AWS have one length, and words in capitals are longer or shorter.
            let is_long = if matches!(chars, Chars::Upper) { body.len() == min } else { body.len() >= min };
            if is_long && is_start(line, at) && !is_stand_in(body) {
                push(SecretKind::Token(maker));
            }
        }
    }
}

/// Three parts with dots between, the first two of which are JSON objects in base64.
fn has_jwt(line: &str) -> bool {
    line.match_indices("eyJ").any(|(at, _)| {
        let rest = line.get(at..).unwrap_or("");
        let end = rest.find(|ch| !Chars::WordDashDot.has(ch)).unwrap_or(rest.len());
        let parts: Vec<&str> = rest.get(..end).unwrap_or("").split('.').collect();
        match parts.as_slice() {
            [head, claims, signature, ..] => {
                is_start(line, at)
                    && head.len() >= 12
                    && claims.starts_with("eyJ")
                    && claims.len() >= 12
                    && signature.len() >= 16
            }
            _ => false,
        }
    })
}

/// `scheme://user:password@host`, the password literally.
fn has_url_password(line: &str) -> bool {
    line.match_indices("://").any(|(at, mark)| {
        let rest = line.get(at + mark.len()..).unwrap_or("");
        let is_end = |ch: char| ch.is_whitespace() || "/?#\"'<>`|;&)".contains(ch);
        let authority = rest.get(..rest.find(is_end).unwrap_or(rest.len())).unwrap_or("");
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
        password.is_some_and(is_literal)
    })
}

/// Words of a name that is a secret's, whatever its value looks like.
const STRONG: [&str; 12] = [
    "password",
    "passwd",
    "pword",
    "pwd",
    "passphrase",
    "token",
    "secret",
    "apikey",
    "authtoken",
    "credential",
    "credentials",
    "pat",
];

/// Words of a name that is a secret's if its value looks like one.
const WEAK: [&str; 4] = ["key", "auth", "pass", "cred"];

/// With one of these words a name is that of something else.
const FINE: [&str; 34] = [
    "public",
    "gpg",
    "pgp",
    "file",
    "files",
    "path",
    "dir",
    "folder",
    "url",
    "uri",
    "endpoint",
    "host",
    "name",
    "id",
    "env",
    "version",
    "length",
    "size",
    "ttl",
    "expiry",
    "expires",
    "timeout",
    "type",
    "header",
    "prefix",
    "min",
    "max",
    "count",
    "algorithm",
    "keyring",
    "keyserver",
    "server",
    "issuer",
    "mount",
];

/// `NAME=value`, `--name value`, `ENV NAME value`.
fn has_named_value(line: &str) -> bool {
    let trimmed = line.trim_start();
    let words: Vec<&str> = trimmed.split_whitespace().collect();
    if let [keyword, name, value, ..] = words.as_slice()
        && keyword.eq_ignore_ascii_case("ENV")
        && !name.contains('=')
        && is_secret(name, value)
    {
        return true;
    }
    let is_flag = |pair: &[&str]| match pair {
        [flag, value] => {
            flag.starts_with("--")
                && !flag.contains('=')
                && !value.starts_with('-')
                && is_secret(flag.trim_start_matches('-'), value)
        }
        _ => false,
    };
    words.windows(2).any(is_flag)
        || line.match_indices('=').any(|(at, _)| {
            let (before, after) = (line.get(..at).unwrap_or(""), line.get(at + 1..).unwrap_or(""));
            let start = before.rfind(|ch| !Chars::WordDash.has(ch)).map_or(0, |last| {
                last + before.get(last..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
            });
            let name = before.get(start..).unwrap_or("").trim_start_matches('-');
            // `$TOKEN=`, `${TOKEN:=x}` read a name, they give it nothing.
            !before.get(..start).unwrap_or("").ends_with(['$', '{']) && is_secret(name, value_of(after))
        })
}

/// A value as a shell reads it: up to the closing quote, or to the next blank.
fn value_of(text: &str) -> &str {
    let quote = text.chars().next().filter(|ch| *ch == '"' || *ch == '\'');
    let end = match quote {
        Some(quote) => text.get(1..).and_then(|rest| rest.find(quote)).map(|end| end + 2),
        None => text.find(|ch: char| ch.is_whitespace() || ";&|)\"'".contains(ch)),
    };
    text.get(..end.unwrap_or(text.len())).unwrap_or(text)
}

fn is_secret(name: &str, value: &str) -> bool {
    let words = words_of(name);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    if has(&FINE) || !is_literal(value) {
        return false;
    }
    let looks_random = || {
        let value = unquoted(value);
        let has_both = value.contains(|ch: char| ch.is_ascii_digit())
            && value.contains(|ch: char| ch.is_ascii_alphabetic());
        value.len() >= 16 && has_both && !value.contains(['/', '.', ','])
    };
    has(&STRONG) || has(&WEAK) && looks_random()
}

/// The parts of a name in small letters: `_authToken` is `auth` and `token`.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for ch in name.chars() {
        if !ch.is_ascii_alphanumeric() || was_lower && ch.is_ascii_uppercase() {
            words.push(String::new());
        }
        was_lower = ch.is_ascii_lowercase();
        if let Some(word) = words.last_mut().filter(|_| ch.is_ascii_alphanumeric()) {
            word.push(ch.to_ascii_lowercase());
        }
    }
    words
}

fn unquoted(value: &str) -> &str {
    value.trim_matches(['"', '\'', '\\', ',', ';'])
}

/// It is written out, and stands for itself.
fn is_literal(value: &str) -> bool {
    const FINE: [&str; 12] = [
        "true",
        "false",
        "none",
        "null",
        "nil",
        "undefined",
        "password",
        "passwd",
        "secret",
        "token",
        "yes",
        "no",
    ];
    let value = unquoted(value);
    let is_path = value.starts_with('/') && value.matches('/').count() > 1;
    let is_expanded = value.contains(['$', '`', '%', '{', '<', '*']) || value.starts_with("@");
    value.len() >= 3
        && !is_path
        && !is_expanded
        && !is_stand_in(value)
        && !FINE.iter().any(|fine| value.eq_ignore_ascii_case(fine))
}

/// It plainly stands in for a secret.
fn is_stand_in(value: &str) -> bool {
    const WORDS: [&str; 18] = [
        "example",
        "changeme",
        "change-me",
        "change_me",
        "placeholder",
        "dummy",
        "redacted",
        "replace",
        "insert",
        "your-",
        "your_",
        "yourpass",
        "yourtoken",
        "xxxx",
        "todo",
        "fake",
        "not-a-",
        "notasecret",
    ];
    let value = value.to_ascii_lowercase();
    let first = value.chars().next().unwrap_or('x');
    value.chars().all(|ch| ch == first)
        || value.trim_matches(['x', '-', '_', '.']).is_empty()
        || value == "foo"
        || value == "bar"
        || WORDS.iter().any(|word| value.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens below are none: `~` stands where they are broken, so that nobody takes them for real.
    fn kinds(text: &str) -> Vec<SecretKind> {
        find(&text.replace('~', "")).into_iter().map(|finding| finding.kind).collect()
    }

    const BODY: &str = "Ab3Cd5Ef7Gh9Ij1Kl3Mn5Op7Qr9St1Uv3Wx5Yz7Ab3Cd5Ef7Gh9Ij1Kl3Mn5Op7Qr9St1Uv3";

    #[test]
    fn marked_tokens() {
        for (prefix, n, maker) in [
            ("AK~IA", 0, "AWS"),
            ("gh~p_", 36, "GitHub"),
            ("gh~s_", 36, "GitHub"),
            ("github_~pat_", 40, "GitHub"),
            ("gl~pat-", 20, "GitLab"),
            ("dckr_~pat_", 27, "Docker Hub"),
            ("xo~xb-", 40, "Slack"),
            ("np~m_", 36, "npm"),
            ("py~pi-", 60, "PyPI"),
            ("AI~za", 35, "Google"),
            ("sk_~live_", 24, "Stripe"),
            ("rk_~test_", 24, "Stripe"),
            ("hf~_", 34, "Hugging Face"),
        ] {
            let body = if n == 0 { "Q3ZW5EXT7RC9VTB1" } else { &BODY[..n] };
            for line in [
                format!("RUN curl -H 'Authorization: Bearer {prefix}{body}' x"),
                format!("ENV A={prefix}{body}"),
                format!("# {prefix}{body}"),
                format!("RUN echo //r/:_authToken={prefix}{body} > .npmrc"),
            ] {
                assert_eq!(kinds(&line), [SecretKind::Token(maker)], "{line}");
            }
            let in_a_word = format!("RUN echo my{prefix}{body}");
            assert_eq!(kinds(&in_a_word), [], "{in_a_word}");
        }
        assert_eq!(
            kinds(&format!("RUN x https://hooks.~slack.com/services/T012/B345/{}", &BODY[..24])).len(),
            1
        );
    }

    #[test]
    fn other_secrets() {
        let jwt = "RUN x eyJ~hbGciOiJIUzI1NiJ9.eyJ~zdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P";
        for (line, kind) in [
            ("RUN echo '-----BEGIN ~RSA PRIVATE KEY-----' > k", SecretKind::PrivateKey),
            ("-----BEGIN ~OPENSSH PRIVATE KEY-----", SecretKind::PrivateKey),
            ("-----BEGIN ~PRIVATE KEY-----", SecretKind::PrivateKey),
            (jwt, SecretKind::Jwt),
            ("RUN git clone https://me:hunter2@git.test/x.git", SecretKind::UrlPassword),
            ("ENV DATABASE_URL=postgres://app:s3cr3t!@db:5432/app", SecretKind::UrlPassword),
            ("ENV POSTGRES_PASSWORD=postgres", SecretKind::NamedValue),
            ("ENV POSTGRES_PASSWORD postgres", SecretKind::NamedValue),
            ("env a=1 DB_PASSWORD=\"hunter 2\" b=2", SecretKind::NamedValue),
            ("ARG NPM_TOKEN=abcdef", SecretKind::NamedValue),
            ("ARG npmToken='abcdef'", SecretKind::NamedValue),
            ("RUN export CLIENT_SECRET=abcdef && make", SecretKind::NamedValue),
            ("RUN API_TOKEN=abcdef make", SecretKind::NamedValue),
            ("RUN login --password hunter2 --user me", SecretKind::NamedValue),
            ("RUN login --password=hunter2", SecretKind::NamedValue),
            ("RUN npm set //r.test/:_authToken=abcdef", SecretKind::NamedValue),
            ("ENV AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCY0000", SecretKind::NamedValue),
            ("ENV API_KEY=3f9a1c77b2d84e06a5", SecretKind::NamedValue),
            ("NPM_TOKEN=abcdef", SecretKind::NamedValue),
            ("# DB_PASSWORD=hunter2", SecretKind::NamedValue),
        ] {
            assert_eq!(kinds(line), [kind], "{line}");
        }
    }

    #[test]
    fn what_is_no_secret() {
        for line in [
            "ARG NPM_TOKEN",
            "ARG NPM_TOKEN=",
            "ARG NPM_TOKEN=\"\"",
            "ENV NPM_TOKEN=$NPM_TOKEN",
            "ENV NPM_TOKEN=${NPM_TOKEN:-none}",
            "ENV NPM_TOKEN $NPM_TOKEN",
            "RUN TOKEN=$(cat /run/secrets/token) make",
            "RUN TOKEN=\"$(cat /run/secrets/token)\" make",
            "RUN TOKEN=`cat t` make",
            "ENV DB_PASSWORD=changeme",
            "ENV DB_PASSWORD=xxxxxxxx",
            "ENV DB_PASSWORD=<your password>",
            "ENV DB_PASSWORD=your-password-here",
            "ENV DB_PASSWORD=***",
            "ENV DB_PASSWORD=password",
            "ENV DB_PASSWORD_FILE=/run/secrets/db",
            "ENV SECRET=/run/secrets/db",
            "ENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305",
            "ENV SORT_KEY=created_at",
            "ENV MAX_TOKENS=4096",
            "ENV TOKEN_TTL=3600",
            "ENV TOKEN_URL=https://id.test/token",
            "ENV SSH_PUBLIC_KEY=AAAAB3NzaC1yc2EAAAADAQABAAABAQC7",
            "ENV PATH=/usr/local/bin:$PATH",
            "ENV NODE_VERSION=22.1.0",
            "ENV SHA256=0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "RUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci",
            "RUN --mount=type=secret,id=token,target=/root/.npmrc npm ci",
            "RUN [ \"$TOKEN\" = \"abc\" ] || exit 1",
            "RUN if [ $PASSWORD==abc ]; then exit; fi",
            "RUN login --password-stdin < /run/secrets/p",
            "RUN login --password \"$PASSWORD\"",
            "RUN login --token --quiet",
            "RUN git clone https://$USER:$TOKEN@git.test/x.git",
            "RUN git clone https://git@git.test/x.git",
            "RUN git clone https://user:${PASS}@git.test/x.git",
            "RUN curl https://x.test/a:b@c",
            "ENV AWS_ACCESS_KEY_ID=AK~IAIOSFODNN7EXAMPLE",
            "ENV A=gh~p_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "RUN echo AKIAN_IS_NOT_A_KEY npm_config_loglevel ghp_short",
            "RUN npm_config_registry=http://r.test npm ci",
            "COPY --chown=me:me keys/token.txt /secrets/",
            "RUN apt-key adv --keyserver keys.test --recv-keys 0A1B2C3D4E5F60718293",
            "RUN cat eyJust.a.name",
            "-----BEGIN CERTIFICATE-----",
            "LABEL secret-santa",
        ] {
            assert_eq!(kinds(line), [], "{line}");
        }
    }

    #[test]
    fn lines_are_counted_and_each_kind_told_once() {
        let text =
            "FROM a\nENV A_TOKEN=abcdef B_TOKEN=ghijkl\n\nRUN x https://a:hunter2@b C_PASSWORD=abcdef\n";
        let found = find(text);
        let expected = [(2, SecretKind::NamedValue), (4, SecretKind::UrlPassword)];
        assert_eq!(found, expected.map(|(line, kind)| Finding { line, kind }));
    }
}
