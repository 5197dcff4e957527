//! `cellc route`: where routers send their keys. Owns the command; what goes where is [`cell_eval::routes`]'s.

use std::cell::RefCell;

use cell_eval::routes::{document, tables, text};
use cell_eval::terminal::Look;
use cell_lang::diagnostics::{Code, nearest};

use crate::args::{Format, RouteArgs};
use crate::exit::Status;
use crate::output::Output;
use crate::progress::visible;
use crate::session::{finding, say};

/// Runs the command.
pub(crate) fn run(args: &RouteArgs, output: &Output) -> Status {
    output.run(&args.program, |run| {
        let unknown = RefCell::new(None);
        let status = run.result(&|world, _, out| {
            let mut all = tables(world);
            if let Some(of) = &args.of {
                let known: Vec<String> = all.iter().map(|table| table.router.clone()).collect();
                all.retain(|table| table.router == *of);
                if all.is_empty() {
                    *unknown.borrow_mut() = Some(known);
                    return Ok(());
                }
            }
            let (width, color) = output.look();
            let shown = match output.format {
                Format::Json => format!("{}\n", document(&all)),
                Format::Text => text(&all, &Look { verbose: true, width, color }),
            };
            out.write_all(shown.as_bytes())
        });
        match unknown.into_inner() {
            Some(known) => refused(args.of.as_deref().unwrap_or_default(), &known, output),
            None => status,
        }
    })
}

fn refused(of: &str, known: &[String], output: &Output) -> Status {
    let near = nearest(of, known.iter().map(String::as_str), 3);
    let near: Vec<String> = near.iter().map(|near| format!("`{}`", visible(near))).collect();
    let help = match near.as_slice() {
        [] => "the address of a router, such as `router.token`".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    say(output, &finding(Code::UnknownAddress, format!("there is no router `{}` here", visible(of))).help(help))
}
