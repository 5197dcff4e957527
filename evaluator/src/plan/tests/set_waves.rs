//! Permission sets by waves: what a plan says of one whose form a rollout brings, or has taken back.

use std::collections::BTreeMap;

use crate::apply::tests::bench::{Bench, desired};
use crate::plan::desired::Desired;
use crate::plan::diff::sets::fields_as_read;
use crate::plan::model::{Fields, Plan, Verb};
use crate::plan::scope::Scope;
use crate::provider::IdentityCenter as _;
use crate::releases::{Book, Cell, Dossier, Has, Kept, Queued, Spec, Target};
use crate::rollout::{CellState, Event, Phase, step};

const SET: &str = "permission_set.X";
const ALL: &str = r#"{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}"#;

/// Two cells, and a set that allows this and goes by waves.
fn program(action: &str) -> Desired {
    desired(&text(action))
}

fn text(action: &str) -> String {
    format!(
        "org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }} }}\ngroup ops {{}}\n\
         cell a {{ kind = \"alpha\", region = \"us-west-2\" }}\ncell b {{ kind = \"alpha\", region = \"us-west-2\" }}\n\
         rollout steady {{ wave all {{ on = cells, bake = 1h, parallel = 1 }} }}\n\
         permission_set X {{ allow it {{ actions = [\"{action}\"], resources = [\"*\"] }}, rollout = rollout.steady }}\n\
         grant g {{ to = group.ops, can = permission_set.X, on = cells }}\n"
    )
}

/// The form that the set has after this program was applied to an empty organization.
fn form_of(program: &Desired) -> Fields {
    live(&Bench::after(&[program]), program)
}

fn live(bench: &Bench, program: &Desired) -> Fields {
    let live = bench.read(program, &Scope::default(), crate::live::Depth::Plan).unwrap();
    let set = &live.sets[&bench.record().entry(SET).unwrap().id];
    fields_as_read(set, set.detail.as_ref().unwrap())
}

fn dossier(bench: &Bench, wanted: &Desired, version: &str, form: &Fields) -> Dossier {
    let record = bench.record();
    let wish = &wanted.releases[SET];
    let set = record.entry(SET).unwrap().id.clone();
    let cell = |name: &str| {
        let account = record.entry(name).unwrap().id.clone();
        let target = Target::Set { set: set.clone(), form: "f".to_owned() };
        (name.to_owned(), Cell { spec: Spec { account, region: String::new(), target }, alarms: BTreeMap::new() })
    };
    Dossier {
        format_version: crate::releases::dossier::FORMAT_VERSION.to_owned(),
        of: SET.to_owned(),
        version: version.to_owned(),
        digests: BTreeMap::new(),
        image: String::new(),
        templates: BTreeMap::new(),
        course: wish.course.clone(),
        cells: ["cell.a", "cell.b"].map(cell).into(),
        texts: BTreeMap::from([("f".to_owned(), serde_json::to_string(form).unwrap())]),
    }
}

/// The book of a rollout that brings a new form in place of an old one, once these events have happened.
fn kept(bench: &Bench, wanted: &Desired, (old, new): (&Fields, &Fields), events: &[Event]) -> BTreeMap<String, Kept> {
    let forms = [dossier(bench, wanted, "old", old), dossier(bench, wanted, "new", new)];
    let mut book = Book::new(SET);
    let at = bench.clock.at();
    for cell in ["cell.a", "cell.b"] {
        let has = Has { version: "old".into(), dossier: "old".into(), at, observed: String::new() };
        book.cells.insert(cell.to_owned(), has);
    }
    let queued = Queued { version: "new".into(), dossier: "new".into(), by: "ana".into(), at, of_apply: true };
    book.begin(queued, &forms[1], at);
    for event in events {
        let state = book.rollout.as_ref().unwrap().state.clone();
        let next = step(&forms[1].course, state, at, event);
        assert_eq!(next.refused, None, "{event:?}");
        book.took(next, event, "");
    }
    let dossiers = forms.into_iter().map(|form| (form.version.clone(), form)).collect();
    BTreeMap::from([(SET.to_owned(), Kept { book, dossiers })])
}

fn deployed(cell: &str) -> Event {
    Event::Deployed { cell: cell.to_owned() }
}

fn plan(bench: &Bench, wanted: &Desired, kept: &BTreeMap<String, Kept>) -> Plan {
    bench.plan_with(wanted, kept, &Scope::default()).unwrap()
}

fn put(bench: &Bench, document: &str) {
    let set = bench.record().entry(SET).unwrap().id.clone();
    bench.cloud.put_inline_policy(&set, document).unwrap();
}

/// The verbs of the set's operations, in order.
fn verbs(plan: &Plan) -> Vec<&'static str> {
    plan.operations.iter().filter(|one| one.address == SET).map(|one| one.verb.word()).collect()
}

/// While a form comes to accounts, what somebody puts into the set is neither the program's nor anybody's to record: it is
/// shown, and apply sets the rollout's form again. What has come meanwhile to an account that the rollout has passed goes, too.
#[test]
fn what_is_put_into_a_set_while_its_form_goes_by_waves_is_set_back() {
    let (old, new) = (program("s3:ListAllMyBuckets"), program("s3:GetObject"));
    let bench = Bench::after(&[&new]);
    let forms = (&form_of(&old), &live(&bench, &new));
    for events in [vec![Event::Tick, deployed("cell.a")], vec![Event::Tick, deployed("cell.a"), deployed("cell.b")]] {
        let kept = kept(&bench, &new, forms, &events);
        for wanted in [&new, &old] {
            assert_eq!(verbs(&plan(&bench, wanted, &kept)), [] as [&str; 0], "nothing was changed outside");
        }
        put(&bench, ALL);
        for wanted in [&new, &old] {
            let plan = plan(&bench, wanted, &kept);
            let change = plan.changes.iter().find(|change| change.address == SET).unwrap();
            assert_eq!(change.drift, ["inline"]);
            assert_eq!(change.after.as_ref().unwrap().get("inline"), forms.1.get("inline"));
            let again = vec!["provision_in"; events.len() - 1];
            assert_eq!(verbs(&plan), [vec!["put_inline_policy"], again].concat());
        }
        put(&bench, &forms.1[&"inline".to_owned()].to_string());
    }
}

/// On the way back the set has the one form or the other; what is neither gets the former one.
#[test]
fn what_is_put_into_a_set_on_its_way_back_is_set_to_the_former_form() {
    let (old, new) = (program("s3:ListAllMyBuckets"), program("s3:GetObject"));
    let bench = Bench::after(&[&new]);
    let forms = (&form_of(&old), &live(&bench, &new));
    let back = Event::Aborted { who: "ana".to_owned(), back: true };
    let kept = kept(&bench, &new, forms, &[Event::Tick, deployed("cell.a"), back]);
    assert!(matches!(kept[SET].book.rollout.as_ref().unwrap().state.phase, Phase::RollingBack { .. }));
    for form in [forms.0, forms.1] {
        put(&bench, &form[&"inline".to_owned()].to_string());
        let plan = plan(&bench, &new, &kept);
        assert_eq!(verbs(&plan), [] as [&str; 0], "{}", crate::apply::tests::world::told(&plan));
    }
    put(&bench, ALL);
    let plan = plan(&bench, &new, &kept);
    assert_eq!(verbs(&plan), ["put_inline_policy"]);
    let change = plan.changes.iter().find(|change| change.address == SET).unwrap();
    assert_eq!(
        (change.drift.as_slice(), change.after.as_ref().unwrap().get("inline")),
        (&["inline".to_owned()][..], forms.0.get("inline"))
    );
    assert_eq!(kept[SET].book.rollout.as_ref().unwrap().state.cells["cell.a"].state, CellState::RollingBack);
}

/// What queues the former form for an account that was given the new one says in the record that the set has the former one:
/// the book says so only until the next rollout begins.
#[test]
fn a_form_that_was_taken_back_is_recorded_by_the_apply_that_queues_it() {
    let (old, new) = (program("s3:ListAllMyBuckets"), program("s3:GetObject"));
    let bench = Bench::after(&[&new]);
    let forms = (&form_of(&old), &live(&bench, &new));
    let back = Event::Aborted { who: "ana".to_owned(), back: true };
    let went = Event::WentBack { cell: "cell.a".to_owned() };
    let left = Event::Left { cells: ["cell.b".to_owned()].into() };
    let mut kept = kept(&bench, &new, forms, &[Event::Tick, deployed("cell.a"), left, back, went]);
    // It was made while the new form came, and is in none of its waves.
    let book = &mut kept.get_mut(SET).unwrap().book;
    book.cells.remove("cell.b");
    assert!(book.withdrawn.is_some());
    put(&bench, &forms.0[&"inline".to_owned()].to_string());
    let mut record = bench.record();
    crate::releases::withdrawn::put_back(&mut record, &kept);
    let live = bench.read(&old, &Scope::default(), crate::live::Depth::Plan).unwrap();
    let (nothing, whole) = (BTreeMap::new(), Scope::default());
    let question = bench.question(&old, (&record, &nothing), (&live, &kept), &whole, crate::plan::Command::Apply);
    let plan = crate::plan::plan(&question).unwrap();
    assert_eq!(verbs(&plan), ["remember", "queue"], "{}", crate::apply::tests::world::told(&plan));
    let remembered = plan.operations.iter().find(|one| one.verb.word() == "remember").unwrap();
    assert_eq!(remembered.sets.get("inline"), forms.0.get("inline"));
}

/// A cell goes while a form goes by waves, or after it has: the book has it no more, and nobody provisions into its account, forward or back.
#[test]
fn a_cell_that_goes_has_no_form() {
    let wanted = program("s3:GetObject");
    let bench = Bench::after(&[&wanted]);
    let form = live(&bench, &wanted);
    let forms = (&form_of(&program("s3:ListAllMyBuckets")), &form);
    let back = Event::Aborted { who: "ana".to_owned(), back: true };
    let all = [
        vec![Event::Tick],
        vec![Event::Tick, deployed("cell.a"), deployed("cell.b")],
        vec![Event::Tick, deployed("cell.a"), back],
    ];
    for events in all {
        let kept = kept(&bench, &wanted, forms, &events);
        let only = Scope { only: vec!["cell.b".to_owned()], ..Scope::default() };
        let plan = bench.plan_of(&wanted, &kept, &only, crate::plan::Command::Destroy).unwrap();
        let passed: Vec<&str> = plan
            .operations
            .iter()
            .filter(|one| matches!(&one.verb, Verb::PassBy { of, cell } if of == SET && cell == "cell.b"))
            .map(|one| one.address.as_str())
            .collect();
        assert_eq!(passed, ["deployment.permission_set.X/cell.b"], "{events:?}");
        // One that stays is none of them.
        let plan = bench.plan_with(&wanted, &kept, &Scope::default()).unwrap();
        assert!(!plan.operations.iter().any(|one| matches!(one.verb, Verb::PassBy { .. })), "{events:?}");
    }
}

/// The program takes a set through no waves any more while its rollout is under way: what a wave keeps from an account comes to it by no apply,
/// until the rollout is over, and the plan says so.
#[test]
fn what_goes_through_no_waves_any_more_waits_for_its_rollout() {
    let (old, new) = (program("s3:ListAllMyBuckets"), program("s3:GetObject"));
    let at_once = desired(&text("s3:GetObject").replace(", rollout = rollout.steady", ""));
    let other = desired(&text("s3:PutObject").replace(", rollout = rollout.steady", ""));
    let bench = Bench::after(&[&new]);
    let forms = (&form_of(&old), &live(&bench, &new));
    // One account has the older form.
    bench.cloud.edit(|state| {
        let arn = state.arn("X").unwrap();
        state.sets.get_mut(&arn).unwrap().revision += 1;
    });
    let kept = kept(&bench, &new, forms, &[Event::Tick, deployed("cell.a")]);
    for wanted in [&at_once, &other] {
        let plan = plan(&bench, wanted, &kept);
        assert_eq!(verbs(&plan), [] as [&str; 0]);
        let told = "and the program takes it through no waves any more; what the program says of the set now waits until that is over";
        assert!(plan.notices.iter().any(|notice| notice.message.contains(told)), "{:?}", plan.notices);
    }
}
