//! `cellc adopt`: things that exist come into the record under addresses of the program. They get the tag that marks
//! them; nothing else of them is changed: the next plan shows what would be.

use cell_eval::existing::taking::{self, Claims};
use cell_eval::live::{Depth, Survey};
use cell_eval::plan::desired::ADDRESS_TAG;
use cell_eval::plan::model::Plan;
use cell_eval::plan::scope::Scope;
use cell_eval::plan::{Command, identity, moves};
use cell_eval::registry::record::{Entry, Record};
use cell_lang::diagnostics::{Code, nearest};

use crate::apply::{Asked, changed};
use crate::args::AdoptArgs;
use crate::exit::Status;
use crate::output::Output;
use crate::session::{Session, finding, say};

/// Runs the command.
pub(crate) fn run(args: &AdoptArgs, output: &Output) -> Status {
    let mut program = args.program.clone();
    // With `--all` a lone argument is the program.
    if let Some(path) = args.address.as_ref().filter(|_| args.all) {
        program.path = path.into();
    }
    output.run(&program, |run| {
        let ask = |session: &Session<'_>, record: &Record| match (&args.address, &args.id) {
            (Some(address), Some(id)) if !args.all => {
                adopted((address, id), session, record, output).map(Asked::from)
            }
            _ => everything(session, record).map(Asked::from),
        };
        changed(run, output, &args.cloud, None, "adopt", &args.consent, &ask)
    })
}

/// Everything that the program names, that exists, and that the record does not have.
fn everything(session: &Session<'_>, record: &Record) -> Result<Plan, Status> {
    let desired = &session.subject.desired;
    let (record, _) = moves::follow(desired, record);
    let live = session.survey(Survey::Marks)?;
    let claims = taking::by_name(desired, &record, &live, session.at);
    taken(session, &claims, &|_| true)
}

/// The plan that takes over what is claimed and `takes` says, and what of it is given and attached.
pub(crate) fn taken(session: &Session<'_>, claims: &Claims, takes: &dyn Fn(&str) -> bool) -> Result<Plan, Status> {
    let desired = &session.subject.desired;
    let scope = Scope::default();
    let live = session.read(desired, &claims.record, &scope, Depth::Drift)?;
    let origins = std::collections::BTreeMap::new();
    let plan = session.ask(desired, (&claims.record, &origins), &live, &scope, Command::Apply)?;
    let mut plan = taking::only(plan, desired, claims, takes);
    "adopt".clone_into(&mut plan.command);
    Ok(plan)
}

fn adopted(
    (address, id): (&String, &String),
    session: &Session<'_>,
    record: &Record,
    output: &Output,
) -> Result<Plan, Status> {
    if session.subject.desired.stacks.contains_key(address) {
        let finding =
            finding(Code::UnknownAddress, format!("`{address}` is a stack, which is taken over by its tag"));
        let help = format!("give it the tag `{ADDRESS_TAG}` = `{address}`: the next plan takes it over");
        return Err(say(output, &finding.help(help)));
    }
    let Some(wanted) = session.subject.desired.resources.get(address) else {
        let known = session.subject.desired.resources.keys().map(String::as_str);
        let near = nearest(address, known, 1);
        let message = format!("`{address}` is no resource of the program");
        let help = near.first().map_or_else(
            || "`cellc expand` prints all addresses".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(say(output, &finding(Code::UnknownAddress, message).help(help)));
    };
    if let Some((owner, _)) = record.resources.iter().find(|(owner, entry)| entry.id == *id && *owner != address) {
        let message = format!("{id} is in the record already, as {owner}");
        return Err(say(
            output,
            &finding(Code::UnknownAddress, message).help("`moved { from = …, to = … }` gives it another address"),
        ));
    }
    is_free(session, record, (address, id), output)?;
    let mut with = record.clone();
    with.resources.insert(address.clone(), Entry::claim(wanted.kind.name(), id, session.at));
    let scope = Scope { only: vec![address.clone()], except: Vec::new() };
    let mut plan = session.plan(&with, &scope, Command::Apply, true)?;
    plan.changes.retain(|change| change.address == *address);
    if !plan.changes.iter().any(|change| change.before.is_some()) {
        let message = format!("there is no {} {id}", wanted.kind.name());
        return Err(say(output, &finding(Code::AccountNotThere, message)));
    }
    let claims = Claims { taken: std::iter::once(address.clone()).collect(), ..Claims::default() };
    let mut plan = taking::only(plan, &session.subject.desired, &claims, &|_| true);
    plan.notices.clear();
    "adopt".clone_into(&mut plan.command);
    Ok(plan)
}

/// An address that stands for something else, which is there, does not get another thing.
fn is_free(
    session: &Session<'_>,
    record: &Record,
    (address, id): (&String, &String),
    output: &Output,
) -> Result<(), Status> {
    let Some(entry) = record.entry(address).filter(|entry| entry.id != *id && !entry.id.is_empty()) else {
        return Ok(());
    };
    let scope = Scope { only: vec![address.clone()], except: Vec::new() };
    let live = session.read(&session.subject.desired, record, &scope, Depth::Plan)?;
    let is_open = live.accounts.get(&entry.id).is_some_and(identity::is_open);
    let is_there = live.units.contains_key(&entry.id)
        || live.policies.contains_key(&entry.id)
        || live.sets.contains_key(&entry.id);
    if !is_open && !is_there {
        return Ok(());
    }
    let message = format!("the record has {address} as {}, which is there: it stands for no other thing", entry.id);
    let finding =
        finding(Code::UnknownAddress, message).help("another label for the other one: `cellc adopt LABEL ID`").help(
            format!("or `moved {{ from = \"{address}\", to = … }}`, applied, gives this one another address first"),
        );
    Err(say(output, &finding))
}
