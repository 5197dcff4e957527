//! Runs that are killed anywhere, and disks without room: the next run goes on, and nothing is there twice, lost, or
//! too much. A sample; all of it: `cargo bench -p cell-tests --bench trust`.

use cell_tests::trust::disk::{self, Beyond};
use cell_tests::trust::{Deed, LIVES, kill};
use cell_tests::{at_once, report, waiting};

/// Points of each life.
const POINTS: usize = 4;

/// `kill -9` before and after calls, spread over an apply and a destroy, with the record in a bucket and in a file, and
/// over the taking over of an organization and the making anew of a record.
fn a_run_that_is_killed_at_a_call_is_taken_up_by_the_next() {
    let mut cases = Vec::new();
    for life in LIVES {
        let calls = life.reference().unwrap().total();
        cases.extend(kill::spread(calls, POINTS).into_iter().map(|point| (life, point)));
    }
    let failed = waiting(&cases, |(life, point)| {
        let outcome = kill::at(*life, *point)?;
        if outcome.killed.is_some() && outcome.found.is_nothing() {
            return Ok(());
        }
        Err(format!("── {}, killed {point}, at {:?}: {}", life.name(), outcome.killed, outcome.found))
    });
    report(cases.len(), &failed);
}

/// In the middle of a line of the journal, and of the record; and the receipt has no room.
fn a_run_that_is_killed_at_a_write_or_has_no_room_is_taken_up_by_the_next() {
    let cases = [
        (Deed::Apply, 3, Beyond::Kills),
        (Deed::Destroy, 20, Beyond::Kills),
        (Deed::Adopt, 3, Beyond::Kills),
        (Deed::Adopt, 20, Beyond::Kills),
        (Deed::Rebuild, 3, Beyond::Kills),
        (Deed::Rebuild, 20, Beyond::Kills),
        (Deed::Apply, 0, Beyond::Fails),
        (Deed::Apply, 6, Beyond::Fails),
        (Deed::Destroy, 9, Beyond::Fails),
    ];
    let failed = waiting(&cases, |(deed, blocks, beyond)| {
        let outcome = disk::limited(disk::life(*deed), *blocks, *beyond)?;
        let code = if *blocks == 0 { "E0512" } else { "E0605" };
        let told = *beyond == Beyond::Kills || outcome.code == code;
        if outcome.status != 0 && told && outcome.found.is_nothing() {
            return Ok(());
        }
        Err(format!("── {deed:?}, {blocks} blocks, {beyond:?}: {outcome:?}"))
    });
    report(cases.len(), &failed);
}

/// All is done and recorded, and only the receipt is too large: the run says so by its status and its own code, and
/// prints what it could not keep.
fn a_receipt_that_is_not_kept_is_no_success() {
    let life = disk::life(Deed::Apply);
    let case = life.begin().unwrap();
    let receipts = case.project.path().join(".cellc/receipts");
    // A file in place of the folder.
    case.project.put(".cellc/receipts", "").unwrap();
    let ran = case.run().unwrap().ended(1).unwrap();
    ran.clone().says(&["E0607", "the record has what was done"]).unwrap();
    assert!(ran.stdout.contains("done: 64 of 64 operations done and seen"), "{}", ran.stdout);
    assert!(case.judged().unwrap().is_nothing());
    std::fs::remove_file(receipts).unwrap();
    case.settled().unwrap();
}

at_once! {
    a_run_that_ends_at_any_moment:
    a_run_that_is_killed_at_a_call_is_taken_up_by_the_next,
    a_run_that_is_killed_at_a_write_or_has_no_room_is_taken_up_by_the_next,
    a_receipt_that_is_not_kept_is_no_success,
}
