//! `cellc rollout`: how releases come to cells. Owns the commands; what is decided is [`cell_eval::rollout`]'s.

use cell_eval::rollout::{courses, text};
use cell_lang::diagnostics::nearest;
use jiff::Timestamp;

use crate::args::{Format, RolloutCommand, RolloutPlanArgs};
use crate::exit::Status;
use crate::output::{self, Output};

/// Runs the command.
pub(crate) fn run(command: &RolloutCommand, output: &Output) -> Status {
    match command {
        RolloutCommand::Plan(args) => plan(args, output),
    }
}

fn plan(args: &RolloutPlanArgs, output: &Output) -> Status {
    let at = args.at.unwrap_or_else(Timestamp::now);
    output.run(&args.program, |run| {
        let unknown = std::cell::RefCell::new(None);
        let status = run.result(&|world, _, out| {
            let all = courses(world);
            let asked: Vec<_> =
                all.iter().filter(|course| args.of.as_ref().is_none_or(|of| *of == course.of)).collect();
            if let (Some(of), true) = (&args.of, asked.is_empty()) {
                let near = nearest(of, all.iter().map(|course| course.of.as_str()), 3);
                *unknown.borrow_mut() = Some(near.into_iter().map(str::to_owned).collect::<Vec<_>>());
                return Ok(());
            }
            let text = match output.format {
                Format::Json => text::json(&asked, at, args.takes),
                Format::Text => text::calendars(&asked, at, args.takes),
            };
            out.write_all(text.as_bytes())
        });
        match unknown.into_inner() {
            Some(near) => refused(args.of.as_deref().unwrap_or_default(), &near),
            None => status,
        }
    })
}

fn refused(of: &str, near: &[String]) -> Status {
    let names: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    let help = match names.as_slice() {
        [] => "a component's address, or that of a permission set with a rollout".to_owned(),
        names => format!("did you mean {}?", names.join(" or ")),
    };
    output::fail(&format!("nothing by the address `{of}` is released\n\n  help: {help}"))
}
