//! Lists the pages of `spec/errors` in a table that the binary embeds. A page that is missing or misnamed is a
//! matter for the tests of the specification, never for the build.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).ok_or(io::ErrorKind::NotFound);
    let pages = variable("CARGO_MANIFEST_DIR")?.join("../../spec/errors");
    let mut table = String::from("pub(crate) const PAGES: &[(&str, &str)] = &[\n");
    for (code, path) in list(&pages) {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "    ({code:?}, include_str!({:?})),", path.to_string_lossy());
    }
    table.push_str("];\n");
    fs::write(variable("OUT_DIR")?.join("pages.rs"), table)?;
    let mut out = io::stdout();
    io::Write::write_fmt(&mut out, format_args!("cargo::rerun-if-changed={}\n", pages.display()))
}

/// The name without its ending, and the path, of every page, by name.
fn list(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let page = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(".md")?.to_owned();
        Some((name, path.canonicalize().ok()?))
    };
    let mut pages: Vec<_> = entries.filter_map(|entry| page(entry.path())).collect();
    pages.sort();
    pages
}
