//! Targets, by the program `make`: which a repository has, and running one. Owns the command lines and how make's own list
//! of what it read is understood; what a target does is its own affair.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use super::git::not_elsewhere;
use super::process::{Ended, run};

/// A target that no file has: asked for it, make reads what it reads, lists it, and runs no recipe.
const NONE: &str = ".cellc-asks-for-no-target";
/// Lines of what make says that are told.
const TOLD: usize = 6;
/// What a make that runs `cellc` would hand on to the one that `cellc` runs.
const HANDED_ON: [&str; 5] = ["MAKEFLAGS", "MFLAGS", "GNUMAKEFLAGS", "MAKELEVEL", "MAKEFILES"];

/// The program.
#[derive(Debug)]
pub struct Make {
    name: &'static str,
}

/// What a folder has of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A rule for it.
    There,
    /// None.
    Missing,
    /// A rule for it, and a file of its name, and it is not `.PHONY`: make says that it is up to date and runs nothing.
    Shadowed,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// There is no GNU make.
    #[error("GNU make cannot be run: {0}")]
    Missing(String),
    /// The folder has no file that make reads.
    #[error("it has no Makefile")]
    NoMakefile,
    /// make cannot read it; what it said.
    #[error("{0}")]
    Unreadable(String),
    /// It was told to stop.
    #[error("it was interrupted")]
    Stopped,
}

impl Make {
    /// Finds it: `make`, or `gmake` where that is another's.
    ///
    /// # Errors
    /// When neither is GNU make.
    pub fn find() -> Result<Self, MakeError> {
        let mut why = String::from("neither `make` nor `gmake` is GNU make");
        for name in ["make", "gmake"] {
            match Command::new(name).arg("--version").stdin(Stdio::null()).output() {
                Ok(output) if String::from_utf8_lossy(&output.stdout).contains("GNU Make") => {
                    return Ok(Self { name });
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => why = error.to_string(),
            }
        }
        Err(MakeError::Missing(why))
    }

    /// Looks for targets. make reads the Makefile with these variables, which runs what its `$(shell …)` say and makes the
    /// files that it includes; no other recipe is run.
    ///
    /// # Errors
    /// When there is no Makefile, or make cannot read it.
    pub fn look(
        &self,
        folder: &Path,
        targets: &[&str],
        set_up: &dyn Fn(&mut Command),
        stop: &AtomicBool,
    ) -> Result<Vec<Target>, MakeError> {
        if !["GNUmakefile", "makefile", "Makefile"].iter().any(|name| folder.join(name).is_file()) {
            return Err(MakeError::NoMakefile);
        }
        let mut command = self.command(folder);
        set_up(&mut command);
        command.env("LC_ALL", "C").args(["-p", "-q", "-r", "--", NONE]).stdin(Stdio::null());
        let mut lines = Vec::new();
        let ended = run(&mut command, stop, &mut |line| lines.push(String::from_utf8_lossy(line).into_owned()));
        let ended = ended.map_err(|error| MakeError::Missing(error.to_string()))?;
        if ended.stopped {
            return Err(MakeError::Stopped);
        }
        let asked = lines.iter().any(|line| line.contains("No rule to make target") && line.contains(NONE));
        // 0 and 1: a rule for everything took it.
        if !asked && !matches!(ended.status.code(), Some(0 | 1)) {
            let told: Vec<&String> = lines.iter().filter(|line| line.contains("***")).take(TOLD).collect();
            let told = told.iter().map(|line| line.as_str()).collect::<Vec<_>>().join("\n");
            return Err(MakeError::Unreadable(if told.is_empty() {
                format!("make ended with {ended}")
            } else {
                told
            }));
        }
        let list = List::read(lines.iter().map(String::as_str));
        Ok(targets.iter().map(|target| list.has(target, folder.join(target).exists())).collect())
    }

    /// Looks for one target, as [`Self::look`] does.
    ///
    /// # Errors
    /// As there.
    pub fn look_for(
        &self,
        folder: &Path,
        target: &str,
        set_up: &dyn Fn(&mut Command),
        stop: &AtomicBool,
    ) -> Result<Target, MakeError> {
        let found = self.look(folder, &[target], set_up, stop)?;
        Ok(found.first().copied().unwrap_or(Target::Missing))
    }

    /// Runs a target; `line` gets what it says.
    ///
    /// # Errors
    /// When make cannot be started.
    pub fn run(
        &self,
        folder: &Path,
        target: &str,
        set_up: &dyn Fn(&mut Command),
        stop: &AtomicBool,
        line: &mut dyn FnMut(&[u8]),
    ) -> io::Result<Ended> {
        let mut command = self.command(folder);
        set_up(&mut command);
        run(command.args(["--", target]), stop, line)
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(self.name);
        command.args(["--no-print-directory", "-C"]).arg(folder);
        not_elsewhere(&mut command);
        HANDED_ON.iter().for_each(|name| _ = command.env_remove(name));
        command
    }
}

/// What make has read, by its own list (`make -p`).
#[derive(Debug, Default)]
struct List {
    /// Names with a rule.
    rules: BTreeSet<String>,
    /// Those that are `.PHONY`.
    phony: BTreeSet<String>,
    /// Patterns with a rule, as what stands before and behind their `%`.
    patterns: Vec<(String, String)>,
}

impl List {
    fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let (mut list, mut part, mut not, mut last) = (Self::default(), Part::Other, false, None);
        for line in lines {
            match line {
                "# Implicit Rules" => part = Part::Implicit,
                "# Files" => part = Part::Files,
                _ if line.starts_with("# files hash-table stats") => part = Part::Other,
                "# Not a target:" => not = true,
                _ if line.starts_with("#  Phony target") => list.phony.extend(last.clone()),
                _ if line.is_empty() || line.starts_with(['#', '\t']) => {}
                _ => {
                    let Some((names, _)) = line.split_once(':') else { continue };
                    match part {
                        Part::Other => {}
                        Part::Implicit => {
                            let pair = |name: &str| name.split_once('%').map(|(a, b)| (a.to_owned(), b.to_owned()));
                            list.patterns.extend(names.split(' ').filter_map(pair));
                        }
                        Part::Files if not => {}
                        Part::Files => {
                            last = Some(names.to_owned());
                            list.rules.insert(names.to_owned());
                        }
                    }
                    not = false;
                }
            }
        }
        list
    }

    fn has(&self, target: &str, file: bool) -> Target {
        let long = |(before, behind): &&(String, String)| target.len() > before.len() + behind.len();
        let fits = |(before, behind): &(String, String)| target.starts_with(before) && target.ends_with(behind);
        let by_pattern = || self.patterns.iter().filter(long).any(fits);
        match () {
            () if self.phony.contains(target) => Target::There,
            () if !self.rules.contains(target) && !self.rules.contains(".DEFAULT") && !by_pattern() => {
                Target::Missing
            }
            () if file => Target::Shadowed,
            () => Target::There,
        }
    }
}

/// A part of the list.
#[derive(Debug, Clone, Copy)]
enum Part {
    Implicit,
    Files,
    Other,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    const MAKEFILE: &str = "\
.PHONY: cell-bootstrap pipeline-build
cell-bootstrap: before
\t@echo run > ran
before:
\t+echo before > ran
pipeline-build: ; @true
plain:
\techo plain > ran
shadowed:
\techo shadowed > ran
%-by-pattern:
\techo $* > ran
include made.mk
made.mk:
\techo 'from-made: ; true' > $@
";

    fn look(makefile: &str, targets: &[&str]) -> Result<Vec<Target>, MakeError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Makefile"), makefile).unwrap();
        for file in ["shadowed", "pipeline-build", "only-a-file"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let found = Make::find()?.look(folder.path(), targets, &|_| {}, &AtomicBool::new(false));
        assert!(!folder.path().join("ran").exists(), "a recipe was run");
        found
    }

    #[test]
    fn targets_are_found_and_no_recipe_is_run() {
        use Target::{Missing, Shadowed, There};
        for (target, expected) in [
            ("cell-bootstrap", There),
            ("pipeline-build", There),
            ("plain", There),
            ("from-made", There),
            ("x-by-pattern", There),
            ("-by-pattern", Missing),
            ("shadowed", Shadowed),
            ("only-a-file", Missing),
            ("gcp-cell-bootstrap", Missing),
            ("Makefile", Missing),
            // A variable of make's, and a word of its list.
            ("SHELL", Missing),
        ] {
            assert_eq!(look(MAKEFILE, &[target]).unwrap(), [expected], "{target}");
        }
        assert_eq!(look(".DEFAULT: ; echo $@ > ran", &["any"]).unwrap(), [There]);
    }

    #[test]
    fn what_make_cannot_read_is_told_by_its_words() {
        let said = look("a:\n  no tab\n", &["a"]).unwrap_err().to_string();
        assert!(said.contains("Makefile:2") && said.contains("missing separator"), "{said}");
        let said = look("$(error CELL is not set)\n", &["a"]).unwrap_err().to_string();
        assert!(said.contains("CELL is not set"), "{said}");
        let empty = tempfile::tempdir().unwrap();
        let found = Make::find().unwrap().look(empty.path(), &["a"], &|_| {}, &AtomicBool::new(false));
        assert!(matches!(found, Err(MakeError::NoMakefile)));
    }

    #[test]
    fn a_target_runs_as_if_no_make_had_run_cellc() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Makefile"), "up: ; @echo $(MAKELEVEL) $(CELL) $(notdir $(CURDIR)); exit 3")
            .unwrap();
        let mut lines = Vec::new();
        let set_up = |command: &mut Command| _ = command.env("CELL", "cell.a").stdin(Stdio::null());
        let ended = Make::find().unwrap().run(folder.path(), "up", &set_up, &AtomicBool::new(false), &mut |line| {
            lines.push(String::from_utf8_lossy(line).into_owned());
        });
        assert_eq!(ended.unwrap().status.code(), Some(2));
        let name = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(lines[0], format!("0 cell.a {name}"));
    }
}
