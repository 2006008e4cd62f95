//! Compose files.

use expect_test::{Expect, expect};

use super::check_with;

fn check(text: &str, expected: &Expect) {
    check_with("compose.yaml", text, "", expected);
}

#[test]
fn a_folder() {
    check(
        "services:\n  web:\n    build: ./web\n  db:\n    image: postgres\n",
        &expect![[r#"
        web @2: ./web -f Dockerfile
    "#]],
    );
}

#[test]
fn every_key() {
    check(
        "services:
  api:
    image: shop/api:1
    platform: linux/amd64
    build:
      context: ./api
      dockerfile: ../docker/api.Dockerfile
      target: prod
      args:
        NODE: 20
        DEBUG: false
        EMPTY: ''
      additional_contexts:
        base: docker-image://alpine:3
        lib: ../lib
      labels: [a=1, b]
      cache_from: [type=registry,ref=shop/api]
      cache_to: [type=inline]
      no_cache: true
      pull: \"yes\"
      network: host
      platforms: [linux/arm64]
      tags: [shop/api:2]
      secrets: [npmrc, {source: token, target: t}]
      ssh: [default, key=~/.ssh/k]
      shm_size: 1gb
      privileged: true
      x-mine: 1
",
        &expect![[r#"
            api @2: ./api -f ../docker/api.Dockerfile --target prod DEBUG=false EMPTY= NODE=20 --label a=1 --label b= --build-context base=docker-image://alpine:3 --build-context lib=../lib --platform linux/arm64 linux/amd64 --cache-from type=registry ref=shop/api --secret npmrc token --ssh default key --tag shop/api:2 --ignored cache_to privileged shm_size --network host --no-cache --pull
        "#]],
    );
}

#[test]
fn arguments_in_both_forms() {
    check_with(
        "compose.yaml",
        "services:
  list:
    build:
      args:
        - A=1
        - B=x=y
        - C
        - D=
        - FROM_ENV
  map:
    build:
      args:
        A: 1.10
        B: \"1.10\"
        C:
        D: ~
        E: 0x10
        F: yes
        FROM_ENV: null
",
        "FROM_ENV=given",
        &expect![[r#"
            list @2: . -f Dockerfile A=1 B=x=y C=? D= FROM_ENV=given
              7:11 args.C comes from the environment, which is not known here
            map @10: . -f Dockerfile A=1.1 B=1.10 C=? D=? E=16 F=yes FROM_ENV=given
              15:10 args.C comes from the environment, which is not known here
              16:12 args.D comes from the environment, which is not known here
        "#]],
    );
}

#[test]
fn variables() {
    check_with(
        "compose.yaml",
        "services:
  a:
    build:
      context: ${DIR:-./app}
      target: ${STAGE-}
      dockerfile: ${NOT_SET}Dockerfile
      args:
        PRICE: $$5
        TAG: ${TAG:?give a tag}
        PLUS: ${SET:+with}${NOT_SET:+without}
        NESTED: ${NOT_SET:-${SET}-x}
        BAD: 100$ or ${
",
        "SET=value",
        &expect![[r#"
            a @2: ./app -f Dockerfile BAD=? NESTED=value-x PLUS=with PRICE=$5 TAG=?
              6:19 dockerfile: NOT_SET is not known here, so that an empty text stands for it
              9:14 args.TAG: TAG has to be set, and is not known here (give a tag)
              12:14 args.BAD: Compose refuses 100$ or ${; a plain $ is written $$
        "#]],
    );
}

#[test]
fn anchors_and_merge_keys() {
    check(
        "x-build: &build
  context: .
  args: &args {NODE: '20', ENV: prod}
x-other: &other {target: other, dockerfile: other.Dockerfile}
services:
  one:
    build: *build
  two:
    build:
      <<: [*build, *other]
      args:
        <<: *args
        ENV: test
  three: &three
    build: {<<: *build, context: ./three}
  four:
    <<: *three
",
        &expect![[r#"
            one @6: . -f Dockerfile ENV=prod NODE=20
            two @8: . -f other.Dockerfile --target other ENV=test NODE=20
            three @14: ./three -f Dockerfile ENV=prod NODE=20
            four @16: ./three -f Dockerfile ENV=prod NODE=20
        "#]],
    );
}

#[test]
fn one_service_extends_another() {
    check(
        "services:
  base:
    build:
      context: ./base
      args: {A: 1, B: 1}
      cache_from: [x]
      target: dev
  app:
    extends: {service: base}
    build:
      args: [B=2, C]
      cache_from: [y]
      target: prod
  plain:
    extends: base
  text:
    extends: base
    build: ./other
  far:
    extends: {file: common.yaml, service: x}
    build: .
  self:
    extends: self
    build: .
  lost:
    extends: nobody
    build: .
",
        &expect![[r#"
            base @2: ./base -f Dockerfile --target dev A=1 B=1 --cache-from x
            app @8: ./base -f Dockerfile --target prod A=1 B=2 C=? --cache-from x y
              11:19 args.C comes from the environment, which is not known here
            plain @14: ./base -f Dockerfile --target dev A=1 B=1 --cache-from x
            text @16: ./other -f Dockerfile --target dev A=1 B=1 --cache-from x
            far @19: . -f Dockerfile
              20:14 what it extends is in common.yaml, which is not read
            self @22: . -f Dockerfile
              23:14 self extends itself
            lost @25: . -f Dockerfile
              26:14 no service is named nobody
        "#]],
    );
}

#[test]
fn reset_and_override() {
    check(
        "services:
  base:
    build: {context: a, target: dev, args: {A: 1}, cache_from: [x]}
  app:
    extends: base
    build:
      target: !reset null
      args: !override {B: 2}
      cache_from: !override [y]
  none:
    extends: base
    build: !reset null
",
        &expect![[r#"
            base @2: a -f Dockerfile --target dev A=1 --cache-from x
            app @4: a -f Dockerfile B=2 --cache-from y
        "#]],
    );
}

#[test]
fn documents_lie_on_each_other() {
    check(
        "services:\n  a:\n    build: {context: one, args: {A: 1}}\n---\nservices:\n  a:\n    build: {args: {B: 2}}\n  b:\n    build: .\n",
        &expect![[r#"
            a @2: one -f Dockerfile A=1 B=2
            b @8: . -f Dockerfile
        "#]],
    );
}

#[test]
fn an_inline_dockerfile() {
    check(
        "services:
  a:
    build:
      dockerfile_inline: |
        FROM alpine
        RUN echo $$HOME
  both:
    build:
      dockerfile: x
      dockerfile_inline: FROM a
",
        &expect![[r#"
            a @2: . -f "FROM alpine\nRUN echo $HOME\n"
            both @7: . -f "FROM a"
              7:3 dockerfile and dockerfile_inline exclude each other; Compose refuses both
        "#]],
    );
}

#[test]
fn what_bake_adds() {
    check(
        "services:
  a:
    image: a:1
    build:
      context: .
      additional_contexts: {c: ./c}
      tags: [a:2]
      x-bake:
        tags: [a:3]
        platforms: linux/amd64 linux/arm64
        no-cache: true
        cache-from: [type=gha]
        secret: ['id=npm,src=.npmrc']
        contexts: {c: ./other, d: ./d}
        output: [type=docker]
",
        &expect![[r#"
            a @2: . -f Dockerfile --build-context c=./c --build-context d=./d --platform linux/amd64 linux/arm64 --cache-from type=gha --secret npm --tag a:2 a:3 --ignored x-bake.output --no-cache
              8:7 x-bake is for docker buildx bake; Compose does not take its tags, platforms, no-cache, cache-from, secret, contexts, output
        "#]],
    );
}

#[test]
fn what_is_wrong_stands_at_its_place() {
    check(
        "include: [other.yaml]
services:
  a:
    build:
      contxt: ./typo
      no_cache: maybe
      args: text
      target: [a]
  b:
    build: [.]
  c:
    build:
  d: text
",
        &expect![[r#"
            a @3: . -f Dockerfile --ignored contxt
              5:7 Compose knows no key contxt of a build
              6:17 no_cache has to be true or false, not maybe
              7:13 args has to be a map or a list
              8:15 target has to be a text
            b @9: . -f Dockerfile
              10:12 build has to be a folder or a map
            ! 1:1 the files that are included are not read
        "#]],
    );
}

#[test]
fn broken_files() {
    for (text, expected) in [
        (
            "services:\n  a:\n   build: .\n  - b\n",
            expect![[r#"
            error: line 4, column 5: this is not YAML: while parsing a block mapping, did not find expected key
        "#]],
        ),
        (
            "services:\n  a: {build: .\n",
            expect![[r#"
            error: line 3, column 1: this is not YAML: while parsing a flow mapping, did not find expected ',' or '}'
        "#]],
        ),
        (
            "services:\n\ta: 1\n",
            expect![[r#"
            error: line 2, column 2: this is not YAML: tabs disallowed within this context (block indentation)
        "#]],
        ),
        (
            "services:\n  a: 1\n  a: 2\n",
            expect![[r#"
            error: line 3, column 3: the key a stands twice in this map
        "#]],
        ),
        (
            "services: [a]\n",
            expect![[r#"
            error: line 1, column 11: services has to be a map
        "#]],
        ),
        (
            "- a\n",
            expect![[r#"
            error: line 1, column 1: a Compose file has to be a map
        "#]],
        ),
        (
            "services:\n  a:\n    <<: text\n",
            expect![[r#"
            error: line 3, column 5: only a map, or a list of maps, can be merged
        "#]],
        ),
        (
            "services:\n  a: *nowhere\n",
            expect![[r#"
            error: line 2, column 6: this is not YAML: while parsing node, found unknown anchor
        "#]],
        ),
        (
            "services:\n  ? [a]\n  : b\n",
            expect![[r#"
            error: line 2, column 5: a key has to be a text
        "#]],
        ),
        (
            "services:\n  a: \"unclosed\n",
            expect![[r#"
            error: line 2, column 6: this is not YAML: while scanning a quoted scalar, found unexpected end of stream
        "#]],
        ),
    ] {
        check(text, &expected);
    }
}

/// A shop of a dozen services, as such files look.
#[test]
fn a_real_one() {
    check_with(
        "docker-compose.yml",
        "version: \"3.8\"

x-python: &python
  context: .
  dockerfile: docker/python.Dockerfile
  args:
    PYTHON_VERSION: ${PYTHON_VERSION:-3.12}
    POETRY_VERSION: 1.8
    GIT_SHA:

x-env: &env
  environment:
    - DATABASE_URL=postgres://db/${DB:-shop}

services:
  db:
    image: postgres:16
    profiles: [full]
    healthcheck: {test: [\"CMD\", \"pg_isready\", \"-U\", \"$${POSTGRES_USER}\"]}
  api:
    <<: *env
    build:
      <<: *python
      target: api
    depends_on: [db]
    ports: [\"8000:8000\"]
    develop:
      watch: [{path: ., action: rebuild}]
  worker:
    <<: *env
    build:
      <<: *python
      target: worker
    command: [\"celery\", \"-A\", \"app\"]
  web:
    build: ./web
    image: ${REGISTRY:-local}/web:${TAG:-dev}
    profiles: [full]
  proxy:
    build:
      context: https://github.com/shop/proxy.git#main:docker
      ssh: default
secrets:
  token: {environment: TOKEN}
",
        "PYTHON_VERSION=3.13\n",
        &expect![[r#"
            api @20: . -f docker/python.Dockerfile --target api GIT_SHA=? POETRY_VERSION=1.8 PYTHON_VERSION=3.13
              9:12 args.GIT_SHA comes from the environment, which is not known here
            worker @29: . -f docker/python.Dockerfile --target worker GIT_SHA=? POETRY_VERSION=1.8 PYTHON_VERSION=3.13
              9:12 args.GIT_SHA comes from the environment, which is not known here
            web @35: ./web -f Dockerfile --tag local/web:dev
            proxy @39: https://github.com/shop/proxy.git#main:docker -f Dockerfile --ssh default
        "#]],
    );
}
