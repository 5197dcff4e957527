//! What is made anew in place of another: when that fails half way, what is left of the former one is not forgotten.

use super::bench::{Bench, desired};
use super::cloud::Trouble;
use crate::plan::Command;
use crate::plan::desired::Desired;

fn program(text: &str) -> Desired {
    desired(&format!(
        "org o {{ accounts {{ email = \"aws+\\(.name)@x.example\" }}, limits {{ revoke_count = 50 }} }}\n\
         group ops {{}}\ngroup dev {{}}\n{text}"
    ))
}

/// A set of this name, given to these groups in two cells.
fn set(name: &str, groups: &str, more: &str) -> Desired {
    program(&format!(
        "cell a {{ kind = \"alpha\", region = \"us-west-2\" }}\ncell b {{ kind = \"alpha\", region = \"us-west-2\" }}\n\
         permission_set {name} {{ session = 2h }}\n\
         grant look {{ to = [{groups}], can = permission_set.{name}, on = cells }}\n{more}"
    ))
}

/// A unit with a policy and an account, in this one.
fn unit(parent: &str) -> Desired {
    program(&format!(
        "ou one {{}}\nou two {{}}\nou inner {{ parent = ou.{parent}, scps = [scp.deny] }}\n\
         scp deny {{ deny old {{ actions = [\"sdb:*\"], resources = [\"*\"] }} }}\n\
         cell a {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.inner }}"
    ))
}

const MOVED: &str = "moved { from = \"permission_set.Look\", to = \"permission_set.View\" }";

/// Each of the calls goes wrong once; the next run comes to what a first apply of the program comes to.
#[track_caller]
fn is_gone_on_with(from: &Desired, to: &Desired, fresh: &Desired, troubles: &[(&str, Trouble)]) {
    let (start, shape) = (Bench::after(&[from]), Bench::after(&[fresh]).shape());
    let plan = start.plan(to);
    for (call, way) in troubles {
        let bench = start.copy();
        bench.cloud.script(call, 1, *way);
        let receipt = bench.run(to, &plan);
        assert!(receipt.failed().next().is_some(), "{call} {way:?} made nothing fail");
        assert_eq!(bench.converges(to, Command::Apply, &shape), Ok(()), "{call} {way:?}");
    }
}

#[test]
fn a_unit_that_was_made_anew_half_way_is_gone_on_with() {
    let troubles = [
        ("organizations:CreateOrganizationalUnit", Trouble::Denied),
        ("organizations:CreateOrganizationalUnit", Trouble::DiesAfter),
        ("organizations:MoveAccount", Trouble::Denied),
        ("organizations:MoveAccount", Trouble::DiesAfter),
        ("organizations:AttachPolicy", Trouble::Denied),
        ("organizations:DeleteOrganizationalUnit", Trouble::Denied),
    ];
    is_gone_on_with(&unit("one"), &unit("two"), &unit("two"), &troubles);
}

#[test]
fn a_set_that_was_made_anew_half_way_is_gone_on_with() {
    let troubles = [
        ("sso:CreatePermissionSet", Trouble::Denied),
        ("sso:CreateAccountAssignment", Trouble::Denied),
        ("sso:CreateAccountAssignment", Trouble::FailsLater),
        ("sso:DeleteAccountAssignment", Trouble::Denied),
        ("sso:DeleteAccountAssignment", Trouble::FailsLater),
        ("sso:DeletePermissionSet", Trouble::Denied),
    ];
    let both = "group.ops, group.dev";
    is_gone_on_with(&set("Look", both, ""), &set("View", both, MOVED), &set("View", both, ""), &troubles);
}

#[test]
fn what_is_revoked_while_its_set_is_made_anew_is_gone_in_the_end() {
    let bench = Bench::after(&[&set("Look", "group.ops, group.dev", "")]);
    let (to, fresh) = (set("View", "group.ops", MOVED), set("View", "group.ops", ""));
    bench.apply(&to);
    assert_eq!(bench.converges(&to, Command::Apply, &Bench::after(&[&fresh]).shape()), Ok(()));
}
