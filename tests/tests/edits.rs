//! Each kind of edit to an applied program: the plan is exactly it, and is empty once it is applied.

use cell_sandbox::{Seed, SeedCustomerPolicy};
use cell_tests::momento::{Project, Registry, exactly};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, report, waiting};

/// An edit and what has to come of it.
#[derive(Default)]
struct Edit {
    name: &'static str,
    /// Texts of the program and what takes their place.
    changes: &'static [(&'static str, &'static str)],
    /// The plan, as `action address`.
    plan: &'static [&'static str],
    /// More arguments for `plan` and `apply`.
    more: &'static [&'static str],
    /// More arguments for `apply`.
    allow: &'static [&'static str],
    /// The verbs of the plan's operations, each once, where they matter.
    verbs: &'static [&'static str],
    /// What the plan notes.
    notes: &'static str,
}

const READ_ONLY: &str = "permission_set ReadOnly using sets.read_only {}";
const LOOK: &str = "grant developers-look {\n  to = group.developers\n  can = permission_set.ReadOnly\n  on = cells where .cloud == \"aws\"\n}\n";
const ALPHA: &str = "grant developers-operate-alpha {\n  to = group.developers\n  can = permission_set.CellOperator\n  on = cells where .kind == \"alpha\"\n}\n";
const DEPLOYMENT: &str = "account deployment { ou = ou[\"infrastructure\"] }\n";
const DEV: &str = "for who, until in { \"ana\" = 2026-12-31, \"raj\" = 2027-01-31 } {";
// Whom a cell lets look at it is in its stack.
const WITHOUT_DEPLOYMENT_KEPT: &[&str] = &[
    "forget account.deployment",
    "update stack.cell/alpha",
    "update stack.cell/dev-ana",
    "update stack.cell/dev-raj",
    "update stack.cell/preprod-usw2",
    "update stack.cell/prod-apne1-1",
    "update stack.cell/prod-use1-1",
    "update stack.cell/prod-usw2-1",
    "update stack.monitoring",
];
const WITHOUT_DEPLOYMENT_PARKED: &[&str] = &[
    "delete account.deployment",
    "create parking",
    "update stack.cell/alpha",
    "update stack.cell/dev-ana",
    "update stack.cell/dev-raj",
    "update stack.cell/preprod-usw2",
    "update stack.cell/prod-apne1-1",
    "update stack.cell/prod-use1-1",
    "update stack.cell/prod-usw2-1",
    "update stack.monitoring",
];
const WITHOUT_DEPLOYMENT: &[&str] = &[
    "delete account.deployment",
    "update stack.cell/alpha",
    "update stack.cell/dev-ana",
    "update stack.cell/dev-raj",
    "update stack.cell/preprod-usw2",
    "update stack.cell/prod-apne1-1",
    "update stack.cell/prod-use1-1",
    "update stack.cell/prod-usw2-1",
    "update stack.monitoring",
];
const UPDATE_READ_ONLY: &[&str] = &["update permission_set.ReadOnly"];

const CELLS_AND_UNITS: &[Edit] = &[
    Edit {
        name: "a cell more: its account, and every grant whose selector takes it in",
        changes: &[(
            "cell preprod-usw2 {",
            "cell preprod-usw2b {\n  kind = \"preprod\"\n  owner = group.cell-operators\n  region = \"us-west-2\"\n}\ncell preprod-usw2 {",
        )],
        plan: &[
            "create cell.preprod-usw2b",
            "create assignment.CellOperator/group.cell-operators/cell.preprod-usw2b",
            "create assignment.ReadOnly/group.developers/cell.preprod-usw2b",
            "create stack.cell/preprod-usw2b",
            "update stack.monitoring",
        ],
        verbs: &["create_account", "move_account", "assign", "deploy_stack"],
        ..DEFAULT
    },
    Edit {
        name: "a unit's name",
        changes: &[("ou prod { scps", "ou prod { name = \"production\", scps")],
        plan: &["update ou.prod"],
        verbs: &["rename_unit"],
        ..DEFAULT
    },
    Edit {
        name: "a unit more",
        changes: &[("\"dev\", \"infrastructure\"]", "\"dev\", \"infrastructure\", \"spare\"]")],
        plan: &["create ou.spare"],
        verbs: &["create_unit"],
        ..DEFAULT
    },
    Edit {
        name: "an account in another unit",
        changes: &[(
            "account monitoring { ou = ou[\"infrastructure\"] }",
            "account monitoring { ou = ou[\"alpha\"] }",
        )],
        plan: &["update account.monitoring"],
        verbs: &["move_account"],
        ..DEFAULT
    },
    Edit {
        name: "an account's e-mail, which no call changes",
        changes: &[(
            "account artifacts { ou = ou[\"infrastructure\"] }",
            "account artifacts { ou = ou[\"infrastructure\"], email = \"other@momento.example\" }",
        )],
        plan: &[],
        notes: "the e-mail of account.artifacts stays aws+artifacts@momento.example",
        ..DEFAULT
    },
    Edit {
        name: "an account's name",
        changes: &[(
            "account monitoring { ou = ou[\"infrastructure\"] }",
            "account monitoring { ou = ou[\"infrastructure\"], name = \"observability\", email = \"aws+monitoring@momento.example\" }",
        )],
        plan: &["update account.monitoring"],
        verbs: &["rename_account"],
        ..DEFAULT
    },
    Edit {
        name: "AWS goes through the waves: its pipelines are stacks like others",
        changes: &[("  home_region = \"us-west-2\"\n", "  home_region = \"us-west-2\"\n  engine = \"aws\"\n")],
        plan: &["create stack.cellc", "create stack.pipelines/cache", "create stack.pipelines/edge-proxy"],
        verbs: &["deploy_stack"],
        ..DEFAULT
    },
    Edit {
        name: "the budget of cells, in their stacks",
        changes: &[("8_000usd", "9_000usd")],
        plan: &["update stack.cell/prod-apne1-1", "update stack.cell/prod-use1-1"],
        verbs: &["deploy_stack"],
        ..DEFAULT
    },
    Edit {
        name: "moved: a cell has another address and the same account",
        changes: &[(
            "cell preprod-usw2 {",
            "moved { from = \"cell.preprod-usw2\", to = \"cell.staging\" }\ncell staging {\n  name = \"preprod-usw2\"",
        )],
        plan: &[
            "update cell.staging",
            "move assignment.CellOperator/group.cell-operators/cell.staging",
            "move assignment.ReadOnly/group.developers/cell.staging",
            "create stack.cell/staging",
            "delete stack.cell/preprod-usw2",
            "update stack.monitoring",
        ],
        verbs: &["tag", "readdress", "deploy_stack", "delete_stack"],
        ..DEFAULT
    },
    Edit {
        name: "moved: a unit has another address, its name stays",
        changes: &[
            (
                "for name in [\"alpha\", \"preprod\"",
                "moved { from = \"ou.alpha\", to = \"ou.first\" }\nou first { name = \"alpha\" }\nfor name in [\"preprod\"",
            ),
            ("ou = ou[.kind] }", "ou = if .kind == \"alpha\" then ou.first else ou[.kind] }"),
        ],
        plan: &["update ou.first"],
        verbs: &["tag", "readdress"],
        ..DEFAULT
    },
    Edit {
        name: "removed, the account is kept",
        changes: &[(DEPLOYMENT, "removed { from = \"account.deployment\", account = \"keep\" }\n")],
        plan: WITHOUT_DEPLOYMENT_KEPT,
        verbs: &["forget", "deploy_stack"],
        ..DEFAULT
    },
    Edit {
        name: "removed, the account is parked",
        changes: &[(DEPLOYMENT, "removed { from = \"account.deployment\", account = \"park\" }\n")],
        plan: WITHOUT_DEPLOYMENT_PARKED,
        verbs: &["create_unit", "move_account", "tag", "park", "deploy_stack"],
        ..DEFAULT
    },
    Edit {
        name: "removed, the account is closed",
        changes: &[(DEPLOYMENT, "removed { from = \"account.deployment\", account = \"close\" }\n")],
        plan: WITHOUT_DEPLOYMENT,
        allow: &["--allow", "close-account"],
        verbs: &["close_account"],
        ..DEFAULT
    },
    Edit {
        name: "removed: a personal cell is parked, and what was given in it is taken away first",
        changes: &[(
            DEV,
            "removed { from = \"cell.dev-ana\", account = \"park\" }\nfor who, until in { \"raj\" = 2027-01-31 } {",
        )],
        plan: &[
            "delete cell.dev-ana",
            "delete assignment.CellOperator/user.ana/cell.dev-ana",
            "delete assignment.ReadOnly/group.developers/cell.dev-ana",
            "delete stack.cell/dev-ana",
            "update stack.monitoring",
            "create parking",
        ],
        verbs: &["unassign", "create_unit", "move_account", "tag", "park", "delete_stack"],
        ..DEFAULT
    },
];

const POLICIES: &[Edit] = &[
    Edit {
        name: "the text of a service control policy",
        changes: &[(
            "\"s3:PutAccountPublicAccessBlock\"]",
            "\"s3:PutAccountPublicAccessBlock\", \"s3:DeleteBucketPolicy\"]",
        )],
        plan: &["update scp.keep-public-access-block"],
        verbs: &["update_policy"],
        ..DEFAULT
    },
    Edit {
        name: "a service control policy is attached no more",
        changes: &[("ou prod { scps = [scp.keep-public-access-block] }", "ou prod {}")],
        plan: &["delete scp_attachment.keep-public-access-block/ou.prod"],
        verbs: &["detach_policy"],
        ..DEFAULT
    },
    Edit {
        name: "a service control policy more",
        changes: &[
            (
                "ou prod {",
                "scp no-users {\n  deny users { actions = [\"iam:CreateUser\"], resources = [\"*\"] }\n}\nou prod {",
            ),
            ("[scp.keep-public-access-block]", "[scp.keep-public-access-block, scp.no-users]"),
        ],
        plan: &["create scp.no-users", "create scp_attachment.no-users/ou.prod"],
        verbs: &["create_policy", "attach_policy"],
        ..DEFAULT
    },
    Edit {
        name: "a service control policy is gone",
        changes: &[
            (
                "scp keep-public-access-block {\n  description = \"The blocks on public access stay as they are.\"\n  deny unblock {\n    actions = [\"s3:PutBucketPublicAccessBlock\", \"s3:PutAccountPublicAccessBlock\"]\n    resources = [\"*\"]\n  }\n}\n",
                "",
            ),
            ("ou prod { scps = [scp.keep-public-access-block] }", "ou prod {}"),
        ],
        plan: &["delete scp.keep-public-access-block", "delete scp_attachment.keep-public-access-block/ou.prod"],
        verbs: &["detach_policy", "delete_policy"],
        ..DEFAULT
    },
];

const SETS: &[Edit] = &[
    Edit {
        name: "the inline policy of a set",
        changes: &[("\"s3:GetObject\", \"s3:PutObject\"]", "\"s3:GetObject\"]")],
        plan: &["update permission_set.CellOperator"],
        verbs: &["keep_form", "put_inline_policy", "queue"],
        ..DEFAULT
    },
    Edit {
        name: "the session of a set",
        changes: &[(READ_ONLY, "permission_set ReadOnly using sets.read_only { override session = 2h }")],
        plan: UPDATE_READ_ONLY,
        verbs: &["update_set", "provision"],
        ..DEFAULT
    },
    Edit {
        name: "the description of a set",
        changes: &[(READ_ONLY, "permission_set ReadOnly using sets.read_only { override description = \"Look.\" }")],
        plan: UPDATE_READ_ONLY,
        verbs: &["update_set", "provision"],
        ..DEFAULT
    },
    Edit {
        name: "the relay state of a set",
        changes: &[(
            READ_ONLY,
            "permission_set ReadOnly using sets.read_only { relay_state = \"https://console.aws.amazon.com/cloudwatch\" }",
        )],
        plan: UPDATE_READ_ONLY,
        verbs: &["update_set", "provision"],
        ..DEFAULT
    },
    Edit {
        name: "AWS's policies of a set",
        changes: &[(
            READ_ONLY,
            "permission_set ReadOnly using sets.read_only { override managed = [\"arn:aws:iam::aws:policy/SecurityAudit\"] }",
        )],
        plan: UPDATE_READ_ONLY,
        verbs: &["attach_managed", "detach_managed", "provision"],
        ..DEFAULT
    },
    Edit {
        name: "policies of each account in a set",
        changes: &[(
            READ_ONLY,
            "permission_set ReadOnly using sets.read_only { customer_managed = [\"cell-look\"] }",
        )],
        plan: UPDATE_READ_ONLY,
        verbs: &["attach_customer", "provision"],
        ..DEFAULT
    },
    Edit {
        name: "the boundary of a set, AWS's",
        changes: &[(
            READ_ONLY,
            "permission_set ReadOnly using sets.read_only { boundary = \"arn:aws:iam::aws:policy/PowerUserAccess\" }",
        )],
        plan: UPDATE_READ_ONLY,
        verbs: &["put_boundary", "provision"],
        ..DEFAULT
    },
    Edit {
        name: "the boundary of a set, of each account",
        changes: &[(READ_ONLY, "permission_set ReadOnly using sets.read_only { boundary = \"cell-look\" }")],
        plan: UPDATE_READ_ONLY,
        verbs: &["put_boundary", "provision"],
        ..DEFAULT
    },
    Edit {
        name: "the tags of a set, which no role has",
        changes: &[(READ_ONLY, "permission_set ReadOnly using sets.read_only { tags { team = \"core\" } }")],
        plan: UPDATE_READ_ONLY,
        verbs: &["tag"],
        ..DEFAULT
    },
    Edit {
        name: "a set is gone, after everything that is given of it",
        changes: &[(READ_ONLY, ""), (LOOK, "")],
        plan: &[
            "delete permission_set.ReadOnly",
            "delete assignment.ReadOnly/group.developers/cell.alpha",
            "delete assignment.ReadOnly/group.developers/cell.dev-ana",
            "delete assignment.ReadOnly/group.developers/cell.dev-raj",
            "delete assignment.ReadOnly/group.developers/cell.preprod-usw2",
            "delete assignment.ReadOnly/group.developers/cell.prod-apne1-1",
            "delete assignment.ReadOnly/group.developers/cell.prod-use1-1",
            "delete assignment.ReadOnly/group.developers/cell.prod-usw2-1",
        ],
        allow: &["--allow", "role-arn"],
        verbs: &["unassign", "delete_set"],
        ..DEFAULT
    },
    Edit {
        name: "moved: a set cannot be renamed, so it is made anew",
        changes: &[
            (
                READ_ONLY,
                "moved { from = \"permission_set.ReadOnly\", to = \"permission_set.Look\" }\npermission_set Look using sets.read_only {}",
            ),
            ("can = permission_set.ReadOnly", "can = permission_set.Look"),
        ],
        plan: &[
            "replace permission_set.Look",
            "replace assignment.Look/group.developers/cell.alpha",
            "replace assignment.Look/group.developers/cell.dev-ana",
            "replace assignment.Look/group.developers/cell.dev-raj",
            "replace assignment.Look/group.developers/cell.preprod-usw2",
            "replace assignment.Look/group.developers/cell.prod-apne1-1",
            "replace assignment.Look/group.developers/cell.prod-use1-1",
            "replace assignment.Look/group.developers/cell.prod-usw2-1",
        ],
        allow: &["--allow", "role-arn"],
        ..DEFAULT
    },
];

const GRANTS: &[Edit] = &[
    Edit {
        name: "a grant more",
        changes: &[(
            "grant developers-operate-alpha {",
            "grant operators-look {\n  to = group.cell-operators\n  can = permission_set.ReadOnly\n  on = cells where .kind == \"preprod\"\n}\ngrant developers-operate-alpha {",
        )],
        plan: &["create assignment.ReadOnly/group.cell-operators/cell.preprod-usw2"],
        verbs: &["assign"],
        ..DEFAULT
    },
    Edit {
        name: "a grant on an account that is no cell",
        changes: &[(
            "grant developers-operate-alpha {",
            "grant operators-monitor {\n  to = group.cell-operators\n  can = permission_set.ReadOnly\n  on = [account.monitoring]\n}\ngrant developers-operate-alpha {",
        )],
        plan: &["create assignment.ReadOnly/group.cell-operators/account.monitoring"],
        verbs: &["assign"],
        ..DEFAULT
    },
    Edit {
        name: "a grant less",
        changes: &[(ALPHA, "")],
        plan: &["delete assignment.CellOperator/group.developers/cell.alpha"],
        verbs: &["unassign"],
        ..DEFAULT
    },
    Edit {
        name: "another grantee",
        changes: &[(
            "grant developers-operate-alpha {\n  to = group.developers",
            "grant developers-operate-alpha {\n  to = user[\"ana\"]",
        )],
        plan: &[
            "create assignment.CellOperator/user.ana/cell.alpha",
            "delete assignment.CellOperator/group.developers/cell.alpha",
        ],
        verbs: &["assign", "unassign"],
        ..DEFAULT
    },
    Edit {
        name: "what a grant took back, by its address",
        changes: &[(
            "  can = permission_set.ReadOnly\n  on = cells where .cloud == \"aws\"\n}",
            "  can = permission_set.ReadOnly\n  on = cells where .cloud == \"aws\" && .kind != \"alpha\"\n}",
        )],
        more: &["--only", "grant.developers-look"],
        plan: &["delete assignment.ReadOnly/group.developers/cell.alpha"],
        verbs: &["unassign"],
        ..DEFAULT
    },
    Edit {
        name: "a grant that will expire",
        changes: &[("grant developers-operate-alpha {", "grant developers-operate-alpha {\n  expires = 2026-12-31")],
        plan: &[],
        ..DEFAULT
    },
    Edit {
        name: "the same grant after it has expired",
        changes: &[("grant developers-operate-alpha {", "grant developers-operate-alpha {\n  expires = 2026-11-01")],
        plan: &["delete assignment.CellOperator/group.developers/cell.alpha"],
        verbs: &["unassign"],
        ..DEFAULT
    },
];

const DEFAULT: Edit = Edit { name: "", changes: &[], plan: &[], more: &[], allow: &[], verbs: &[], notes: "" };

fn edited(edit: &Edit) -> Result<(), String> {
    let project = Project::applied(Registry::File)?;
    project.edit(edit.changes)?;
    if edit.name.contains("of each account") {
        customer_policy(&project)?;
    }
    let plan = project.plan(edit.more)?;
    exactly(&plan, edit.plan)?;
    for verb in edit.verbs {
        let operations = plan["operations"].as_array().into_iter().flatten();
        if !operations.map(|operation| &operation["verb"]["do"]).any(|found| found == verb) {
            return Err(format!("the plan has no operation `{verb}`: {:#}", plan["operations"]));
        }
    }
    if !plan["findings"].to_string().contains(edit.notes) {
        return Err(format!("the plan does not note `{}`: {}", edit.notes, plan["findings"]));
    }
    project.apply(&[edit.more, edit.allow].concat())?;
    project.settled(edit.more)
}

/// What a set names has to lie in each of its accounts, else its role cannot be made.
fn customer_policy(project: &Project) -> Result<(), String> {
    let server = Server::start(Some(&project.sandbox()), quick())?;
    let policy = SeedCustomerPolicy { name: "cell-look".to_owned(), ..SeedCustomerPolicy::default() };
    server.seed(&Seed { customer_policies: vec![policy], ..Seed::default() })
}

fn all_of(edits: &[Edit]) {
    let one = |edit: &Edit| edited(edit).map_err(|failure| format!("── {}\n{failure}", edit.name));
    report(edits.len(), &waiting(edits, one));
}

fn edits_of_cells_accounts_and_units() {
    all_of(CELLS_AND_UNITS);
}

fn edits_of_service_control_policies() {
    all_of(POLICIES);
}

fn edits_of_permission_sets() {
    all_of(SETS);
}

fn edits_of_grants() {
    all_of(GRANTS);
}

/// A cell that expires is a note; what a grant gave is taken back at the day itself.
fn an_expired_cell_is_told_and_stays() {
    let project = Project::applied(Registry::File).unwrap();
    let ran = project.run(&["plan", "--format", "json", "--at", "2027-01-05T00:00:00Z"]).unwrap().ended(0).unwrap();
    let plan = ran.json().unwrap();
    exactly(&plan, &[]).unwrap();
    let told = plan["findings"].as_array().unwrap().iter().any(|finding| {
        finding["kind"] == "note"
            && finding["message"].as_str().unwrap_or_default().contains("cell.dev-ana has expired on 2026-12-31")
    });
    assert!(told, "the plan does not say that the cell has expired: {:#}", plan["findings"]);
}

/// Cells that have expired before they were made are made for nobody's sake, not for the stack that names all accounts.
fn what_has_expired_is_not_made() {
    let project = Project::new(Registry::File).unwrap();
    let late = ["--at", "2027-02-15T00:00:00Z"];
    let apply = project.run(&[&["apply", "--yes"], &late[..]].concat()).unwrap().ended(0).unwrap();
    let told = "cell.dev-ana has expired on 2026-12-31 and is not there: it is left out";
    assert!(apply.stdout.contains(told), "{}", apply.stdout);
    let record = project.run(&["registry", "show", "--format", "json"]).unwrap().ended(0).unwrap();
    assert!(record.stdout.contains("cell.alpha") && !record.stdout.contains("cell.dev-"), "{}", record.stdout);
    project.run(&[&["plan", "--detailed-exitcode"], &late[..]].concat()).unwrap().ended(0).unwrap();
    // A document that names the account of one is not written without it.
    let named = "permission_set Named {\n  allow roles { actions = [\"iam:GetRole\"], resources = [\"arn:aws:iam::\\(cell[\"dev-ana\"].account_id):role/*\"] }\n}\n";
    project.append(named).unwrap();
    let refused = project.run(&[&["plan"], &late[..]].concat()).unwrap().ended(1).unwrap();
    refused.says(&["E0502", "names the account of cell.dev-ana, which has expired and is not there"]).unwrap();
    // Once it is wanted longer it is made.
    let longer =
        project.run(&["plan", "--format", "json", "--at", "2026-12-30T00:00:00Z"]).unwrap().ended(0).unwrap();
    let plan = longer.json().unwrap();
    let made = |change: &&serde_json::Value| change["address"] == "cell.dev-ana" && change["action"] == "create";
    assert_eq!(plan["changes"].as_array().unwrap().iter().filter(made).count(), 1);
}

/// What has expired and is there is still known when a record is made anew.
fn what_has_expired_and_is_there_stays_known() {
    let project = Project::applied(Registry::File).unwrap();
    project.edit(&[("2026-12-31", "2026-05-31")]).unwrap();
    std::fs::remove_file(project.path().join(".cellc/sandbox/registry.json")).unwrap();
    project.run(&["registry", "rebuild", "--yes"]).unwrap().ended(0).unwrap();
    let record = project.run(&["registry", "show", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    assert!(record["record"]["resources"]["cell.dev-ana"]["id"].is_string(), "{record:#}");
    project.run(&["plan", "--detailed-exitcode"]).unwrap().ended(0).unwrap();
}

/// Without a word of what becomes of it, no account's block may go.
fn a_block_of_an_account_does_not_just_go() {
    let project = Project::applied(Registry::File).unwrap();
    project.edit(&[(DEPLOYMENT, "")]).unwrap();
    let ran = project.run(&["plan"]).unwrap().ended(1).unwrap();
    ran.says(&["E0501", "account.deployment", "\"park\"", "moved"]).unwrap();
}

at_once! {
    every_kind_of_edit:
    edits_of_cells_accounts_and_units,
    edits_of_service_control_policies,
    edits_of_permission_sets,
    edits_of_grants,
    an_expired_cell_is_told_and_stays,
    what_has_expired_is_not_made,
    what_has_expired_and_is_there_stays_known,
    a_block_of_an_account_does_not_just_go,
}
