//! What an installation of `cellc` takes along: completions that shells can read, and manual pages without a fault.

use std::path::Path;
use std::process::{Command, Stdio};

use cell_tests::binary::{built, cellc};
use cell_tests::{diff, failures, report, repository};

/// What a program prints, with its standard error behind it.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout) + &text(&output.stderr))
    } else {
        Err(format!("{command:?}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr)))
    }
}

fn completions(shell: &str) -> Result<String, String> {
    said(Command::new(built()?).args(["completions", shell]))
}

#[test]
fn every_shell_gets_its_completions() {
    let shells = ["bash", "zsh", "fish", "powershell", "elvish"];
    let failed = failures(&shells, |shell| {
        let script = completions(shell)?;
        let missing: Vec<&str> = ["completions", "destroy", "sandbox", "--detailed-exitcode", "--max-steps"]
            .into_iter()
            // Fish writes a flag's name without its dashes.
            .filter(|word| !script.contains(word.trim_start_matches('-')))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{shell}: nothing is said of {missing:?}")) }
    });
    report(shells.len(), &failed);
}

/// What bash offers after these words; the last one is being typed.
fn offered(words: &[&str]) -> Vec<String> {
    let listed = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let last = words.len() - 1;
    let ask = format!(
        "{}\nCOMP_WORDS=({listed}); COMP_CWORD={last}; COMPREPLY=()\n_cellc cellc '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        completions("bash").unwrap(),
        words[last],
        words[last - 1],
    );
    // A script of this size fits into no argument.
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), ask).unwrap();
    let offers = said(Command::new("bash").arg("--norc").arg(script.path())).unwrap();
    offers.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    assert_eq!(offered(&["cellc", "comp"]), ["completions"]);
    assert_eq!(offered(&["cellc", "registry", "un"]), ["unlock"]);
    assert_eq!(offered(&["cellc", "plan", "--detailed"]), ["--detailed-exitcode"]);
    assert_eq!(offered(&["cellc", "apply", "--cloud", "s"]), ["sandbox"]);
    assert_eq!(offered(&["cellc", "completions", "z"]), ["zsh"]);
}

/// The other shells read their scripts without a complaint, where they are installed.
#[test]
fn installed_shells_read_their_completions() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, before) in [("zsh", "autoload -Uz compinit; compinit -u -D\n"), ("fish", "")] {
        let there = Command::new(shell).arg("--version").stdin(Stdio::null()).output().is_ok();
        if !there {
            continue;
        }
        let script = folder.path().join(shell);
        std::fs::write(&script, format!("{before}{}", completions(shell).unwrap())).unwrap();
        assert_eq!(said(Command::new(shell).arg(&script)).unwrap(), "", "{shell}");
    }
}

/// What groff has to say against a page: nothing.
fn faults(page: &Path) -> Result<(), String> {
    match said(Command::new("groff").args(["-Kutf8", "-man", "-Tutf8", "-ww", "-z"]).arg(page))? {
        said if said.is_empty() => Ok(()),
        said => Err(said),
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("share/man/man1");
    let output = cellc(repository::root(), &["man", "--out", pages.to_str().unwrap()], &[]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found: Vec<_> = std::fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    let names: Vec<String> =
        found.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for expected in ["cellc.1", "cellc-apply.1", "cellc-registry-show.1", "cellc-test.1"] {
        assert!(names.iter().any(|name| name == expected), "{expected} is not among {names:?}");
    }
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.ends_with(&format!(": {} pages\n", names.len())), "{told}");
    report(found.len(), &failures(&found, |page| faults(page)));
    let read = said(Command::new("groff").args(["-Kutf8", "-man", "-Tascii", "-P-c"]).arg(&found[0])).unwrap();
    assert!(read.contains("cellc"), "{read}");
    // The first page is what the command prints without a folder.
    let printed = cellc(repository::root(), &["man"], &[]).unwrap();
    let written = std::fs::read_to_string(pages.join("cellc.1")).unwrap();
    let difference = diff::difference(&written, &String::from_utf8_lossy(&printed.stdout));
    assert!(difference.is_none(), "{}", difference.unwrap_or_default());
}
