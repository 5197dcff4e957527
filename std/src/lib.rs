//! The standard library: the `.cell` files beside this crate, embedded.
//!
//! Owns which files `std/…` imports can reach. Knows nothing of the language.

/// One embedded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StdFile {
    /// Its path as an import writes it, such as `std/regions.cell`.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! files {
    ($($name:literal)*) => {
        &[$(StdFile { path: concat!("std/", $name), text: include_str!(concat!("../", $name)) },)*]
    };
}

/// Every file of the library, by path.
pub const FILES: &[StdFile] = files! {
    "actions.cell"
    "defaults.cell"
    "guards.cell"
    "permission-sets.cell"
    "regions.cell"
    "rollouts.cell"
    "scps.cell"
};

/// The text of a file of the library, by the path an import writes.
pub fn read(path: &str) -> Option<&'static str> {
    FILES.iter().find(|file| file.path == path).map(|file| file.text)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::{fs, io};

    use super::*;

    /// The paths of every `.cell` file below `folder`, by name.
    fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                found.extend(below(&path)?);
            } else if path.extension().is_some_and(|ending| ending == "cell") {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    #[test]
    fn the_table_names_every_file() -> io::Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut lying = Vec::new();
        for path in below(folder)? {
            let inside = path.strip_prefix(folder).map_err(io::Error::other)?;
            lying.push(format!("std/{}", inside.to_string_lossy().replace('\\', "/")));
        }
        let told: Vec<&str> = FILES.iter().map(|file| file.path).collect();
        assert_eq!(told, lying, "the table in std/src/lib.rs and the files of std/ differ");
        Ok(())
    }

    #[test]
    fn a_file_is_read_by_the_path_an_import_writes() {
        assert!(read("std/regions.cell").is_some_and(|text| text.contains("export fn short")));
        assert_eq!(read("regions.cell"), None);
        assert_eq!(read("std/nothing.cell"), None);
    }
}
