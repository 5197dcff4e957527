//! Repositories: whose they are, what policies they take and give back, and images by tag and digest.

use super::{Cloud, MEMBER, list, text};
use serde_json::{Value, json};

fn cloud() -> Cloud {
    let cloud = Cloud::new();
    cloud
        .ok("ecr:CreateRepository", json!({"repositoryName": "acme/cache", "tags": [{"Key": "team", "Value": "x"}]}));
    cloud
}

fn with_policy(text: &str) -> Value {
    json!({"repositoryName": "acme/cache", "policyText": text})
}

#[test]
fn a_repository_is_in_one_account_and_region() {
    let cloud = cloud();
    let name = json!({"repositoryName": "acme/cache"});
    assert_eq!(cloud.err("ecr:CreateRepository", name.clone()), "RepositoryAlreadyExistsException");
    let found = cloud.ok("ecr:DescribeRepositories", json!({"repositoryNames": ["acme/cache"]}));
    let arn = text(&found, "/repositories/0/repositoryArn");
    assert_eq!(arn, "arn:aws:ecr:us-east-1:111111111111:repository/acme/cache");
    let tags = cloud.ok("ecr:ListTagsForResource", json!({"resourceArn": arn}));
    assert_eq!(tags["tags"], json!([{"Key": "team", "Value": "x"}]));
    let elsewhere = json!({"repositoryName": "acme/cache", "Region": "eu-west-1"});
    assert_eq!(cloud.err("ecr:GetRepositoryPolicy", elsewhere), "RepositoryNotFoundException");
    let member = cloud.by(&format!("AKIA{MEMBER}"));
    assert_eq!(member.err("ecr:GetRepositoryPolicy", name.clone()), "RepositoryNotFoundException");
    let foreign = json!({"repositoryName": "acme/cache", "registryId": "111111111111"});
    assert_eq!(member.err("ecr:GetRepositoryPolicy", foreign), "AccessDeniedException");
    cloud.ok("ecr:DeleteRepository", name);
    assert_eq!(list(&cloud.ok("ecr:DescribeRepositories", json!({})), "/repositories").len(), 0);
}

#[test]
fn a_policy_is_checked_and_comes_back_laid_out_anew() {
    let cloud = cloud();
    let name = json!({"repositoryName": "acme/cache"});
    assert_eq!(cloud.err("ecr:GetRepositoryPolicy", name.clone()), "RepositoryPolicyNotFoundException");
    let given = r#"{"Version":"2012-10-17","Statement":[{"Sid":"z","Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}"#;
    cloud.ok("ecr:SetRepositoryPolicy", with_policy(given));
    let found = text(&cloud.ok("ecr:GetRepositoryPolicy", name.clone()), "/policyText");
    assert!(
        found.starts_with("{\n  \"Version\" : \"2012-10-17\",\n  \"Statement\" : [ {\n    \"Sid\" : \"z\""),
        "{found}"
    );
    let refused = [
        "{".to_owned(),
        given.replace("\"Principal\":\"*\",", ""),
        given.replace("\"Allow\"", "\"Maybe\""),
        given.replace("\"Action\"", "\"Resource\":\"*\",\"Action\""),
        r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
    ];
    for text in refused {
        assert_eq!(cloud.err("ecr:SetRepositoryPolicy", with_policy(&text)), "InvalidParameterException", "{text}");
    }
    let long = given.replace("\"z\"", &format!("\"{}\"", "z".repeat(10_240)));
    assert_eq!(cloud.err("ecr:SetRepositoryPolicy", with_policy(&long)), "InvalidParameterException");
    assert_eq!(text(&cloud.ok("ecr:DeleteRepositoryPolicy", name.clone()), "/policyText"), found);
    assert_eq!(cloud.err("ecr:DeleteRepositoryPolicy", name), "RepositoryPolicyNotFoundException");
}

#[test]
fn a_tag_moves_to_another_image_and_a_digest_never_does() {
    let cloud = cloud();
    let put = |manifest: &str| {
        json!({"repositoryName": "acme/cache", "imageManifest": manifest, "imageTag": "v1",
               "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json"})
    };
    let first = text(&cloud.ok("ecr:PutImage", put("{\"a\":1}")), "/image/imageId/imageDigest");
    assert_eq!(first.len(), "sha256:".len() + 64);
    assert_eq!(cloud.err("ecr:PutImage", put("{\"a\":1}")), "ImageAlreadyExistsException");
    let second = text(&cloud.ok("ecr:PutImage", put("{\"a\":2}")), "/image/imageId/imageDigest");
    let ids = json!({"repositoryName": "acme/cache", "imageIds": [{"imageTag": "v1"}]});
    let found = cloud.ok("ecr:DescribeImages", ids.clone());
    assert_eq!(text(&found, "/imageDetails/0/imageDigest"), second);
    let got = cloud.ok("ecr:BatchGetImage", ids);
    assert_eq!(text(&got, "/images/0/imageManifest"), "{\"a\":2}");
    let both = json!({"repositoryName": "acme/cache", "imageIds": [{"imageDigest": first}, {"imageTag": "none"}]});
    let got = cloud.ok("ecr:BatchGetImage", both.clone());
    assert_eq!((list(&got, "/images").len(), text(&got, "/failures/0/failureCode")), (1, "ImageNotFound".to_owned()));
    assert_eq!(cloud.err("ecr:DescribeImages", both), "ImageNotFoundException");
    let name = json!({"repositoryName": "acme/cache"});
    assert_eq!(list(&cloud.ok("ecr:DescribeImages", name.clone()), "/imageDetails").len(), 2);
    assert_eq!(cloud.err("ecr:DeleteRepository", name), "RepositoryNotEmptyException");
    cloud.ok("ecr:CreateRepository", json!({"repositoryName": "fixed", "imageTagMutability": "IMMUTABLE"}));
    let fixed = |manifest: &str| json!({"repositoryName": "fixed", "imageManifest": manifest, "imageTag": "v1"});
    cloud.ok("ecr:PutImage", fixed("{}"));
    assert_eq!(cloud.err("ecr:PutImage", fixed("{\"a\":1}")), "ImageTagAlreadyExistsException");
}
