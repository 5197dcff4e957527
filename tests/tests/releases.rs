//! Releases end to end on the embedded sandbox, whose days take seconds: a first version, a cell that is new, a change that goes
//! by waves, what people say on the way, a make target of a real repository, and processes that are killed.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cell_tests::binary::{built, cellc};
use cell_tests::sandbox::config_file;
use serde_json::Value;
use tempfile::TempDir;

const TEMPLATE: &str = "Parameters:\n  Size: {Type: Number}\n  CellcVersion: {Type: String}\nResources:\n  Queue:\n    \
    Type: AWS::SQS::Queue\n    Properties: {DelaySeconds: !Ref Size, QueueName: !Sub 'q-${CellcVersion}'}\n";

/// A program with two waves and a cell in none.
pub(super) fn program(size: u32, more: &str, approval: bool) -> String {
    let approval = if approval { ", approval = true" } else { "" };
    format!(
        r#"edition "2026"

org acme {{ management_account = "111111111111", home_region = "us-east-1" }}
cell alpha {{ kind = "alpha", region = "us-east-1", account_id = "222222222201" }}
cell one {{ kind = "prod", protect = false, region = "us-east-1", account_id = "222222222202" }}
cell two {{ kind = "prod", protect = false, region = "eu-west-1", account_id = "222222222203" }}
{more}
rollout steady {{
  wave first {{ on = cells where .kind == "alpha", bake = 1h }}
  wave rest {{ on = cells where .kind == "prod", bake = 12h, parallel = 2{approval} }}
}}
component api {{
  repo = "https://git.acme.example/api"
  deploy cloudformation {{ template = file("api.yaml") }}
  parameters {{ Size = {size} }}
  rollout = rollout.steady
}}
"#
    )
}

pub(super) struct Project(TempDir);

impl Project {
    pub(super) fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join(".cellc/sandbox");
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("config.json"), config_file()).unwrap();
        let project = Self(folder);
        project.write("main.cell", text);
        project.write("api.yaml", TEMPLATE);
        project
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// Status, standard output, standard error.
    pub(super) fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = cellc(self.path(), args, &[("CELLC_CLOUD", "sandbox")]).unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    pub(super) fn well(&self, args: &[&str]) -> String {
        let (status, stdout, stderr) = self.run(args);
        assert_eq!(status, 0, "{args:?}\n{stdout}\n{stderr}");
        stdout
    }

    pub(super) fn apply(&self) -> String {
        self.well(&["apply", "--yes"])
    }

    /// The plan, of the form that is published.
    fn plan(&self) -> Value {
        let plan = serde_json::from_str(&self.well(&["plan", "--format", "json"])).unwrap();
        super::stack_resources::of_the_form("plan.schema.json", &plan);
        plan
    }

    /// What the plan does, operation by operation.
    fn verbs(&self) -> Vec<String> {
        let plan = self.plan();
        let all = plan["operations"].as_array().unwrap().iter();
        all.map(|one| one["verb"]["do"].as_str().unwrap().to_owned()).collect()
    }

    /// Nothing is to be done.
    pub(super) fn settled(&self) {
        let (status, stdout, stderr) = self.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(status, 0, "{stdout}\n{stderr}");
    }

    pub(super) fn book(&self) -> Value {
        let path = self.path().join(".cellc/sandbox/registry.json.releases/component.api.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    /// The book, edited: as a process left it that died.
    pub(super) fn edit_book(&self, edit: impl Fn(&mut Value)) {
        let mut book = self.book();
        edit(&mut book);
        self.write(".cellc/sandbox/registry.json.releases/component.api.json", &book.to_string());
    }

    /// The version that each cell has, by the books.
    pub(super) fn versions(&self) -> Vec<(String, String)> {
        let book = self.book();
        let cells = book["cells"].as_object().unwrap().iter();
        cells.map(|(cell, has)| (cell.clone(), has["version"].as_str().unwrap().to_owned())).collect()
    }
}

#[test]
fn from_a_first_release_to_a_change_by_waves() {
    let project = Project::new(&program(1, "", false));
    project.apply();
    let plan = project.well(&["plan"]);
    assert!(plan.contains("waiting for a first release: component.api"), "{plan}");

    let (status, stdout, stderr) = project.run(&["rollout", "start", "api", "v1"]);
    assert_eq!((status, stdout.as_str()), (0, "component.api v1: done\n"), "{stderr}");
    // In the order of the waves, with their bakes.
    let at = |words: &str| stderr.find(words).unwrap_or_else(|| panic!("{words}\n{stderr}"));
    assert!(at("cell.alpha deploying") < at("cell.alpha baking"));
    assert!(at("cell.alpha done") < at("cell.one deploying"));
    assert!(at("CREATE_COMPLETE") < at("cell.alpha baking"));
    assert_eq!(project.versions().len(), 3);
    project.settled();

    // A new cell gets the released version by the apply.
    let third =
        "cell three { kind = \"prod\", protect = false, region = \"us-east-1\", email = \"three@acme.example\" }";
    project.write("main.cell", &program(1, third, false));
    let plan = project.well(&["plan"]);
    assert!(plan.contains("deployment"), "{plan}");
    assert!(project.verbs().contains(&"deploy".to_owned()), "{:?}", project.verbs());
    let told = project.apply();
    assert!(told.contains("new cell.three is complete after ") && told.contains("components "), "{told}");
    assert!(project.versions().contains(&("cell.three".to_owned(), "v1".to_owned())), "{:?}", project.versions());
    project.settled();

    // Another parameter goes by waves.
    project.write("main.cell", &program(2, third, false));
    let plan = project.well(&["plan"]);
    assert!(plan.contains("\"1\" → \"2\"") && plan.contains("by waves"), "{plan}");
    assert_eq!(project.verbs(), ["queue"]);
    project.apply();
    project.settled();
    let (status, stdout, stderr) = project.run(&["rollout", "run"]);
    assert_eq!((status, stdout.as_str()), (0, "component.api v1: done\n"), "{stderr}");
    project.settled();
    let again = project.well(&["rollout", "run"]);
    assert_eq!(again, "no rollout is under way, and none is queued\n");

    // What components have in production is held.
    let (status, _, stderr) = project.run(&["destroy", "--yes"]);
    assert!(status == 1 && stderr.contains("error[E0602]") && stderr.contains("`--allow delete-prod`"), "{stderr}");
    project.well(&["destroy", "--yes", "--allow", "delete-prod"]);
    assert_eq!(project.versions(), []);
}

#[test]
fn people_agree_and_end() {
    let project = Project::new(&program(1, "", true));
    project.apply();
    let (status, stdout, stderr) = project.run(&["rollout", "start", "api", "v1", "--no-wait"]);
    assert_eq!((status, stdout.as_str()), (1, "component.api v1: left waiting for approval\n"), "{stderr}");
    let once = project.well(&["rollout", "watch", "--once"]);
    assert!(once.contains("v1 is waiting for approval") && once.contains("waiting"), "{once}");
    project.well(&["rollout", "approve", "api"]);
    let stdout = project.well(&["rollout", "run", "--no-wait"]);
    assert_eq!(stdout, "component.api v1: done\n");
    let (status, _, stderr) = project.run(&["rollout", "approve", "api"]);
    assert!(status == 1 && stderr.contains("no wave waits for an approval"), "{stderr}");

    project.run(&["rollout", "start", "api", "v2", "--no-wait"]);
    assert!(project.versions().contains(&("cell.alpha".to_owned(), "v2".to_owned())));
    project.well(&["rollout", "abort", "api"]);
    let (_, stdout, stderr) = project.run(&["rollout", "run"]);
    assert!(stdout.contains("component.api v2: rolled back"), "{stdout}\n{stderr}");
    assert!(project.versions().iter().all(|(_, version)| version == "v1"), "{:?}", project.versions());
    project.settled();
}

#[test]
fn a_template_and_a_program_that_do_not_fit_are_told_before_anything_is_done() {
    let project = Project::new(&program(1, "", false));
    project.apply();
    project.write("api.yaml", "Parameters: { Colour: {Type: String} }\nResources: {}\n");
    let (status, _, stderr) = project.run(&["rollout", "start", "api", "v1"]);
    assert!(status == 1 && stderr.contains("declares no parameter Size"), "{stderr}");
    let (status, _, stderr) = project.run(&["rollout", "start", "apo", "v1"]);
    assert!(status == 1 && stderr.contains("did you mean `component.api`?"), "{stderr}");
}

/// An archive is what its file says: that is written down, told, and given to the template.
#[test]
fn an_archive_is_released_by_the_digest_of_its_file() {
    let artifact = "artifact jar { bucket = \"acme-builds\", key = \"api.jar\", account = account.builds }\n  deploy";
    let builds = "account builds { account_id = \"222222222204\" }";
    let project = Project::new(&program(1, builds, false).replacen("deploy", artifact, 1));
    project
        .write("api.yaml", &TEMPLATE.replace("  CellcVersion:", "  CellcArtifact: {Type: String}\n  CellcVersion:"));
    project.apply();
    let (status, _, stderr) = project.run(&["rollout", "start", "api", "v1"]);
    assert!(status == 1 && stderr.contains("needs CellcArtifact") && stderr.contains("`--digest FILE`"), "{stderr}");
    project.write("api.jar", "abc");
    let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for (version, said) in [("v1", "api.jar"), ("v2", digest)] {
        let (status, _, stderr) = project.run(&["rollout", "start", "api", version, "--digest", said]);
        assert!(status == 0 && stderr.contains("artifact ba7816bf8f01"), "{stderr}");
        project.settled();
    }
    let (status, _, stderr) = project.run(&["rollout", "start", "api", "v3", "--digest", "file://none.jar"]);
    assert!(status == 1 && stderr.contains("the archive none.jar cannot be read"), "{stderr}");
    assert!(project.versions().iter().all(|(_, version)| version == "v2"), "{:?}", project.versions());
}

/// What the projects of a generated pipeline run: one action a cell, and the way back.
#[test]
fn a_pipeline_goes_through_the_waves() {
    let project = Project::new(&program(1, "", false));
    project.apply();
    let deploy = |version: &str, cell: &str, run: &str| {
        project.run(&["rollout", "deploy", "component.api", version, "--cell", cell, "--run", run, "."])
    };
    for cell in ["cell.alpha", "cell.one", "cell.two"] {
        let (status, stdout, stderr) = deploy("v1", cell, "e-1");
        assert_eq!(status, 0, "{stderr}");
        assert!(stdout.starts_with(&format!("component.api v1 {cell}: deployed; cloudformation")), "{stdout}");
    }
    assert_eq!(project.book()["released"]["version"], "v1");
    project.settled();
    // The second stops on its way, and goes back to what there was.
    deploy("v2", "cell.alpha", "e-2");
    deploy("v2", "cell.one", "e-2");
    let once = project.well(&["rollout", "watch", "--once"]);
    assert!(once.contains("run e-2 of v2 is under way, 2 cells reached"), "{once}");
    let back = project.well(&["rollout", "abort", "component.api", "--run", "e-2", "."]);
    assert!(back.starts_with("component.api run e-2: taken back\n  cell.alpha: cloudformation"), "{back}");
    assert!(project.versions().iter().all(|(_, version)| version == "v1"), "{:?}", project.versions());
    let (status, _, stderr) = deploy("v2", "cell.two", "e-2");
    assert!(status == 1 && stderr.contains("run e-2 is taken back: it brings nothing more"), "{stderr}");
    project.settled();
    let (status, _, stderr) = deploy("v2", "cell.tow", "e-3");
    assert!(status == 1 && stderr.contains("cell.tow takes no release of it"), "{stderr}");
    let (status, _, stderr) = project.run(&["rollout", "abort", "api", "--run", "e-9"]);
    assert!(status == 1 && stderr.contains("no run e-9 has brought anything"), "{stderr}");
}

fn git(folder: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main"]);
    assert!(command.args(args).current_dir(folder).stdout(Stdio::null()).status().unwrap().success(), "{args:?}");
}

#[test]
fn a_make_target_of_a_real_repository_goes_by_the_same_waves() {
    let text = program(1, "", false)
        .replace("https://git.acme.example/api", "file://REPO")
        .replace("deploy cloudformation { template = file(\"api.yaml\") }", "deploy make { target = \"deploy\" }");
    let project = Project::new("");
    let repo: PathBuf = project.path().join("repo");
    std::fs::create_dir(&repo).unwrap();
    let out = project.path().join("out");
    let make = |line: &str| format!(".PHONY: deploy\ndeploy: ; @{line}\n");
    let log = format!("echo $(CELL_NAME) $(CELL_VERSION) $(CELL_PARAMETER_SIZE) >> {}", out.display());
    std::fs::write(repo.join("Makefile"), make(&log)).unwrap();
    for args in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "one"], &["tag", "v1"]] {
        git(&repo, args);
    }
    std::fs::write(repo.join("Makefile"), make("echo no room; test $(CELL_NAME) = alpha")).unwrap();
    git(&repo, &["commit", "--quiet", "-am", "two"]);
    git(&repo, &["tag", "v2"]);
    project.write("main.cell", &text.replace("REPO", &repo.display().to_string()));
    project.apply();
    // Nothing is deployed but what was built.
    let other = ["rollout", "deploy", "api", "v1", "--cell", "alpha", "--digest", "0123456789"];
    let (status, _, stderr) = project.run(&other);
    assert!(status == 1 && stderr.contains("the tag was moved") && !out.exists(), "{stderr}");
    assert_eq!(project.well(&["rollout", "start", "api", "v1"]), "component.api v1: done\n");
    let lines = std::fs::read_to_string(&out).unwrap();
    let cells: Vec<&str> = lines.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!((cells[0], cells.len()), ("alpha", 3), "{lines}");
    assert!(lines.lines().all(|line| line.split(' ').nth(1).unwrap().len() == 40 && line.ends_with(" 1")), "{lines}");
    // The second version fails in the second wave: everything goes back, by the first version's target.
    let (status, stdout, stderr) = project.run(&["rollout", "start", "api", "v2"]);
    assert!(status == 1 && stdout.contains("component.api v2: rolled back"), "{stdout}\n{stderr}");
    assert!(stderr.contains("| no room"), "{stderr}");
    assert!(project.versions().iter().all(|(_, version)| version == "v1"), "{:?}", project.versions());
    let lines = std::fs::read_to_string(&out).unwrap();
    assert!(lines.lines().count() > 3, "{lines}");
    // A new cell gets it by the apply that makes it: its target is told as much of its cell as any other.
    let three = "cell three { kind = \"alpha\", region = \"eu-west-1\", email = \"aws+three@acme.example\" }\n";
    project.write("main.cell", &(text.replace("REPO", &repo.display().to_string()) + three));
    project.apply();
    let lines = std::fs::read_to_string(&out).unwrap();
    let last: Vec<&str> = lines.lines().last().unwrap().split(' ').collect();
    assert_eq!((last[0], last[1].len(), last[2]), ("three", 40, "1"), "{lines}");
    project.settled();
}

/// A program, applied, whose component is brought by a target of a real repository, with this line, tagged `v1`.
fn with_target(text: &str, line: &str) -> Project {
    let project = Project::new("");
    let repo = project.path().join("repo");
    std::fs::create_dir(&repo).unwrap();
    std::fs::write(repo.join("Makefile"), format!(".PHONY: deploy\ndeploy: ; @{line}\n")).unwrap();
    for args in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "one"], &["tag", "v1"]] {
        git(&repo, args);
    }
    let text = text
        .replace("https://git.acme.example/api", &format!("file://{}", repo.display()))
        .replace("deploy cloudformation { template = file(\"api.yaml\") }", "deploy make { target = \"deploy\" }");
    project.write("main.cell", &text);
    project.apply();
    project
}

/// A target that outlives the run that started it is waited for by the one that goes on: it is no failure.
#[test]
fn a_target_that_outlives_its_run_is_waited_for() {
    let began = tempfile::tempdir().unwrap();
    let began = began.path().join("began");
    let project = with_target(&program(1, "", false), &format!("touch {}; sleep 3", began.display()));
    let mut command = Command::new(built().unwrap());
    command.args(["rollout", "start", "api", "v1"]).current_dir(project.path()).env("CELLC_CLOUD", "sandbox");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_mins(5);
    while !began.exists() {
        assert!(std::time::Instant::now() < until, "the target is not begun");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (status, stdout, stderr) = project.run(&["rollout", "run"]);
    assert_eq!((status, stdout.as_str()), (0, "component.api v1: done\n"), "{stderr}");
    assert!(stderr.contains("what it started still runs: that is waited for"), "{stderr}");
    assert_eq!(project.versions().len(), 3);
}

/// A cell that leaves the program while a release waits for its wave gets nothing of it.
#[test]
fn a_cell_that_has_left_is_left_out() {
    let text = program(1, "", true);
    let project = Project::new(&text);
    project.apply();
    let (_, stdout, _) = project.run(&["rollout", "start", "api", "v1", "--no-wait"]);
    assert!(stdout.contains("waiting for approval"), "{stdout}");
    let (before, rest) = text.split_once("cell two").unwrap();
    let rest = rest.split_once('\n').unwrap().1;
    project.write("main.cell", &format!("{before}removed {{ from = \"cell.two\", account = \"keep\" }}\n{rest}"));
    project.apply();
    project.well(&["rollout", "approve", "api"]);
    let (status, stdout, stderr) = project.run(&["rollout", "run"]);
    assert_eq!((status, stdout.as_str()), (0, "component.api v1: done\n"), "{stderr}");
    let log = project.book()["log"].to_string();
    assert!(log.contains("cell.two is passed by, since an apply of"), "{log}");
    let cells: Vec<String> = project.versions().into_iter().map(|(cell, _)| cell).collect();
    assert_eq!(cells, ["cell.alpha", "cell.one"]);
    project.settled();
}

/// An apply tells rollouts that are under way which cells are drained, also where nothing else is to do.
#[test]
fn a_cell_that_is_drained_meanwhile_is_passed_by() {
    let text = program(1, "", true);
    let project = Project::new(&text);
    project.apply();
    let (_, stdout, _) = project.run(&["rollout", "start", "api", "v1", "--no-wait"]);
    assert!(stdout.contains("waiting for approval"), "{stdout}");
    let drained = text.replace("cell two { ", "cell two { state = \"draining\", ");
    let told = |text: &str| {
        project.write("main.cell", text);
        let (status, _, stderr) = project.run(&["apply", "--yes"]);
        assert_eq!(status, 0, "{stderr}");
        stderr
    };
    let stderr = told(&drained);
    assert!(stderr.contains("component.api, whose rollout is under way: drained: cell.two"), "{stderr}");
    assert_eq!(project.book()["rollout"]["state"]["draining"], serde_json::json!(["cell.two"]));
    assert!(!told(&drained).contains("drained"), "it is told once");
    project.well(&["rollout", "approve", "api"]);
    // While it waited no apply could say that the cell is drained no more.
    let (status, stdout, stderr) = project.run(&["rollout", "run"]);
    assert!(status == 1 && stdout.contains("left waiting for cells that are drained"), "{stdout}");
    assert!(stderr.contains("apply that it is not, then `cellc rollout run`"), "{stderr}");
    let stderr = told(&text);
    assert!(stderr.contains("no cell is drained any more"), "{stderr}");
    assert_eq!(project.well(&["rollout", "run"]), "component.api v1: done\n");
    project.settled();
}

/// Cells in no wave do not hold each other back. A release that only they get and not all could take is not released.
#[test]
fn what_cells_in_no_wave_could_not_take_is_not_done() {
    let text = program(1, "", false)
        .replace("  rollout = rollout.steady\n", "")
        .replace("kind = \"prod\", protect = false", "kind = \"alpha\"");
    let mended = tempfile::tempdir().unwrap();
    let mended = mended.path().join("mended");
    let project = with_target(&text, &format!("test $(CELL_NAME) != one || test -e {}", mended.display()));
    let (status, stdout, stderr) = project.run(&["rollout", "start", "api", "v1"]);
    let told = "component.api v1: stopped: these could not take it: cell.one\n";
    assert!(status == 1 && stdout.starts_with(told), "{stdout}\n{stderr}");
    assert!(project.book()["released"].is_null());
    assert_eq!(project.versions().len(), 2, "the others have it");
    let plan = project.well(&["plan"]).split_whitespace().collect::<Vec<_>>().join(" ");
    let words = "component.api: its first release, v1, has stopped: these could not take it: cell.one; `cellc rollout resume api`";
    assert!(plan.contains(words), "{plan}");
    std::fs::write(&mended, "").unwrap();
    project.well(&["rollout", "resume", "api"]);
    assert_eq!(project.well(&["rollout", "run"]), "component.api v1: done\n");
    assert_eq!(project.versions().len(), 3);
    assert_eq!(project.book()["released"]["version"], "v1");
}

/// Killed at its second, fourth, eighth … word: the next run ends it, with one stack in each cell.
#[test]
fn a_rollout_that_is_killed_is_gone_on_with() {
    let project = Project::new(&program(1, "", false));
    project.apply();
    let mut killed = 0;
    for (number, words) in [6, 8, 11, 15, 20, 26, 33, 41].into_iter().enumerate() {
        let version = format!("v{number}");
        let mut command = Command::new(built().unwrap());
        command.args(["rollout", "start", "api", &version, "--format", "json"]).current_dir(project.path());
        command.env("CELLC_CLOUD", "sandbox").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().take(words).count();
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().code().is_none() && lines == words);
        let (status, stdout, stderr) = project.run(&["rollout", "run"]);
        assert_eq!(status, 0, "{stdout}\n{stderr}");
        // Killed before it was in the queue, it never was begun.
        if stdout.contains("none is queued") {
            project.well(&["rollout", "start", "api", &version]);
        }
        assert!(project.versions().iter().all(|(_, has)| *has == version), "{:?}", project.versions());
        project.settled();
    }
    assert!(killed >= 4, "{killed}");
}

/// A program whose set goes by waves.
fn with_set(actions: &str) -> String {
    let set = format!(
        "group ops {{}}\npermission_set Operate {{\n  allow run {{ actions = [{actions}], resources = [\"*\"] }}\n  rollout = rollout.steady\n}}\ngrant g {{ to = group.ops, can = permission_set.Operate, on = cells }}"
    );
    program(1, &set, false)
}

/// The set has one form, and each account's role gets it in its turn; the role's policy is what people have.
#[test]
fn a_permission_set_goes_by_waves() {
    let project = Project::new(&with_set("\"ec2:StartInstances\""));
    project.apply();
    project.settled();
    project.write("main.cell", &with_set("\"ec2:StartInstances\", \"ec2:StopInstances\""));
    let plan = project.well(&["plan"]);
    assert!(
        plan.contains("permission_set.Operate goes by waves: `cellc rollout run` brings it to 3 cells"),
        "{plan}"
    );
    project.apply();
    // Nothing is half applied: the accounts wait for their turn.
    project.settled();
    let (status, stdout, stderr) = project.run(&["rollout", "run"]);
    assert_eq!(status, 0, "{stdout}\n{stderr}");
    assert!(stdout.starts_with("permission_set.Operate form ") && stdout.ends_with(": done\n"), "{stdout}");
    let at = |words: &str| stderr.find(words).unwrap_or_else(|| panic!("{words}\n{stderr}"));
    assert!(at("cell.alpha done") < at("cell.one deploying"), "{stderr}");
    project.settled();
}

/// A program whose waves are watched.
fn watched() -> String {
    let alarm =
        "alarm errors { namespace = \"shop\", metric = \"Errors\", above = 1, over = 5m, missing = \"missing\" }";
    let text = program(1, alarm, false).replace("rollout steady {", "rollout steady {\n  alarms = [alarm.errors]");
    // Each minute of a bake is a look at every alarm.
    text.replace("bake = 12h", "bake = 10m").replace("bake = 1h", "bake = 10m")
}

/// The sandbox's days pass while the sessions in its accounts last an hour: a bake that watches alarms comes to its end all the
/// same.
#[test]
fn a_bake_outlasts_the_sessions_that_watch_it() {
    let alarm = "alarm errors { namespace = \"shop\", metric = \"Errors\", above = 1, over = 5m }";
    let text = program(1, alarm, false).replace("rollout steady {", "rollout steady {\n  alarms = [alarm.errors]");
    let project = Project::new(&text);
    // Without settings what nobody emits looks well.
    std::fs::remove_file(project.path().join(".cellc/sandbox/config.json")).unwrap();
    project.apply();
    let (status, stdout, stderr) = project.run(&["rollout", "start", "api", "v1"]);
    assert_eq!(status, 0, "{stdout}\n{stderr}");
    assert!(stderr.contains("metrics that nobody emits count as well"), "{stderr}");
    assert!(!stderr.contains("ExpiredToken"), "{stderr}");
    assert_eq!(project.versions().len(), 3);
}

/// Who takes an alarm out of the program while a rollout watches it is told what comes of that.
#[test]
fn an_alarm_that_a_rollout_watches_does_not_go_without_a_word() {
    let alarm = "alarm errors { namespace = \"shop\", metric = \"Errors\", above = 1, over = 5m }";
    let text = program(1, alarm, true).replace("rollout steady {", "rollout steady {\n  alarms = [alarm.errors]");
    let project = Project::new(&text);
    std::fs::remove_file(project.path().join(".cellc/sandbox/config.json")).unwrap();
    project.apply();
    assert_eq!(project.run(&["rollout", "start", "api", "v1", "--no-wait"]).0, 1);
    project.write("main.cell", &program(1, "", true));
    let plan = project.well(&["plan"]);
    let told =
        "the rollout of v1 of component.api watches alarm.errors, which this takes away in 2 cells: without data";
    assert!(plan.contains(told), "{plan}");
    project.well(&["rollout", "abort", "api"]);
    project.run(&["rollout", "run"]);
    let plan = project.well(&["plan"]);
    assert!(!plan.contains("watches alarm.errors"), "{plan}");
}

/// A cell that is declared and not made keeps nothing from the others; the apply that makes it brings it what they have.
#[test]
fn a_cell_without_an_account_keeps_nothing_back() {
    let project = Project::new(&program(1, "", false));
    project.apply();
    let south =
        "cell south { kind = \"prod\", protect = false, region = \"eu-west-1\", email = \"south@acme.example\" }";
    project.write("main.cell", &program(1, south, false));
    let (status, stdout, stderr) = project.run(&["rollout", "start", "api", "v1"]);
    assert_eq!(status, 0, "{stdout}\n{stderr}");
    assert!(stderr.contains("left out, since no apply has brought it up yet: cell.south;"), "{stderr}");
    assert_eq!(project.versions().len(), 3);
    project.apply();
    assert_eq!(project.versions().len(), 4);
}

/// What somebody queued is not put aside by an apply: what the program says else comes after it.
#[test]
fn a_queued_version_stays_in_the_queue() {
    let project = Project::new(&program(1, "", false));
    project.apply();
    project.well(&["rollout", "start", "api", "v1"]);
    project.well(&["rollout", "start", "api", "v2", "--queue"]);
    project.write("main.cell", &program(2, "", false));
    let plan = project.well(&["plan"]);
    assert!(plan.contains("component.api v2 is queued; what the program says else of 3 cells waits"), "{plan}");
    project.apply();
    project.well(&["rollout", "run"]);
    assert!(project.versions().iter().all(|(_, version)| version == "v2"), "{:?}", project.versions());
    assert_eq!(project.verbs(), ["queue"]);
}

/// Alarms are read from CloudWatch, in each cell's account and region: what has no data is no pass, and what was reached
/// goes back; where all is well the release goes through.
#[test]
fn alarms_decide() {
    let project = Project::new(&watched());
    project.apply();
    let (status, stdout, stderr) = project.run(&["rollout", "start", "api", "v1"]);
    let why = "component.api v1: rolled back: alarm.errors has no data in cell.alpha, which is no pass\n";
    assert_eq!((status, stdout.as_str()), (1, why), "{stderr}");
    assert!(stderr.contains("alarm.errors in cell.alpha: Insufficient Data"), "{stderr}");
    assert_eq!(project.versions(), []);
    assert!(!stderr.contains("cell.one deploying"), "{stderr}");
    // It is told before the rollout waits for it.
    let unheard = "warning[W0901]: alarm.errors in cell.alpha waits for `Errors` of `shop` with `cell` = `alpha`, which nothing \
                   emits: no metric of `shop` has that dimension; and so in 2 more cells";
    let at = |words: &str| stderr.find(words).unwrap_or_else(|| panic!("{words}\n{stderr}"));
    assert!(at(unheard) < at("cell.alpha deploying"));
    // And `status` says what the alarms of each cell say.
    let alarms = |project: &Project| {
        let status: Value = serde_json::from_str(&project.well(&["status", "--format", "json"])).unwrap();
        let cells = status["cells"].as_array().unwrap().iter();
        cells.map(|cell| cell["alarms"]["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(alarms(&project), ["no_data", "no_data", "no_data"]);

    let mut config: Value = serde_json::from_str(&config_file()).unwrap();
    config["healthy"] = true.into();
    project.write(".cellc/sandbox/config.json", &config.to_string());
    let (status, stdout, stderr) = project.run(&["rollout", "start", "api", "v1"]);
    assert_eq!((status, stdout.as_str()), (0, "component.api v1: done\n"), "{stderr}");
    assert_eq!(project.versions().len(), 3);
    assert!(!stderr.contains("W0901"), "metrics that nobody emits look well: {stderr}");
    assert_eq!(alarms(&project), ["ok", "ok", "ok"]);
}

/// What cells have was written down, and somebody has deleted it: that there is no way back is told before the first cell.
#[test]
fn a_release_without_a_way_back_says_so_first() {
    let project = Project::new(&program(1, "", false));
    project.apply();
    project.well(&["rollout", "start", "api", "v1"]);
    std::fs::remove_dir_all(project.path().join(".cellc/sandbox/registry.json.releases/component.api")).unwrap();
    let (status, stdout, stderr) = project.run(&["rollout", "start", "api", "v2", "--queue"]);
    let told =
        "where this release goes wrong nothing can bring back v1, which cell.alpha, cell.one, cell.two have now";
    assert!(status == 0 && stderr.contains(told) && stderr.contains(".json is not there"), "{stdout}\n{stderr}");
}

/// Whose books were lost has its stacks all the same: a release that goes back deletes none that was there before it.
#[test]
fn what_was_there_before_the_books_is_not_deleted() {
    let project = Project::new(&program(1, "", true));
    project.apply();
    project.run(&["rollout", "start", "api", "v1", "--no-wait"]);
    project.well(&["rollout", "approve", "api"]);
    project.well(&["rollout", "run"]);
    let own = project.path().join(".cellc/sandbox");
    std::fs::remove_dir_all(own.join("registry.json.releases")).unwrap();
    std::fs::remove_file(own.join("registry.json")).unwrap();
    let rebuilt = project.well(&["registry", "rebuild", "--yes"]);
    assert!(rebuilt.contains("no book says what cells have of component.api"), "{rebuilt}");

    project.run(&["rollout", "start", "api", "v2", "--no-wait"]);
    project.well(&["rollout", "abort", "api"]);
    let (status, stdout, stderr) = project.run(&["rollout", "run"]);
    let told = "cell.alpha could not go back: the stack `api-alpha` was there before this release, which changed it, and nothing says what it had";
    assert!(status != 0 && stderr.contains(told), "{stdout}\n{stderr}");
    // It is there, and what ran before is brought to it.
    let (_, _, stderr) = project.run(&["rollout", "start", "api", "v1", "--no-wait"]);
    assert!(
        stderr.contains("UPDATE_COMPLETE") && !stderr.contains("CREATE_COMPLETE AWS::CloudFormation"),
        "{stderr}"
    );
    project.well(&["rollout", "approve", "api"]);
    assert_eq!(project.well(&["rollout", "run"]), "component.api v1: done\n");
    assert_eq!(project.versions().len(), 3);
    project.settled();
}

/// A release that comes to a stack of another name leaves none behind: not when it goes back, nor once it is through, nor when the cells end.
#[test]
fn a_release_that_moves_leaves_no_stack_behind() {
    let project = Project::new(&program(1, "", true));
    project.apply();
    let release = |version: &str| {
        project.run(&["rollout", "start", "api", version, "--no-wait"]);
        project.well(&["rollout", "approve", "api"]);
        let done = project.well(&["rollout", "run"]);
        assert!(done.starts_with(&format!("component.api {version}: done\n")), "{done}");
    };
    release("v1");
    let moved = program(1, "", true)
        .replace("template = file(\"api.yaml\") }", "template = file(\"api.yaml\"), stack = \"svc\" }");
    project.write("main.cell", &moved);
    project.run(&["rollout", "start", "api", "v2", "--no-wait"]);
    project.well(&["rollout", "abort", "api"]);
    let (_, stdout, stderr) = project.run(&["rollout", "run"]);
    assert!(
        stdout.contains("rolled back") && stderr.contains("the stack svc") && stderr.contains("is gone"),
        "{stderr}"
    );
    assert!(project.versions().iter().all(|(_, version)| version == "v1"), "{:?}", project.versions());

    release("v2");
    let plan = project.well(&["plan"]);
    assert!(plan.contains("the stack api-alpha in account 222222222201, us-east-1 stays"), "{plan}");
    assert_eq!(project.verbs(), ["undeploy", "undeploy", "undeploy"]);
    // Two of them are in production.
    let (status, _, stderr) = project.run(&["apply", "--yes"]);
    assert!(status == 1 && stderr.contains("2 deployments of components in production would be deleted"), "{stderr}");
    project.well(&["apply", "--yes", "--allow", "delete-prod"]);
    assert_eq!(project.book()["behind"], Value::Null);
    project.settled();
    project.well(&["destroy", "--yes", "--allow", "delete-prod"]);
    assert_eq!(project.versions(), []);
}
