//! The repository around the tests. Owns where it is and which files it holds.

use std::path::{Path, PathBuf};

/// The repository's top folder.
pub fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// Every file below `folder` (a path from the top) whose name ends in `.{extension}`, sorted; none where the
/// folder is missing. Build output and hidden folders are left out.
pub fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root().join(folder), extension, &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

/// A path from the top, with `/`, for messages.
pub fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string().replace('\\', "/")
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", short(path)))
}

/// Replaces the text of a file.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", short(path)))
}

/// The folders of the examples, sorted.
pub fn examples() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("examples")).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.join("main.cell").is_file()).collect();
    found.sort();
    found
}

/// Every `.cell` file below a folder: its path from there, and its text.
pub fn cell_files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(folder, "cell", &mut found);
    found.sort();
    let name = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string().replace('\\', "/");
    found.iter().filter_map(|path| Some((name(path), read(path).ok()?))).collect()
}
