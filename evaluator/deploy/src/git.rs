//! Repositories, by the program `git`: which commit a version is, and its files in a folder. Owns the command lines, and
//! what git is not to do: ask anybody, run a hook, follow a way that [`super::source`] refuses.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use super::process::run;
use super::source::{Source, is_reference};

/// Lines of what git says that are told.
const TOLD: usize = 6;
/// Ways that git may use itself, also where a server or a submodule sends it on; they go before its configuration.
const WAYS: &str = "file:ssh:https";
/// Variables that would have git work on another repository than it is told to: they are set where `cellc` is run by a
/// hook.
const ELSEWHERE: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
];

/// The program.
#[derive(Debug)]
pub struct Git {
    /// The command for ssh, where the user has set up none.
    ssh: Option<&'static str>,
}

/// A version that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// As it is called: `main`, `v1.2.3`, a commit.
    pub name: String,
    /// The whole id of the commit.
    pub commit: String,
}

/// Why git did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no git.
    #[error("git cannot be run: {0}")]
    Missing(io::Error),
    /// The repository cannot be read; what git said.
    #[error("{0}")]
    Unreadable(String),
    /// The repository has no such version.
    #[error("{0}")]
    NoVersion(String),
    /// It was told to stop.
    #[error("it was interrupted")]
    Stopped,
}

impl Git {
    /// Finds it.
    ///
    /// # Errors
    /// When it is not there.
    pub fn find() -> Result<Self, GitError> {
        let quiet = |args: &[&str]| {
            let mut command = Command::new("git");
            command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status()
        };
        quiet(&["--version"]).map_err(GitError::Missing)?;
        let own = ["GIT_SSH_COMMAND", "GIT_SSH"].iter().any(|name| std::env::var_os(name).is_some());
        let own = own || quiet(&["config", "--get", "core.sshCommand"]).is_ok_and(|status| status.success());
        // ssh asks a terminal for a password or about a host's key, whatever its input is.
        Ok(Self { ssh: (!own).then_some("ssh -o BatchMode=yes -o ConnectTimeout=30") })
    }

    /// Which commit a version is: a branch, a tag, a reference in full or a whole commit; without one, the branch that the
    /// repository calls its own.
    ///
    /// # Errors
    /// When the repository cannot be read, or has no such version.
    pub fn resolve(&self, source: &Source, version: Option<&str>, stop: &AtomicBool) -> Result<Version, GitError> {
        let Some(name) = version else { return self.head(source, stop) };
        if !is_reference(name) {
            return Err(GitError::NoVersion(format!("`{name}` is no name of a branch, a tag or a commit")));
        }
        if is_commit(name) {
            return Ok(Version { name: name.to_owned(), commit: name.to_owned() });
        }
        let full = if name.starts_with("refs/") {
            vec![name.to_owned()]
        } else {
            ["heads", "tags"].map(|kind| format!("refs/{kind}/{name}")).to_vec()
        };
        let wanted: Vec<String> = full.iter().flat_map(|name| [name.clone(), format!("{name}^{{}}")]).collect();
        let asked: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let found = self.listed(source, &[], &asked, stop)?;
        let of = |reference: &str| found.iter().find(|(name, _)| name == reference).map(|(_, id)| id.clone());
        // Of a tag that is an object itself the commit it stands for.
        let ids: Vec<String> =
            wanted.chunks(2).filter_map(|pair| pair.iter().rev().find_map(|reference| of(reference))).collect();
        match ids.as_slice() {
            [commit] => Ok(Version { name: name.to_owned(), commit: commit.clone() }),
            [] => Err(GitError::NoVersion(format!(
                "{source} has no branch and no tag `{name}`; a commit is written in full"
            ))),
            _ => Err(GitError::NoVersion(format!(
                "{source} has a branch and a tag `{name}`: write `refs/heads/{name}` or `refs/tags/{name}`"
            ))),
        }
    }

    fn head(&self, source: &Source, stop: &AtomicBool) -> Result<Version, GitError> {
        let found = self.listed(source, &["--symref"], &["HEAD"], stop)?;
        let name = found.iter().find_map(|(name, id)| id.strip_prefix("ref: ").filter(|_| name == "HEAD"));
        let name = name.map_or("HEAD", |name| name.strip_prefix("refs/heads/").unwrap_or(name)).to_owned();
        let commit = found.iter().find(|(name, id)| name == "HEAD" && is_commit(id)).map(|(_, id)| id.clone());
        let commit = commit.ok_or_else(|| {
            GitError::NoVersion(format!("{source} has no commit on a branch of its own: it may be empty"))
        })?;
        Ok(Version { name, commit })
    }

    /// What the repository lists, each as its name and its id.
    fn listed(
        &self,
        source: &Source,
        flags: &[&str],
        patterns: &[&str],
        stop: &AtomicBool,
    ) -> Result<Vec<(String, String)>, GitError> {
        let mut command = self.command(None);
        command.arg("ls-remote").args(flags).args(["--", source.url()]).args(patterns);
        let lines = said(&mut command, source, stop)?;
        let pair = |line: &String| line.split_once('\t').map(|(id, name)| (name.to_owned(), id.to_owned()));
        Ok(lines.iter().filter_map(pair).collect())
    }

    /// Brings the files of a commit into a new folder: that commit alone, where the server gives it so.
    ///
    /// # Errors
    /// When it cannot be fetched, or the folder cannot be written.
    pub fn fetch(
        &self,
        source: &Source,
        commit: &str,
        folder: &Path,
        submodules: bool,
        stop: &AtomicBool,
    ) -> Result<(), GitError> {
        // Without templates: what a user's would bring along are hooks.
        let mut init = self.command(None);
        said(init.args(["init", "--quiet", "--template=", "--"]).arg(folder), source, stop)?;
        let inside = |args: &[&str]| said(self.command(Some(folder)).args(args), source, stop);
        inside(&["remote", "add", "origin", source.url()])?;
        let fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
        let alone = inside(&[&fetch[..], &["--depth=1", "--", "origin", commit]].concat());
        match alone {
            // Some servers give what has a name only, and some nothing shallow.
            Err(GitError::Unreadable(_)) => {
                let all = ["--", "origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
                inside(&[&fetch[..], &all].concat())?;
            }
            other => _ = other?,
        }
        if inside(&["cat-file", "-e", &format!("{commit}^{{commit}}")]).is_err() {
            return Err(GitError::NoVersion(format!("{source} has no commit {commit} on a branch or a tag")));
        }
        inside(&["checkout", "--quiet", "--detach", commit, "--"])?;
        if submodules {
            inside(&["submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"])?;
        }
        Ok(())
    }

    fn command(&self, folder: Option<&Path>) -> Command {
        let mut command = Command::new("git");
        if let Some(folder) = folder {
            command.arg("-C").arg(folder);
        }
        command.args(["-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"]);
        not_elsewhere(&mut command);
        command.env("GIT_TERMINAL_PROMPT", "0").env("GCM_INTERACTIVE", "never").env("GIT_ALLOW_PROTOCOL", WAYS);
        if let Some(ssh) = self.ssh {
            command.env("GIT_SSH_COMMAND", ssh);
        }
        command.stdin(Stdio::null());
        command
    }
}

/// Takes the variables that say where git works out of a program's environment: git's own, or one that may run git.
pub(crate) fn not_elsewhere(command: &mut Command) {
    ELSEWHERE.iter().for_each(|name| _ = command.env_remove(name));
}

/// A whole id of a commit, of either kind.
fn is_commit(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Runs git; its lines.
fn said(command: &mut Command, source: &Source, stop: &AtomicBool) -> Result<Vec<String>, GitError> {
    let mut lines = Vec::new();
    let ended = run(command, stop, &mut |line| lines.push(String::from_utf8_lossy(line).into_owned()));
    let ended = ended.map_err(GitError::Missing)?;
    if ended.stopped {
        return Err(GitError::Stopped);
    }
    if ended.well() {
        return Ok(lines);
    }
    // The reason stands at the end, behind what was tried.
    let told: Vec<String> =
        lines.iter().filter(|line| !line.trim().is_empty()).map(|line| source.cleaned(line)).collect();
    let last = told.iter().skip(told.len().saturating_sub(TOLD)).map(String::as_str).collect::<Vec<_>>().join("\n");
    Err(GitError::Unreadable(if last.is_empty() { format!("git ended with {ended}") } else { last }))
}
