//! The programs that the runs are about: one, what becomes of it, and what may happen to it.

use super::bench::{Bench, desired};
use crate::plan::Command;
use crate::plan::desired::Desired;
use crate::plan::model::Plan;
use crate::plan::scope::Scope;

/// The first one.
pub(crate) const FIRST: &str = r#"
org o { accounts { email = "aws+\(.name)@x.example" }, limits { revoke_count = 50 } }
ou work {}
ou prod { parent = ou.work, scps = [scp.no-root, scp.old] }
scp no-root { deny root { actions = ["*"], resources = ["*"], when { "aws:PrincipalArn" like "arn:aws:iam::*:root" } } }
scp old { deny old { actions = ["sdb:*"], resources = ["*"] } }
group ops {}
group dev {}
cell a { kind = "prod", region = "us-west-2", owner = group.ops, ou = ou.prod, protect = false }
cell b { kind = "dev", region = "us-west-2", expires = 2027-01-31, ou = ou.work, email = "b@x.example" }
permission_set Look { managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"] }
permission_set Run { allow run { actions = ["ec2:StartInstances"], resources = ["arn:aws:ec2:*:\(cell.a.account_id):instance/*"] } }
permission_set Old { session = 2h }
grant look { to = [group.ops, group.dev], can = permission_set.Look, on = cells }
grant run { to = group.ops, can = permission_set.Run, on = [cell.a] }
grant old { to = group.dev, can = permission_set.Old, on = [cell.b] }
"#;

/// What becomes of it: of each kind something is made, something changed, something taken away.
pub(crate) const SECOND: &str = r#"
org o { accounts { email = "aws+\(.name)@x.example" }, limits { revoke_count = 50 } }
ou work { name = "Workloads" }
ou prod { parent = ou.work, scps = [scp.no-root, scp.no-leave], tags { stage = "prod" } }
scp no-root { description = "nobody is root", deny root { actions = ["*"], resources = ["*"], when { "aws:PrincipalArn" like "arn:aws:iam::*:root" } } }
scp no-leave { deny leave { actions = ["organizations:LeaveOrganization"], resources = ["*"] } }
group ops {}
group dev {}
group sec {}
cell a { kind = "prod", region = "us-west-2", owner = group.ops, ou = ou.prod, protect = false, tags { team = "ops" } }
cell b { kind = "dev", region = "us-west-2", expires = 2027-01-31, ou = ou.prod, name = "bee", email = "b@x.example" }
cell c { kind = "dev", region = "us-west-2", expires = 2027-01-31, ou = ou.work }
permission_set Look { description = "look", session = 2h, managed = ["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"] }
permission_set Run { allow run { actions = ["ec2:StartInstances", "ec2:StopInstances"], resources = ["arn:aws:ec2:*:\(cell.a.account_id):instance/*"] } }
permission_set New { boundary = "Limit", customer_managed = ["/teams/Extra"] }
grant look { to = [group.ops, group.sec], can = permission_set.Look, on = cells }
grant run { to = group.ops, can = permission_set.Run, on = [cell.a] }
grant new { to = group.dev, can = permission_set.New, on = [cell.b, cell.c] }
"#;

/// Something that is run, and where it begins.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) start: Bench,
    pub(crate) to: Desired,
    pub(crate) command: Command,
}

impl Scenario {
    /// The four: from nothing, from one to the other, to nothing, and from there to the first one again, in parked accounts.
    pub(crate) fn all() -> Vec<Self> {
        let (first, second) = (desired(FIRST), desired(SECOND));
        let (empty, settled) = (Bench::new(), Bench::after(&[&first]));
        let (torn, parked) = (settled.copy(), settled.copy());
        let destroy = parked.try_plan(&first, &Scope::default(), Command::Destroy).unwrap();
        parked.run(&first, &destroy);
        vec![
            Self { name: "first", start: empty, to: first.clone(), command: Command::Apply },
            Self { name: "change", start: settled, to: second, command: Command::Apply },
            Self { name: "destroy", start: torn, to: first.clone(), command: Command::Destroy },
            Self { name: "again", start: parked, to: first, command: Command::Apply },
        ]
    }

    /// Its plan where it begins.
    pub(crate) fn plan(&self) -> Plan {
        self.start.try_plan(&self.to, &Scope::default(), self.command).unwrap()
    }
}

/// A scenario with its plan, and what a run without trouble asks and comes to.
pub(crate) struct Reference {
    pub(crate) plan: Plan,
    pub(crate) shape: Vec<String>,
    /// The record after it.
    pub(crate) record: crate::registry::record::Record,
    /// Questions of the run, by call.
    pub(crate) asked: Vec<(String, u64)>,
    /// Lines of its journal.
    pub(crate) lines: usize,
    /// Segments of its journal.
    pub(crate) segments: usize,
}

impl Reference {
    /// Of a scenario.
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let (bench, plan) = (scenario.start.copy(), scenario.plan());
        bench.cloud.count_anew();
        bench.store.fault(super::store::Fault::None);
        let receipt = bench.run(&scenario.to, &plan);
        assert_eq!(
            receipt.ending,
            crate::apply::receipt::Ending::Done,
            "{:#?}",
            receipt.failed().collect::<Vec<_>>()
        );
        let (asked, lines, segments) = (bench.cloud.asked(), bench.store.lines(), bench.store.appended());
        let (shape, record) = (bench.shape(), bench.record());
        bench.converges(&scenario.to, scenario.command, &shape).unwrap();
        let drift = bench.drift(&scenario.to);
        assert!(drift.changes.is_empty(), "{}", super::world::told(&drift));
        Self { plan, shape, record, asked: asked.into_iter().collect(), lines, segments }
    }
}
