//! `cellc lint-repo`: which repositories of components lack a make target. Owns how it is told; looking is
//! [`cell_deploy::lint`]'s.

use std::cell::RefCell;

use cell_deploy::bootstrap::{Fault, Missing};
use cell_deploy::lint::{Found, Looked, look};
use cell_eval::bootstrap::{Targets, targets};
use cell_eval::words::counted;
use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::source::SourceMap;
use serde_json::{Value as Json, json};

use crate::args::{Format, LintRepoArgs};
use crate::bootstrap::{addresses, no_target, short, unread, versions};
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::progress::visible;
use crate::session::{finding, say};
use crate::signals;

/// Runs the command.
pub(crate) fn run(args: &LintRepoArgs, output: &Output) -> Status {
    output.run(&args.program, |run| lint(run, args, output).unwrap_or_else(|status| status))
}

fn lint(run: &Run<'_>, args: &LintRepoArgs, output: &Output) -> Result<Status, Status> {
    let found = RefCell::new(None);
    let status = run.result(&|world, _, _| {
        *found.borrow_mut() = Some(targets(world));
        Ok(())
    });
    let mut all: Vec<Targets> = found.into_inner().ok_or(status)?;
    let names: Vec<&str> = all.iter().map(|one| one.component.as_str()).collect();
    let versions = versions(&args.versions, &names, output)?;
    let only = addresses(&args.only, &names, output)?;
    all.retain(|one| only.is_empty() || only.contains(&one.component));
    let mut next = |of: &Targets| output.remark(&format!("{}: looking", of.component));
    let looked = look(&all, &versions, &run.folder(), signals::stop(), &mut next);
    let looked = looked.map_err(|fault| say(output, &told(fault)))?;
    let text = match output.format {
        Format::Text => looked.iter().map(text).collect(),
        Format::Json => format!("{:#}\n", json(&looked)),
    };
    output::result(output.format, &text);
    let wrong: Vec<Diagnostic> = looked.iter().flat_map(findings).collect();
    Ok(output.diagnostics(&SourceMap::default(), &wrong))
}

fn told(fault: Fault) -> Diagnostic {
    match fault {
        Fault::Stopped => finding(Code::Interrupted, "interrupted: not every repository was looked at".to_owned()),
        Fault::Tool(message) => finding(Code::ProgramMissing, message).help("install it, and see that it is in PATH"),
        other => finding(Code::RepositoryUnreadable, format!("nothing can be fetched: {other}")),
    }
}

fn text(looked: &Looked<'_>) -> String {
    let Looked { of, version, found, .. } = looked;
    let at = version.as_ref().map(|version| format!("{} at {}", visible(&version.name), short(&version.commit)));
    let at = at.unwrap_or_else(|| "not read".to_owned());
    let mut out = format!("{}  {at}", of.component);
    match found {
        Found::Targets(_) if looked.sound() => {
            out.push_str(&format!(", has its {}\n", counted(of.targets.len(), "target")));
        }
        Found::Unread(_) => out.push('\n'),
        Found::Targets(all) => {
            out.push('\n');
            for (target, wrong) in all {
                let how = if wrong.is_none() { "there" } else { "lacks" };
                let why = of.targets.get(*target).map(|why| why.join(", ")).unwrap_or_default();
                out.push_str(&format!("  {how}  {target}  ({why})\n"));
            }
        }
    }
    for cloud in &of.none_for {
        out.push_str(&format!("  it says no target of a bootstrap on {cloud}, and has cells there\n"));
    }
    out
}

fn json(all: &[Looked<'_>]) -> Json {
    let one = |looked: &Looked<'_>| {
        let Looked { of, source, version, found } = looked;
        let targets: Vec<Json> = match found {
            Found::Targets(all) => {
                let one = |(target, wrong): (&&str, &Option<_>)| {
                    let wrong = wrong.as_ref().map(|why: &cell_deploy::bootstrap::NotThere| why.to_string());
                    json!({ "target": target, "for": of.targets.get(*target), "wrong": wrong })
                };
                all.iter().map(one).collect()
            }
            Found::Unread(_) => Vec::new(),
        };
        json!({
            "component": of.component,
            "repository": source,
            "version": version.as_ref().map(|version| &version.name),
            "commit": version.as_ref().map(|version| &version.commit),
            "unread": if let Found::Unread(why) = found { Some(why) } else { None },
            "targets": targets,
            "none_for": of.none_for,
        })
    };
    json!({ "format_version": "1.0", "components": all.iter().map(one).collect::<Vec<_>>() })
}

fn findings(looked: &Looked<'_>) -> Vec<Diagnostic> {
    let Looked { of, version, found, .. } = looked;
    match found {
        Found::Unread(why) => vec![unread(&of.component, why)],
        Found::Targets(all) => {
            let wrong = all.iter().filter_map(|(target, why)| Some((target, why.as_ref()?)));
            let missing = wrong.map(|(target, why)| Missing {
                component: of.component.clone(),
                target: (*target).to_owned(),
                commit: version.as_ref().map(|version| version.commit.clone()).unwrap_or_default(),
                why: why.clone(),
            });
            missing.map(|missing| no_target(&missing)).collect()
        }
    }
}
