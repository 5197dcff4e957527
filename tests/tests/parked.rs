//! Accounts that wait for a cell, beside the record: known again where that is lost, and no accounts of a program that is written
//! from what exists.

use std::fs;

use cell_tests::momento::{AT, Project, Registry, changes, exactly};
use cell_tests::sandbox::{Server, quick};
use cell_tests::{at_once, aws};
use serde_json::Value;

use crate::existing::{looking_at, program, record};

/// A cell was torn down: its account waits, and a record that is made anew knows it.
fn a_parked_account_is_known_again() {
    let project = Project::applied(Registry::File).unwrap();
    project.run(&["destroy", "--yes", "--at", AT, "--only", "cell.dev-raj"]).unwrap().ended(0).unwrap();
    let before = record(&project);
    assert_eq!(before["parked"].as_object().unwrap().len(), 1);
    fs::remove_file(project.path().join(".cellc/sandbox/registry.json")).unwrap();
    // Whoever may tag marks what is no parked account.
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let plant = |id: &str| {
        let tag = "--tags Key=cellc:parked,Value=cell.dev-zoe";
        aws::aws(&server.url(), &format!("organizations tag-resource --resource-id {id} {tag}")).unwrap();
    };
    plant(before["organization"]["management_account"].as_str().unwrap());
    plant(before["resources"]["cell.alpha"]["id"].as_str().unwrap());
    drop(server);
    let made = project.run(&["registry", "rebuild", "--yes"]).unwrap().ended(0).unwrap();
    let said = made.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for said_of in [
        "dev-raj exists, and is taken over: parked, and waits for a dev cell",
        "is marked as parked, and left: it is the management account",
        "is marked as parked, and left: its tag `cellc:address` says whose it is",
    ] {
        assert!(said.contains(said_of), "{said_of}: {}", made.stdout);
    }
    // Whose it was, too, and the unit that they wait in.
    let parked = |record: &Value| {
        let of = |(id, parked): (&String, &Value)| (id.clone(), parked["from"].clone(), parked["email"].clone());
        record["parked"].as_object().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(parked(&record(&project)), parked(&before));
    let unit = |record: &Value| {
        (record["resources"]["parking"]["id"].clone(), record["resources"]["parking"]["fields"].clone())
    };
    assert_eq!(unit(&record(&project)), unit(&before));
    // The next dev cell takes it, and makes none.
    let plan = project.plan(&[]).unwrap();
    let adopts = changes(&plan).into_iter().any(|change| change == ("cell.dev-raj".to_owned(), "adopt".to_owned()));
    assert!(adopts, "{:?}", changes(&plan));
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
}

/// A program that is written from an organization in which an account waits for a cell does not take it for one of its own.
fn a_parked_account_is_no_account_of_a_program() {
    let applied = Project::applied(Registry::File).unwrap();
    applied.run(&["destroy", "--yes", "--at", AT, "--only", "cell.dev-raj"]).unwrap().ended(0).unwrap();
    let waiting = record(&applied)["parked"].as_object().unwrap().keys().next().unwrap().clone();
    let server = Server::start(Some(&applied.sandbox()), quick()).unwrap();
    let project = looking_at(&server).unwrap();
    let written = project.run(&["init", "--from-live", "."]).unwrap().ended(0).unwrap();
    written.says(&[&format!("({waiting}): it is parked, and waits for a cell: `cellc registry rebuild`")]).unwrap();
    let text = program(&project).unwrap();
    assert!(!text.contains(&format!("account_id = \"{waiting}\"")), "it is in the program:\n{text}");
    project.run(&["adopt", "--all", "--yes"]).unwrap().ended(0).unwrap();
    exactly(&project.plan(&[]).unwrap(), &[]).unwrap();
    project.run(&["registry", "rebuild", "--yes"]).unwrap().ended(0).unwrap();
    let shown = project.run(&["registry", "show", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    assert_eq!(shown["record"]["parked"].as_object().unwrap().keys().collect::<Vec<_>>(), [&waiting]);
    exactly(&project.plan(&[]).unwrap(), &[]).unwrap();
}

/// The unit of parked accounts is called as the program says, and known by that where the record is lost.
fn the_unit_of_parked_accounts_is_renamed() {
    let project = Project::applied(Registry::File).unwrap();
    project.run(&["destroy", "--yes", "--at", AT, "--only", "cell.dev-raj"]).unwrap().ended(0).unwrap();
    let before = record(&project);
    project.edit(&[("org momento {", "org momento {\n  parking = \"attic\"")]).unwrap();
    let named = |name: &str| {
        let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
        let id = before["resources"]["parking"]["id"].as_str().unwrap();
        let call = format!("organizations describe-organizational-unit --organizational-unit-id {id}");
        assert_eq!(aws::aws(&server.url(), &call).unwrap()["OrganizationalUnit"]["Name"], name);
    };
    named("cellc-parked");
    // The cell that was torn down comes back, in the account that waited.
    let plan = project.plan(&[]).unwrap();
    assert!(changes(&plan).contains(&("parking".to_owned(), "update".to_owned())), "{:?}", changes(&plan));
    let without = ["apply", "--yes", "--at", AT, "--except", "cell.dev-raj", "--except", "stack.monitoring"];
    project.run(&without).unwrap().ended(0).unwrap();
    named("attic");
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let other = looking_at(&server).unwrap();
    other.run(&["init", "--from-live", "."]).unwrap().ended(0).unwrap();
    let text = program(&other).unwrap();
    assert!(text.contains("parking = \"attic\"") && !text.contains("ou attic"), "{text}");
    drop(server);
    fs::remove_file(project.path().join(".cellc/sandbox/registry.json")).unwrap();
    project.run(&["registry", "rebuild", "--yes"]).unwrap().ended(0).unwrap();
    let keys = |record: &Value| record["parked"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&record(&project)), keys(&before));
    project.apply(&[]).unwrap();
    project.settled(&[]).unwrap();
    // Somebody has done it by hand already: the record follows.
    let id = record(&project)["resources"]["parking"]["id"].as_str().unwrap().to_owned();
    let server = Server::start(Some(&project.sandbox()), quick()).unwrap();
    let call = format!("organizations update-organizational-unit --organizational-unit-id {id} --name loft");
    aws::aws(&server.url(), &call).unwrap();
    drop(server);
    project.edit(&[("parking = \"attic\"", "parking = \"loft\"")]).unwrap();
    project.apply(&[]).unwrap();
    assert_eq!(record(&project)["resources"]["parking"]["fields"]["name"], "loft");
    project.run(&["drift"]).unwrap().ended(0).unwrap();
    project.settled(&[]).unwrap();
}

at_once! {
    accounts_that_wait:
    a_parked_account_is_known_again,
    a_parked_account_is_no_account_of_a_program,
    the_unit_of_parked_accounts_is_renamed,
}
