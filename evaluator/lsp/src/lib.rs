//! The language server: what an editor is told of a cell program, over the compiler's own parser, checker and rules.
//!
//! Owns the protocol, the texts that are open and not yet saved, and which programs a file belongs to. Knows no disk:
//! files come through [`host::Host`]. What a program means is asked of cell-lang and cell-eval; nothing of it is
//! decided here.

mod actions;
mod analysis;
mod complete;
mod findings;
mod folding;
mod format;
pub mod host;
mod hover;
mod navigate;
mod rename;
mod server;
mod symbols;
mod text;
mod tokens;
mod transport;
mod values;
mod view;
mod worker;
mod workspace;

pub use server::{Failure, serve};

/// Speaks the protocol over standard input and output until the client says goodbye.
///
/// # Errors
/// When the client breaks the protocol or the pipe breaks.
pub fn stdio(host: &std::sync::Arc<dyn host::Host>) -> Result<(), Failure> {
    let (connection, threads) = transport::stdio()?;
    let served = serve(&connection, host);
    // The writer ends when nobody can send any more.
    drop(connection);
    threads.end(served)
}
