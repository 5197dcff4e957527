//! `cellc`: the commands of the cell language.
//!
//! Owns arguments, terminals, files and exit statuses. Knows nothing of what a program means: [`pipeline`] asks
//! the other crates about programs, [`session`] about clouds.

mod adopt;
mod apply;
mod args;
mod ask;
mod bootstrap;
mod check;
mod cloud;
mod completions;
mod cost;
mod drift;
mod exit;
mod expand;
mod explain;
mod files;
mod fmt;
mod from_live;
mod graph;
mod init;
mod lint_repo;
mod lock;
mod lsp;
mod man;
mod output;
mod pages;
mod pipeline;
mod pipelines;
mod plan;
mod progress;
mod receipts;
mod registry;
mod review;
mod revision;
mod rollout;
mod route;
mod sandbox;
mod session;
mod signals;
mod status;
mod test;
mod unhidden;

use std::process::ExitCode;

use cell_lang::check::STACK;
use clap::Parser as _;

use crate::args::{Arguments, Command, Form};
use crate::exit::Status;
use crate::output::Output;

/// A program is many small strings and maps, made once and freed together.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let status = match Arguments::try_parse() {
        Ok(arguments) => run(&arguments),
        Err(refused) => output::usage(&refused),
    };
    status.into()
}

/// Runs a command on a thread whose stack is enough for any program.
fn run(arguments: &Arguments) -> Status {
    let (form, format) = (arguments.format, arguments.format.beside());
    if !form.is_of(&arguments.command) {
        let message = "only `review` writes Markdown, HTML and SARIF, and `status` HTML";
        return output::refuse(message, "`--format text` or `--format json`");
    }
    let output = Output::new(format, arguments.color);
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK);
        match worker.spawn_scoped(scope, || command(&arguments.command, form, &output)) {
            // A panic has said what it had to say; it is no answer of the command.
            Ok(running) => running.join().unwrap_or(Status::Failed),
            Err(error) => output::fail(&format!("no thread can be started: {error}")),
        }
    })
}

fn command(command: &Command, form: Form, output: &Output) -> Status {
    match command {
        Command::Init(args) => init::run(args, output),
        Command::Check(args) => check::run(args, output),
        Command::Expand(args) => expand::run(args, output),
        Command::Explain(args) => explain::run(args, output),
        Command::Fmt(args) => fmt::run(args, output),
        Command::Plan(args) => plan::run(args, output),
        Command::Review(args) => review::run(args, form, output),
        Command::Can(args) => ask::can(args, output),
        Command::WhoCan(args) => ask::who_can(args, output),
        Command::Show(args) => plan::show(args, output),
        Command::Apply(args) => apply::run(args, output),
        Command::Drift(args) => drift::run(args, output),
        Command::Adopt(args) => adopt::run(args, output),
        Command::Destroy(args) => apply::destroy(args, output),
        Command::Registry(command) => registry::run(command, output),
        Command::Sandbox(command) => sandbox::run(command, output),
        Command::Test(args) => test::run(args, output),
        Command::Rollout(command) => rollout::run(command, output),
        Command::Pipelines(args) => pipelines::run(args, output),
        Command::Status(args) => status::run(args, form, output),
        Command::Cost(args) => cost::run(args, output),
        Command::Route(args) => route::run(args, output),
        Command::Bootstrap(args) => bootstrap::run(args, output),
        Command::LintRepo(args) => lint_repo::run(args, output),
        Command::Graph(args) => graph::run(args, output),
        Command::Lock(args) => lock::run(args, output),
        Command::Lsp(_) => lsp::run(),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}
