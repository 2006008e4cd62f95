//! The cache of the *classic* builder, the one inside of dockerd that
//! `DOCKER_BUILDKIT=0 docker build` uses.
//!
//! It has no graph. Stages are built in the order written, each as a chain of
//! images; every instruction is a *step* and makes an image, metadata too. An
//! image stores its parent and a *command*; a step hits when an image exists
//! whose parent is the very image below and whose command is the one that the
//! step would store. After the first miss of a stage nothing is looked up any
//! more until the next FROM. Of several images that fit the youngest is taken.
//!
//! - [`convert::plan`] makes the steps of a Dockerfile, expands variables, and
//!   writes the command of each as far as it is known without the files.
//! - [`hash`] is the sum over the files that a COPY takes, which is part of its command.
//! - [`solve::simulate`] judges a plan against a [`store::LegacyStore`];
//!   [`solve::record`] takes a build in.
//! - [`course::of`] tells what each step leads to once it is settled what reruns write.
//!
//! | input | counts for |
//! | --- | --- |
//! | the id of the base image, so its configuration too | all steps on top of it |
//! | the expanded text of an instruction | itself, and so all below it in its stage |
//! | values of build arguments declared above | RUN; others where they expand one |
//! | path, mode, size and bytes of files, the path as the context has it | COPY, ADD |
//! | the same with the owner, the path as the stage has it | COPY `--from` |
//! | modification times, options such as network or memory | nothing |
//!
//! What depends on the bytes that a rerun will write is *conditional*, as in
//! BuildKit's simulation. What is shown as a sum is the real one where the
//! bytes of the files are at hand; what is compared is made of their digests,
//! so that verdicts do not need the bytes.
//!
//! The rules are those of Docker 20.10 (moby, `builder/dockerfile`), as
//! recordings show them. Not modeled: files from the web, `--cache-from`,
//! `--squash`, user namespaces, Windows.

mod args;
pub mod convert;
pub mod course;
mod explain;
pub mod files;
pub mod hash;
pub mod plan;
mod refusal;
pub mod solve;
pub mod store;
