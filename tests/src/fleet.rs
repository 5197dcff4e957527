//! The organization that `cellc expand` is measured on. Owns its program; what it comes to is said a second time, in
//! Rust, by `benches/floor`.

/// Lines of the normal form that hold no record: braces, the version, the path, the two lists.
pub const LINES_BESIDE_RECORDS: usize = 8;

/// The program of so many cells: forty components in each, twelve grants on all.
pub fn program(cells: usize) -> String {
    include_str!("../benches/fleet.cell").replace("1..=1 {", &format!("1..={cells} {{"))
}
