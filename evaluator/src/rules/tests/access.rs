//! Access, policies, outbounds, units, tags, removals.

use super::{finds, finds_one};

#[test]
fn grants_reach_aws_and_owners_are_there() {
    finds(
        r#"cell a { DEV }
        cell g { kind = "dev", region = "us-east1", expires = 2027-01-31, cloud = "gcp", project = "x-prod-1" }
        permission_set S {}
        grant one { to = group.ops, can = permission_set.S, on = cells }
        grant two { to = .owner, can = permission_set.S, on = [cell.a] }"#,
        &[
            "E0415 a grant reaches AWS accounts only; cell.g is on gcp",
            "E0418 grant.two goes to the owner of each cell, and cell.a has none",
        ],
    );
}

#[test]
fn guards_hold_over_something() {
    finds(
        r#"cell a { DEV }
        guard g { on = cells where .kind == "prod", forbid x { actions = ["iam:*"], resources = ["*"] } }"#,
        &["E0703 guard `g` selects no cell; a proof over nothing proves nothing"],
    );
}

#[test]
fn statements_stand_apart() {
    finds(
        r#"cell a { DEV }
        permission_set S {
          allow read-all { actions = ["s3:Get*"], resources = ["*"] }
          deny readAll { actions = ["s3:Put*"], resources = ["*"] }
          allow all { actions = ["*:*"], resources = ["*"] }
          allow reasoned { actions = ["*"], resources = ["*"], reason = "break-glass" }
          allow when { actions = ["s3:*"], resources = ["*"], when { "aws:RequestedRegion" == "a", "aws:requestedregion" == "b" } }
        }
        grant g { to = group.ops, can = permission_set.S, on = cells }"#,
        &[
            "E0407 `allow read-all` and `deny readAll` of permission_set.S are both `Sid` `ReadAll`",
            "E0702 an allow of \"*\" on \"*\" needs `reason`",
            "E0307 `aws:requestedregion` stands twice under `StringEquals`; IAM asks a key once by one operator",
        ],
    );
}

#[test]
fn policies_fit() {
    finds_one(
        "scp big { deny x { actions = [for n in 1..=500 : \"ec2:Action\\(n)\"], resources = [\"*\"] } }",
        "E0423 scp.big has 7,986 characters; AWS takes 5,120",
    );
    finds_one(
        "permission_set S { allow x { actions = [\"s3:*\"], resources = [for n in 1..=1000 : \"arn:aws:s3:::bucket-\\(n)\"] } }",
        "E0423 the inline policy of permission_set.S has 25,991 bytes without white space; AWS takes 10,240",
    );
    let many = |count| {
        format!(
            "permission_set S {{ customer_managed = [for n in 1..={count} : \"p\\(n)\"] }}\ncell a {{ DEV }}\ngrant g {{ to = group.ops, can = permission_set.S, on = cells }}"
        )
    };
    finds(&many(10), &[]);
    finds(
        &many(11),
        &["W0408 permission_set.S has 11 policies; IAM attaches 10 to a role unless its quota is raised"],
    );
    finds(&many(21), &["E0432 permission_set.S has 21 policies; AWS takes 20 in a set"]);
    finds_one("scp s {}", "E0419 scp.s has no statement and no `file`");
    finds_one(
        "for n in 1..=6 { scp \"s-\\(n)\" { deny x { actions = [\"s3:*\"], resources = [\"*\"] } } }\nou u { scps = scps }",
        "E0432 ou.u has 6 service control policies; AWS takes 5",
    );
}

#[test]
fn outbounds_reach_no_cell() {
    finds(
        r#"cell a { DEV, account_id = "111111111111" }
        cell b { DEV }
        account shared {}
        outbound x { from = [cell.a], to assume_role { arn = "arn:aws:iam::\(cell.b.account_id):role/r" } }
        outbound y { from = [cell.b], to assume_role { arn = "arn:aws:iam::111111111111:role/r" } }
        outbound z {
          from = cells
          to assume_role { arn = "arn:aws:iam::\(account.shared.account_id):role/r" }
          to vpc_endpoint { service = "com.amazonaws.vpce.x" }
        }"#,
        &[
            "E0417 outbound.x reaches cell.b; a cell never reaches a cell",
            "E0417 outbound.y reaches cell.a; a cell never reaches a cell",
        ],
    );
}

#[test]
fn units_form_a_tree() {
    finds(
        r#"ou a { parent = ou.b }
        ou b { parent = ou.a }
        ou c { name = "same" }
        ou d { name = "same" }
        ou l1 {}
        ou l2 { parent = ou.l1 }
        ou l3 { parent = ou.l2 }
        ou l4 { parent = ou.l3 }
        ou l5 { parent = ou.l4 }
        ou l6 { parent = ou.l5 }"#,
        &[
            "E0429 ou.a is above itself: ou.a in ou.b in ou.a",
            "E0429 ou.c and ou.d have one name, `same`, under one parent",
            "E0429 ou.l6 is 6 levels below the root; AWS takes 5",
        ],
    );
    finds_one("org second {}", "E0428 org.second is a second organization; a program has one");
}

#[test]
fn tags_fit() {
    finds(
        r#"group a { tags { "aws:x" = "y" } }
        group b { tags { for n in 1..=75 { "k\(n)" = "v" } } }
        group c { tags { "a*b" = "y" } }"#,
        &[
            "E0422 the tag `aws:x` of group.a begins with `aws:`, which AWS keeps for itself",
            "E0432 group.b has 75 tags; at most 74 fit beside cellc's own",
            "E0422 the tag `a*b` of group.c has a character that AWS refuses in keys",
        ],
    );
}

#[test]
fn moves_and_removals_say_something_sound() {
    finds(
        r#"cell a { DEV }
        moved { from = "cell.a", to = "cell.b" }
        moved { from = "cell.x", to = "group.x" }
        moved { from = "cell.y", to = "cell.y" }
        moved { from = "cell.z-*", to = "west.cell.z-*" }
        removed { from = "cell.old" }
        removed { from = "group.old", account = "close" }
        removed { from = "cell.a", account = "park" }
        removed { from = "cell.gone", account = "park" }
        removed { from = "deployment.c/cell.a" }
        component c { repo = "r", deploy make { target = "x" } }"#,
        &[
            "E0431 cell.a is moved from here and still declared",
            "E0431 a cell is not moved to a group",
            "E0431 `cell.y` is moved to itself",
            "E0431 `cell.old` has an account; `removed` says what becomes of it",
            "E0431 `group.old` has no account of its own",
            "E0431 cell.a is removed here and still declared",
            "E0431 component.c is removed from cell.a here and still goes there",
        ],
    );
}

#[test]
fn a_private_endpoint_is_to_a_service_of_the_cells_region() {
    let to = |service: &str| {
        format!(
            r#"cell a {{ DEV }}
            cell b {{ kind = "dev", region = "eu-west-1", expires = 2027-01-31 }}
            cell c {{ kind = "dev", region = "eu-north-1", expires = 2027-01-31 }}
            outbound x {{ from = cells, to vpc_endpoint {{ service = "{service}" }} }}
            outbound own {{ from = [cell.a], to vpc_endpoint {{ service = "com.amazonaws.us-west-2.s3" }} }}"#
        )
    };
    for service in [
        "s3",
        "ecr.api",
        "com.amazonaws.s3-global.accesspoint",
        "com.amazonaws.iam",
        "com.amazonaws.vpce.us-west-2.vpce-svc-0123456789abcdef0",
        "com.amazonaws.vpce.us-west-2.vpce-svc-01234567890123456",
    ] {
        finds(&to(service), &[]);
    }
    let other = |service: &str| {
        format!(
            "E0438 outbound.x names `{service}`, a service of us-west-2, and cell.b is in eu-west-1, as one more is elsewhere"
        )
    };
    for service in [
        "com.amazonaws.us-west-2.s3",
        "aws.sagemaker.us-west-2.notebook",
        "aws.api.us-west-2.qbusiness",
        "api.aws.us-west-2.cassandra-streams",
    ] {
        finds(&to(service), &[&other(service)]);
    }
    finds(
        &to("s3.us-west-2"),
        &["E0438 outbound.x names `s3.us-west-2`, which is no service: a short name has no region"],
    );
}
