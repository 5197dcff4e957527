//! A part of a program gives what stands outside it: that is looked at, and what was changed there is not given unseen.

use super::program;
use crate::apply::tests::bench::{Bench, NoPlan, only};
use crate::plan::Command;
use crate::plan::desired::Desired;
use crate::plan::scope::Scope;

/// With so many cells below a guarded unit, and a set that all get.
fn fleet(cells: &[&str]) -> Desired {
    let cell = |name: &&str| format!("cell {name} {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.inner }}\n");
    let cells: String = cells.iter().map(cell).collect();
    program(&format!(
        "scp keep {{ deny d {{ actions = [\"s3:DeleteBucket\"], resources = [\"*\"] }} }}\n\
         ou held {{ scps = [scp.keep] }}\nou inner {{ parent = ou.held }}\n{cells}\
         permission_set Look {{ session = 2h\nallow see {{ actions = [\"s3:ListAllMyBuckets\"], resources = [\"*\"] }}\n}}\n\
         permission_set Other {{ session = 2h }}\n\
         grant g {{ to = group.ops, can = permission_set.Look, on = cells }}"
    ))
}

/// The codes of what refuses a plan, with the address that each begins with.
fn refused(bench: &Bench, scope: &Scope) -> Vec<String> {
    match bench.try_plan(&fleet(&["a", "b"]), scope, Command::Apply) {
        Ok(_) => Vec::new(),
        Err(NoPlan::Faults(faults)) => faults
            .iter()
            .map(|fault| format!("{} {}", fault.code.as_str(), fault.message.split(' ').next().unwrap()))
            .collect(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_part_gives_nothing_that_was_changed_outside() {
    let start = Bench::after(&[&fleet(&["a"])]);
    let id = |address: &str| start.record().entry(address).unwrap().id.clone();
    let (set, policy, unit) = (id("permission_set.Look"), id("scp.keep"), id("ou.held"));
    let changed = |how: &str| {
        let bench = start.copy();
        bench.cloud.edit(|state| match how {
            "inline" => {
                let all = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}";
                state.sets.get_mut(&set).unwrap().detail.inline = Some(all.to_owned());
            }
            "managed" => {
                let all = "arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
                state.sets.get_mut(&set).unwrap().detail.managed.push(all);
            }
            "policy" => {
                let none = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";
                state.policies.get_mut(&policy).unwrap().content = Some(none.to_owned());
            }
            "detached" => _ = state.attached.remove(&(policy.clone(), unit.clone())),
            _ => {}
        });
        bench
    };
    let (part, both) = (only(&["cell.b"]), only(&["cell.b", "permission_set.Look"]));
    let except = Scope { only: Vec::new(), except: vec!["permission_set.Look".to_owned()] };
    let look = vec!["E0522 permission_set.Look".to_owned()];
    for how in ["inline", "managed"] {
        assert_eq!(refused(&changed(how), &part), look, "{how}");
        assert_eq!(refused(&changed(how), &both), [""; 0], "{how} is set back");
        assert_eq!(refused(&changed(how), &Scope::default()), [""; 0], "{how} is seen");
        assert_eq!(refused(&changed(how), &only(&["cell.a"])), [""; 0], "nothing is given anew");
    }
    assert_eq!(refused(&changed("policy"), &part), ["E0522 scp.keep"]);
    assert_eq!(refused(&changed("detached"), &part), ["E0522 scp_attachment.keep/ou.held"]);
    assert_eq!(refused(&changed("detached"), &only(&["cell.b", "ou.held"])), [""; 0]);
    assert_eq!(refused(&changed("nothing"), &part), [""; 0]);
    // The assignments of the set are left out with it.
    assert_eq!(refused(&changed("inline"), &except), [""; 0]);
}
