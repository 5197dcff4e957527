//! Accounts.

use super::Asked::{No as Drop, Yes as Want};
use super::Known::{No as Unknown, Yes as Kept};
use super::Live::{Gone, New, Old, Other};
use super::{Kind, Live, Row, holds, of, program};
use crate::apply::tests::bench::{Bench, desired, only};
use crate::apply::tests::cloud::{MANAGEMENT, ROOT_ID, State};
use crate::plan::Command;
use crate::plan::scope::Scope;
use crate::provider::{Account, AccountState};
use crate::registry::record::Record;

const EMAIL: &str = "x@x.example";

fn edit(state: &mut State, live: Live) {
    let id = state.account(EMAIL).unwrap().id.clone();
    let name = match live {
        Gone => {
            state.accounts.remove(&id);
            return;
        }
        Old => "old",
        New => "new",
        Other => "other",
    };
    let account = state.accounts.get_mut(&id).unwrap();
    name.clone_into(&mut account.name);
}

const TABLE: &[Row] = &[
    (Want, Unknown, Gone, "create: create_account", "nothing is there"),
    (Want, Unknown, Old, "adopt: remember rename_account", "the open account of the e-mail is this one"),
    (Want, Unknown, New, "adopt: remember", "the open account of the e-mail is this one"),
    (Want, Unknown, Other, "adopt: remember rename_account", "the open account of the e-mail is this one"),
    (Want, Kept, Gone, "E0506", "it has left the organization: making another is not what anybody asked for"),
    (Want, Kept, Old, "update: rename_account", "the program changed"),
    (Want, Kept, New, "update drift=name: remember", "somebody did what the program asks for: the record learns it"),
    (Want, Kept, Other, "update drift=name: rename_account", "it was renamed outside, and the program changed"),
    (Drop, Unknown, Gone, "nothing", "nobody knows it"),
    (Drop, Unknown, Old, "nothing", "it is foreign"),
    (Drop, Unknown, New, "nothing", "it is foreign"),
    (Drop, Unknown, Other, "nothing", "it is foreign"),
    (Drop, Kept, Gone, "E0501", "nothing says what becomes of it"),
    (Drop, Kept, Old, "E0501", "nothing says what becomes of it"),
    (Drop, Kept, New, "E0501", "nothing says what becomes of it"),
    (Drop, Kept, Other, "E0501", "nothing says what becomes of it"),
];

fn account(name: &str) -> String {
    format!("account x {{ email = \"{EMAIL}\", name = \"{name}\" }}\nou y {{}}")
}

#[test]
fn each_cell_has_its_action() {
    let (old, new) = (program(&account("old")), program(&account("new")));
    holds(&Kind { address: "account.x", old, new, without: program("ou y {}"), edit }, TABLE);
}

#[test]
fn each_cell_of_one_whose_end_is_said_has_its_action() {
    let fates = [
        ("keep", "forget: forget", "forget: forget"),
        ("park", "delete: move_account tag park", "forget: forget"),
        ("close", "delete: close_account", "forget: forget"),
    ];
    for (fate, there, gone) in fates {
        let removed = format!("ou y {{}}\nremoved {{ from = \"account.x\", account = \"{fate}\" }}");
        let table: Vec<Row> = TABLE
            .iter()
            .map(|row| match row {
                (Drop, Kept, Gone, ..) => (Drop, Kept, Gone, gone, "it has left already"),
                (Drop, Kept, live, ..) => (Drop, Kept, *live, there, "the program says so"),
                other => *other,
            })
            .collect();
        let (old, new) = (program(&account("old")), program(&account("new")));
        holds(&Kind { address: "account.x", old, new, without: program(&removed), edit }, &table);
    }
}

/// An account that somebody made.
fn foreign(id: &str, email: &str, state: AccountState) -> Account {
    Account {
        id: id.to_owned(),
        name: "theirs".to_owned(),
        email: email.to_owned(),
        state,
        parent: Some(ROOT_ID.to_owned()),
    }
}

/// The plan for `account.x` where somebody's account is there before.
fn beside(account: Account, wish: &str) -> String {
    let bench = Bench::new();
    bench.cloud.edit(|state| _ = state.accounts.insert(account.id.clone(), account));
    of(&bench, &program(wish), Command::Apply, "account.x")
}

#[test]
fn an_account_is_found_by_its_id_or_its_email() {
    use AccountState as S;
    let (id, named) = ("123456789012", "account x { account_id = \"123456789012\" }");
    let table = [
        (foreign(id, EMAIL, S::Active), named, "adopt: remember tag", "by its id; its name and place are its own"),
        (foreign(id, EMAIL, S::PendingActivation), named, "adopt: remember tag", "it will be ready"),
        (foreign(id, EMAIL, S::Suspended), named, "E0506", "AWS has suspended it"),
        (foreign(id, EMAIL, S::PendingClosure), named, "E0506", "it is being closed"),
        (foreign(id, EMAIL, S::Closed), named, "E0506", "it is closed"),
        (foreign("210987654321", EMAIL, S::Active), named, "E0502", "no account has the id"),
        (
            foreign(id, EMAIL, S::Active),
            "account x { account_id = \"123456789012\", name = \"ours\" }",
            "adopt: remember tag rename_account",
            "its block says a name",
        ),
        (
            foreign(id, "X@X.example", S::Active),
            "account x { email = \"x@x.example\" }",
            "adopt: remember tag rename_account",
            "e-mails are the same in either case",
        ),
        (
            foreign(id, EMAIL, S::Closed),
            "account x { email = \"x@x.example\" }",
            "E0517",
            "a closed account keeps its e-mail",
        ),
        (
            foreign(id, "y@x.example", S::Active),
            "account x { email = \"x@x.example\" }",
            "create: create_account",
            "another e-mail is another account",
        ),
    ];
    for (account, wish, expected, because) in table {
        assert_eq!(beside(account, wish), expected, "{because}");
    }
}

#[test]
fn an_account_that_was_applied_may_end_outside() {
    use AccountState as S;
    let wish = program(&account("old"));
    let start = Bench::after(&[&wish]);
    for (state, expected) in
        [(S::Active, "nothing"), (S::Suspended, "E0506"), (S::PendingClosure, "E0506"), (S::Closed, "E0506")]
    {
        let bench = start.copy();
        bench.cloud.edit(|cloud| {
            let id = cloud.account(EMAIL).unwrap().id.clone();
            cloud.accounts.get_mut(&id).unwrap().state = state;
        });
        assert_eq!(of(&bench, &wish, Command::Apply, "account.x"), expected, "{state:?}");
    }
}

#[test]
fn the_management_account_is_the_one_that_is_meant() {
    let wish = |id: &str| {
        desired(&format!(
            "org o {{ management_account = \"{id}\", accounts {{ email = \"aws+\\(.name)@x.example\" }} }}\nou y {{}}"
        ))
    };
    let bench = Bench::new();
    assert_eq!(of(&bench, &wish(MANAGEMENT), Command::Apply, "ou.y"), "create: create_unit");
    assert_eq!(of(&bench, &wish("111111111111"), Command::Apply, "ou.y"), "E0505");
    bench.apply(&wish(MANAGEMENT));
    bench.store.edit(|record| record.organization.as_mut().unwrap().organization = "o-other".to_owned());
    assert_eq!(
        of(&bench, &wish(MANAGEMENT), Command::Apply, "ou.y"),
        "E0505",
        "the record is of another organization"
    );
}

/// A record without its organization, or with one of its ids another, was not left so by an apply. One from before the
/// first apply says none, and holds nothing.
#[test]
fn a_record_says_of_which_organization_it_is() {
    type Edit = fn(&mut Record);
    // The instance is looked at where there is a set.
    let set = r#"permission_set Look { allow look { actions = ["s3:ListAllMyBuckets"], resources = ["*"] } }"#;
    let wish = desired(&format!("ou y {{}}\nou z {{}}\n{set}"));
    let bench = Bench::new();
    bench.apply(&wish);
    let edits: [(Edit, &str); 4] = [
        (|record| record.organization = None, "E0505"),
        (|record| record.organization.as_mut().unwrap().management_account = "999999999999".to_owned(), "E0505"),
        (
            |record| record.organization.as_mut().unwrap().instance = Some("arn:aws:sso:::instance/x".to_owned()),
            "E0505",
        ),
        (|record| *record = Record { format_version: record.format_version.clone(), ..Record::default() }, "create"),
    ];
    for (edit, expected) in edits {
        let copy = bench.copy();
        copy.store.edit(edit);
        let found = of(&copy, &wish, Command::Apply, "ou.y");
        assert_eq!(found.starts_with("E0505"), expected == "E0505", "{found}");
    }
}

/// Whoever writes the management account into the place of a cell's does not get a plan that treats it as one.
#[test]
fn a_record_in_which_a_cell_is_the_management_account_was_edited() {
    let wish = desired("account one { email = \"one@x.example\" }\n");
    let bench = Bench::new();
    bench.apply(&wish);
    bench.store.edit(|record| {
        let management = record.organization.as_ref().unwrap().management_account.clone();
        record.resources.get_mut("account.one").unwrap().id = management;
    });
    for command in [Command::Apply, Command::Destroy] {
        let found = of(&bench, &wish, command, "account.one");
        assert!(found.starts_with("E0505"), "{found}");
    }
}

const DEV: &str = r#"cell one { kind = "dev", region = "us-west-2", expires = 2027-01-31 }"#;

#[test]
fn a_parked_account_is_taken_by_the_next_dev_cell() {
    let bench = Bench::after(&[&program(DEV)]);
    let parked = program("removed { from = \"cell.one\", account = \"park\" }");
    bench.apply(&parked);
    let state = bench.cloud.state();
    let account = state.account("aws+one@x.example").unwrap();
    assert_eq!(account.parent, state.unit("cellc-parked").map(|unit| unit.id.clone()));
    let shown = |address: &str, wish: &str| of(&bench, &program(wish), Command::Apply, address);
    let two = r#"cell two { kind = "dev", region = "us-west-2", expires = 2027-01-31 }"#;
    assert_eq!(
        shown("cell.two", two),
        "adopt: remember tag move_account rename_account",
        "it keeps its e-mail, leaves the parking, and gets name and tags"
    );
    let unit = "ou y {}\ncell two { kind = \"dev\", region = \"us-west-2\", expires = 2027-01-31, ou = ou.y }";
    assert_eq!(shown("cell.two", unit), "adopt: remember tag move_account rename_account", "it leaves the parking");
    let alpha = r#"cell two { kind = "alpha", region = "us-west-2" }"#;
    assert_eq!(shown("cell.two", alpha), "create: create_account", "what was somebody's is no alpha cell");
    let (_, receipt) = bench.apply(&program(two));
    assert_eq!(receipt.failed().count(), 0);
    let record = bench.record();
    assert!(record.parked.is_empty(), "it is nobody else's");
    assert_eq!(record.entry("cell.two").unwrap().fields.get("email").unwrap(), "aws+one@x.example");
    assert_eq!(of(&bench, &program(two), Command::Apply, "cell.two"), "nothing", "its e-mail is no drift");
}

#[test]
fn a_parked_account_that_somebody_moved_is_told() {
    let bench = Bench::after(&[&program(DEV)]);
    let parked = program("removed { from = \"cell.one\", account = \"park\" }");
    bench.apply(&parked);
    let told = || {
        let plan = bench.plan(&parked);
        plan.notices.iter().filter(|notice| notice.message.contains("was moved to")).count()
    };
    assert_eq!(told(), 0);
    let id = bench.cloud.state().account("aws+one@x.example").unwrap().id.clone();
    bench.cloud.edit(|state| state.accounts.get_mut(&id).unwrap().parent = Some(ROOT_ID.to_owned()));
    assert_eq!(told(), 1);
}

/// A part of a program leaves a parked account to whom the whole would give it, and says so.
#[test]
fn whom_a_parked_account_is_kept_for_is_said_where_a_new_one_is_made() {
    let bench = Bench::after(&[&program(DEV)]);
    bench.apply(&program("removed { from = \"cell.one\", account = \"park\" }"));
    let dev =
        |name: &str| format!("cell {name} {{ kind = \"dev\", region = \"us-west-2\", expires = 2027-01-31 }}\n");
    let wish = program(&format!("{}{}cell z {{ kind = \"alpha\", region = \"us-west-2\" }}", dev("a"), dev("b")));
    let reason = |scope: &Scope, address: &str| {
        let plan = bench.try_plan(&wish, scope, Command::Apply).unwrap();
        plan.changes.into_iter().find(|change| change.address == address).unwrap().reason
    };
    let said = |how: &str| Some(format!("a new account: the parked account that was cell.one {how} cell.a"));
    assert_eq!(reason(&Scope::default(), "cell.b"), said("is taken by"));
    assert_eq!(reason(&only(&["cell.b"]), "cell.b"), said("is kept for"));
    assert_eq!(reason(&Scope::default(), "cell.z"), None, "it takes none");
}

/// Whoever may write the record names any account as a parked one. What AWS says decides.
#[test]
fn what_a_record_says_is_parked_is_parked_in_the_cloud_or_is_not_taken() {
    let bench = Bench::after(&[&program(&format!("{DEV}\naccount old {{ email = \"{EMAIL}\", protect = false }}"))]);
    let left = "account old { email = \"x@x.example\", protect = false }\n";
    bench.apply(&program(&format!("{left}removed {{ from = \"cell.one\", account = \"park\" }}")));
    let next = program(&format!(
        "{left}cell two {{ kind = \"dev\", region = \"us-west-2\", expires = 2027-01-31, email = \"two@x.example\" }}"
    ));
    let shown = |bench: &Bench| of(bench, &next, Command::Apply, "cell.two");
    assert!(shown(&bench).starts_with("adopt"), "{}", shown(&bench));
    let parked = bench.record().parked.keys().next().unwrap().clone();
    let old = bench.cloud.state().account(EMAIL).unwrap().id.clone();

    // In the cloud it loses its tag, or is somebody's: another is made.
    let outside: [fn(&mut State, &str); 2] = [
        |state, id| state.tags.get_mut(id).unwrap().clear(),
        |state, id| _ = state.tags.get_mut(id).unwrap().insert("cellc:address".to_owned(), "cell.three".to_owned()),
    ];
    for edit in outside {
        let copy = bench.copy();
        copy.cloud.edit(|state| edit(state, &parked));
        assert_eq!(shown(&copy), "create: create_account");
        let notices = copy.plan(&next).notices;
        let told = notices
            .iter()
            .any(|notice| notice.message.contains(&format!("account {parked}, by the record the parked one")));
        assert!(told, "{notices:?}");
    }

    // A run was killed that had begun to give it to the cell: it was moved, and marked.
    let begun: [fn(&mut State, &str); 2] = [
        |state, id| state.accounts.get_mut(id).unwrap().parent = Some(ROOT_ID.to_owned()),
        |state, id| {
            state.accounts.get_mut(id).unwrap().parent = Some(ROOT_ID.to_owned());
            state.tags.insert(id.to_owned(), [("cellc:address".to_owned(), "cell.two".to_owned())].into());
        },
    ];
    for edit in begun {
        let copy = bench.copy();
        copy.cloud.edit(|state| edit(state, &parked));
        assert!(shown(&copy).starts_with("adopt"), "{}", shown(&copy));
        let plan = copy.plan(&next);
        assert_eq!(copy.run(&next, &plan).failed().count(), 0);
        assert_eq!(shown(&copy), "nothing");
    }

    // The record has another id for it: one that AWS does not show as parked, the management account's, a cell's.
    let theirs = "333333333333";
    bench.cloud.edit(|state| {
        let account = foreign(theirs, "theirs@x.example", AccountState::Active);
        state.accounts.insert(account.id.clone(), account);
    });
    for (id, expected) in [(theirs, "create: create_account"), (MANAGEMENT, "E0505"), (&old, "E0505")] {
        let copy = bench.copy();
        copy.store.edit(|record| {
            let entry = record.parked.remove(&parked).unwrap();
            record.parked.insert(id.to_owned(), entry);
        });
        assert_eq!(shown(&copy), expected, "{id}");
    }
}

/// Whoever exchanges the ids of two accounts in the record, or their whole entries, gets no plan that takes one for the other.
#[test]
fn a_record_in_which_accounts_are_exchanged_was_edited() {
    let prod = r#"cell east { kind = "prod", region = "us-west-2", protect = false }"#;
    let wish = program(&format!("{prod}\n{DEV}"));
    let bench = Bench::after(&[&wish]);
    let exchanges: [fn(&mut Record); 2] = [
        |record| {
            let ids = ["cell.one", "cell.east"].map(|cell| record.resources[cell].id.clone());
            record.resources.get_mut("cell.one").unwrap().id.clone_from(&ids[1]);
            record.resources.get_mut("cell.east").unwrap().id.clone_from(&ids[0]);
        },
        |record| {
            let entries = ["cell.one", "cell.east"].map(|cell| record.resources[cell].clone());
            record.resources.insert("cell.one".to_owned(), entries[1].clone());
            record.resources.insert("cell.east".to_owned(), entries[0].clone());
        },
    ];
    for exchange in exchanges {
        let copy = bench.copy();
        copy.store.edit(exchange);
        for command in [Command::Apply, Command::Destroy] {
            let found = of(&copy, &wish, command, "cell.one");
            assert!(found.starts_with("E0505"), "{found}");
        }
        let gone = program(&format!("{prod}\nremoved {{ from = \"cell.one\", account = \"park\" }}"));
        let found = of(&copy, &gone, Command::Apply, "cell.one");
        assert!(found.starts_with("E0505"), "{found}");
    }
    // A run was killed as it parked an account that has not the program's e-mail: it was marked as parked, and not recorded so.
    let reused = program(&format!("{prod}\n{}", DEV.replace("cell one", "cell two")));
    let torn = program(&format!("{prod}\nremoved {{ from = \"cell.one\", account = \"park\" }}"));
    let copy = bench.copy();
    copy.apply(&torn);
    copy.apply(&reused);
    let id = copy.record().resources["cell.two"].id.clone();
    copy.cloud.edit(|state| _ = state.tags.insert(id, [("cellc:parked".to_owned(), "cell.two".to_owned())].into()));
    assert!(of(&copy, &reused, Command::Destroy, "cell.two").starts_with("delete"));

    // Nor is one without a mark parked, whatever e-mail the record has of it.
    let copy = bench.copy();
    let id = copy.record().resources["cell.one"].id.clone();
    copy.cloud.edit(|state| _ = state.tags.insert(id, [("team".to_owned(), "a".to_owned())].into()));
    for (wish, command) in [(&torn, Command::Apply), (&wish, Command::Destroy)] {
        let found = of(&copy, wish, command, "cell.one");
        assert!(found.starts_with("E0505"), "{found}");
    }

    // Nor is one of another e-mail, without a mark, the cell's.
    let copy = bench.copy();
    let id = copy.record().resources["cell.one"].id.clone();
    copy.cloud.edit(|state| {
        state.tags.insert(id.clone(), [("team".to_owned(), "a".to_owned())].into());
        "foreign@x.example".clone_into(&mut state.accounts.get_mut(&id).unwrap().email);
    });
    assert!(of(&copy, &wish, Command::Apply, "cell.one").starts_with("E0505"));

    // An e-mail that was changed outside is no other account.
    let id = bench.record().resources["cell.one"].id.clone();
    bench.cloud.edit(|state| "other@x.example".clone_into(&mut state.accounts.get_mut(&id).unwrap().email));
    assert!(!of(&bench, &wish, Command::Apply, "cell.one").starts_with('E'));
}

/// What no block says any more, or is torn down, is not parked as the management account, whatever the record says.
#[test]
fn the_management_account_is_not_parked_by_an_edited_record() {
    let bench = Bench::after(&[&program(DEV)]);
    bench.store.edit(|record| {
        let entry = record.resources["cell.one"].clone();
        record
            .resources
            .insert("cell.zzz".to_owned(), crate::registry::record::Entry { id: MANAGEMENT.to_owned(), ..entry });
    });
    let ended = |fate: &str| program(&format!("{DEV}\nremoved {{ from = \"cell.zzz\", account = \"{fate}\" }}"));
    for (wish, command) in
        [(ended("park"), Command::Apply), (ended("close"), Command::Apply), (program(DEV), Command::Destroy)]
    {
        let found = of(&bench, &wish, command, "cell.zzz");
        assert!(found.starts_with("E0505"), "{found}");
    }
    assert_eq!(
        of(&bench, &ended("keep"), Command::Apply, "cell.zzz"),
        "forget: forget",
        "it was named by a block once"
    );
}

#[test]
fn a_protected_account_is_not_torn_down() {
    let (kept, given_up) = (program(&account("old")), account("old").replace("name =", "protect = false, name ="));
    let bench = Bench::after(&[&kept]);
    assert_eq!(of(&bench, &kept, Command::Destroy, "account.x"), "E0518");
    let given_up = program(&given_up);
    assert_eq!(
        of(&bench, &given_up, Command::Apply, "account.x"),
        "update: remember",
        "protection is the record's alone"
    );
    bench.apply(&given_up);
    assert_eq!(of(&bench, &given_up, Command::Destroy, "account.x"), "delete: move_account tag park");
    // The program's word counts before an apply has recorded it, and whatever the record says.
    assert_eq!(of(&bench, &kept, Command::Destroy, "account.x"), "E0518");
}

#[test]
fn one_that_only_has_another_address_moves() {
    let from = program(
        r#"cell one { kind = "dev", region = "us-west-2", expires = 2027-01-31, email = "x@x.example", name = "n" }"#,
    );
    let to = program(
        r#"cell two { kind = "dev", region = "us-west-2", expires = 2027-01-31, email = "x@x.example", name = "n" }
moved { from = "cell.one", to = "cell.two" }"#,
    );
    let bench = Bench::after(&[&from]);
    assert_eq!(of(&bench, &to, Command::Apply, "cell.two"), "update: readdress tag", "its mark says the address");
    bench.apply(&to);
    assert_eq!(of(&bench, &to, Command::Apply, "cell.two"), "nothing", "the line may stay");
    assert!(bench.record().entry("cell.one").is_none());
}

/// What was closed, or has left, is told by who looks for what was changed outside, with all the rest.
#[test]
fn drift_tells_of_an_account_that_has_ended() {
    let wanted = program("ou w {}\ncell a { kind = \"alpha\", region = \"us-west-2\", ou = ou.w }\nou x {}");
    for left in [false, true] {
        let bench = Bench::after(&[&wanted]);
        let id = bench.record().entry("cell.a").unwrap().id.clone();
        let unit = bench.record().entry("ou.x").unwrap().id.clone();
        bench.cloud.edit(|state| {
            state.units.get_mut(&unit).unwrap().name = "y".to_owned();
            if left {
                state.accounts.remove(&id);
            } else {
                state.accounts.get_mut(&id).unwrap().state = AccountState::Suspended;
            }
        });
        let plan = bench.drift(&wanted);
        let drifted = |address: &str| {
            plan.changes.iter().find(|change| change.address == address).map(|change| change.drift.join(","))
        };
        assert_eq!(drifted("cell.a").as_deref(), Some("*"), "{left}");
        assert_eq!(drifted("ou.x").as_deref(), Some("name"), "{left}");
    }
}

/// What is left out is not made for what needs it.
#[test]
fn a_unit_that_is_left_out_is_not_made_for_a_cell() {
    let wanted = program("ou w {}\ncell a { kind = \"alpha\", region = \"us-west-2\", ou = ou.w }");
    let scope = Scope { only: Vec::new(), except: vec!["ou.w".to_owned()] };
    let refused = Bench::new().try_plan(&wanted, &scope, Command::Apply);
    assert!(matches!(&refused, Err(no) if no.codes() == "E0514"), "{refused:?}");
}

/// A view of all cells names their accounts, and no account is made for its sake that is left out.
#[test]
fn an_account_that_is_left_out_is_not_made_for_what_names_it() {
    let ground = r#"
org o { home_region = "us-west-2", accounts { email = "aws+\(.name)@x.example" } }
group ops {}
account monitoring {}
alarm slow { namespace = "n", metric = "Latency", statistic = "p99", above = 250, over = 10m }
rollout r { alarms = [alarm.slow], wave one { on = cells, bake = 1h } }
component c { repo = "https://git.x.example/x/c", rollout = rollout.r, deploy make { target = "go" } }
"#;
    let cell = |name: &str| format!("cell {name} {{ kind = \"prod\", owner = group.ops, region = \"us-west-2\" }}\n");
    let one = desired(&format!("{ground}{}", cell("a")));
    let two = desired(&format!("{ground}{}{}", cell("a"), cell("b")));
    let bench = Bench::after(&[&one]);
    let told = |left: &[&str]| {
        let scope = Scope { only: Vec::new(), except: left.iter().map(|&name| name.to_owned()).collect() };
        match bench.try_plan(&two, &scope, Command::Apply) {
            Ok(plan) => plan.changes.iter().map(|change| change.address.clone()).collect(),
            Err(no) => vec![no.codes()],
        }
    };
    assert_eq!(told(&["cell.b"]), ["E0514"]);
    assert_eq!(told(&["cell.b", "stack.monitoring"]), [""; 0]);
    assert_eq!(told(&[]), ["cell.b", "stack.cell/b", "stack.monitoring"]);
}
