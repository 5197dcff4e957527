//! `cellc bootstrap` and `cellc lint-repo`, with the real git and the real make on repositories made here: order, what a
//! target is told, failures, interruptions, kills, and every way a repository is fetched by.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cell_tests::momento::{Project, Ran};
use cell_tests::{at_once, binary, repository};
use serde_json::Value;

const PROGRAM: &str = r#"
org acme {
  management_account = "111111111111"
  accounts { email = "aws+\(.name)@acme.example", ou = ou.cells }
}
ou cells {}
cell east { kind = "alpha", region = "us-west-2", size = "small" }
cell plain { kind = "alpha", cloud = "gcp", region = "us-east1", project = "acme-plain" }
component web {
  repo = "../repositories/web"
  after = [component.cache]
  bootstrap = { "aws" = "cell-bootstrap" }
  deploy make { target = "deploy" }
}
component cache {
  repo = "../repositories/cache"
  after = [component.network]
  deploy make { target = "deploy" }
  parameters { SHARDS = 3, role = if .cloud == "aws" then "arn:aws:iam::\(.account_id):role/cache" else "none" }
}
component network { repo = "../repositories/network", deploy make { target = "deploy" } }
"#;

/// What every repository of these tests does: it says so, notes that it ran, and keeps what it was told. Before it ends it
/// waits while there is a file `hold-NAME`; it fails while there is a file `fail-NAME`.
fn makefile(name: &str) -> String {
    format!(
        "\
.PHONY: cell-bootstrap gcp-cell-bootstrap pipeline-build deploy
cell-bootstrap gcp-cell-bootstrap:
\t@echo \"$@ of {name} in $(CELL_ACCOUNT_ID)$(CELL_PROJECT)\"
\t@echo {name} $@ >> $(OUT)/ran
\t@env | grep '^CELL' | sort > $(OUT)/{name}.env
\t@cp $(CELL_FILE) $(OUT)/{name}.json && stat -c %a $(CELL_FILE) > $(OUT)/{name}.mode
\t@printf 'red \\033[31mred\\033[0m \\033[2Jclear\\n' >&2
\t@while [ -e $(OUT)/hold-{name} ]; do sleep 0.05; done
\t@test ! -e $(OUT)/fail-{name}
pipeline-build deploy: ; @true
"
    )
}

/// A program, its repositories beside it, and what their targets leave.
struct World {
    project: Project,
    around: tempfile::TempDir,
}

type Checked = Result<(), String>;

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn git(folder: &Path, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "user.name=t", "-c", "user.email=t@t.example"]).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("this test needs git: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("git {args:?}: {said}"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl World {
    /// The program, applied on the sandbox. Paths of repositories begin at the program's folder.
    fn new() -> Result<Self, String> {
        Self::of(PROGRAM)
    }

    fn of(program: &str) -> Result<Self, String> {
        let world = Self::unapplied(program)?;
        world.run(&["apply", "--yes"])?.ended(0)?;
        Ok(world)
    }

    fn unapplied(program: &str) -> Result<Self, String> {
        if Command::new("make").arg("--version").output().is_err() {
            return Err("this test needs GNU make".to_owned());
        }
        let around = tempfile::tempdir().map_err(told)?;
        let repositories = around.path().join("repositories");
        let program = program.replace("../repositories", &repositories.display().to_string());
        let world = Self { project: Project::of(&program)?, around };
        fs::create_dir(world.around.path().join("out")).map_err(told)?;
        for name in ["network", "cache", "web"] {
            let folder = world.repository(name);
            fs::create_dir_all(&folder).map_err(told)?;
            git(&folder, &["init", "--quiet", "--initial-branch=main"])?;
            world.commit(name, &makefile(name))?;
        }
        Ok(world)
    }

    fn repository(&self, name: &str) -> PathBuf {
        self.around.path().join("repositories").join(name)
    }

    /// Another commit of a repository; its id.
    fn commit(&self, name: &str, makefile: &str) -> Result<String, String> {
        let folder = self.repository(name);
        fs::write(folder.join("Makefile"), makefile).map_err(told)?;
        git(&folder, &["add", "--all"])?;
        git(&folder, &["commit", "--quiet", "--allow-empty", "--message=more"])?;
        git(&folder, &["rev-parse", "HEAD"])
    }

    fn out(&self, name: &str) -> PathBuf {
        self.around.path().join("out").join(name)
    }

    fn environment(&self) -> Vec<(String, String)> {
        let path = std::env::var("PATH").unwrap_or_default();
        let out = self.out("").display().to_string();
        [("PATH", path.as_str()), ("OUT", &out), ("CELLC_CLOUD", "sandbox"), ("GIT_CONFIG_NOSYSTEM", "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn run(&self, args: &[&str]) -> Result<Ran, String> {
        self.run_in(args, &[])
    }

    fn run_in(&self, args: &[&str], more: &[(&str, &str)]) -> Result<Ran, String> {
        let environment = self.environment();
        let mut all: Vec<(&str, &str)> = environment.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        all.extend(more);
        self.project.run_in(args, &all)
    }

    /// Starts a bootstrap, and waits until a target has said all it says: with nobody to read it, it would end of that.
    fn start(&self, name: &str) -> Result<(Child, BufReader<std::process::ChildStderr>), String> {
        let mut command = Command::new(binary::built()?);
        command.args(["bootstrap", "east"]).current_dir(self.project.path()).env_clear().envs(self.environment());
        command.env("HOME", self.project.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(told)?;
        let mut said = BufReader::new(child.stderr.take().ok_or("no standard error")?);
        let mut line = String::new();
        let component = format!("component.{name} ");
        while !(line.starts_with(&component) && line.contains("clear")) {
            line.clear();
            if said.read_line(&mut line).map_err(told)? == 0 {
                return Err(format!("it ended before the target of {name} ran"));
            }
        }
        Ok((child, said))
    }

    /// What ran since the last time this was asked.
    fn ran(&self) -> Vec<String> {
        let text = fs::read_to_string(self.out("ran")).unwrap_or_default();
        let _ = fs::remove_file(self.out("ran"));
        text.lines().map(str::to_owned).collect()
    }

    fn must_have_run(&self, expected: &[&str]) -> Checked {
        let ran = self.ran();
        if ran == expected { Ok(()) } else { Err(format!("ran {ran:?}, expected {expected:?}")) }
    }

    fn put(&self, name: &str) {
        fs::write(self.out(name), "").unwrap();
    }

    fn take(&self, name: &str) {
        fs::remove_file(self.out(name)).unwrap();
    }
}

const ALL: [&str; 3] = ["network cell-bootstrap", "cache cell-bootstrap", "web cell-bootstrap"];

fn outcomes(document: &Value) -> Vec<(&str, &str)> {
    let all = document["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter()
        .map(|one| (one["component"].as_str().unwrap_or_default(), one["outcome"].as_str().unwrap_or_default()))
        .collect()
}

fn components_come_in_their_order_and_are_told_of_the_cell() {
    let world = World::new().unwrap();
    let account = world.run(&["registry", "show", "--format", "json"]).unwrap().json().unwrap();
    let published = account["record"]["cells"]["cell.east"].clone();
    let account = published["account_id"].as_str().unwrap().to_owned();
    let inherited = [("CELL_PROJECT", "of-another-cell"), ("CELL_PARAMETER_OLD", "x"), ("MAKEFLAGS", "n")];
    let ran = world.run_in(&["bootstrap", "cell.east"], &inherited).unwrap().ended(0).unwrap();
    world.must_have_run(&ALL).unwrap();
    let hello = format!("component.cache   | cell-bootstrap of cache in {account}");
    assert!(ran.stderr.lines().any(|line| line == hello), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("sandbox: the cell is an emulated one, and its targets are run for real"),
        "{}",
        ran.stderr
    );
    // Colours go, and what does more than colour is shown.
    assert!(ran.stderr.contains("| red red \\u{1b}[2Jclear") && !ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
    assert!(ran.stdout.contains("cell.east: 3 components done; "), "{}", ran.stdout);
    assert!(ran.stdout.contains(" s after its account was last applied"), "{}", ran.stdout);

    let environment = fs::read_to_string(world.out("cache.env")).unwrap();
    let head = git(&world.repository("cache"), &["rev-parse", "HEAD"]).unwrap();
    let mut expected = vec![
        "CELL=cell.east".to_owned(),
        format!("CELL_ACCOUNT_ID={account}"),
        "CELL_CLOUD=aws".to_owned(),
        "CELL_COMPONENT=component.cache".to_owned(),
        "CELL_KIND=alpha".to_owned(),
        "CELL_NAME=east".to_owned(),
        "CELL_PARAMETER_ROLE=arn:aws:iam::ACCOUNT:role/cache".replace("ACCOUNT", &account),
        "CELL_PARAMETER_SHARDS=3".to_owned(),
        "CELL_REGION=us-west-2".to_owned(),
        "CELL_SIZE=small".to_owned(),
        format!("CELL_VERSION={head}"),
    ];
    let found: Vec<&str> =
        environment.lines().filter(|line| !line.starts_with("CELLC_") && !line.starts_with("CELL_FILE=")).collect();
    expected.sort();
    let mut sorted = found.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    let document: Value = serde_json::from_str(&fs::read_to_string(world.out("cache.json")).unwrap()).unwrap();
    assert_eq!((&document["cell"], &document["address"]), (&published, &Value::from("cell.east")));
    assert_eq!(document["parameters"]["SHARDS"], 3);
    assert_eq!(fs::read_to_string(world.out("cache.mode")).unwrap().trim(), "600");
    // Nothing is left but the notes, and nothing was put beside the program.
    let left = world.project.path().join(".cellc/bootstrap/cell.east");
    let mut left: Vec<String> =
        fs::read_dir(left).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    left.sort();
    assert_eq!(left, ["lock", "notes.json"]);
}

fn what_is_done_is_not_done_again_unless_it_is_another() {
    let world = World::new().unwrap();
    world.run(&["bootstrap", "east"]).unwrap().ended(0).unwrap();
    world.ran();
    let again = world.run(&["bootstrap", "east"]).unwrap().ended(0).unwrap();
    assert!(again.stdout.contains("cell.east: nothing to do"), "{}", again.stdout);
    world.must_have_run(&[]).unwrap();
    // Another commit is another version.
    world.commit("cache", &(makefile("cache") + "# more\n")).unwrap();
    let document = world.run(&["bootstrap", "east", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    world.must_have_run(&["cache cell-bootstrap"]).unwrap();
    let expected =
        [("component.network", "done_already"), ("component.cache", "done"), ("component.web", "done_already")];
    assert_eq!(outcomes(&document), expected);
    assert_eq!((&document["outcome"], &document["components"][1]["version"]), (&"done".into(), &"main".into()));
    // And so is another parameter.
    world.project.edit(&[("SHARDS = 3", "SHARDS = 4")]).unwrap();
    world.run(&["bootstrap", "east"]).unwrap().ended(0).unwrap();
    world.must_have_run(&["cache cell-bootstrap"]).unwrap();
    world.run(&["bootstrap", "east", "--from", "cache"]).unwrap().ended(0).unwrap();
    world.must_have_run(&ALL[1..]).unwrap();
    world.run(&["bootstrap", "east", "--again"]).unwrap().ended(0).unwrap();
    world.must_have_run(&ALL).unwrap();
    // Notes that are none are not taken for any.
    fs::write(world.project.path().join(".cellc/bootstrap/cell.east/notes.json"), "{").unwrap();
    world.run(&["bootstrap", "east"]).unwrap().ended(1).unwrap().says(&["E0809", "--again"]).unwrap();
    world.run(&["bootstrap", "east", "--again"]).unwrap().ended(0).unwrap();
    world.must_have_run(&ALL).unwrap();
}

fn a_cell_on_google_cloud_takes_its_own_targets() {
    let program = PROGRAM.replace(
        "management_account = \"111111111111\"",
        "management_account = \"111111111111\"\n  registry = \"s3://acme-registry/cells.json\"",
    );
    let world = World::of(&program).unwrap();
    let ran = world.run(&["bootstrap", "plain"]).unwrap().ended(0).unwrap();
    world.must_have_run(&["network gcp-cell-bootstrap", "cache gcp-cell-bootstrap"]).unwrap();
    let ran = ran.says(&["gcp-cell-bootstrap of cache in acme-plain", "no target for gcp: nothing is run"]).unwrap();
    assert!(ran.stdout.contains("component.web      no target\n"), "{}", ran.stdout);
    assert!(!fs::read_to_string(world.out("cache.env")).unwrap().contains("CELL_ACCOUNT_ID"));
}

fn a_run_goes_on_at_the_component_that_failed() {
    let world = World::new().unwrap();
    world.put("fail-cache");
    let failed = world.run(&["bootstrap", "east"]).unwrap().ended(1).unwrap();
    let failed =
        failed.says(&["E0806", "`make cell-bootstrap` of component.cache failed: make ended with status 2"]).unwrap();
    assert!(failed.stdout.contains("1 component done, 1 failed, 1 not begun"), "{}", failed.stdout);
    world.must_have_run(&ALL[..2]).unwrap();
    assert!(world.project.path().join(".cellc/bootstrap/cell.east/cache/Makefile").is_file(), "to be looked at");
    // What is done stays so, at its commit; what failed comes at its newest.
    world.commit("network", &(makefile("network") + "# more\n")).unwrap();
    world.take("fail-cache");
    let head = world.commit("cache", &(makefile("cache") + "# mended\n")).unwrap();
    let document = world.run(&["bootstrap", "east", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    world.must_have_run(&ALL[1..]).unwrap();
    assert_eq!(document["components"][1]["commit"], head.as_str());
    // The bootstrap after that takes every component at its newest again.
    world.run(&["bootstrap", "east"]).unwrap().ended(0).unwrap();
    world.must_have_run(&ALL[..1]).unwrap();
}

fn a_run_that_is_killed_leaves_its_component_to_be_run_again() {
    let world = World::new().unwrap();
    world.put("hold-cache");
    let (mut child, _said) = world.start("cache").unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    world.must_have_run(&ALL[..2]).unwrap();
    // Its target goes on, and no other begins beside it.
    world
        .run(&["bootstrap", "east"])
        .unwrap()
        .ended(1)
        .unwrap()
        .says(&["E0808", "what it started still runs"])
        .unwrap();
    world.take("hold-cache");
    let begun = Instant::now();
    let ran = loop {
        let ran = world.run(&["bootstrap", "east"]).unwrap();
        if ran.status == 0 || begun.elapsed() > Duration::from_mins(5) {
            break ran;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    ran.ended(0).unwrap();
    world.must_have_run(&ALL[1..]).unwrap();
}

#[cfg(unix)]
fn ctrl_c_ends_the_target_and_says_so() {
    let world = World::new().unwrap();
    world.put("hold-cache");
    let (mut child, mut said) = world.start("cache").unwrap();
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{rest}");
    assert!(
        rest.contains("component.cache: interrupted; its target and what that started were told to end"),
        "{rest}"
    );
    assert!(rest.contains("E0606") && rest.contains("interrupted at component.cache"), "{rest}");
    world.take("hold-cache");
    world.ran();
    // Nothing of it holds the folder any more.
    world.run(&["bootstrap", "east"]).unwrap().ended(0).unwrap();
    world.must_have_run(&ALL[1..]).unwrap();
}

fn what_cannot_be_done_is_told_before_anything_is_run() {
    let world = World::new().unwrap();
    let refused = |args: &[&str], words: &[&str]| {
        let ran = world.run(&[&["bootstrap"], args].concat()).unwrap().ended(1).unwrap();
        ran.says(words).unwrap();
        world.must_have_run(&[]).unwrap();
    };
    refused(&["eest"], &["E0514", "the program has no cell `eest`", "did you mean `cell.east`?"]);
    refused(&["east", "--from", "cach"], &["E0514", "did you mean `component.cache`?"]);
    refused(&["east", "--version", "cache=v9"], &["E0803", "has no branch and no tag `v9`"]);
    refused(&["east", "--version", "cache=--upload-pack=x"], &["E0803", "no name of a branch"]);
    let commit = "0123456789012345678901234567890123456789";
    refused(&["east", "--version", &format!("cache={commit}")], &["E0803", "has no commit"]);
    world.run(&["bootstrap", "east", "--version", "cache"]).unwrap().ended(64).unwrap();

    world.commit("web", "cell-bootstrap:\n\ttouch $(OUT)/ran\n").unwrap();
    fs::write(world.repository("web").join("cell-bootstrap"), "").unwrap();
    world.commit("web", "cell-bootstrap: ; touch $(OUT)/ran\n").unwrap();
    refused(&["east"], &["E0805", "no `cell-bootstrap` in the Makefile of component.web", "it is not `.PHONY`"]);
    world.commit("web", "deploy: ; touch $(OUT)/ran\n").unwrap();
    refused(&["east"], &["E0805", "component.web", "there is no rule for it", "nothing was run"]);
    world.commit("web", "deploy:\n  x\n").unwrap();
    refused(&["east"], &["E0805", "component.web", "missing separator"]);
    fs::remove_dir_all(world.repository("web")).unwrap();
    refused(&["east"], &["E0804", "component.web"]);
    for (repo, words) in [
        ("ext::sh -c touch% ran", "it names a program to be run"),
        ("-oProxyCommand=x", "would be taken for an option"),
        ("http://git.acme.example/web", "nothing protects what comes that way"),
    ] {
        let path = world.project.path().join("main.cell");
        let text = fs::read_to_string(&path).unwrap();
        let from = format!("{:?}", world.repository("web").display().to_string());
        fs::write(&path, text.replace(&from, &format!("{repo:?}"))).unwrap();
        refused(&["east"], &["E0802", "component.web", words]);
        fs::write(&path, text).unwrap();
    }
    // A cell that was not applied yet.
    world.project.append("cell west { kind = \"alpha\", region = \"us-west-2\" }\n").unwrap();
    refused(&["west"], &["E0801", "it was not applied yet", "`cellc apply --only cell.west`"]);
    let nowhere = [("PATH", "/nonexistent")];
    world.run_in(&["bootstrap", "east"], &nowhere).unwrap().ended(1).unwrap().says(&["E0807", "git"]).unwrap();
}

fn versions_are_branches_tags_and_commits() {
    let world = World::new().unwrap();
    let folder = world.repository("cache");
    let first = git(&folder, &["rev-parse", "HEAD"]).unwrap();
    git(&folder, &["tag", "--annotate", "v1", "--message=v1"]).unwrap();
    git(&folder, &["branch", "both"]).unwrap();
    git(&folder, &["tag", "both"]).unwrap();
    world.commit("cache", &(makefile("cache") + "# 2\n")).unwrap();
    git(&folder, &["checkout", "--quiet", "-b", "next"]).unwrap();
    let next = world.commit("cache", &(makefile("cache") + "# 3\n")).unwrap();
    git(&folder, &["checkout", "--quiet", "main"]).unwrap();
    for (version, commit) in
        [("v1", &first), ("next", &next), ("refs/tags/v1", &first), (&first, &first), ("refs/heads/both", &first)]
    {
        let version = format!("component.cache={version}");
        let args = ["bootstrap", "east", "--again", "--version", &version, "--format", "json"];
        let document = world.run(&args).unwrap().ended(0).unwrap().json().unwrap();
        assert_eq!(document["components"][1]["commit"], commit.as_str(), "{version}");
        let told = fs::read_to_string(world.out("cache.env")).unwrap();
        assert!(told.contains(&format!("CELL_VERSION={commit}")), "{version}: {told}");
    }
    let both = world.run(&["bootstrap", "east", "--version", "cache=both"]).unwrap().ended(1).unwrap();
    both.says(&["E0803", "a branch and a tag `both`", "refs/tags/both"]).unwrap();
    // A version that was asked for is asked for again by the run that goes on.
    world.put("fail-cache");
    world.run(&["bootstrap", "east", "--again", "--version", "cache=v1"]).unwrap().ended(1).unwrap();
    world.take("fail-cache");
    let document = world.run(&["bootstrap", "east", "--format", "json"]).unwrap().ended(0).unwrap().json().unwrap();
    assert_eq!(document["components"][1]["version"], "v1");
}

/// The record in a file is read without any credentials.
fn the_record_is_all_that_is_needed_of_a_cloud() {
    let world = World::new().unwrap();
    let own = world.project.path().join(".cellc");
    fs::copy(own.join("sandbox/registry.json"), own.join("registry.json")).unwrap();
    fs::remove_dir_all(own.join("sandbox")).unwrap();
    world.run_in(&["bootstrap", "east"], &[("CELLC_CLOUD", "aws")]).unwrap().ended(0).unwrap();
    world.must_have_run(&ALL).unwrap();
}

fn lint_repo_says_which_repositories_lack_a_target() {
    let world = World::unapplied(PROGRAM).unwrap();
    let sound = world.run(&["lint-repo"]).unwrap().ended(0).unwrap();
    assert!(
        sound.stdout.contains("component.network  main at ") && sound.stdout.contains(", has its 4 targets"),
        "{}",
        sound.stdout
    );
    assert!(
        sound.stdout.contains("it says no target of a bootstrap on gcp, and has cells there"),
        "{}",
        sound.stdout
    );
    world.commit("cache", ".PHONY: cell-bootstrap\ncell-bootstrap: ; @touch $(OUT)/ran\n").unwrap();
    let lacking = world.run(&["lint-repo"]).unwrap().ended(1).unwrap();
    for line in [
        "  there  cell-bootstrap  (bootstrap on aws)",
        "  lacks  gcp-cell-bootstrap  (bootstrap on gcp)",
        "  lacks  pipeline-build  (build)",
    ] {
        assert!(lacking.stdout.lines().any(|found| found == line), "{}", lacking.stdout);
    }
    lacking.says(&["E0805", "no `deploy` in the Makefile of component.cache"]).unwrap();
    world.must_have_run(&[]).unwrap();
    world.run(&["lint-repo", "--only", "web"]).unwrap().ended(0).unwrap();
    fs::remove_dir_all(world.repository("web")).unwrap();
    let document = world.run(&["lint-repo", "--format", "json"]).unwrap().ended(1).unwrap();
    let document = document.says(&["E0804", "component.web"]).unwrap().json().unwrap();
    let cache = document["components"].as_array().unwrap().iter().find(|one| one["component"] == "component.cache");
    let targets = cache.unwrap()["targets"].as_array().unwrap();
    let lacks: Vec<&str> =
        targets.iter().filter(|one| !one["wrong"].is_null()).filter_map(|one| one["target"].as_str()).collect();
    assert_eq!(lacks, ["deploy", "gcp-cell-bootstrap", "pipeline-build"]);
}

/// Over ssh, by a stand-in for the program `ssh` that runs what it is asked to run here; over `file://`; and over HTTPS, from
/// git's own server behind TLS.
fn repositories_are_fetched_by_every_way() {
    let world = World::new().unwrap();
    let ssh = world.out("ssh");
    fs::write(
        &ssh,
        "#!/bin/sh\necho \"$@\" >> \"$OUT/ssh.log\"\nwhile [ $# -gt 1 ]; do shift; done\nexec sh -c \"$1\"\n",
    )
    .unwrap();
    Command::new("chmod").arg("+x").arg(&ssh).status().unwrap();
    let https = Https::serve(&world.around.path().join("repositories"), world.around.path()).unwrap();
    let path = |name: &str| world.repository(name).display().to_string();
    let quoted = |text: String| format!("{text:?}");
    world
        .project
        .edit(&[
            (&quoted(path("network")), &quoted(format!("git@git.acme.example:{}", path("network")))),
            (&quoted(path("cache")), &quoted(format!("file://{}", path("cache")))),
            (&quoted(path("web")), &quoted(format!("https://ana:s3cret@localhost:{}/web", https.port))),
        ])
        .unwrap();
    let certificate = https.certificate.display().to_string();
    let ssh = ssh.display().to_string();
    let environment =
        [("GIT_SSH_COMMAND", ssh.as_str()), ("GIT_SSL_CAINFO", &certificate), ("GIT_SSH_VARIANT", "ssh")];
    let ran = world.run_in(&["bootstrap", "east"], &environment).unwrap().ended(0).unwrap();
    world.must_have_run(&ALL).unwrap();
    assert!(ran.stderr.contains(&format!("https://localhost:{}/web", https.port)), "{}", ran.stderr);
    assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
    let log = fs::read_to_string(world.out("ssh.log")).unwrap();
    assert!(log.contains("git@git.acme.example git-upload-pack"), "{log}");
    let url = format!("ssh://git@git.acme.example{}", path("network"));
    world.project.edit(&[(&format!("git@git.acme.example:{}", path("network")), &url)]).unwrap();
    world.run_in(&["bootstrap", "east", "--again"], &environment).unwrap().ended(0).unwrap();
    world.must_have_run(&ALL).unwrap();
    // A server that is not who it says it is.
    let ran = world.run_in(&["bootstrap", "east", "--again"], &environment[..1]).unwrap().ended(1).unwrap();
    let ran = ran.says(&["E0804", "component.web"]).unwrap();
    assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
}

/// git's own HTTP server, behind TLS with a certificate of its own.
struct Https {
    port: u16,
    certificate: PathBuf,
    child: Child,
}

const SERVER: &str = r#"
import http.server, os, ssl, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self): self.answer()
    def do_POST(self): self.answer()
    def answer(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        env = dict(os.environ, GIT_PROJECT_ROOT=sys.argv[1], GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
            REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type") or "",
            CONTENT_LENGTH=str(len(body)), REMOTE_ADDR="127.0.0.1", GIT_PROTOCOL=self.headers.get("Git-Protocol") or "",
            HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding") or "",
            GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
        out = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE).stdout
        head, _, content = out.partition(b"\r\n\r\n")
        fields = [line.partition(": ") for line in head.decode().split("\r\n")]
        status = next((int(v.split()[0]) for k, _, v in fields if k == "Status"), 200)
        self.send_response(status)
        for key, _, value in fields:
            if key != "Status": self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

impl Https {
    fn serve(repositories: &Path, folder: &Path) -> Result<Self, String> {
        let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .map_err(|error| format!("this test needs openssl: {error}"))?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into_owned());
        }
        let mut child = Command::new("python3")
            .args(["-c", SERVER])
            .args([repositories, &certificate, &key])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("this test needs python3: {error}"))?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("no standard output")?;
        BufReader::new(out).read_line(&mut line).map_err(told)?;
        let port = line.trim().parse().map_err(|_| format!("the server says no port: {line:?}"))?;
        Ok(Self { port, certificate, child })
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

at_once! {
    bootstraps:
    components_come_in_their_order_and_are_told_of_the_cell,
    what_is_done_is_not_done_again_unless_it_is_another,
    a_cell_on_google_cloud_takes_its_own_targets,
    a_run_goes_on_at_the_component_that_failed,
    a_run_that_is_killed_leaves_its_component_to_be_run_again,
    ctrl_c_ends_the_target_and_says_so,
    what_cannot_be_done_is_told_before_anything_is_run,
    versions_are_branches_tags_and_commits,
    the_record_is_all_that_is_needed_of_a_cloud,
    lint_repo_says_which_repositories_lack_a_target,
    repositories_are_fetched_by_every_way,
}

/// Each console block of the page is what the command says, on a program with the components of the page.
#[test]
fn the_page_shows_what_is_said() {
    let page = repository::read(&repository::root().join("spec/bootstrap.md")).unwrap();
    let blocks: Vec<&str> =
        page.split("```console\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    assert!(blocks.len() >= 2, "{}", blocks.len());
    let world = World::new().unwrap();
    for block in blocks {
        let (command, expected) = block.split_once('\n').unwrap();
        let args: Vec<&str> = command.strip_prefix("$ cellc ").unwrap().split(' ').collect();
        if block.contains("E0806") {
            world.put("fail-cache");
        }
        let ran = world.run(&args).unwrap();
        let said = format!("{}{}", ran.stderr, ran.stdout);
        for line in expected.lines() {
            let mut rest = said.as_str();
            for part in line.split('…').filter(|part| !part.trim().is_empty()) {
                let at = rest.find(part).unwrap_or_else(|| panic!("`{part}` of\n{line}\nis not in\n{said}"));
                rest = &rest[at + part.len()..];
            }
        }
        if block.contains("E0806") {
            world.take("fail-cache");
        }
    }
}
