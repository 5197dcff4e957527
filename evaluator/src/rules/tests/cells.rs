//! Accounts, cells, components, rollouts and the warnings on them.

#![allow(clippy::panic, reason = "a test fails so")]

use cell_lang::{check, load};

use super::{DEV, One, finds, finds_one, found, in_partition};
use crate::budget::Options;
use crate::expand::expand;

const SOUND: &str = r#"
alarm e { namespace = "n", metric = "m", above = 1%, over = 5m }
cell a { PROD }
cell b { PROD }
rollout r { alarms = [alarm.e], wave one { on = cells, bake = 1h } }
component c { repo = "r", rollout = rollout.r, deploy cloudformation { template = "t" } }
"#;

#[test]
fn a_sound_program_has_no_finding() {
    finds(SOUND, &[]);
}

#[test]
fn accounts_are_known_or_made() {
    let program = "org o {}\ncell a { DEV }\naccount t {}".to_owned();
    let all = found(&program.replace("org o {}", ""));
    assert_eq!(all, Vec::<String>::new());
    let files = One(program.replace("DEV", DEV));
    let checked = check::check(load::load(&files, "main.cell", &[], 1 << 20));
    let program = checked.program.into_iter().next();
    let Some(program) = program else { panic!("{:?}", checked.diagnostics) };
    let world = expand(&program, &files, &Options::default());
    crate::rules::check(&world);
    let all: Vec<String> = world.take_findings().into_iter().map(|d| d.message).collect();
    let say =
        |of: &str| format!("{of} has no `account_id` and no `email`; its account is not known and cannot be made");
    assert_eq!(all, [say("cell.a"), say("account.t")]);
}

#[test]
fn accounts_are_told_apart() {
    finds(
        r#"cell a { DEV, email = "a@x.example" }
        account b { email = "A@X.example" }
        cell c { DEV, name = "one" }
        account d { name = "one", email = "d@x.example" }
        cell e { DEV, account_id = "123456789012" }
        cell f { DEV, account_id = "123456789012" }"#,
        &[
            "E0413 the accounts of cell.a and account.b have one e-mail; it must be unique",
            "E0414 the accounts of cell.c and account.d have one name; it must be unique",
            "E0434 the accounts of cell.e and cell.f have one account id; it must be unique",
        ],
    );
}

#[test]
fn regions_fit_the_cloud() {
    finds(
        r#"cell a { kind = "dev", region = "us-east1", expires = 2027-01-31 }
        cell b { kind = "dev", region = "us-east-1", expires = 2027-01-31, cloud = "gcp", project = "x-prod-1" }
        cell c { kind = "dev", region = "nowhere", expires = 2027-01-31 }
        cell d { kind = "dev", region = "us-wset-2", expires = 2027-01-31 }"#,
        &[
            "E0427 cell.a is on aws, and `us-east1` is a region of gcp",
            "E0427 cell.b is on gcp, and `us-east-1` is a region of aws",
            "E0405 cell.c is in no region `nowhere`",
            "W0407 no region `us-wset-2` of aws in the list of 2026-09-26",
        ],
    );
}

#[test]
fn a_budget_is_where_aws_has_them() {
    let cell = |region: &str| {
        format!(
            "cell a {{ kind = \"alpha\", region = \"{region}\", budget {{ monthly = 5usd, notify = [\"a@x.example\"] }} }}"
        )
    };
    for region in ["eu-west-1", "eu-north-1"] {
        finds(&cell(region), &[]);
    }
    finds_one(
        &in_partition("aws-us-gov", &cell("us-gov-west-1")),
        "E0427 cell.a has a budget, and AWS has no Budgets in `us-gov-west-1`",
    );
    finds(&in_partition("aws-cn", &cell("cn-north-1")), &[]);
}

#[test]
fn cells_are_in_the_partition_of_their_organization() {
    let cell = |region: &str| format!("cell a {{ kind = \"alpha\", region = \"{region}\" }}");
    let other = |region: &str, of: &str, own: &str| {
        format!("E0427 `region` of cell.a is `{region}`, a region of {of}, and org.o is in the partition {own}")
    };
    finds(&cell("us-gov-west-1"), &[&other("us-gov-west-1", "aws-us-gov", "aws")]);
    finds(&cell("cn-north-1"), &[&other("cn-north-1", "aws-cn", "aws")]);
    finds(&in_partition("aws-cn", &cell("cn-northwest-1")), &[]);
    finds(&in_partition("aws-cn", &cell("eu-west-1")), &[&other("eu-west-1", "aws", "aws-cn")]);
    finds(
        &in_partition("aws-cn\", home_region = \"us-west-2", &cell("cn-north-1")),
        &["E0427 `home_region` of org.o is `us-west-2`, a region of aws, and org.o is in the partition aws-cn"],
    );
}

#[test]
fn fields_fit_the_cloud() {
    finds(
        r#"cell a { DEV, project = "x-prod-1" }
        cell b { kind = "dev", region = "us-east1", expires = 2027-01-31, cloud = "gcp" }
        cell c { kind = "dev", region = "us-east1", expires = 2027-01-31, cloud = "gcp", project = "x-prod-2", email = "c@x.example" }
        cell d { kind = "dev", region = "us-west-2" }"#,
        &[
            "E0427 cell.a is on aws, and `project` is for cells on gcp",
            "E0419 cell.b is on gcp and needs a `project`",
            "E0427 cell.c is on gcp, and `email` is for cells on aws",
            "E0412 cell.d is dev; a dev cell needs `expires`",
        ],
    );
}

#[test]
fn a_tenant_moves_somewhere_else() {
    finds(
        "cell a { DEV }\ntenant t { home = cell.a, moving_to = cell.a }",
        &["E0424 tenant.t moves to cell.a, where it is"],
    );
}

#[test]
fn one_deploy_fits_each_cell() {
    finds(
        r#"cell a { DEV }
        cell g { kind = "dev", region = "us-east1", expires = 2027-01-31, cloud = "gcp", project = "x-prod-1" }
        component c { repo = "r", deploy cloudformation { template = "t" } }
        component d { repo = "r", only = [cell.a], deploy cloudformation { template = "t" }, deploy make { target = "x", clouds = ["gcp"] } }
        component e { repo = "r", deploy make { target = "x" }, deploy kubernetes { namespace = "n", workload = "deployment/w" } }"#,
        &[
            "E0416 no deploy of component.c fits cell.g",
            "E0416 two deploys of component.e fit cell.a: make and kubernetes; say `clouds`",
        ],
    );
}

#[test]
fn a_component_in_production_says_its_rollout() {
    finds_one(
        "cell a { PROD }\ncell b { PROD }\ncomponent c { repo = \"r\", deploy make { target = \"x\" } }",
        "E0419 component.c goes to cell.a, a prod cell, and needs a `rollout`",
    );
}

#[test]
fn nothing_comes_after_itself() {
    finds(
        r#"component a { repo = "r", after = [component.b], deploy make { target = "x" } }
        component b { repo = "r", after = [component.c], deploy make { target = "x" } }
        component c { repo = "r", after = [component.b], deploy make { target = "x" } }
        component d { repo = "r", after = [component.d], deploy make { target = "x" } }"#,
        &[
            "E0425 component.b comes after itself: component.b after component.c after component.b",
            "E0425 component.d comes after itself: component.d after component.d",
        ],
    );
}

#[test]
fn two_components_come_to_two_stacks() {
    finds_one(
        r#"cell a { DEV }
        component c { repo = "r", deploy cloudformation { template = "t", stack = "same" } }
        component d { repo = "r", deploy cloudformation { template = "t", stack = "same" } }"#,
        "E0407 component.c and component.d both come to stack `same` in cell.a",
    );
}

#[test]
fn a_production_cell_is_in_one_wave() {
    let program = SOUND
        .replace("wave one { on = cells, bake = 1h }", "wave one { on = cells where .size == \"large\", bake = 1h }");
    finds(
        &program,
        &[
            "E0410 cell.a is in no wave of rollout.r; a prod cell needs exactly one",
            "E0410 cell.b is in no wave of rollout.r; a prod cell needs exactly one",
            "W0401 wave `one` of rollout.r holds no cell",
        ],
    );
    let retired = program.replace("cell a { PROD }", "cell a { PROD, state = \"retired\" }");
    finds_one(&retired, "E0410 cell.b is in no wave of rollout.r; a prod cell needs exactly one");
    let twice = SOUND.replace("bake = 1h }", "bake = 1h }, wave two { on = [cell.b], bake = 1h }");
    finds_one(&twice, "E0411 cell.b is in waves `one` and `two` of rollout.r");
}

#[test]
fn waves_do_not_mix() {
    let program = SOUND.replace("cell b { PROD }", "cell b { PROD }\ncell d { DEV }");
    finds(&program, &["E0421 wave `one` of rollout.r mixes dev with prod"]);
}

#[test]
fn warnings_are_given() {
    finds(
        r#"cell a { kind = "prod", region = "us-west-2" }
        permission_set S {}
        permission_set T {}
        grant g { to = group.ops, can = permission_set.S, on = cells where .kind == "dev" }
        rollout r {
          wave one { on = [cell.a], bake = 1h }
          wave two { on = [], bake = 2h }
        }"#,
        &[
            "W0402 cell.a is prod and has no owner",
            "W0406 cell.a is all of production; a fault in it reaches everybody",
            "W0401 permission_set.S is given to nobody",
            "W0401 permission_set.T is given to nobody",
            "W0401 grant.g reaches no cell and no account",
            "W0405 rollout.r watches no alarm; nothing stops a bad release",
            "W0401 wave `two` of rollout.r holds no cell",
        ],
    );
}

#[test]
fn waves_grow() {
    let waves = |cells: &str, waves: &str| {
        format!(
            "alarm e {{ namespace = \"n\", metric = \"m\", above = 1%, over = 5m }}\n{cells}\nrollout r {{ alarms = [alarm.e], {waves} }}"
        )
    };
    let four =
        "cell a { PROD }\ncell b { PROD }\ncell c { PROD }\ncell s { kind = \"staging\", region = \"us-west-2\" }";
    // Staging may be larger than the first of production.
    let growing = "wave zero { on = [cell.s], bake = 1h, parallel = 9 }, wave one { on = [cell.a], bake = 2h }, \
                   wave two { on = [cell.b, cell.c], bake = 1h, parallel = 2 }";
    finds(&waves(four, growing), &[]);
    let shrinking =
        "wave one { on = [cell.a, cell.b], bake = 1h, parallel = 2 }, wave two { on = [cell.c], bake = 3h }";
    finds(
        &waves(four, shrinking),
        &[
            "W0403 wave `one` of rollout.r is the first in production and bakes 1h, less than the 3h of `two`",
            "W0404 wave `two` of rollout.r is smaller than `one` before it: 1 cell at a time after 2",
        ],
    );
    // By capacity the single large cell is the larger wave.
    let sized = "cell a { PROD, capacity = 10 }\ncell b { PROD, capacity = 10 }\ncell c { PROD, capacity = 100 }";
    let by_size =
        "wave one { on = [cell.a, cell.b], bake = 3h, parallel = 2 }, wave two { on = [cell.c], bake = 1h }";
    finds(&waves(sized, by_size), &[]);
}
