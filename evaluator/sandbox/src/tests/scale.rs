//! A thousand accounts and sixty thousand assignments.

use super::{Cloud, list, settings, text};
use crate::{Sandbox, Seed, SeedAccount, SeedAssignment, SeedSet};
use serde_json::json;

/// 1,000 accounts, 20 sets, 60 groups; three groups on each set in every account.
fn fleet() -> Seed {
    let accounts = (0..1_000).map(|at| SeedAccount {
        name: format!("cell-{at:04}"),
        email: format!("cell-{at:04}@example.com"),
        ou: Some(format!("Workloads/Wave {}", at % 10)),
        ..SeedAccount::default()
    });
    let sets = (0..20).map(|at| SeedSet { name: format!("Set{at}"), ..SeedSet::default() });
    let assignments = (0..20).map(|at| SeedAssignment {
        permission_set: format!("Set{at}"),
        groups: (0..3).map(|group| format!("group-{:02}", at * 3 + group)).collect(),
        ..SeedAssignment::default()
    });
    Seed {
        groups: (0..60).map(|at| format!("group-{at:02}")).collect(),
        accounts: accounts.collect(),
        permission_sets: sets.collect(),
        assignments: assignments.collect(),
        ..Seed::default()
    }
}

#[test]
fn a_fleet_is_seeded_and_read_by_principal() {
    let cloud = Cloud::of(Sandbox::open(None, settings()).unwrap());
    cloud.sandbox.seed(&fleet()).unwrap();
    assert_eq!(cloud.sandbox.lock().state.sso.assignments.len(), 60_000);
    let group = cloud.group("group-07");
    let mut input = cloud.sso(json!({"PrincipalId": group, "PrincipalType": "GROUP", "MaxResults": 100}));
    let (mut seen, mut pages) = (0, 0);
    loop {
        let page = cloud.ok("sso-admin:ListAccountAssignmentsForPrincipal", input.clone());
        seen += list(&page, "/AccountAssignments").len();
        pages += 1;
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!((seen, pages), (1_000, 10));
}

#[test]
fn a_write_to_a_fleet_costs_as_little_as_to_one_account() {
    let cloud = Cloud::of(Sandbox::open(None, settings()).unwrap());
    cloud.sandbox.seed(&fleet()).unwrap();
    let named = cloud.ok("sso-admin:ListPermissionSets", cloud.sso(json!({})));
    let set = text(&named, "/PermissionSets/0");
    let begun = std::time::Instant::now();
    for at in 0..500 {
        let input = cloud.sso(json!({"PermissionSetArn": set, "Description": format!("{at}")}));
        cloud.ok("sso-admin:UpdatePermissionSet", input);
    }
    // Copies of the whole state would take minutes.
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}
