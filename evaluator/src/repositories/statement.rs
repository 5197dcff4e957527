//! What cellc says in a repository's policy. Owns the words of the statement; who is in it comes from the program.

use serde_json::{Value as Json, json};

/// The name of the statement that lets cells pull.
pub const PULL: &str = "cellcPull";

/// What a pull of an image asks for. (ECR user guide, "Repository policy examples")
const ACTIONS: [&str; 3] = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/// The statement that lets cells pull: each account by itself, or every account that lies right in one of these places of
/// the organization. Accounts are ARNs of their roots and places paths as [`path_of`] has them, in their order; either may
/// hold values that are known only after apply.
pub fn pull(accounts: &[Json], places: &[Json]) -> Json {
    let mut statement = json!({ "Sid": PULL, "Effect": "Allow", "Action": ACTIONS });
    if places.is_empty() {
        statement["Principal"] = json!({ "AWS": accounts });
    } else {
        // A caller of no organization has no path, and is not let in. Paths are compared whole: a unit below is not meant.
        statement["Principal"] = json!("*");
        statement["Condition"] = json!({ "ForAnyValue:StringEquals": { "aws:PrincipalOrgPaths": places } });
    }
    statement
}

/// The path of what lies right in the last of these: the organization, the root, and the units down from it, by id.
/// (IAM user guide, `aws:PrincipalOrgPaths`)
pub fn path_of<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    ids.into_iter().fold(String::new(), |path, id| path + id + "/")
}
