//! The floor of the benchmark `expand` writes the very bytes that `cellc expand` does: else it is no floor.

use std::process::Command;

use cell_tests::binary::cellc;
use cell_tests::fleet;

#[test]
fn the_floor_writes_the_same_bytes() {
    for cells in [1, 20] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.cell"), fleet::program(cells)).unwrap();
        let ours = cellc(folder.path(), &["expand", ".", "--format", "json"], &[]).unwrap();
        let floor = Command::new(env!("CARGO_BIN_EXE_floor")).arg(cells.to_string()).output().unwrap();
        assert!(ours.status.success() && floor.status.success());
        let (ours, floor) = (String::from_utf8(ours.stdout).unwrap(), String::from_utf8(floor.stdout).unwrap());
        let differs = ours.lines().zip(floor.lines()).find(|(ours, floor)| ours != floor);
        assert_eq!(differs, None, "{cells} cells");
        assert_eq!(ours.len(), floor.len(), "{cells} cells");
        assert_eq!(ours.lines().count(), fleet::LINES_BESIDE_RECORDS + records(cells));
    }
}

/// Entities and resources: what there is once, and for each cell itself, its 40 deployments, 12 assignments, account
/// and two endpoints.
fn records(cells: usize) -> usize {
    let (org, unit, rollout, components, sets, groups, grants, pipelines) = (1, 1, 1, 40, 8, 12, 12, 40);
    let entities = org + unit + rollout + components + sets + groups + grants + cells;
    entities + unit + pipelines + sets + cells * (40 + 12 + 1 + 2)
}
