//! The worked example that the page begins with, already built once.

use crate::context::{Entry, Tree};
use crate::digest::Digest;

/// The classic Node image.
pub const DOCKERFILE: &str = "\
FROM node:alpine
WORKDIR /app
COPY package*.json ./
RUN npm install
COPY ./ ./
CMD [\"npm\", \"start\"]
";

/// What stays out of its context.
pub const DOCKERIGNORE: &str = "node_modules\nDockerfile\n.dockerignore\n";

/// Its files. The Dockerfile and the ignore file join them when a build is judged.
#[must_use]
pub fn context() -> Tree {
    let mut tree = Tree::default();
    let files = [
        ("package.json", "{ \"name\": \"app\", \"scripts\": { \"start\": \"node index.js\" } }\n"),
        ("package-lock.json", "{ \"name\": \"app\", \"lockfileVersion\": 3 }\n"),
        ("index.js", "require(\"http\").createServer((_, res) => res.end(\"hello\\n\")).listen(3000);\n"),
        ("README.md", "# app\n"),
        ("node_modules/.package-lock.json", "{}\n"),
    ];
    for (path, text) in files {
        let mut entry = Entry::file(Digest::of(text.as_bytes()), text.len() as u64);
        entry.mtime_secs = 1;
        tree.insert(path, entry);
    }
    tree
}
