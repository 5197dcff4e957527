//! Packages, the lock and the border of the project, as a user meets them.

use std::fs;
use std::path::Path;

use cell_tests::binary::cellc;

const PROGRAM: &str = "import \"acme@1.2.0/names.cell\" as names\ngroup g { name = names.team }\n";

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = cellc(folder, arguments, &[]).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("packages/acme@1.2.0");
    fs::create_dir_all(&package).unwrap();
    fs::write(folder.path().join("main.cell"), PROGRAM).unwrap();
    fs::write(folder.path().join("cell.lock"), "").unwrap();
    fs::write(package.join("names.cell"), "import \"./deep.cell\" as deep\nexport let team = deep.team\n").unwrap();
    fs::write(package.join("deep.cell"), "export let team = \"platform\"\n").unwrap();
    folder
}

/// A package is read only as the lock pins it, each of its files.
#[test]
fn a_package_is_read_as_it_is_pinned() {
    let folder = project();
    let (status, out, said) = run(folder.path(), &["check"]);
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(said.contains("E0210") && said.contains("`acme@1.2.0/names.cell` is not pinned"), "{said}");

    let (status, out, said) = run(folder.path(), &["lock"]);
    assert_eq!(status, 0, "{said}");
    assert!(out.contains("2 files pinned"), "{out}");
    assert_eq!(run(folder.path(), &["check"]).0, 0);

    let deep = folder.path().join("packages/acme@1.2.0/deep.cell");
    fs::write(&deep, "export let team = \"intruders\"\n").unwrap();
    for command in ["check", "expand", "lock"] {
        let (status, out, said) = run(folder.path(), &[command]);
        assert_eq!((status, out.as_str()), (1, ""), "{command}");
        assert!(said.contains("E0210") && said.contains("`acme@1.2.0/deep.cell` is not the file"), "{said}");
    }
    let (status, _, said) = run(folder.path(), &["lock", "--update"]);
    assert_eq!(status, 0, "{said}");
    let (status, out, _) = run(folder.path(), &["expand"]);
    assert_eq!(status, 0);
    assert!(out.contains("\"intruders\""), "{out}");
}

/// A package stays in its own folder.
#[test]
fn a_package_does_not_reach_into_the_project() {
    let folder = project();
    fs::write(folder.path().join("secret.cell"), "export let team = \"x\"\n").unwrap();
    let names = folder.path().join("packages/acme@1.2.0/names.cell");
    fs::write(&names, "import \"../../secret.cell\" as s\nexport let team = s.team\n").unwrap();
    let (status, _, said) = run(folder.path(), &["lock"]);
    assert_eq!(status, 1);
    assert!(said.contains("E0208"), "{said}");
}

/// A lock that cannot be read is told, and nothing is done.
#[test]
fn a_broken_lock_is_told() {
    let folder = project();
    fs::write(folder.path().join("cell.lock"), "{\"format_version\": \"9.0\", \"packages\": {}}").unwrap();
    for command in ["check", "lock"] {
        let (status, out, said) = run(folder.path(), &[command]);
        assert_eq!((status, out.as_str()), (1, ""));
        assert!(said.contains("cell.lock has format 9.0"), "{said}");
    }
    fs::write(folder.path().join("cell.lock"), "not json").unwrap();
    assert!(run(folder.path(), &["check"]).2.contains("cell.lock cannot be read"));
}

/// `..`, absolute paths and links do not leave the project.
#[cfg(unix)]
#[test]
fn nothing_outside_the_project_is_read() {
    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("secret.cell"), "export let x = 1\n").unwrap();
    let folder = outer.path().join("project");
    fs::create_dir_all(folder.join("lib")).unwrap();
    fs::write(folder.join("cell.lock"), "").unwrap();
    std::os::unix::fs::symlink("../secret.cell", folder.join("link.cell")).unwrap();
    std::os::unix::fs::symlink("..", folder.join("up")).unwrap();
    let secret = outer.path().join("secret.cell");
    let absolute = secret.to_str().unwrap();
    let paths = ["../secret.cell", "./lib/../../secret.cell", "./link.cell", "./up/secret.cell"];
    for path in paths {
        fs::write(folder.join("main.cell"), format!("import \"{path}\" as s\nlet y = s.x\n")).unwrap();
        let (status, out, said) = run(&folder, &["check"]);
        assert_eq!((status, out.as_str()), (1, ""), "{path}");
        assert!(said.contains("E0208"), "{path}: {said}");
    }
    fs::write(folder.join("main.cell"), format!("import \"{absolute}\" as s\n")).unwrap();
    assert!(run(&folder, &["check"]).2.contains("E0218"));
    fs::write(folder.join("main.cell"), "scp a { file = file(\"../secret.cell\") }\n").unwrap();
    assert!(run(&folder, &["check"]).2.contains("E0208"));
    fs::write(folder.join("main.cell"), "scp a { file = file(\"link.cell\") }\n").unwrap();
    assert_eq!(run(&folder, &["check"]).0, 1);
}

/// Every file of a program's folder is checked, imported or not; a file named alone brings only what it needs.
#[test]
fn a_module_nobody_uses_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("lib/other")).unwrap();
    fs::write(folder.path().join("main.cell"), "group g {}\n").unwrap();
    fs::write(folder.path().join("lib/unused.cell"), "param n: Int\nlet x: Int = \"one\"\n").unwrap();
    fs::write(folder.path().join("lib/other/main.cell"), "let x: Int = \"another program\"\n").unwrap();
    let (status, _, said) = run(folder.path(), &["check", "."]);
    assert_eq!(status, 1);
    assert!(said.contains("unused.cell:2:14") && !said.contains("another program"), "{said}");
    assert_eq!(run(folder.path(), &["check", "main.cell"]).0, 0);
}
