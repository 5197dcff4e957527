//! `cellc bootstrap`: components into a new cell. Owns how the command is begun, followed and told; what is to be run is
//! [`cell_eval::bootstrap`]'s, running it [`cell_deploy::bootstrap`]'s.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Instant;

use cell_deploy::bootstrap::{Bootstrap, Fate, Fault, Item, Missing, Watcher};
use cell_deploy::folder::Folder;
use cell_eval::bootstrap::{Course, Refused, Step, course};
use cell_eval::plan::desired::Desired;
use cell_eval::registry::record::Record;
use cell_eval::releases::Desk;
use cell_eval::terminal::visible::line;
use cell_eval::words::counted;
use cell_lang::diagnostics::{Code, Diagnostic, nearest};
use cell_lang::source::SourceMap;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::args::{BootstrapArgs, Cloud, Format};
use crate::cloud::OWN;
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::progress::visible;
use crate::session::{finding, loaded, recorded, say};
use crate::signals;

/// Letters of a commit that are shown.
const SHORT: usize = 10;

/// Runs the command.
pub(crate) fn run(args: &BootstrapArgs, output: &Output) -> Status {
    output.run(&args.program, |run| bootstrap(run, args, output).unwrap_or_else(|status| status))
}

fn bootstrap(run: &Run<'_>, args: &BootstrapArgs, output: &Output) -> Result<Status, Status> {
    let began = Instant::now();
    let (course, desired) = wished(run, args, output)?;
    let all: Vec<&str> = course.steps.iter().map(|step| step.component.as_str()).collect();
    let said = versions(&args.versions, &all, output)?;
    let from = args.from.as_ref().map(|from| known(from, &all)).transpose().map_err(|error| say(output, &error))?;
    let place = recorded(run, &args.cloud, &desired, output)?;
    let record = loaded(place.store.as_ref(), output)?.record;
    let versions = with_released(said, &all, &Desk::new(place.store.as_ref()), output)?;
    let cell = in_registry(&record, &course, output)?;
    if args.cloud.cloud == Cloud::Sandbox {
        output.remark(
            "sandbox: the cell is an emulated one, and its targets are run for real, with this shell's credentials",
        );
    }
    let folder = run.folder().join(OWN).join("bootstrap").join(&course.cell);
    let held = Folder::hold(&folder).map_err(|error| output::fail(&format!("{}: {error}", folder.display())))?;
    let folder = held.ok_or_else(|| say(output, &held_by_another(&course.cell)))?;
    let beside = run.folder();
    let work = Bootstrap {
        record: &record,
        cell,
        course: &course,
        beside: &beside,
        folder: &folder,
        versions: &versions,
        from: from.as_deref(),
        again: args.again,
        submodules: args.submodules,
        stop: signals::stop(),
    };
    let mut told = Following { output, course: &course, cell };
    let items = work.run(&mut told).map_err(|fault| output.diagnostics(&SourceMap::default(), &faults(&fault)))?;
    let applied = record.resources.get(&course.cell).map(|entry| entry.applied_at);
    let end = End { course: &course, items: &items, took: began.elapsed().as_secs_f64(), applied };
    output::result(output.format, &end.written(output.format));
    Ok(match end.wrong(&folder) {
        Some(wrong) => say(output, &wrong),
        None => Status::Done,
    })
}

/// What the program says: the cell's course, and where its record is.
fn wished(run: &Run<'_>, args: &BootstrapArgs, output: &Output) -> Result<(Course, Desired), Status> {
    let found = RefCell::new(None);
    let status = run.result(&|world, resources, _| {
        let desired = Desired::new(world, &resources.collect(), Timestamp::now());
        *found.borrow_mut() = Some((course(world, &args.cell), desired));
        Ok(())
    });
    let (course, desired) = found.into_inner().ok_or(status)?;
    let name = visible(&args.cell);
    let refused = |refused| match refused {
        Refused::Unknown(near) => unknown("cell", &name, &near),
        Refused::Retired => finding(Code::UnknownAddress, format!("`{name}` is retired: no component goes there"))
            .help("say `state = \"active\"` in its block, and apply"),
    };
    course.map(|course| (course, desired)).map_err(|why| say(output, &refused(why)))
}

fn unknown(what: &str, name: &str, near: &[String]) -> Diagnostic {
    let near: Vec<String> = near.iter().map(|near| format!("`{near}`")).collect();
    let help = match near.as_slice() {
        [] => format!("`cellc expand` prints every {what}"),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    finding(Code::UnknownAddress, format!("the program has no {what} `{name}` here")).help(help)
}

/// The address of a component that is named by it or by its label.
fn known(name: &str, all: &[&str]) -> Result<String, Diagnostic> {
    let full = format!("component.{name}");
    if let Some(found) = all.iter().find(|address| [name, &full].contains(address)) {
        return Ok((*found).to_owned());
    }
    let label = |address: &&'_ str| address.strip_prefix("component.").unwrap_or(address).to_owned();
    let labels: Vec<String> = all.iter().map(label).collect();
    let near = nearest(&label(&name), labels.iter().map(String::as_str), 3);
    let near: Vec<String> =
        all.iter().filter(|address| near.contains(&label(address).as_str())).map(ToString::to_string).collect();
    Err(unknown("component", &visible(name), &near))
}

/// The versions that are asked for, by address.
pub(crate) fn versions(
    said: &[(String, String)],
    all: &[&str],
    output: &Output,
) -> Result<BTreeMap<String, String>, Status> {
    let one = |(name, version): &(String, String)| Ok((known(name, all)?, version.clone()));
    said.iter().map(one).collect::<Result<_, Diagnostic>>().map_err(|error| say(output, &error))
}

/// Of what no version is said, that which is released, by its commit: what a release brings to a new cell.
fn with_released(
    mut said: BTreeMap<String, String>,
    all: &[&str],
    desk: &Desk<'_>,
    output: &Output,
) -> Result<BTreeMap<String, String>, Status> {
    for component in all.iter().filter(|component| !said.contains_key(**component)).copied().collect::<Vec<_>>() {
        let read = desk.read(component);
        let book = read.map_err(|error| say(output, &finding(Code::RecordUnreadable, error.to_string())))?.book;
        let Some(released) = book.released.as_ref() else { continue };
        let commit = book.built.get(&released.dossier).and_then(|made| made.get("commit"));
        output.remark(&format!("{component}: {} is released", visible(&released.version)));
        said.insert(component.to_owned(), commit.unwrap_or(&released.version).clone());
    }
    Ok(said)
}

/// The addresses of components that are named.
pub(crate) fn addresses(said: &[String], all: &[&str], output: &Output) -> Result<Vec<String>, Status> {
    let found = said.iter().map(|name| known(name, all)).collect::<Result<_, _>>();
    found.map_err(|error| say(output, &error))
}

/// The cell as the registry has it.
fn in_registry<'r>(record: &'r Record, course: &Course, output: &Output) -> Result<&'r Json, Status> {
    let name = &course.cell;
    let apply = format!("`cellc apply --only {name}` brings it there");
    let Some(cell) = record.cells.get(name) else {
        let message = format!("the registry does not have {name}: it was not applied yet");
        return Err(say(output, &finding(Code::NotInRegistry, message).help(apply)));
    };
    if course.cloud == "aws" && cell.get("account_id").is_none() {
        let message = format!("the registry has no account of {name}: it is not made yet");
        return Err(say(output, &finding(Code::NotInRegistry, message).help(apply)));
    }
    let recorded = cell.get("cloud").and_then(Json::as_str).unwrap_or("aws");
    if recorded != course.cloud {
        let message = format!("{name} is on {} by the program, and on {recorded} by the registry", course.cloud);
        return Err(say(output, &finding(Code::NotInRegistry, message).help(apply)));
    }
    Ok(cell)
}

fn held_by_another(cell: &str) -> Diagnostic {
    finding(Code::BootstrapHeld, format!("another run bootstraps {cell}, or what it started still runs"))
        .help("wait until it ends; of a run that was killed the target may go on: `ps` shows its `make`")
        .help("what a target leaves running on purpose must not keep its input: start it with `</dev/null`")
}

fn faults(fault: &Fault) -> Vec<Diagnostic> {
    let again = "nothing was run; run again when it is mended";
    match fault {
        Fault::Tool(message) => {
            vec![finding(Code::ProgramMissing, message.clone()).help("install it, and see that it is in PATH")]
        }
        Fault::Refused(all) => all
            .iter()
            .map(|(component, why)| finding(Code::RepositoryRefused, format!("`repo` of {component}: {why}")))
            .collect(),
        Fault::NoVersion(component, why) => vec![
            finding(Code::NoVersion, format!("{component}: {}", visible(why)))
                .help(format!("`--version {component}=REF` says another")),
        ],
        Fault::Unreadable(component, said) => vec![unread(component, said).help(again)],
        Fault::NoTarget(all) => all.iter().map(|missing| no_target(missing).help(again)).collect(),
        Fault::Parameter(component, name) => {
            let name = visible(name);
            let message = format!("the registry does not say what the parameter `{name}` of {component} needs");
            vec![finding(Code::NotInRegistry, message).help("`cellc apply` makes what it names")]
        }
        Fault::Notes(message) => vec![
            finding(Code::NotesUnusable, message.clone()).help("`--again` writes new ones, and runs every component"),
        ],
        Fault::Folder(error) => {
            vec![finding(Code::NotesUnusable, format!("the folder of the bootstrap cannot be used: {error}"))]
        }
        Fault::Stopped => vec![finding(Code::Interrupted, "interrupted: no target was run".to_owned())],
    }
}

/// A repository that git cannot read.
pub(crate) fn unread(component: &str, said: &str) -> Diagnostic {
    let said: Vec<String> = said.lines().map(|said| line(said.as_bytes())).collect();
    finding(Code::RepositoryUnreadable, format!("the repository of {component} cannot be read: {}", said.join("; ")))
        .help("nobody is asked for a password: git must have a key or a credential helper for it")
}

/// A target that is not there.
pub(crate) fn no_target(missing: &Missing) -> Diagnostic {
    let Missing { component, target, commit, why } = missing;
    let why: Vec<String> = why.to_string().lines().map(|said| line(said.as_bytes())).collect();
    let message = format!("no `{target}` in the Makefile of {component} at {}: {}", short(commit), why.join("; "));
    finding(Code::NoTarget, message)
}

/// The beginning of a commit.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..SHORT).unwrap_or(commit)
}

/// Tells people what goes on, on standard error.
struct Following<'a> {
    output: &'a Output,
    course: &'a Course,
    cell: &'a Json,
}

impl Following<'_> {
    fn width(&self) -> usize {
        self.course.steps.iter().map(|step| step.component.len()).max().unwrap_or_default()
    }
}

impl Watcher for Following<'_> {
    fn decided(&mut self, items: &[Item<'_>]) {
        let of = |field: &str| self.cell.get(field).and_then(Json::as_str).unwrap_or_default();
        let place = if self.course.cloud == "gcp" { of("project") } else { of("account_id") };
        let mut text = format!("{}: {} {place}, {}", self.course.cell, self.course.cloud, of("region"));
        for item in items {
            let what = planned(item, self.course.cloud);
            text.push_str(&format!("\n  {:width$}  {what}", item.step.component, width = self.width()));
            for name in &item.ambiguous {
                text.push_str(&format!(
                    "\n    {name} is left out: several parameters come to it; CELL_FILE has them"
                ));
            }
        }
        self.output.remark(&text);
    }

    fn fetching(&mut self, item: &Item<'_>) {
        self.output.remark(&format!("{}: fetching {}", item.step.component, visible(&item.source)));
    }

    fn began(&mut self, item: &Item<'_>) {
        let target = item.step.target.as_deref().unwrap_or_default();
        self.output.remark(&format!("{}: make {target}", item.step.component));
    }

    fn line(&mut self, item: &Item<'_>, said: &[u8]) {
        let name = &item.step.component;
        self.output.remark(format!("{name:width$} | {}", line(said), width = self.width()).trim_end());
    }

    fn ended(&mut self, item: &Item<'_>) {
        let how = match &item.fate {
            Fate::Failed(how) => format!("failed: {how}"),
            Fate::Interrupted => "interrupted; its target and what that started were told to end".to_owned(),
            _ => "done".to_owned(),
        };
        self.output.remark(&format!("{}: {how}, {:.1} s", item.step.component, item.took.as_secs_f64()));
    }
}

/// What is going to be done with a component.
fn planned(item: &Item<'_>, cloud: &str) -> String {
    let version = item.version.as_ref();
    let version = version.map(|found| format!("{} at {}", visible(&found.name), short(&found.commit)));
    let version = version.unwrap_or_default();
    let Step { target, after, .. } = item.step;
    match item.fate {
        Fate::NoTarget => format!("no target for {cloud}: nothing is run"),
        Fate::Skipped => "left as it is".to_owned(),
        Fate::WasDone => format!("{version}, done already"),
        _ => {
            let after = if after.is_empty() { String::new() } else { format!(", after {}", after.join(", ")) };
            format!("{version}, make {}{after}", target.as_deref().unwrap_or_default())
        }
    }
}

/// How it all ended.
struct End<'a> {
    course: &'a Course,
    items: &'a [Item<'a>],
    /// Seconds, from the command's begin.
    took: f64,
    /// When the cell's account was last applied.
    applied: Option<Timestamp>,
}

impl End<'_> {
    fn count(&self, is: impl Fn(&Fate) -> bool) -> usize {
        self.items.iter().filter(|item| is(&item.fate)).count()
    }

    fn outcome(&self) -> &'static str {
        match () {
            () if self.count(|fate| matches!(fate, Fate::Failed(_))) > 0 => "failed",
            () if self.count(|fate| matches!(fate, Fate::Interrupted | Fate::Waits)) > 0 => "interrupted",
            () => "done",
        }
    }

    fn written(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Json => format!("{:#}\n", self.json()),
        }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        let width = self.items.iter().map(|item| item.step.component.len()).max().unwrap_or_default();
        for item in self.items {
            let commit = item.version.as_ref().map(|version| short(&version.commit)).unwrap_or_default();
            let took = match item.fate {
                Fate::Done | Fate::Failed(_) | Fate::Interrupted => format!("{:.1} s", item.took.as_secs_f64()),
                _ => String::new(),
            };
            let name = &item.step.component;
            let text = format!("{name:width$}  {:12} {commit:SHORT$}  {took}", word(&item.fate));
            out.push_str(text.trim_end());
            out.push('\n');
        }
        let (ran, was) = (self.count(|fate| *fate == Fate::Done), self.count(|fate| *fate == Fate::WasDone));
        let cell = &self.course.cell;
        if self.outcome() == "done" && ran == 0 {
            out.push_str(&format!("{cell}: nothing to do; `--again` runs everything again\n"));
            return out;
        }
        out.push_str(&format!("{cell}: {} done", counted(ran, "component")));
        let others = [
            (was, "done already"),
            (self.count(|fate| matches!(fate, Fate::Failed(_))), "failed"),
            (self.count(|fate| *fate == Fate::Interrupted), "interrupted"),
            (self.count(|fate| *fate == Fate::Waits), "not begun"),
        ];
        others
            .iter()
            .filter(|(count, _)| *count > 0)
            .for_each(|(count, what)| out.push_str(&format!(", {count} {what}")));
        out.push_str(&format!("; {:.1} s", self.took));
        if let Some(since) = self.since().filter(|_| self.outcome() == "done") {
            out.push_str(&format!(", {since} after its account was last applied"));
        }
        out.push('\n');
        out
    }

    /// From the apply of the account to now: what a new cell takes until it serves.
    fn since(&self) -> Option<String> {
        let since = Timestamp::now().duration_since(self.applied?);
        let seconds = since.as_secs();
        (seconds >= 0).then(|| match seconds {
            0..120 => format!("{seconds} s"),
            120..7_200 => format!("{} min", seconds / 60),
            _ => format!("{} h", seconds / 3_600),
        })
    }

    fn json(&self) -> Json {
        let millis = |seconds: f64| (seconds * 1_000.0).round();
        let one = |item: &Item<'_>| {
            json!({
                "component": item.step.component,
                "repository": item.source,
                "target": item.step.target,
                "after": item.step.after,
                "version": item.version.as_ref().map(|version| &version.name),
                "commit": item.version.as_ref().map(|version| &version.commit),
                "outcome": word(&item.fate).replace(' ', "_"),
                "why": if let Fate::Failed(why) = &item.fate { Some(why) } else { None },
                "took_ms": millis(item.took.as_secs_f64()),
            })
        };
        json!({
            "format_version": "1.0",
            "cell": self.course.cell,
            "cloud": self.course.cloud,
            "outcome": self.outcome(),
            "applied_at": self.applied,
            "took_ms": millis(self.took),
            "components": self.items.iter().map(one).collect::<Vec<_>>(),
        })
    }

    /// What keeps it from being done.
    fn wrong(&self, folder: &Folder) -> Option<Diagnostic> {
        let stopped = self.items.iter().find(|item| matches!(item.fate, Fate::Failed(_) | Fate::Interrupted));
        let stopped = stopped.or_else(|| self.items.iter().find(|item| item.fate == Fate::Waits))?;
        let name = &stopped.step.component;
        let again = format!("`cellc bootstrap {}` goes on with {name}; what is done stays done", self.course.cell);
        Some(match &stopped.fate {
            Fate::Failed(how) => {
                let target = stopped.step.target.as_deref().unwrap_or_default();
                let path = folder.path(&stopped.step.name);
                finding(Code::TargetFailed, format!("`make {target}` of {name} failed: {how}"))
                    .help(format!("its files are as it left them in {}", path.display()))
                    .help(again)
            }
            _ => finding(Code::Interrupted, format!("interrupted at {name}")).help(again),
        })
    }
}

fn word(fate: &Fate) -> &'static str {
    match fate {
        Fate::NoTarget => "no target",
        Fate::Skipped => "left",
        Fate::WasDone => "done already",
        Fate::Waits => "not begun",
        Fate::Done => "done",
        Fate::Failed(_) => "failed",
        Fate::Interrupted => "interrupted",
    }
}
