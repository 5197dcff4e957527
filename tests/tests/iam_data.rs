//! What cell-iam knows of AWS is what its script makes of the package that it names.

use cell_tests::{npm, repository};

/// Compared without compression: two builds of Node.js may compress the same text differently.
#[test]
fn the_catalogue_is_what_its_script_makes() {
    let folder = repository::root().join("evaluator/iam/data");
    let made = npm::run("node", &["generate.mjs", "--text"], &folder, "").unwrap();
    let shipped = cell_iam::data::text().unwrap();
    let other = made.lines().zip(shipped.lines()).find(|(made, shipped)| made != shipped);
    assert!(made == shipped, "run `node generate.mjs` in {}: first other line {other:?}", repository::short(&folder));
}
