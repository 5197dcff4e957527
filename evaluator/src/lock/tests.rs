//! The lock's form, the documents beside it, and what a new reading changes in both.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use cell_lang::files::{FileError, Files};
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::policies::PolicyFile;
use super::update::{Seen, SeenPolicy, Update};
use super::{FORMAT_VERSION, Lock, LockError, digest};
use crate::provider::ManagedPolicy;

const READ: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const VIEW: &str = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess";
const DENY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;
const TODAY: Date = date(2026, 11, 27);

/// A project's files.
#[derive(Default)]
struct Disk(BTreeMap<String, Vec<u8>>);

impl Files for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.0.get(path).cloned().ok_or(FileError::NotFound)
    }
}

impl Disk {
    /// Does what an update says, and tells it.
    fn carry(&mut self, update: Update) -> Vec<String> {
        self.0.extend(update.write.into_iter().map(|(file, text)| (file.to_string(), text.into_bytes())));
        for file in update.remove {
            self.0.remove(file.as_str());
        }
        update.changes.iter().map(ToString::to_string).collect()
    }
}

fn managed(version: &str, action: &str) -> ManagedPolicy {
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"One","Effect":"Allow","Action":["{action}"],"Resource":"*"}}]}}"#
    );
    ManagedPolicy { version: version.to_owned(), date: date(2026, 10, 2), document }
}

fn policies(all: &[(&str, &str, &str)]) -> BTreeMap<String, ManagedPolicy> {
    all.iter().map(|(arn, version, action)| ((*arn).to_owned(), managed(version, action))).collect()
}

fn seen(all: &[(&str, &str, &[&str])]) -> Seen {
    let policy = |(id, name, attached): &(&str, &str, &[&str])| {
        let attached = attached.iter().map(|at| (*at).to_owned()).collect();
        ((*id).to_owned(), SeenPolicy { name: (*name).to_owned(), attached, document: DENY.to_owned() })
    };
    Seen { id: "o-abcdefghij".to_owned(), policies: all.iter().map(policy).collect(), ..Seen::default() }
}

/// A lock and its documents, with one policy of AWS's and one of others.
fn pinned() -> (Lock, Disk) {
    let (mut lock, mut disk) = (Lock::default(), Disk::default());
    let organization = seen(&[("p-abc12345", "Deny: the Regions", &["ou.prod", "root"])]);
    let update = lock.update(&policies(&[(READ, "v7", "s3:Get*")]), Some(&organization), TODAY, &disk).unwrap();
    let told = disk.carry(update);
    assert_eq!(
        told,
        [
            "policy ReadOnlyAccess: pinned at v7 of 2026-10-02",
            "organization o-abcdefghij: seen",
            "service control policy `Deny: the Regions` (p-abc12345): pinned, attached to ou.prod, root",
        ]
    );
    (lock, disk)
}

#[test]
fn a_lock_is_read_as_it_was_written() {
    let (lock, disk) = pinned();
    let text = lock.to_text().unwrap();
    insta::assert_snapshot!(text, @r#"
    {
      "format_version": "1.2",
      "packages": {},
      "policies": {
        "arn:aws:iam::aws:policy/ReadOnlyAccess": {
          "version": "v7",
          "date": "2026-10-02",
          "digest": "sha256:6fe41733cd8f0a92dadfa367091abb62a15826bbab2dc8ad7cea04d0777526c8",
          "file": "policies/aws/ReadOnlyAccess.json"
        }
      },
      "organization": {
        "id": "o-abcdefghij",
        "date": "2026-11-27",
        "policies": {
          "p-abc12345": {
            "name": "Deny: the Regions",
            "attached": [
              "ou.prod",
              "root"
            ],
            "digest": "sha256:106c04102dc1ca9264c0f1420c39827e0b4bb1efc7361818da60b2bcaf9d95da",
            "file": "policies/organization/deny-the-regions.p-abc12345.json"
          }
        },
        "resource_policies": {}
      }
    }
    "#);
    let again = Lock::parse(text.as_bytes()).unwrap();
    assert_eq!(again.to_text().unwrap(), text);
    assert_eq!(again.pins(&disk).unwrap(), lock.pins(&disk).unwrap());
    let document = &disk.0["policies/aws/ReadOnlyAccess.json"];
    insta::assert_snapshot!(String::from_utf8_lossy(document), @r#"
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "One",
          "Effect": "Allow",
          "Action": [
            "s3:Get*"
          ],
          "Resource": "*"
        }
      ]
    }
    "#);
}

#[test]
fn documents_are_found_by_name_and_by_place() {
    let (lock, disk) = pinned();
    let pins = lock.pins(&disk).unwrap();
    assert!(pins.managed(READ).unwrap().contains("s3:Get*"));
    assert_eq!(pins.managed(VIEW), None);
    assert!(pins.knows_organization());
    let at_root = pins.attached("root");
    assert_eq!((at_root.len(), at_root[0].0.as_str()), (1, "Deny: the Regions"));
    assert!(at_root[0].1.contains("\"Deny\""));
    assert_eq!(pins.attached("ou.prod"), at_root);
    assert_eq!(pins.attached("ou.dev"), []);
}

#[test]
fn a_lock_of_packages_alone_is_read_and_stays_as_it_is() {
    let old = r#"{"format_version": "1.0", "packages": {"acme@1.0": {"files": {"a.cell": "sha256:00"}}}}"#;
    let lock = Lock::parse(old.as_bytes()).unwrap();
    let pins = lock.pins(&Disk::default()).unwrap();
    assert!(pins.managed.is_empty() && !pins.knows_organization());
    assert!(lock.to_text().unwrap().contains(r#""format_version": "1.0""#));
    let mut lock = lock;
    lock.update(&policies(&[]), Some(&seen(&[])), TODAY, &Disk::default()).unwrap();
    let text = lock.to_text().unwrap();
    assert!(
        text.contains(&format!(r#""format_version": "{FORMAT_VERSION}""#)) && text.contains("acme@1.0"),
        "{text}"
    );
}

#[test]
fn a_later_minor_format_keeps_what_this_version_does_not_know() {
    let later = br#"{"format_version": "1.7", "packages": {}, "images": {"a": "sha256:00"}}"#;
    let text = Lock::parse(later).unwrap().to_text().unwrap();
    assert!(text.contains(r#""format_version": "1.7""#) && text.contains("images"), "{text}");
}

#[test]
fn a_later_major_format_is_refused_whatever_its_form() {
    for later in [r#"{"format_version": "2.0", "packages": {}}"#, r#"{"format_version": "2.0", "packages": []}"#] {
        assert_eq!(Lock::parse(later.as_bytes()), Err(LockError::Version("2.0".into())));
    }
    assert!(matches!(Lock::parse(b"{"), Err(LockError::Malformed(_))));
}

#[test]
fn a_document_that_is_not_as_pinned_is_refused() {
    let (lock, mut disk) = pinned();
    let file = "policies/aws/ReadOnlyAccess.json";
    let text = String::from_utf8(disk.0[file].clone()).unwrap();
    disk.0.insert(file.to_owned(), text.replace("s3:Get*", "s3:*").into_bytes());
    disk.0.remove("policies/organization/deny-the-regions.p-abc12345.json");
    let faults = lock.pins(&disk).unwrap_err();
    let told: Vec<String> =
        faults.iter().map(|fault| format!("{}: {}", fault.code.as_str(), fault.message)).collect();
    assert_eq!(
        told,
        [
            format!(
                "E0220: the document of managed policy {READ} cannot be used: {file}: it is not as `cell.lock` pins it"
            ),
            "E0220: the document of service control policy `Deny: the Regions` (p-abc12345) cannot be used: \
             policies/organization/deny-the-regions.p-abc12345.json: there is no such file"
                .to_owned(),
        ]
    );
    assert!(faults[0].helps[0].starts_with("pinned sha256:"), "{:?}", faults[0].helps);
}

#[test]
fn a_lock_names_no_file_elsewhere() {
    let (lock, _) = pinned();
    let text = lock.to_text().unwrap();
    for elsewhere in [
        "main.cell",
        "policies/../main.json",
        "policies/./a.json",
        "policies//a.json",
        "policies/.git/a.json",
        "policies/a.cell",
        "/policies/a.json",
        "policies/std:a.json",
        r"policies/..\\a.json",
    ] {
        let text = text.replace("policies/aws/ReadOnlyAccess.json", elsewhere);
        assert!(matches!(Lock::parse(text.as_bytes()), Err(LockError::Malformed(_))), "{elsewhere}");
    }
}

#[test]
fn a_new_version_of_awss_is_told_and_written() {
    let (mut lock, mut disk) = pinned();
    let organization = seen(&[("p-abc12345", "Deny: the Regions", &["ou.prod", "root"])]);
    let later = date(2027, 1, 1);
    let before = (lock.to_text().unwrap(), disk.0.clone());
    let update = lock.update(&policies(&[(READ, "v7", "s3:Get*")]), Some(&organization), later, &disk).unwrap();
    assert_eq!(update, Update::default());
    assert_eq!((lock.to_text().unwrap(), disk.0.clone()), before);

    let update = lock.update(&policies(&[(READ, "v8", "s3:*")]), Some(&organization), later, &disk).unwrap();
    assert_eq!(disk.carry(update), ["policy ReadOnlyAccess: v7 → v8 of 2026-10-02"]);
    assert!(lock.pins(&disk).unwrap().managed(READ).unwrap().contains("s3:*"));
}

#[test]
fn what_nothing_needs_is_dropped() {
    let (mut lock, mut disk) = pinned();
    let update = lock.update(&policies(&[(VIEW, "v3", "s3:List*")]), Some(&seen(&[])), TODAY, &disk).unwrap();
    assert_eq!(
        disk.carry(update),
        [
            "policy ViewOnlyAccess: pinned at v3 of 2026-10-02",
            "policy ReadOnlyAccess: no longer pinned",
            "service control policy `Deny: the Regions` (p-abc12345): no longer pinned: it is gone, or the program's own now",
        ]
    );
    let left: Vec<&str> = disk.0.keys().map(String::as_str).collect();
    assert_eq!(left, ["policies/aws/job-function/ViewOnlyAccess.json"]);
    assert_eq!(lock.pins(&disk).unwrap().organization, Some(BTreeMap::new()));
}

#[test]
fn a_program_without_an_organization_pins_none() {
    let (mut lock, mut disk) = pinned();
    let update = lock.update(&policies(&[]), None, TODAY, &disk).unwrap();
    let told = disk.carry(update);
    let expected = "organization o-abcdefghij: no longer pinned: the program has nothing in an organization";
    assert!(told.contains(&expected.to_owned()), "{told:?}");
    assert!(lock.is_empty() && disk.0.is_empty());
}

#[test]
fn a_file_that_somebody_changed_is_restored_while_it_is_needed_and_left_when_not() {
    let file = "policies/aws/ReadOnlyAccess.json";
    let (mut lock, mut disk) = pinned();
    disk.0.insert(file.to_owned(), b"{}".to_vec());
    let organization = seen(&[("p-abc12345", "Deny: the Regions", &["ou.prod", "root"])]);
    let mut unused = lock.clone();
    let update = unused.update(&policies(&[]), Some(&organization), TODAY, &disk).unwrap();
    assert_eq!(update.remove, BTreeSet::new());
    let update = lock.update(&policies(&[(READ, "v7", "s3:Get*")]), Some(&organization), TODAY, &disk).unwrap();
    assert_eq!(disk.carry(update), [format!("policy ReadOnlyAccess: {file} was not as pinned, and is restored")]);
    assert!(lock.pins(&disk).is_ok());
}

#[test]
fn changes_of_others_policies_are_told() {
    let (mut lock, mut disk) = pinned();
    let organization = seen(&[("p-abc12345", "Regions", &["cell.a", "root"])]);
    let update = lock.update(&policies(&[(READ, "v7", "s3:Get*")]), Some(&organization), TODAY, &disk).unwrap();
    assert_eq!(
        disk.carry(update),
        ["service control policy `Regions` (p-abc12345): it was named `Deny: the Regions` before; \
          attached to cell.a, root, before to ou.prod, root"]
    );
    assert!(disk.0.contains_key("policies/organization/regions.p-abc12345.json"));
    assert!(!disk.0.contains_key("policies/organization/deny-the-regions.p-abc12345.json"));
    let mut other = seen(&[]);
    other.id = "o-zzzzzzzzzz".to_owned();
    let update = lock.update(&policies(&[]), Some(&other), TODAY, &disk).unwrap();
    let told = disk.carry(update);
    assert!(told.contains(&"organization o-zzzzzzzzzz: it was o-abcdefghij before".to_owned()), "{told:?}");
}

#[test]
fn files_are_named_after_policies() {
    let of = |arn: &str| PolicyFile::of_managed(arn).map(|file| file.to_string());
    assert_eq!(of(VIEW).as_deref(), Some("policies/aws/job-function/ViewOnlyAccess.json"));
    assert_eq!(of("arn:aws-us-gov:iam::aws:policy/A").as_deref(), Some("policies/aws-us-gov/A.json"));
    for other in ["arn:aws:iam::111122223333:policy/A", "arn:aws:iam::aws:policy/../../A", "ReadOnlyAccess", ""] {
        assert_eq!(of(other), None, "{other}");
    }
    let of = |name: &str| PolicyFile::of_foreign("p-1", name).unwrap().to_string();
    assert_eq!(of("§§"), "policies/organization/p-1.json");
    assert_eq!(of("../A b"), "policies/organization/a-b.p-1.json");
}

#[test]
fn what_is_no_json_is_not_pinned() {
    for text in ["", "{", "{} {}", "[1,]"] {
        let found =
            BTreeMap::from([(READ.to_owned(), ManagedPolicy { document: text.to_owned(), ..managed("v1", "") })]);
        let mut lock = Lock::default();
        assert!(lock.update(&found, Some(&seen(&[])), TODAY, &Disk::default()).is_err(), "{text}");
        assert_eq!(lock, Lock::default());
    }
}

#[test]
fn digests_are_those_of_sha256() {
    // FIPS 180-2, appendix B.1.
    assert_eq!(digest(b"abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z:/]{1,8}", inner, 0..6)
                .prop_map(|all| Value::from(all.into_iter().collect::<serde_json::Map<_, _>>())),
        ]
    })
}

proptest! {
    /// Whatever AWS's document is, the file says the same, and pinning it again changes nothing.
    #[test]
    fn a_document_is_kept_whole(value in json()) {
        let document = value.to_string();
        let found = BTreeMap::from([(READ.to_owned(), ManagedPolicy { document: document.clone(), ..managed("v1", "") })]);
        let (mut lock, mut disk) = (Lock::default(), Disk::default());
        let update = lock.update(&found, Some(&seen(&[])), TODAY, &disk).unwrap();
        disk.carry(update);
        let pins = lock.pins(&disk).unwrap();
        let kept = pins.managed(READ).unwrap();
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(kept).unwrap(), value);
        let found = BTreeMap::from([(READ.to_owned(), ManagedPolicy { document: kept.to_owned(), ..managed("v1", "") })]);
        prop_assert_eq!(lock.update(&found, Some(&seen(&[])), TODAY, &disk).unwrap(), Update::default());
    }
}
