//! Bake files.

use expect_test::{Expect, expect};

use super::check_with;

fn check(text: &str, expected: &Expect) {
    check_with("docker-bake.hcl", text, "", expected);
}

#[test]
fn every_attribute() {
    check(
        "target \"app\" {
  context = \"./app\"
  dockerfile = \"app.Dockerfile\"
  target = \"prod\"
  args = { NODE = 20, DEBUG = true, UNSET = null, \"quoted\" = \"q\" }
  contexts = { base = \"docker-image://alpine\", gone = \"\", other = \"target:other\" }
  labels = { a = \"1\" }
  tags = [\"a:1\", \"\", \"a:1\"]
  platforms = [\"linux/amd64\", \"linux/arm64\"]
  no-cache = true
  no-cache-filter = [\"build\"]
  pull = true
  cache-from = [\"type=gha\", { type = \"registry\", ref = \"a\" }]
  cache-to = [\"type=gha\"]
  secret = [\"type=file,id=npm,src=.npmrc\", { id = \"token\", env = \"T\" }, { type = \"env\", id = \"e\" }]
  ssh = [\"default\", { id = \"key\", paths = [\"a\"] }]
  network = \"none\"
  output = [\"type=docker\"]
  mispelled = 1
}
target \"other\" {
  dockerfile-inline = <<EOT
FROM alpine
RUN echo \"${\"hi\"}\"
EOT
}
",
        &expect![[r#"
            app @1: ./app -f app.Dockerfile --target prod DEBUG=true NODE=20 quoted=q --label a=1 --build-context base=docker-image://alpine --build-context other=target:other --platform linux/amd64 linux/arm64 --no-cache-filter build --cache-from type=gha ref=a,type=registry --secret npm token e --ssh default key --tag a:1 --ignored cache-to mispelled output --network none --no-cache --pull
              19:3 bake knows no attribute mispelled of a target
            other @21: . -f "FROM alpine\nRUN echo \"hi\"\n"
        "#]],
    );
}

#[test]
fn what_is_inherited() {
    check(
        "target \"_base\" {
  context = \"base\"
  args = { A = \"1\", B = \"1\", C = \"1\" }
  tags = [\"base\"]
  cache-from = [\"x\"]
  no-cache-filter = [\"x\"]
  labels = { base = \"1\" }
  network = \"none\"
}
target \"_more\" {
  inherits = [\"_base\"]
  args = { B = \"2\", C = null }
}
target \"_pull\" { pull = true }
target \"app\" {
  inherits = [\"_more\", \"_pull\", \"nobody\"]
  tags = [\"app\"]
  cache-from = [\"y\"]
  no-cache-filter = [\"y\"]
  args = { D = \"4\" }
}
target \"a\" { inherits = [\"b\"] }
target \"b\" {
  inherits = [\"a\"]
  context = \"b\"
}
target \"a\" { target = \"twice\" }
",
        &expect![[r#"
            _base @1: base -f Dockerfile A=1 B=1 C=1 --label base=1 --no-cache-filter x --cache-from x --tag base --network none
            _more @10: base -f Dockerfile A=1 B=2 C=1 --label base=1 --no-cache-filter x --cache-from x --tag base --network none
            _pull @14: . -f Dockerfile --pull
            app @15: base -f Dockerfile A=1 B=2 C=1 D=4 --label base=1 --no-cache-filter x y --cache-from x y --tag app --network none --pull
              15:1 no target is named nobody, which it inherits from
            a @22: b -f Dockerfile --target twice
            b @23: b -f Dockerfile --target twice
        "#]],
    );
}

#[test]
fn groups() {
    check(
        "group \"default\" { targets = [\"app\", \"tools\"] }
group \"tools\" { targets = [\"lint\", \"default\", \"nothing\"] }
target \"app\" {}
target \"lint\" {}
",
        &expect![[r#"
            app @3: . -f Dockerfile
            lint @4: . -f Dockerfile
            group default: app lint
            group tools: lint app
            ! 1:1 the group default names nothing, which is no target
            ! 2:1 the group tools names nothing, which is no target
        "#]],
    );
}

#[test]
fn a_matrix() {
    check(
        "variable \"VERSIONS\" { default = [\"1.20\", \"1.21\"] }
target \"go\" {
  name = \"go-${replace(version, \".\", \"-\")}-${os.name}\"
  matrix = {
    version = VERSIONS
    os = [{ name = \"alpine\", tag = \"3\" }, { name = \"bookworm\", tag = \"12\" }]
  }
  args = { VERSION = version, OS = \"${os.name}:${os.tag}\" }
}
group \"default\" { targets = [\"go\"] }
target \"child\" {
  inherits = [\"go-1-20-alpine\"]
  args = { OS = null }
}
target \"unnamed\" {
  matrix = { a = [1, 2] }
  args = { A = a }
}
target \"bad\" {
  name = \"bad-${version}\"
  matrix = { version = [\"1.0\"] }
}
",
        &expect![[r#"
            go-1-20-alpine @2: . -f Dockerfile OS=alpine:3 VERSION=1.20
            go-1-21-alpine @2: . -f Dockerfile OS=alpine:3 VERSION=1.21
            go-1-20-bookworm @2: . -f Dockerfile OS=bookworm:12 VERSION=1.20
            go-1-21-bookworm @2: . -f Dockerfile OS=bookworm:12 VERSION=1.21
            child @11: . -f Dockerfile OS=alpine:3 VERSION=1.20
            unnamed @15: . -f Dockerfile A=1
            bad-1.0 @19: . -f Dockerfile
            group default: go-1-20-alpine go-1-21-alpine go-1-20-bookworm go-1-21-bookworm
            group go: go-1-20-alpine go-1-21-alpine go-1-20-bookworm go-1-21-bookworm
            group bad: bad-1.0
            ! 15:1 the matrix of unnamed needs a name for each of its targets
            ! 20:3 "bad-1.0" is no name for a target: letters, digits, - and _ are
        "#]],
    );
}

#[test]
fn variables_and_the_environment() {
    check_with(
        "docker-bake.hcl",
        "variable \"TAG\" { default = \"latest\" }
variable \"DEBUG\" { default = false }
variable \"COUNT\" { default = 2 }
variable \"EMPTY\" {}
variable \"TYPED\" { type = string }
variable \"NOTHING\" { default = null }
variable \"LIST\" { default = [\"a\"] }
variable \"SECOND\" { default = \"${TAG}-second\" }
variable \"LOOP\" { default = LOOP2 }
variable \"LOOP2\" { default = LOOP }
PREFIX = \"shop/${TAG}\"
target \"a\" {
  args = {
    TAG = TAG, DEBUG = DEBUG ? \"on\" : \"off\", COUNT = COUNT + 1, EMPTY = EMPTY, TYPED = TYPED
    NOTHING = NOTHING, LIST = join(\",\", LIST), SECOND = SECOND, PREFIX = PREFIX
    LOOP = LOOP, WHO = NOBODY, LOCAL = BAKE_LOCAL_PLATFORM
  }
  context = BAKE_CMD_CONTEXT
}
",
        "TAG=v1\nDEBUG=1\nCOUNT=40\nLIST=x,y\n",
        &expect![[r#"
            a @12: . -f Dockerfile COUNT=41 DEBUG=on EMPTY= LIST=? LOCAL=? LOOP=? PREFIX=shop/v1 SECOND=v1-second TAG=v1 WHO=?
              15:24 args.LIST: how LIST is read from the environment is not modeled
              16:5 args.LOOP: the variable LOOP is made of itself
              16:18 args.WHO: no variable is named NOBODY
              16:32 args.LOCAL: the platform of the machine that builds is not known here
        "#]],
    );
}

#[test]
fn functions() {
    check(
        "function \"tag\" {
  params = [name, version]
  variadic_params = more
  result = \"${REPO}/${name}:${version}${join(\"\", [for it in more : \"-${it}\"])}\"
}
function \"self\" {
  params = [x]
  result = self(x)
}
variable \"REPO\" { default = \"shop\" }
target \"a\" {
  tags = [tag(\"app\", \"1\"), tag(\"app\", \"2\", \"x\", \"y\"), tag([\"app\", \"3\"]...)]
  args = { SELF = self(1), FEW = tag(\"x\"), NOW = timestamp(), NONE = nonsense(1) }
}
",
        &expect![[r#"
            a @11: . -f Dockerfile FEW=? NONE=? NOW=? SELF=? --tag shop/app:1 shop/app:2-x-y shop/app:3
              13:12 args.SELF: the function self is made of itself
              13:28 args.FEW: tag takes 2 arguments and is given 1
              13:44 args.NOW: what timestamp() gives is not known here
              13:63 args.NONE: nonsense is no function, or takes other arguments
        "#]],
    );
}

#[test]
fn targets_name_each_other() {
    check(
        "target \"base\" {
  args = { V = \"1\" }
  tags = [\"x\", \"y\"]
  context = target.app.target
}
target \"app\" {
  args = { V = target.base.args.V, W = target.nobody.args, X = target.base.args.nothing }
  tags = [for tag in target.base.tags : \"${tag}-app\"]
  target = target.base.dockerfile
  dockerfile = target.app.dockerfile
}
",
        &expect![[r#"
            base @1: . -f Dockerfile V=1 --tag x y
            app @6: . -f Dockerfile V=1 W=? X=? --tag x-app y-app
              7:36 args.W: no target is named nobody
              7:60 args.X: there is nothing at nothing
              10:3 dockerfile: target.app.dockerfile is made of itself
        "#]],
    );
}

#[test]
fn expressions() {
    let cases = [
        ("1 + 2 * 3", "7"),
        ("10 / 4", "2.5"),
        ("7 % 3", "1"),
        ("-(2)", "-2"),
        ("1 / 0", "args.V: nothing can be divided by 0"),
        ("1 == 1 && !false", "true"),
        ("\"a\" != \"b\" || x", "true"),
        ("2 >= 3", "false"),
        ("true ? \"a\" : nothing", "a"),
        ("\"${\"a\"}-${1 + 1}\"", "a-2"),
        ("\"$${x} %%{y}\"", "${x} %{y}"),
        ("\"%{ if true }yes%{ else }no%{ endif }\"", "yes"),
        ("\"%{ for x in [1, 2] }<${x}>%{ endfor }\"", "<1><2>"),
        ("\"a ${~ \"b\" ~} c\"", "abc"),
        ("{ a = { b = [1, 2] } }.a.b[1]", "2"),
        ("join(\",\", [{ n = 1 }, { n = 2 }][*].n)", "1,2"),
        ("join(\",\", [for k, v in { b = 2, a = 1 } : \"${k}${v}\" if v > 1])", "b2"),
        ("{ for x in [\"a\", \"b\"] : x => upper(x) }[\"b\"]", "B"),
        ("jsonencode({ for x in [\"a\", \"b\", \"a\"] : x => x... })", "{\"a\":[\"a\",\"a\"],\"b\":[\"b\"]}"),
        ("try(nothing, \"other\")", "other"),
        ("can(nothing) ? \"can\" : \"cannot\"", "cannot"),
        ("try(timestamp(), \"other\")", "args.V: what timestamp() gives is not known here"),
        ("format(\"%s-%03d-%q-%v%%\", \"a\", 7, \"b\", 1.25)", "a-007-\"b\"-1.25%"),
        ("pow(2, 10)", "1024"),
        ("upper(\"é\")", "args.V: upper() of other letters than a to z is not modeled"),
        ("join(\"-\", sort(distinct(concat([\"b\", \"a\"], [\"a\"]))))", "a-b"),
        ("substr(\"hello\", 1, 3)", "ell"),
        ("join(\"|\", split(\".\", \"1.2.3\"))", "1|2|3"),
        ("element([\"a\", \"b\"], 3)", "b"),
        ("lookup({ a = 1 }, \"b\", 2)", "2"),
        ("merge({ a = 1 }, { a = 2 }).a", "2"),
        ("coalesce(\"\", null, \"c\")", "c"),
        ("title(\"hello world\")", "Hello World"),
        ("trimsuffix(trimprefix(\"v1.2-rc\", \"v\"), \"-rc\")", "1.2"),
        ("sanitize(\"a/b:c\")", "a_b_c"),
        ("basename(\"a/b.c\")", "b.c"),
        ("dirname(\"a/b.c\")", "a"),
        ("max(1, 3, 2)", "3"),
        ("join(\",\", range(3))", "0,1,2"),
        ("length(flatten([[1, [2]], 3]))", "3"),
        ("jsondecode(\"{\\\"a\\\": [true]}\").a[0]", "true"),
        ("sha256(\"\")", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("index([\"a\"], 5)", "args.V: there is nothing at 5"),
        ("zipmap([\"a\"], [1]).a", "1"),
        ("contains([\"a\"], \"a\")", "true"),
        ("parseint(\"ff\", 16)", "255"),
        ("strlen(\"naïve\")", "5"),
        ("[1]", "args.V: a list stands where a text belongs"),
        ("100000000000", "100000000000"),
    ];
    for (expression, wanted) in cases {
        let text = format!("target \"a\" {{\n  args = {{ V = {expression} }}\n}}\n");
        let file = crate::buildfile::read("a.hcl", &text, &[]);
        let file = file.unwrap_or_else(|error| panic!("{expression}: {error}"));
        let build = &file.builds[0];
        let told = build.args["V"].clone().or_else(|| build.notes.first().map(|note| note.message.clone()));
        assert_eq!(told.as_deref(), Some(wanted), "{expression}");
    }
}

#[test]
fn a_heredoc() {
    check(
        "target \"a\" {
  dockerfile-inline = <<-EOT
    FROM alpine:${\"3\"}
      RUN a
  EOT
  args = {
    X = \"multi\\nline\"
  }
}
",
        &expect![[r#"
            a @1: . -f "FROM alpine:3\n  RUN a\n" X=multi
            line
        "#]],
    );
}

#[test]
fn conditions_of_variables() {
    check(
        "variable \"A\" {
  default = \"\"
  validation {
    condition = A != \"\"
    error_message = \"A is needed\"
  }
}
target \"a\" {}
unknown \"x\" {}
target \"a\" \"b\" {}
",
        &expect![[r#"
            a @8: . -f Dockerfile
            ! 4:5 a variable is refused: A is needed
            ! 9:1 bake knows no block unknown
            ! 10:1 a block target has to have one name
        "#]],
    );
}

#[test]
fn json() {
    check_with(
        "docker-bake.json",
        "{
  \"//\": \"a comment\",
  \"variable\": {\"TAG\": {\"default\": \"latest\"}, \"N\": {\"default\": 3}},
  \"function\": {\"twice\": {\"params\": [\"x\"], \"result\": \"${x}${x}\"}},
  \"group\": {\"default\": {\"targets\": [\"app\"]}},
  \"target\": {
    \"base\": {\"args\": {\"A\": \"1\"}},
    \"app\": {
      \"inherits\": [\"base\"],
      \"tags\": [\"shop:${TAG}\", \"${twice(\\\"x\\\")}\"],
      \"args\": {\"N\": \"${N + 1}\", \"NULL\": null, \"BAD\": \"${nothing}\", \"ODD\": \"${\"},
      \"no-cache\": true
    },
    \"m\": [{\"matrix\": {\"v\": [\"a\", \"b\"]}, \"name\": \"m-${v}\", \"target\": \"${v}\"}]
  }
}
",
        "",
        &expect![[r#"
            base @7: . -f Dockerfile A=1
            app @8: . -f Dockerfile A=1 BAD=? N=4 ODD=? --tag shop:latest xx --no-cache
              11:47 args.BAD: no variable is named nothing
              11:68 args.ODD: the template cannot be read: unexpected token
            m-a @14: . -f Dockerfile --target a
            m-b @14: . -f Dockerfile --target b
            group default: app
            group m: m-a m-b
        "#]],
    );
}

#[test]
fn broken_files() {
    for (text, expected) in [
        (
            "target \"a\" {\n  context = \n}\n",
            expect![[r#"
            error: line 2, column 13: this is not HCL: invalid expression; expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit
        "#]],
        ),
        (
            "target \"a\" {\n  args = { A = 1 B = 2 }\n",
            expect![[r#"
            error: line 2, column 18: this is not HCL: invalid object item; expected `}`, `,` or newline
        "#]],
        ),
        (
            "target a b c\n",
            expect![[r#"
            error: line 1, column 13: this is not HCL: expected `{`
        "#]],
        ),
        (
            "target \"a\" {\n  tags = [\"${x\"]\n}\n",
            expect![[r#"
            error: line 2, column 15: this is not HCL: expected `}`
        "#]],
        ),
        (
            "target \"a\" {\n  context = 'x'\n}\n",
            expect![[r#"
            error: line 2, column 13: this is not HCL: invalid expression; expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit
        "#]],
        ),
    ] {
        check(text, &expected);
    }
    check_with(
        "a.json",
        "{\"target\": {\"a\": {\"tags\": [1,]}}}",
        "",
        &expect![[r#"
        error: line 1, column 30: this is not JSON: expected value
    "#]],
    );
    check_with(
        "a.json",
        "[1]",
        "",
        &expect![[r#"
        error: line 1, column 1: a bake file has to be a map
    "#]],
    );
    check_with(
        "a.hcl",
        "target \"a\" {\n  tags = \"x\"\n  args = [1]\n  pull = \"maybe\"\n  platforms = nothing\n}\n",
        "",
        &expect![[r#"
            a @1: . -f Dockerfile
              2:3 tags has to be a list, not a text
              3:3 args has to be a map, not a list
              4:3 pull: a text stands where true or false belongs
              5:3 platforms: no variable is named nothing
        "#]],
    );
}

/// Releases of a tool for several systems, as such files look.
#[test]
fn a_real_one() {
    check(
        "// Releases.
variable \"GO_VERSION\" {
  default = \"1.24\"
}
variable \"DESTDIR\" {
  default = \"./bin\"
}
variable \"VERSION\" {
  default = null
}

# Special target for metadata of the run.
target \"meta-helper\" {
  tags = [\"shop/tool:local\"]
}

target \"_common\" {
  args = {
    GO_VERSION = GO_VERSION
    BUILDKIT_CONTEXT_KEEP_GIT_DIR = 1
    VERSION = VERSION
  }
}

group \"default\" {
  targets = [\"binaries\"]
}

group \"validate\" {
  targets = [\"lint\", \"vendor\"]
}

target \"lint\" {
  name = \"lint-${build.name}\"
  inherits = [\"_common\"]
  dockerfile = \"./hack/dockerfiles/lint.Dockerfile\"
  output = [\"type=cacheonly\"]
  matrix = {
    build = [
      { name = \"default\", tags = \"\" },
      { name = \"labs\", tags = \"dfrunsecurity\" },
    ]
  }
  args = {
    BUILDTAGS = build.tags
  }
}

target \"vendor\" {
  inherits = [\"_common\"]
  dockerfile = \"./hack/dockerfiles/vendor.Dockerfile\"
  target = \"validate\"
  no-cache-filter = [\"outdated\"]
}

target \"binaries\" {
  inherits = [\"_common\"]
  target = \"binaries\"
  output = [\"${DESTDIR}/build\"]
  platforms = [\"local\"]
}

target \"binaries-cross\" {
  inherits = [\"binaries\"]
  platforms = [
    \"darwin/amd64\",
    \"linux/arm64\",
    // later: riscv
  ]
}
",
        &expect![[r#"
            meta-helper @13: . -f Dockerfile --tag shop/tool:local
            _common @17: . -f Dockerfile BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 GO_VERSION=1.24
            lint-default @33: . -f ./hack/dockerfiles/lint.Dockerfile BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 BUILDTAGS= GO_VERSION=1.24 --ignored output
            lint-labs @33: . -f ./hack/dockerfiles/lint.Dockerfile BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 BUILDTAGS=dfrunsecurity GO_VERSION=1.24 --ignored output
            vendor @49: . -f ./hack/dockerfiles/vendor.Dockerfile --target validate BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 GO_VERSION=1.24 --no-cache-filter outdated
            binaries @56: . -f Dockerfile --target binaries BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 GO_VERSION=1.24 --platform local --ignored output
            binaries-cross @63: . -f Dockerfile --target binaries BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 GO_VERSION=1.24 --platform darwin/amd64 linux/arm64 --ignored output
            group default: binaries
            group validate: lint-default lint-labs vendor
            group lint: lint-default lint-labs
        "#]],
    );
}
