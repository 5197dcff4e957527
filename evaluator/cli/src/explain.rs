//! `cellc explain`: an error's page, or where a value came from. Owns telling the one from the other.

use cell_eval::emit::FORMAT_VERSION;
use cell_lang::diagnostics::{Code, nearest};
use serde_json::json;

use crate::args::{ExplainArgs, Format};
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pages;

/// Runs the command.
pub(crate) fn run(args: &ExplainArgs, output: &Output) -> Status {
    match Code::parse(&args.subject) {
        Some(code) => explain(code, output),
        None if args.subject.contains('.') => output.run(&args.program, |run| run.origin(&args.subject)),
        None => refuse(&args.subject),
    }
}

fn explain(code: Code, output: &Output) -> Status {
    let page = pages::page(code);
    let text = match output.format {
        Format::Text => page.map_or_else(|| format!("# {}: {}\n", code.as_str(), code.title()), str::to_owned),
        Format::Json => {
            let (severity, title) = (code.severity().word(), code.title());
            let code = code.as_str();
            let value = json!({ "format_version": FORMAT_VERSION, "code": code, "severity": severity, "title": title, "page": page });
            format!("{value}\n")
        }
    };
    output::result(output.format, &text)
}

fn refuse(subject: &str) -> Status {
    let near = nearest(&subject.to_uppercase(), Code::ALL.iter().map(|code| code.as_str()), 1);
    let meant = near.first().map(|code| format!("did you mean {code}? ")).unwrap_or_default();
    let help = format!("{meant}an address has a dot, as in `cell.alpha`");
    output::refuse(&format!("`{subject}` is neither a code nor an address"), &help)
}
