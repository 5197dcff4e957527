//! `cellc adopt`: something that exists comes into the record under an address of the program. It gets the tag that
//! marks it; nothing else of it is changed: the next plan shows what would be.

use cell_eval::plan::model::{Action, Operation, Plan, Verb};
use cell_eval::plan::scope::Scope;
use cell_eval::plan::{Command, cost};
use cell_eval::registry::record::{Entry, Record};
use cell_lang::diagnostics::{Code, nearest};

use crate::apply::changed;
use crate::args::AdoptArgs;
use crate::exit::Status;
use crate::output::Output;
use crate::session::{Session, finding, say};

/// Runs the command.
pub(crate) fn run(args: &AdoptArgs, output: &Output) -> Status {
    output.run(&args.program, |run| {
        let ask = |session: &Session<'_>, record: &Record| adopted(args, session, record, output);
        changed(run, output, &args.cloud, None, "adopt", &args.consent, &ask)
    })
}

fn adopted(args: &AdoptArgs, session: &Session<'_>, record: &Record, output: &Output) -> Result<Plan, Status> {
    let Some(wanted) = session.subject.desired.resources.get(&args.address) else {
        let known = session.subject.desired.resources.keys().map(String::as_str);
        let near = nearest(&args.address, known, 1);
        let message = format!("`{}` is no resource of the program", args.address);
        let help = near.first().map_or_else(
            || "`cellc expand` prints all addresses".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(say(output, &finding(Code::UnknownAddress, message).help(help)));
    };
    if let Some((owner, _)) =
        record.resources.iter().find(|(address, entry)| entry.id == args.id && **address != args.address)
    {
        let message = format!("{} is in the record already, as {owner}", args.id);
        return Err(say(
            output,
            &finding(Code::UnknownAddress, message).help("`moved { from = …, to = … }` gives it another address"),
        ));
    }
    let mut with = record.clone();
    with.resources.insert(args.address.clone(), Entry::claim(wanted.kind.name(), &args.id, session.at));
    let scope = Scope { only: vec![args.address.clone()], except: Vec::new() };
    let mut plan = session.plan(&with, &scope, Command::Apply, true)?;
    plan.changes.retain(|change| change.address == args.address);
    let Some(change) = plan.changes.iter_mut().find(|change| change.before.is_some()) else {
        let message = format!("there is no {} {}", wanted.kind.name(), args.id);
        return Err(say(output, &finding(Code::AccountNotThere, message)));
    };
    only_taken(change, &args.id, wanted.protect, &plan.operations).clone_into(&mut plan.operations);
    plan.access.clear();
    plan.review = None;
    plan.notices.clear();
    "adopt".clone_into(&mut plan.command);
    plan.cost = cost::of(&plan.operations, plan.limits, Vec::new());
    Ok(plan)
}

/// The operations that take it into the record and mark it; the change is made to say only that.
fn only_taken(
    change: &mut cell_eval::plan::model::Change,
    id: &str,
    protect: bool,
    operations: &[Operation],
) -> Vec<Operation> {
    let mut before = change.before.clone().unwrap_or_default();
    let mut after = before.clone();
    let tag = operations
        .iter()
        .find(|operation| operation.address == change.address && matches!(operation.verb, Verb::Tag { .. }));
    if let Some(tags) = tag.and_then(|tag| tag.sets.get("tags")) {
        after.insert("tags".to_owned(), tags.clone());
    }
    let mut sets = before.clone();
    if protect {
        sets.insert("protect".to_owned(), true.into());
    }
    before.remove("protect");
    let remember = Operation {
        id: cell_eval::plan::model::OperationId(0),
        address: change.address.clone(),
        verb: Verb::Remember { id: id.to_owned() },
        needs: Vec::new(),
        sets,
    };
    let mut taken = vec![remember];
    if let Some(tag) = tag {
        let id = cell_eval::plan::model::OperationId(1);
        taken.push(Operation { id, needs: vec![cell_eval::plan::model::OperationId(0)], ..tag.clone() });
    }
    change.action = Action::Adopt;
    change.drift.clear();
    change.later.clear();
    change.before = Some(before);
    change.after = Some(after);
    change.operations = taken.iter().map(|operation| operation.id).collect();
    taken
}
