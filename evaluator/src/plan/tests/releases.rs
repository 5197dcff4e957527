//! Components in cells: what a plan says of those that come and go.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::tests::bench::{Bench, desired};
use crate::plan::desired::Desired;
use crate::plan::least;
use crate::plan::model::{DeployOrder, Operation, Plan, Verb};
use crate::plan::scope::Scope;
use crate::releases::wishes::Release;
use crate::releases::{Book, Dossier, Has, Kept, Queued, Target};

const TEMPLATE: &str = "Resources: {Queue: {Type: AWS::SQS::Queue}}";
/// What watches cells, and lets people see to them.
const WATCHED: &str = r#"
alarm slow { namespace = "n", metric = "Latency", above = 5, over = 5m }
permission_set Look { session = 2h }
grant g { to = group.ops, can = permission_set.Look, on = cells }
"#;

/// Cells that take two components, one by a stack and one by a make target.
fn program(cells: &[(&str, &str)]) -> Desired {
    with(cells, "")
}

fn with(cells: &[(&str, &str)], rest: &str) -> Desired {
    let cell = |(name, region): &(&str, &str)| {
        format!("cell {name} {{ kind = \"dev\", region = \"{region}\", expires = 2027-01-31, owner = group.ops }}\n")
    };
    let china = cells.iter().any(|(_, region)| region.starts_with("cn-"));
    let partition = if china { "aws-cn" } else { "aws" };
    let cells: String = cells.iter().map(cell).collect();
    desired(&format!(
        r#"
org o {{ partition = "{partition}", accounts {{ email = "aws+\(.name)@x.example" }} }}
group ops {{}}
{cells}
rollout steady {{ wave all {{ on = cells, bake = 1h }} }}
component api {{
  repo = "https://git.example/api"
  deploy cloudformation {{ template = "api.yaml" }}
  rollout = rollout.steady
}}
component tool {{
  repo = "https://git.example/tool"
  deploy make {{ target = "deploy" }}
  rollout = rollout.steady
}}
{rest}
"#
    ))
}

/// The books after a first release, of which these cells have something.
fn kept(bench: &Bench, desired: &Desired, has: &[&str]) -> BTreeMap<String, Kept> {
    let templates = BTreeMap::from([("api.yaml".to_owned(), TEMPLATE.to_owned())]);
    let digests = BTreeMap::from([("commit".to_owned(), "c0ffee".to_owned())]);
    let release = Release { version: "v1".to_owned(), templates, digests, ..Release::default() };
    let book = |(of, wish): (&String, &crate::releases::wishes::Wish)| {
        let dossier: Dossier = wish.dossier(&release, &bench.record(), &|cell| has.contains(&cell)).unwrap();
        let (name, _) = dossier.sealed().unwrap();
        let one =
            Has { version: "v1".to_owned(), dossier: name.clone(), at: bench.clock.at(), observed: String::new() };
        let cells = has.iter().map(|cell| ((*cell).to_owned(), one.clone())).collect();
        let book = Book { of: of.clone(), released: Some(one.clone()), cells, ..Book::default() };
        (of.clone(), Kept { book, dossiers: BTreeMap::from([(name, dossier)]) })
    };
    desired.releases.iter().filter(|(_, wish)| wish.is_component()).map(book).collect()
}

fn orders(plan: &Plan) -> Vec<&DeployOrder> {
    let mut orders = Vec::new();
    for operation in &plan.operations {
        if let Verb::Deploy(order) = &operation.verb {
            orders.push(order.as_ref());
        }
    }
    orders
}

fn of_cells(plan: &Plan) -> Option<(usize, String)> {
    let part = plan.authority.iter().find(|part| part.who == "cell account");
    part.map(|part| (part.operations, part.what.clone()))
}

#[test]
fn an_order_says_its_own_cell_and_nothing_of_the_others() {
    let desired = program(&[("a", "eu-west-1"), ("b", "eu-west-1"), ("c", "eu-west-1")]);
    let bench = Bench::new();
    let plan = bench.plan_with(&desired, &kept(&bench, &desired, &[]), &Scope::default()).unwrap();
    let orders = orders(&plan);
    assert_eq!(orders.len(), 6);
    for order in orders {
        assert_eq!(order.wish.cells.keys().collect::<Vec<_>>(), [&order.cell]);
        let waves: Vec<_> = order.wish.course.waves.iter().map(|wave| wave.cells.as_slice()).collect();
        assert_eq!(waves, [std::slice::from_ref(&order.cell)]);
    }
}

#[test]
fn a_deployment_is_selected_by_its_address() {
    let desired = program(&[("a", "eu-west-1"), ("b", "eu-west-1")]);
    let bench = Bench::after(&[&desired]);
    let only = |address: &str| Scope { only: vec![address.to_owned()], ..Scope::default() };
    let kept = kept(&bench, &desired, &[]);
    let plan = bench.plan_with(&desired, &kept, &only("deployment.api/cell.a")).unwrap();
    assert_eq!(
        plan.changes.iter().map(|change| change.address.as_str()).collect::<Vec<_>>(),
        ["deployment.api/cell.a"]
    );
    let refused = bench.plan_with(&desired, &kept, &only("deployment.api/cell.z")).unwrap_err();
    assert!(format!("{refused:?}").contains("is no address"), "{refused:?}");
}

#[test]
fn who_enters_a_cell_and_what_for_is_said_of_stacks_alone() {
    let both = program(&[("a", "eu-west-1"), ("b", "eu-north-1")]);
    let bench = Bench::after(&[&both]);
    let plan = bench.plan_with(&both, &kept(&bench, &both, &[]), &Scope::default()).unwrap();
    assert_eq!(
        of_cells(&plan),
        Some((2, "CloudFormation in 2 accounts, under the member role".to_owned())),
        "two stacks, and two targets of make, for which nobody enters an account"
    );
    let policies = least::policies(&plan).to_string();
    assert!(policies.contains("arn:aws:cloudformation:eu-west-1:"), "{policies}");
    assert!(policies.contains("arn:aws:cloudformation:eu-north-1:"), "{policies}");
    let china = program(&[("a", "cn-north-1")]);
    let (other, none) = (Bench::after(&[&china]), Scope::default());
    let plan = other.plan_with(&china, &kept(&other, &china, &[]), &none).unwrap();
    let policies = least::policies(&plan).to_string();
    assert!(policies.contains("arn:aws-cn:cloudformation:cn-north-1:"), "{policies}");

    // A component that goes.
    let mut without = program(&[("a", "eu-west-1"), ("b", "eu-north-1")]);
    let kept = kept(&bench, &both, &["cell.a", "cell.b"]);
    without.releases.clear();
    let plan = bench.plan_with(&without, &kept, &Scope::default()).unwrap();
    assert_eq!(plan.operations.iter().filter(|one| matches!(one.verb, Verb::Undeploy { .. })).count(), 4);
    assert_eq!(of_cells(&plan).map(|(operations, _)| operations), Some(2));
}

#[test]
fn a_target_of_make_is_told_what_the_program_says_of_its_cell() {
    let desired = program(&[("east", "us-east-1")]);
    let placed = |of: &str| desired.releases[of].cells["cell.east"].published.as_ref();
    assert_eq!(placed("component.tool"), desired.published.get("cell.east"));
    assert!(placed("component.tool").is_some());
    assert_eq!(placed("component.api"), None);
}

/// A component that comes in another way now: what that needs was not asked when its version was released.
#[test]
fn a_release_lacks_what_another_target_needs() {
    let desired = program(&[("a", "eu-west-1")]);
    let bench = Bench::after(&[&desired]);
    let mut kept = kept(&bench, &desired, &["cell.a"]);
    let tool = kept.get_mut("component.tool").unwrap();
    tool.dossiers.values_mut().for_each(|dossier| dossier.digests.clear());
    let plan = bench.plan_with(&desired, &kept, &Scope::default()).unwrap();
    assert_eq!(orders(&plan).len(), 0);
    let told: Vec<&str> = plan.notices.iter().map(|notice| notice.message.as_str()).collect();
    let expected = "deployment.tool/cell.a: nobody asked which commit v1 is when it was released; `cellc rollout start tool v1` does";
    assert_eq!(told, [expected]);
}

/// Of a cell that goes the alarms and the access go after its components: a rollout under way there looks at the alarms.
#[test]
fn a_cell_loses_its_stacks_and_its_access_after_its_components() {
    let both = with(&[("a", "eu-west-1"), ("b", "eu-west-1")], WATCHED);
    let bench = Bench::after(&[&both]);
    let kept = kept(&bench, &both, &["cell.a", "cell.b"]);
    let removed = format!("{WATCHED}removed {{ from = \"cell.b\", account = \"park\" }}");
    let plan = bench.plan_with(&with(&[("a", "eu-west-1")], &removed), &kept, &Scope::default()).unwrap();
    let undone = |operation: &Operation| matches!(operation.verb, Verb::Undeploy { .. });
    let all: BTreeSet<_> = plan.operations.iter().filter(|one| undone(one)).map(|one| one.id).collect();
    assert_eq!(all.len(), 2);
    let goes = |one: &&Operation| matches!(one.verb, Verb::DeleteStack { .. } | Verb::Unassign { .. });
    let going: Vec<&Operation> = plan.operations.iter().filter(goes).collect();
    assert_eq!(going.len(), 2, "{:?}", plan.operations);
    for operation in going {
        assert!(all.iter().all(|undone| operation.needs.contains(undone)), "{operation:?}");
    }
}

/// What runs in a cell, and a rollout that is at work there, may pull images until it has ended.
#[test]
fn a_cell_that_goes_pulls_until_its_components_are_gone() {
    const PULLS: &str = r#"
account images {}
component cache {
  repo = "https://git.example/cache"
  artifact ecr { repository = "acme/cache", account = account.images }
  deploy make { target = "deploy" }
}
outbound shared { from = cells, to ecr_pull { components = [component.cache] } }
"#;
    let both = with(&[("a", "eu-west-1"), ("b", "eu-west-1")], PULLS);
    // The account of the repository comes first, and then the policy.
    let bench = Bench::after(&[&both, &both]);
    let kept = kept(&bench, &both, &["cell.a", "cell.b"]);
    let one = with(&[("a", "eu-west-1")], &format!("{PULLS}removed {{ from = \"cell.b\", account = \"park\" }}"));
    let none = with(
        &[],
        &format!(
            "{}\nremoved {{ from = \"cell.a\", account = \"park\" }}\nremoved {{ from = \"cell.b\", account = \"park\" }}",
            PULLS.replace("from = cells", "from = []")
        ),
    );
    let other = with(
        &[("a", "eu-west-1"), ("c", "eu-west-1")],
        &format!("{PULLS}removed {{ from = \"cell.b\", account = \"park\" }}"),
    );
    for (desired, cells, writes) in [(&one, 1, vec![1]), (&none, 2, vec![0]), (&other, 1, vec![2, 3])] {
        let plan = bench.plan_with(desired, &kept, &Scope::default()).unwrap();
        let named = |operation: &Operation| match &operation.verb {
            Verb::SetRepositoryPolicy { content, .. } => {
                Some(content["Statement"][0]["Principal"]["AWS"].as_array()?.len())
            }
            Verb::RemoveRepositoryPolicy { .. } => Some(0),
            _ => None,
        };
        let mut policies: Vec<_> = plan.operations.iter().filter_map(|one| Some((named(one)?, one))).collect();
        policies.sort_by_key(|(count, _)| *count);
        assert_eq!(policies.iter().map(|(count, _)| *count).collect::<Vec<_>>(), writes);
        let (narrowed, admits) = (policies[0].1, policies[policies.len() - 1].1);
        let undone = |operation: &&Operation| matches!(operation.verb, Verb::Undeploy { .. });
        let undone: Vec<_> = plan.operations.iter().filter(undone).collect();
        assert_eq!(undone.len(), 3 * cells);
        assert!(undone.iter().all(|undone| narrowed.needs.contains(&undone.id)), "{narrowed:?}");
        for park in plan.operations.iter().filter(|operation| matches!(operation.verb, Verb::Park)) {
            assert!(reaches(&plan, park, narrowed), "{park:?}");
        }
        // What is pulled comes to a cell that may pull, whatever becomes of the one that goes.
        let pulls = |one: &&Operation| matches!(&one.verb, Verb::Deploy(order) if order.wish.of == "component.cache");
        for deploy in plan.operations.iter().filter(pulls) {
            assert!(reaches(&plan, deploy, admits), "{deploy:?}");
            assert!(!undone.iter().any(|undone| reaches(&plan, deploy, undone)), "{deploy:?}");
        }
        assert_eq!(plan.operations.iter().filter(pulls).count(), writes.len() - 1);
    }
}

/// A rollout is under way and has not come to the cell that goes: it is told to pass it by, before the alarms of the cell and its access go
/// and its account is given on. Where it has come already, what it brought is taken away.
#[test]
fn a_cell_that_goes_is_passed_by() {
    let both = with(&[("a", "eu-west-1"), ("b", "eu-west-1")], WATCHED);
    let bench = Bench::after(&[&both]);
    let mut kept = kept(&bench, &both, &["cell.a"]);
    let api = kept.get_mut("component.api").unwrap();
    let wish = &both.releases["component.api"];
    let release = api.released().unwrap().release();
    let dossier = wish.dossier(&release, &bench.record(), &|_| true).unwrap();
    let (name, _) = dossier.sealed().unwrap();
    let at = bench.clock.at();
    let queued = Queued { version: "v2".into(), dossier: name, by: "ana".into(), at, of_apply: false };
    api.book.begin(queued, &dossier, at);
    let removed = format!("{WATCHED}removed {{ from = \"cell.b\", account = \"park\" }}");
    let goes = with(&[("a", "eu-west-1")], &removed);
    let only = Scope { only: vec!["cell.b".to_owned()], ..Scope::default() };
    let apply = bench.plan_with(&goes, &kept, &Scope::default()).unwrap();
    let destroyed = bench.plan_of(&both, &kept, &only, crate::plan::Command::Destroy).unwrap();
    for plan in [apply, destroyed] {
        let passed = |one: &&Operation| matches!(one.verb, Verb::PassBy { .. });
        let passed: Vec<&Operation> = plan.operations.iter().filter(passed).collect();
        assert_eq!(passed.len(), 1, "{:?}", plan.operations);
        assert_eq!(passed[0].address, "deployment.api/cell.b");
        let ends = |one: &&Operation| {
            matches!(
                one.verb,
                Verb::DeleteStack { .. } | Verb::Unassign { .. } | Verb::Park | Verb::MoveAccount { .. }
            )
        };
        let ending: Vec<&Operation> = plan.operations.iter().filter(ends).collect();
        assert!(ending.len() >= 3, "{ending:?}");
        for operation in ending {
            assert!(reaches(&plan, operation, passed[0]), "{operation:?}");
        }
        let change = plan.changes.iter().find(|change| change.address == "deployment.api/cell.b").unwrap();
        assert_eq!(change.reason.as_deref(), Some("the rollout of v2 that is under way passes the cell by"));
    }
}

/// Does an operation wait for another, by whatever way?
fn reaches(plan: &Plan, from: &Operation, to: &Operation) -> bool {
    from.needs.iter().any(|need| *need == to.id || reaches(plan, plan.operation(*need).unwrap(), to))
}

/// What stays where a cell had it before is named, taken away by an apply, and by all that ends the cell, before its account goes.
#[test]
fn what_stays_where_a_cell_had_it_is_taken_away() {
    let both = program(&[("a", "eu-west-1"), ("b", "eu-west-1")]);
    let bench = Bench::after(&[&both]);
    let mut kept = kept(&bench, &both, &["cell.a", "cell.b"]);
    let api = kept.get_mut("component.api").unwrap();
    let mut former = api.released().unwrap().clone();
    for cell in former.cells.values_mut() {
        if let Target::Cloudformation { stack, .. } = &mut cell.spec.target {
            "svc".clone_into(stack);
        }
    }
    let place = former.cells["cell.b"].spec.place();
    let (name, _) = former.sealed().unwrap();
    api.dossiers.insert(name.clone(), former);
    api.book.behind.insert("cell.b".into(), BTreeMap::from([(place.clone(), name)]));
    let plan = bench.plan_with(&both, &kept, &Scope::default()).unwrap();
    let clears: Vec<&Operation> = plan.operations.iter().collect();
    assert_eq!(clears.len(), 1, "{clears:?}");
    let expected = Verb::Undeploy { of: "component.api".into(), cell: "cell.b".into(), behind: true };
    assert_eq!((clears[0].verb.clone(), plan.changes.len()), (expected, 1));
    assert!(plan.notices.iter().any(|notice| notice.message.contains(&place)), "{:?}", plan.notices);
    // A destroy of the cell takes all at once.
    let only = Scope { only: vec!["cell.b".to_owned()], ..Scope::default() };
    let plan = bench.plan_of(&both, &kept, &only, crate::plan::Command::Destroy).unwrap();
    let change = plan.changes.iter().find(|change| change.address == "deployment.api/cell.b").unwrap();
    assert!(change.reason.as_ref().is_some_and(|reason| reason.contains(&place)), "{change:?}");
    // While a rollout may go back there it stays.
    let api = kept.get_mut("component.api").unwrap();
    let dossier = api.released().unwrap().clone();
    let at = bench.clock.at();
    let (name, _) = dossier.sealed().unwrap();
    api.book.begin(
        Queued { version: "v1".into(), dossier: name, by: "ana".into(), at, of_apply: false },
        &dossier,
        at,
    );
    let plan = bench.plan_with(&both, &kept, &Scope::default()).unwrap();
    assert_eq!(plan.operations.len(), 0, "{:?}", plan.operations);
    assert!(plan.notices.iter().any(|notice| notice.message.contains(&place)), "{:?}", plan.notices);
}
