//! Where a review says that something stands.

use std::collections::BTreeMap;

use cell_lang::files::{FileError, Files};

use super::{change, grant, line, pinned, subject};
use crate::access::pins::Pins;
use crate::access::subject::Subject;
use crate::access::text;
use crate::rules::tests::expanded_from;
use crate::terminal::Look;

struct Several(BTreeMap<&'static str, String>);

impl Files for Several {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.0.get(path).map(|text| text.clone().into_bytes()).ok_or(FileError::NotFound)
    }
}

/// A program with a service control policy from a file at the root.
fn with_file(document: &str) -> Subject {
    let set = r#"allow l { actions = ["s3:*"], resources = ["*"] }"#;
    let program =
        grant("S", set).replace("org o {", "org o { scps = [scp.f], ") + "scp f { file = file(\"s.json\") }\n";
    let files = Several([("main.cell", program), ("s.json", document.to_owned())].into());
    let at = "2026-11-27T00:00:00Z".parse().unwrap();
    expanded_from(&files, |world| Subject::new(world, &crate::resources::derive(world), at, Pins::default()))
}

const FILE: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    { "Sid": "One", "Effect": "Deny", "Action": "sqs:PurgeQueue", "Resource": "*" },
    { "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*" },
    { "Sid": "Two", "Effect": "Deny", "Action": "s3:DeleteBucket",
      "Resource": "*" }
  ]
}"#;

fn page(review: &crate::access::model::Review) -> String {
    let mut out = String::new();
    text::write(review, &Look { verbose: true, width: 120, color: false }, &mut out).unwrap();
    out
}

#[test]
fn a_document_in_a_file_has_its_own_lines() {
    let without = FILE.replace("s3:DeleteBucket", "s3:PutBucketAcl");
    let review = with_file(&without).since(&with_file(FILE), "revision before", None).unwrap();
    let deny = review.principals[0].gained[0].sources.iter().find(|one| one.effect == "deny").unwrap();
    let place = deny.place.as_ref().unwrap();
    assert_eq!((place.file.as_str(), place.line, place.column), ("s.json", 6, 5));
    let unnamed = FILE.replace("s3:DeleteObject", "s3:PutObject");
    let review = with_file(&unnamed).since(&with_file(FILE), "revision before", None).unwrap();
    assert!(page(&review).contains("s.json:5"), "{}", page(&review));
}

#[test]
fn a_finding_in_a_file_says_its_line() {
    let subject = with_file(&FILE.replace("s3:DeleteBucket", "s3:DeleteBuckett"));
    let faults = subject.lints(&subject.side()).unwrap();
    let helps: Vec<&String> = faults.iter().flat_map(|fault| &fault.helps).collect();
    assert!(helps.iter().any(|help| help.contains("s.json:6")), "{faults:#?}");
}

#[test]
fn a_set_of_managed_policies_alone_has_a_line() {
    let managed = |names: &[&str]| {
        let arns: Vec<String> = names.iter().map(|name| format!("\"arn:aws:iam::aws:policy/{name}\"")).collect();
        grant("S", &format!("managed = [{}]", arns.join(", ")))
    };
    let review = change(&managed(&["One"]), &managed(&["One", "Two"]), &Pins::default());
    let set = managed(&[]).lines().position(|line| line.contains("permission_set S")).unwrap() + 1;
    assert!(page(&review).contains(&format!("by main.cell:{set}")), "{}", page(&review));
    let document = |action: &str| {
        format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#)
    };
    let arn = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
    let pins = Pins {
        managed: [(arn("One"), document("s3:Get*")), (arn("Two"), document("sqs:PurgeQueue"))].into(),
        files: [(arn("Two"), "policies/aws/Two.json".to_owned())].into(),
        ..Pins::default()
    };
    let review = pinned(&managed(&["One"]), &pins, &managed(&["One", "Two"]), &pins);
    assert_eq!(
        review.principals[0].gained.iter().map(line).collect::<Vec<_>>(),
        ["HIGH destructive writes: sqs:PurgeQueue on *"]
    );
    let page = page(&review);
    assert!(page.contains("policies/aws/Two.json:1") && page.contains(&format!("main.cell:{set}")), "{page}");
}

#[test]
fn a_program_of_another_partition_is_read_in_it() {
    let program = |set: &str| {
        let regions = grant("S", set).replace("us-west-2", "cn-north-1").replace("eu-west-1", "cn-northwest-1");
        regions.replace("org o {", "org o { partition = \"aws-cn\", ")
    };
    let set = |on: &str| format!("allow l {{ actions = [\"sqs:SendMessage\"], resources = [\"{on}\"] }}");
    let gained = |set: &str| change(&program(""), &program(set), &Pins::default()).principals.len();
    assert_eq!((gained(&set("arn:aws-cn:sqs:*:*:x")), gained(&set("arn:aws:sqs:*:*:x"))), (1, 0));
    let lints = |set: &str| {
        let subject = subject(&program(set), &Pins::default());
        subject.lints(&subject.side()).unwrap().len()
    };
    assert_eq!((lints(&set("arn:aws-cn:sqs:*:*:x")), lints(&set("arn:aws:sqs:*:*:x"))), (0, 1));
}
