//! Resources on which AWS asks for an action though its list does not say so: a grant on them is never hidden.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]

use std::sync::Arc;

use cell_iam::access::{Access, Facts, Part};
use cell_iam::policy::parse;
use cell_iam::region::{Proof, Reason};
use cell_iam::{Engine, data};

fn access(action: &str, resource: &str) -> Access {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}]}}"#
    );
    Access::of(vec![Part::known("test", parse(&text, &Arc::from("test")).unwrap())], Facts::default())
}

/// `arn:aws:ssm:us-west-2::document/AWS-RunShellScript` is AWS's own and in nobody's account; `iam:ListRoles` is
/// refused on `arn:aws:iam::111111111111:role/`, though the list knows no resource of it.
#[test]
fn a_grant_on_a_resource_that_is_not_listed_may_be_a_gain() {
    let catalogue = data::all().unwrap();
    for (action, resource) in [
        ("ssm:SendCommand", "arn:aws:ssm:*::document/AWS-RunShellScript"),
        ("iam:ListRoles", "arn:aws:iam::111111111111:role/*"),
        ("s3:ListAllMyBuckets", "arn:aws:s3:::*"),
    ] {
        let space = Engine::new(catalogue).space(&access(action, resource));
        assert_eq!(space.len(), 1, "{action} on {resource}");
        assert_eq!(space[0].proof, Proof::May(vec![Reason::NoResource]), "{action} on {resource}");
        assert_eq!(Engine::new(catalogue).as_listed().space(&access(action, resource)).len(), 0, "{action}");
    }
}

#[test]
fn what_is_listed_stays_proven() {
    let catalogue = data::all().unwrap();
    for (action, resource) in [
        ("ssm:SendCommand", "arn:aws:ssm:*:*:document/*"),
        ("iam:ListRoles", "*"),
        ("ec2:DescribeInstances", "*"),
        ("s3:GetObject", "arn:aws:s3:::logs/*"),
    ] {
        let space = Engine::new(catalogue).space(&access(action, resource));
        assert!(space.iter().any(|region| region.proof == Proof::Proven), "{action} on {resource}: {space:#?}");
    }
}
