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

/// Every file of the library, by path.
pub const FILES: &[StdFile] = &[];

/// The text of a file of the library, by the path an import writes.
pub fn read(path: &str) -> Option<&'static str> {
    FILES.iter().find(|file| file.path == path).map(|file| file.text)
}
