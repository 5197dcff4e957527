//! `cellc can` and `cellc who-can`: an answer about the program's access, with the statements that decide. Owns the
//! commands and their text; the answer is [`cell_eval::access::ask`]'s.

use std::borrow::Cow;
use std::collections::BTreeMap;

use cell_eval::access::ask::{self, Answer, Ask, Can, Conditional, One};
use cell_eval::access::model::Delta;
use cell_eval::access::phrases;
use cell_eval::access::subject::Subject;
use cell_eval::plan::fault;
use cell_eval::terminal::visible;
use cell_lang::diagnostics::{Code, nearest};
use cell_lang::source::SourceMap;

use crate::args::{AskArgs, CanArgs, Format, Program, WhoCanArgs};
use crate::exit::Status;
use crate::output::{self, Output};
use crate::session::{finding, say};

/// Cells that are named; the rest is counted.
const NAMED: usize = 6;

/// Runs `can`.
pub(crate) fn can(args: &CanArgs, output: &Output) -> Status {
    asked(Some(&args.principal), &args.ask, output)
}

/// Runs `who-can`.
pub(crate) fn who_can(args: &WhoCanArgs, output: &Output) -> Status {
    asked(None, &args.ask, output)
}

fn asked(principal: Option<&String>, args: &AskArgs, output: &Output) -> Status {
    if !args.action.contains(':') && args.action != "*" {
        return output::refuse(
            &format!("`{}` is no action", args.action),
            "an action reads `service:Action`, as in `s3:GetObject`",
        );
    }
    let (resource, program) = match taken(args) {
        Ok(taken) => taken,
        Err(status) => return status,
    };
    output.run(&program, |run| {
        let (subject, _) = match run.subject(jiff::Timestamp::now()) {
            Ok(subject) => subject,
            Err(status) => return status,
        };
        if let Some(unknown) = unknown(&subject, principal, &args.on) {
            return say(output, &unknown);
        }
        let mut context: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in &args.context {
            context.entry(key.clone()).or_default().push(value.clone());
        }
        let ask = Ask {
            principal: principal.cloned(),
            action: args.action.clone(),
            resource: resource.to_owned(),
            on: args.on.clone(),
            context,
        };
        match ask::misfit(&ask.context) {
            Ok(None) => {}
            Ok(Some(why)) => return output::refuse(&why, "`--context KEY=VALUE` says what the request carries"),
            Err(why) => return output::fail(&why.to_string()),
        }
        if let Some(why) = ask::contradiction(&ask, &subject.desired.org.partition) {
            return output::refuse(&why, "leave it out of `--context`: what is asked for says it");
        }
        match ask::doubts(&ask.action) {
            Ok(doubts) if doubts.is_empty() => {}
            Ok(doubts) => {
                let sources = SourceMap::default();
                output.diagnostics(&sources, &fault::diagnostics(&sources, &doubts));
            }
            Err(why) => return output::fail(&why.to_string()),
        }
        match subject.ask(&ask) {
            Ok(answer) => output::result(
                output.format,
                &match output.format {
                    Format::Json => format!("{}\n", serde_json::to_string(&answer).unwrap_or_default()),
                    Format::Text => text(&answer, principal.is_none()),
                },
            ),
            Err(why) => output::fail(&why.to_string()),
        }
    })
}

/// The resource and the program. A lone path is the program, as everywhere; what is neither is refused, since a
/// resource that no ARN can be is allowed to nobody.
fn taken(args: &AskArgs) -> Result<(&str, Cow<'_, Program>), Status> {
    let is_resource = |text: &str| text == "*" || text.starts_with("arn:") || text.starts_with("*:");
    if is_resource(&args.resource) {
        if let Some(why) = ask::no_resource(&args.resource) {
            return Err(output::refuse(&why, "write `*` for what follows: `arn:aws:kms:*:*:key/*`, or `*` for any"));
        }
        return Ok((&args.resource, Cow::Borrowed(&args.program)));
    }
    let path = std::path::PathBuf::from(&args.resource);
    if args.program.path.as_os_str() == "." && path.exists() {
        return Ok(("*", Cow::Owned(Program { path, ..args.program.clone() })));
    }
    Err(output::refuse(
        &format!("`{}` is neither a resource nor a program that is there", args.resource),
        "a resource is `*`, an ARN, or a pattern of ARNs such as `arn:aws:s3:::logs-*`",
    ))
}

/// Addresses that the program does not have.
fn unknown(
    subject: &Subject,
    principal: Option<&String>,
    on: &[String],
) -> Option<cell_lang::diagnostics::Diagnostic> {
    let desired = &subject.desired;
    let people: Vec<&str> = desired.principals.keys().map(String::as_str).collect();
    let places: Vec<&str> = desired
        .resources
        .keys()
        .map(String::as_str)
        .filter(|it| it.contains("cell.") || it.contains("account."))
        .collect();
    let person = principal.filter(|name| !people.contains(&name.as_str())).map(|name| (name, &people));
    let place = on.iter().find(|name| !places.contains(&name.as_str())).map(|name| (name, &places));
    if let Some((name, _)) = person.filter(|(name, _)| desired.resources.contains_key(*name)) {
        let what = format!("`{name}` is no group or user");
        return Some(
            finding(Code::UnknownAddress, what).help("who is asked about is a group or a user; `--on` says where"),
        );
    }
    let (name, known) = person.or(place)?;
    let near = nearest(name, known.iter().copied(), 3);
    let help = match near.as_slice() {
        [] => "`cellc expand` prints all addresses".to_owned(),
        near => format!("did you mean {}?", near.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" or ")),
    };
    Some(finding(Code::UnknownAddress, format!("`{name}` is no address of the program")).help(help))
}

fn text(answer: &Answer, everybody: bool) -> String {
    let what = format!("{} on {}", visible::text(&answer.action), visible::text(&answer.resource));
    if let Some(on) = &answer.asked_on {
        let on = if on.is_empty() {
            String::new()
        } else {
            format!(": it is asked for on {}", visible::whole(&on.join(", ")))
        };
        return format!("nobody can {what}, for no request is one{on}\n");
    }
    if answer.answers.is_empty() {
        let nobody = if everybody { "nobody" } else { "no cell" };
        return format!("{nobody} can {what}\n");
    }
    let some = if answer.action.contains(['*', '?']) { "some of " } else { "" };
    let mut out: String = answer.answers.iter().map(|one| paragraph(one, some, &what)).collect();
    out.push_str(&format!("not looked at: {}\n", answer.not_modelled.join("; ")));
    out
}

fn paragraph(one: &One, some: &str, what: &str) -> String {
    let some = if one.can == Can::No { "" } else { some };
    let word = match one.can {
        Can::Yes => "can",
        Can::May => "may be able to",
        Can::No => "cannot",
    };
    let mut out = format!("{} {word} {some}{what} in {}\n", visible::name(&one.principal), cells(&one.cells));
    for delta in &one.allowed {
        let on = visible::whole(&delta.resources.join(", "));
        out.push_str(&format!("    {} on {on}\n", actions(delta)));
        alternatives(&mut out, "      ", &delta.conditions);
        delta.because.iter().for_each(|why| out.push_str(&format!("      because {}\n", visible::whole(why))));
    }
    said(&mut out, "by", &one.statements);
    said(&mut out, "although", &one.allowing);
    let missing = one.missing.iter().map(|layer| format!("    nothing in {} allows it", visible::whole(layer)));
    missing.for_each(|line| out.push_str(&format!("{line}{}\n", if one.unmet.is_empty() { "" } else { " so" })));
    said(&mut out, "its condition is not met:", &one.unmet);
    if one.can == Can::No && one.statements.is_empty() && one.missing.is_empty() {
        out.push_str("    it is given nothing there\n");
    }
    out
}

/// The actions of a region: those that there are, and those that AWS may add.
fn actions(delta: &Delta) -> String {
    let shown: Vec<&str> = delta.actions.iter().take(NAMED).map(String::as_str).collect();
    let mut text = visible::whole(&shown.join(", "));
    let more = delta.actions.len().saturating_sub(NAMED);
    if more > 0 {
        text.push_str(&format!(" and {more} more (`--format json` lists them)"));
    }
    if let Some(future) = phrases::future(delta, NAMED) {
        text.push_str(if text.is_empty() { "" } else { ", and " });
        text.push_str(&future);
    }
    text
}

/// Statements, each with when it is about the request.
fn said(out: &mut String, word: &str, all: &[Conditional]) {
    for one in all {
        out.push_str(&format!("    {word} {}\n", by(&one.statement)));
        alternatives(out, "      ", &one.when);
    }
}

fn alternatives(out: &mut String, indent: &str, all: &[String]) {
    for (at, condition) in all.iter().enumerate() {
        let word = if at == 0 { "when" } else { "or when" };
        out.push_str(&format!("{indent}{word} {}\n", visible::whole(condition)));
    }
}

fn cells(cells: &[String]) -> String {
    let shown: Vec<String> = cells.iter().take(NAMED).map(|cell| visible::name(cell)).collect();
    let more = cells.len().saturating_sub(NAMED);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// `allow restart of permission_set.Restart (main.cell:5)`
fn by(statement: &cell_eval::access::model::Statement) -> String {
    let sid = statement.sid.as_deref().map(|sid| format!(" {}", visible::text(sid))).unwrap_or_default();
    let place = statement.place.as_ref().map(|place| format!(" ({}:{})", visible::text(&place.file), place.line));
    format!("{}{sid} of {}{}", statement.effect, visible::name(&statement.policy), place.unwrap_or_default())
}
