//! What is saved is there again, whatever ended the process.

use super::{Cloud, DELEGATE, MANAGEMENT, MEMBER, list, seed, settings, text};
use crate::ids::mix;
use crate::{Config, Delays, Error, Fault, FaultKind, Sandbox};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A folder of its own for each test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cell-sandbox-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn open(&self) -> Cloud {
        Cloud::of(Sandbox::open(Some(&self.0), settings()).unwrap())
    }

    fn log(&self) -> PathBuf {
        let mut files = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|kind| kind == "jsonl")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn work(cloud: &Cloud) {
    cloud.sandbox.seed(&seed()).unwrap();
    let (set, group) = (cloud.set("Admin"), cloud.group("Admins"));
    cloud.assign(&set, MEMBER, &group);
    cloud.ok("organizations:CreateAccount", json!({"Email": "new@example.com", "AccountName": "new"}));
    cloud.ok("s3:PutObject", json!({"Bucket": "registry", "Key": "k", "Body": "tbody"}));
    let stack =
        |kind: &str| json!({"StackName": "shop", "TemplateBody": format!("Resources: {{A: {{Type: {kind}}}}}")});
    cloud.ok("cloudformation:CreateStack", stack("AWS::SQS::Queue"));
    // Work that is due after a change of the settings keeps its time and its outcome.
    cloud.sandbox.set_config(Config { page: Some(7), ..settings() }).unwrap();
    cloud.wait(5);
    let roles = cloud.ok(
        "sts:AssumeRole",
        json!({
            "RoleArn": format!("arn:aws:iam::{MEMBER}:role/OrganizationAccountAccessRole"), "RoleSessionName": "test",
        }),
    );
    assert!(text(&roles, "/Credentials/AccessKeyId").starts_with("ASIA"));
    // It is under way when the process ends.
    cloud.ok("cloudformation:UpdateStack", stack("AWS::SNS::Topic"));
}

#[test]
fn a_state_comes_back_from_the_log_alone() {
    let folder = Folder::new("log");
    let before: Value = {
        let cloud = folder.open();
        work(&cloud);
        cloud.sandbox.state()
    };
    let cloud = folder.open();
    assert_eq!(cloud.sandbox.state(), before);
    assert_eq!(list(&cloud.ok("organizations:ListAccounts", json!({})), "/Accounts").len(), 4);
    // The second opening began with a snapshot: from that, too.
    drop(cloud);
    assert_eq!(folder.open().sandbox.state(), before);
}

/// One of many calls, most of which are refused for some reason.
fn anything(cloud: &Cloud, dice: u64) {
    let pick = |bits: u32, of: u64| mix(dice ^ u64::from(bits)) % of;
    let account = [MEMBER, DELEGATE, MANAGEMENT][pick(1, 3) as usize];
    let group = cloud.group(["Admins", "Developers"][pick(2, 2) as usize]);
    let name = format!("n{}", pick(3, 5));
    let set = cloud.sandbox.lock().state.sso.set_names.get(&name).cloned().unwrap_or_default();
    let named = cloud.sso(json!({"PermissionSetArn": set}));
    let root = cloud.root();
    let (operation, input) = match pick(4, 9) {
        0 => ("sso-admin:CreatePermissionSet", cloud.sso(json!({"Name": name}))),
        1 => ("sso-admin:DeletePermissionSet", named),
        2 => ("sso-admin:CreateAccountAssignment", cloud.assignment(&set, account, &group)),
        3 => ("sso-admin:DeleteAccountAssignment", cloud.assignment(&set, account, &group)),
        4 => {
            let target = json!({"PermissionSetArn": set, "TargetType": "ALL_PROVISIONED_ACCOUNTS"});
            ("sso-admin:ProvisionPermissionSet", cloud.sso(target))
        }
        5 => ("organizations:CreateAccount", json!({"Email": format!("{name}@example.com"), "AccountName": name})),
        6 => ("organizations:CreateOrganizationalUnit", json!({"ParentId": root, "Name": name})),
        7 => ("organizations:CloseAccount", json!({"AccountId": account})),
        _ => ("s3:PutObject", json!({"Bucket": "registry", "Key": name, "Body": "tx", "if-none-match": "*"})),
    };
    let _ = cloud.reply(operation, input);
    cloud.sandbox.advance(Duration::from_millis(pick(5, 400))).unwrap();
}

#[test]
fn any_history_replays_to_the_same_state() {
    for seed_number in 0..8 {
        let folder = Folder::new(&format!("any{seed_number}"));
        let cloud = folder.open();
        cloud.sandbox.seed(&seed()).unwrap();
        let reason = FaultKind::FailAsync { reason: "chance".to_owned() };
        cloud.sandbox.inject([Fault {
            operation: "*".to_owned(),
            containing: None,
            after: 9,
            count: 3,
            kind: reason,
        }]);
        for step in 0..120 {
            anything(&cloud, mix(seed_number * 1_000 + step));
            if step == 60 {
                let delays = Delays { assignment: Duration::from_millis(900), ..settings().delays };
                cloud.sandbox.set_config(Config { delays, ..settings() }).unwrap();
            }
        }
        let before = cloud.sandbox.state();
        drop(cloud);
        assert_eq!(folder.open().sandbox.state(), before);
    }
}

#[test]
fn a_torn_line_is_dropped_and_written_over() {
    let folder = Folder::new("torn");
    let cloud = folder.open();
    work(&cloud);
    let root = cloud.root();
    let before = cloud.sandbox.state();
    drop(cloud);
    fs::OpenOptions::new().append(true).open(folder.log()).unwrap().write_all(b"{\"at\":17,\"chan").unwrap();
    let cloud = folder.open();
    assert_eq!(cloud.sandbox.state(), before);
    let unit = cloud.unit(&root, "after");
    drop(cloud);
    let units = folder.open().ok("organizations:ListOrganizationalUnitsForParent", json!({"ParentId": root}));
    assert!(list(&units, "/OrganizationalUnits").iter().any(|found| text(found, "/Id") == unit));
}

#[test]
fn a_refused_call_leaves_no_trace() {
    let folder = Folder::new("refused");
    let cloud = folder.open();
    work(&cloud);
    let before = (cloud.sandbox.state(), fs::metadata(folder.log()).unwrap().len());
    cloud.err("sso-admin:CreatePermissionSet", cloud.sso(json!({"Name": "Admin"})));
    cloud.err(
        "organizations:CreatePolicy",
        json!({
            "Name": "p", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": "{}",
        }),
    );
    assert_eq!((cloud.sandbox.state(), fs::metadata(folder.log()).unwrap().len()), before);
}

#[test]
fn a_folder_has_one_owner() {
    let folder = Folder::new("owner");
    let first = folder.open();
    // The lock is waited for: the owner leaves while the second one waits.
    let sandbox = Arc::clone(&first.sandbox);
    drop(first);
    let leaving = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        drop(sandbox);
    });
    drop(folder.open());
    leaving.join().unwrap();
    let held = folder.open();
    assert!(matches!(Sandbox::open(Some(&folder.0), settings()), Err(Error::InUse(_))));
    drop(held);
}

#[test]
fn a_reset_is_lasting() {
    let folder = Folder::new("reset");
    let cloud = folder.open();
    work(&cloud);
    cloud.sandbox.reset().unwrap();
    assert!(cloud.sandbox.is_empty());
    drop(cloud);
    let cloud = folder.open();
    assert!(cloud.sandbox.is_empty());
    assert_eq!(cloud.err("organizations:ListRoots", json!({})), "AWSOrganizationsNotInUseException");
}
