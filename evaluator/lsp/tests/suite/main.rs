//! The server and a client over a pipe in memory: what an editor sees, without an editor.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;
mod completion;
mod diagnostics;
mod host;
mod hovers;
mod navigation;
mod outline;
mod protocol;
mod random;
mod renames;
