//! What the server needs of the machine it runs on. Owns the questions; who answers them reads the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cell_lang::diagnostics::Code;
use cell_lang::files::{FileError, Files};

/// The machine: its files, as far as a language server looks at them.
pub trait Host: Send + Sync {
    /// The project of the program at `path`: a file, or a folder with a `main.cell`.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    fn open(&self, path: &Path) -> Result<Arc<dyn Project>, FileError>;

    /// The nearest folder upward from a file that has a `main.cell`; none if there is none.
    fn folder_of(&self, file: &Path) -> Option<PathBuf>;

    /// The folders at or below `folder` with a `main.cell`.
    fn programs(&self, folder: &Path) -> Vec<PathBuf>;

    /// The path with links followed; the path itself where that fails.
    fn real(&self, path: &Path) -> PathBuf;

    /// The text of a file of the standard library (`std/regions.cell`).
    fn library_text(&self, path: &str) -> Option<String>;

    /// Where an editor can read a file of the standard library; none if nowhere.
    fn library(&self, path: &str) -> Option<PathBuf>;

    /// The paths of the standard library, as an import writes them.
    fn library_paths(&self) -> Vec<String>;

    /// The page of a code, in Markdown: its title, a blank line, and paragraphs.
    fn page_text(&self, code: Code) -> Option<String>;

    /// Where an editor can read the page of a code; none if nowhere.
    fn page(&self, code: Code) -> Option<PathBuf>;
}

/// A project on the machine.
pub trait Project: Files + Send + Sync {
    /// The folder that nothing read lies outside of.
    fn root(&self) -> &Path;

    /// The program's first file, from the root, with `/`.
    fn main(&self) -> &str;

    /// The other files of the program's folder: they are checked though nothing imports them.
    fn beside(&self) -> Vec<String>;
}
