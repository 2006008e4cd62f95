//! The texts of the examples.

use super::{Edit, Example};
use crate::app::options::Builder;

const USUAL_IGNORE: &str = ".git\nDockerfile\n.dockerignore\n";

/// Real-life files, each built once and edited since.
pub static EXAMPLES: [Example; 10] = [
    Example {
        title: "Node",
        teaches: "Dependencies are installed in a layer of their own; package.json changed.",
        dockerfile: super::DOCKERFILE,
        dockerignore: super::DOCKERIGNORE,
        files: &[
            ("package.json", "{ \"name\": \"app\", \"scripts\": { \"start\": \"node index.js\" } }\n"),
            ("package-lock.json", "{ \"name\": \"app\", \"lockfileVersion\": 3 }\n"),
            ("index.js", "require(\"http\").createServer((_, res) => res.end(\"hello\\n\")).listen(3000);\n"),
        ],
        builder: Builder::Docker,
        edit: Edit::File("package.json"),
    },
    Example {
        title: "Sources before dependencies",
        teaches: "The usual mistake: each edit of a source file installs all dependencies again.",
        dockerfile: "\
FROM node:alpine
WORKDIR /app
COPY . .
RUN npm ci
RUN npm run build
CMD [\"node\", \"dist/index.js\"]
",
        dockerignore: "node_modules\ndist\nDockerfile\n.dockerignore\n",
        files: &[
            ("package.json", "{ \"name\": \"app\", \"scripts\": { \"build\": \"tsc\" } }\n"),
            ("package-lock.json", "{ \"name\": \"app\", \"lockfileVersion\": 3 }\n"),
            ("src/index.ts", "console.log(\"hello\");\n"),
            ("README.md", "# app\n"),
        ],
        builder: Builder::Docker,
        edit: Edit::File("README.md"),
    },
    Example {
        title: "Python",
        teaches: "pip runs again only when its requirements change; here a source file did.",
        dockerfile: "\
FROM python:3.13-slim
ENV PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
COPY app app
USER nobody
EXPOSE 8000
CMD [\"uvicorn\", \"app.main:app\", \"--host\", \"0.0.0.0\"]
",
        dockerignore: ".git\n.venv\n**/__pycache__\nDockerfile\n.dockerignore\n",
        files: &[
            ("requirements.txt", "fastapi==0.115.6\nuvicorn==0.34.0\n"),
            ("app/main.py", "from fastapi import FastAPI\n\napp = FastAPI()\n"),
            ("app/__pycache__/main.pyc", "\n"),
            ("tests/test_main.py", "def test_nothing():\n    pass\n"),
        ],
        builder: Builder::Docker,
        edit: Edit::File("app/main.py"),
    },
    Example {
        title: "Go, two stages",
        teaches: "What the second stage copies decides by its bytes: it is cached if the same program comes out.",
        dockerfile: "\
FROM golang:1.23 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 go build -o /out/server ./cmd/server

FROM build AS test
RUN go test ./...

FROM gcr.io/distroless/static
COPY --from=build /out/server /server
ENTRYPOINT [\"/server\"]
",
        dockerignore: USUAL_IGNORE,
        files: &[
            ("go.mod", "module example.com/server\n\ngo 1.23\n"),
            ("go.sum", "\n"),
            ("cmd/server/main.go", "package main\n\nfunc main() {}\n"),
            ("internal/store/store.go", "package store\n"),
        ],
        builder: Builder::Docker,
        edit: Edit::File("internal/store/store.go"),
    },
    Example {
        title: "Rust",
        teaches: "A stage that only looks at manifests keeps the dependencies while sources change.",
        dockerfile: "\
FROM rust:1.83 AS chef
RUN cargo install cargo-chef
WORKDIR /src

FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM chef AS build
COPY --from=plan /src/recipe.json recipe.json
RUN cargo chef cook --release --recipe-path recipe.json
COPY . .
RUN cargo build --release

FROM debian:bookworm-slim
COPY --from=build /src/target/release/app /usr/local/bin/app
CMD [\"app\"]
",
        dockerignore: ".git\ntarget\nDockerfile\n.dockerignore\n",
        files: &[
            ("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
            ("Cargo.lock", "version = 4\n"),
            ("src/main.rs", "fn main() {}\n"),
        ],
        builder: Builder::Docker,
        edit: Edit::File("src/main.rs"),
    },
    Example {
        title: "Java",
        teaches: "Maven's dependencies hang on pom.xml alone; a dependency was added to it.",
        dockerfile: "\
FROM maven:3-eclipse-temurin-21 AS build
WORKDIR /src
COPY pom.xml .
RUN mvn -B dependency:go-offline
COPY src src
RUN mvn -B package -DskipTests

FROM eclipse-temurin:21-jre
COPY --from=build /src/target/app.jar /app.jar
ENTRYPOINT [\"java\", \"-jar\", \"/app.jar\"]
",
        dockerignore: ".git\ntarget\nDockerfile\n.dockerignore\n",
        files: &[
            ("pom.xml", "<project><artifactId>app</artifactId></project>\n"),
            ("src/main/java/App.java", "class App { public static void main(String[] args) {} }\n"),
        ],
        builder: Builder::Docker,
        edit: Edit::File("pom.xml"),
    },
    Example {
        title: "Monorepo",
        teaches: "Stages of one service do not notice the files of another one.",
        dockerfile: "\
FROM node:22 AS deps
WORKDIR /repo
COPY package.json package-lock.json ./
COPY packages/web/package.json packages/web/
COPY packages/api/package.json packages/api/
RUN npm ci

FROM deps AS web
COPY packages/shared packages/shared
COPY packages/web packages/web
RUN npm run build -w web

FROM deps AS api
COPY packages/shared packages/shared
COPY packages/api packages/api
RUN npm run build -w api

FROM nginx:alpine
COPY --from=web /repo/packages/web/dist /usr/share/nginx/html
COPY --from=api /repo/packages/api/dist /srv/api
",
        dockerignore: ".git\n**/node_modules\n**/dist\nDockerfile\n.dockerignore\n",
        files: &[
            ("package.json", "{ \"workspaces\": [\"packages/*\"] }\n"),
            ("package-lock.json", "{ \"lockfileVersion\": 3 }\n"),
            ("packages/web/package.json", "{ \"name\": \"web\" }\n"),
            ("packages/web/index.ts", "export {};\n"),
            ("packages/api/package.json", "{ \"name\": \"api\" }\n"),
            ("packages/api/index.ts", "export {};\n"),
            ("packages/shared/index.ts", "export {};\n"),
        ],
        builder: Builder::Docker,
        edit: Edit::File("packages/web/index.ts"),
    },
    Example {
        title: "Secrets and cache mounts",
        teaches: "Neither a secret nor a cache is part of a key: the token was renewed, and nothing rebuilds.",
        dockerfile: "\
# syntax=docker/dockerfile:1
FROM node:22-slim
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \\
    --mount=type=cache,target=/root/.npm \\
    npm ci
COPY src src
CMD [\"node\", \"src/index.js\"]
",
        dockerignore: ".npmrc\n.git\nDockerfile\n.dockerignore\n",
        files: &[
            (".npmrc", "//registry.example/:_authToken=\n"),
            ("package.json", "{ \"name\": \"app\" }\n"),
            ("package-lock.json", "{ \"lockfileVersion\": 3 }\n"),
            ("src/index.js", "console.log(\"hello\");\n"),
        ],
        builder: Builder::Docker,
        edit: Edit::File(".npmrc"),
    },
    Example {
        title: "Copies of their own with --link",
        teaches: "With --link a copy is made apart from what lies below: the copy stays cached, only its joining is done again.",
        dockerfile: "\
FROM node:22 AS web
WORKDIR /web
COPY web .
RUN npm run build

FROM nginx:alpine
RUN apk add --no-cache curl
COPY --link --from=web /web/dist /usr/share/nginx/html
COPY --link nginx.conf /etc/nginx/nginx.conf
",
        dockerignore: USUAL_IGNORE,
        files: &[("web/index.ts", "export {};\n"), ("nginx.conf", "events {}\n")],
        builder: Builder::Docker,
        edit: Edit::Dockerfile("apk add --no-cache curl", "apk add --no-cache curl jq"),
    },
    Example {
        title: "Legacy builder",
        teaches: "It goes through all stages, needed or not, and what follows a change runs again; BuildKit skips the stage of tests.",
        dockerfile: "\
FROM python:3.13-slim AS base
WORKDIR /srv
COPY app app

FROM base AS test
COPY tests tests
RUN python -m unittest

FROM base
LABEL org.opencontainers.image.title=app
CMD [\"python\", \"-m\", \"app\"]
",
        dockerignore: USUAL_IGNORE,
        files: &[("app/__main__.py", "print(\"hello\")\n"), ("tests/test_app.py", "import unittest\n")],
        builder: Builder::Legacy,
        edit: Edit::File("tests/test_app.py"),
    },
];
