//! Projects in memory, for suites that check thousands of programs. Owns how their files are read.

use std::collections::BTreeMap;

use cell_lang::check::{Checked, check};
use cell_lang::files::{FileError, Files, STD, shown};
use cell_lang::load::load;

/// The files of a project, by path; the standard library is there too.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: BTreeMap<String, String>,
}

impl Memory {
    /// A project of these files.
    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { files: files.into_iter().collect() }
    }

    /// A project of one file, `main.cell`.
    pub fn one(text: &str) -> Self {
        Self::new([("main.cell".to_owned(), text.to_owned())])
    }

    /// The same project with another text in one file.
    #[must_use]
    pub fn with(&self, path: &str, text: &str) -> Self {
        let mut files = self.files.clone();
        files.insert(path.to_owned(), text.to_owned());
        Self { files }
    }

    /// The files.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Checks the program that begins in `main`, without expanding it.
    pub fn check(&self, main: &str) -> Checked {
        check(load(self, main, &[], 16 << 20))
    }
}

impl Files for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let library = path.starts_with(STD).then(|| cell_std::read(&shown(path))).flatten();
        let text = library.or_else(|| self.files.get(path).map(String::as_str));
        text.map(|text| text.as_bytes().to_vec()).ok_or(FileError::NotFound)
    }
}
