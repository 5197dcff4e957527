//! The files of a project at a revision of git. Owns asking git for them; nothing is checked out, and nothing of the
//! repository is changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use cell_lang::files::{FileError, Files, PACKAGE, STD, shown};

use crate::files::Project;

/// A project as it was.
#[derive(Debug)]
pub(crate) struct Revision {
    root: PathBuf,
    /// The commit's whole name.
    commit: String,
    /// The project's folder in the repository: empty, or with a `/` at its end.
    prefix: String,
    /// The program's first file.
    pub(crate) main: String,
    limit: u64,
}

impl Revision {
    /// The project at a revision: a branch, a tag, a commit, `HEAD~1`.
    ///
    /// # Errors
    /// In words, when there is no git, no repository, or no such revision.
    pub(crate) fn open(project: &Project, revision: &str) -> Result<Self, String> {
        let root = project.root.clone();
        if revision.starts_with('-') {
            return Err("a revision does not begin with `-`".to_owned());
        }
        let commit = git(&root, &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])
            .map_err(|why| if why.is_empty() { "git knows no such revision".to_owned() } else { why })?;
        let prefix = git(&root, &["rev-parse", "--show-prefix"])?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned();
        let (commit, prefix) = (text(commit), text(prefix));
        Ok(Self { root, commit, prefix, main: project.main.clone(), limit: project.limit() })
    }
}

impl Revision {
    /// The program's first file, from the root of the repository.
    pub(crate) fn named(&self) -> String {
        format!("{}{}", self.prefix, self.main)
    }
}

impl Files for Revision {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if path.starts_with(STD) {
            return cell_std::read(&shown(path)).map(|text| text.as_bytes().to_vec()).ok_or(FileError::NotFound);
        }
        let vendored = path.strip_prefix(PACKAGE).map(|inside| format!("packages/{inside}"));
        let path = vendored.as_deref().unwrap_or(path);
        if path.split('/').any(|part| part == "..") || path.starts_with('/') {
            return Err(FileError::Outside);
        }
        let object = format!("{}:{}{path}", self.commit, self.prefix);
        let bytes = git(&self.root, &["cat-file", "blob", &object]).map_err(|_| FileError::NotFound)?;
        if bytes.len() as u64 > self.limit { Err(FileError::TooLarge(self.limit)) } else { Ok(bytes) }
    }
}

/// What git answers.
fn git(root: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let asked = Command::new("git").arg("-C").arg(root).args(arguments).output();
    let answer = asked.map_err(|error| format!("git cannot be run: {error}"))?;
    if answer.status.success() {
        return Ok(answer.stdout);
    }
    Err(String::from_utf8_lossy(&answer.stderr).trim().to_owned())
}
