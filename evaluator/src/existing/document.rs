//! Policy documents as statements of a program. Owns the way back from JSON; every text that it gives was checked and
//! expanded, and comes to a document that says the same.

use std::fmt::Write as _;

use cell_lang::check::{Checked, check};
use cell_lang::diagnostics::{Diagnostic, has_errors};
use cell_lang::files::{FileError, Files};
use cell_lang::load::load;
use cell_lang::schema::Kind;
use serde_json::{Map, Value as Json};

use super::words::{Labels, fits, label, list, slug, text, texts};
use crate::budget::Options;
use crate::emit;
use crate::findings::{self, Reach};
use crate::plan::canonical;
use crate::resources::policy;
use crate::world::World;

/// Why an allow of everything is in a program that was written from what exists.
const FOUND: &str = "it was so when the program was written from what exists";
/// The version whose policies can be said by statements.
const VERSION: &str = "2012-10-17";
/// A document larger than this is not tried as statements: no program could hold it.
const LARGEST: usize = 1 << 18;

/// The statements of a document, as a permission set or a policy holds them; none where they cannot say all of it.
pub(super) fn statements(kind: Kind, document: &Json) -> Option<String> {
    let fields = document.as_object()?;
    let known = |name: &String| matches!(name.as_str(), "Version" | "Statement");
    if fields.get("Version").and_then(Json::as_str) != Some(VERSION) || !fields.keys().all(known) {
        return None;
    }
    let all = match fields.get("Statement")? {
        Json::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    // The nearer form first: conditions by IAM's own names can say what it cannot.
    [true, false].into_iter().find_map(|near| {
        let mut labels = Labels::default();
        let written: Option<Vec<String>> = all.iter().map(|one| statement(kind, one, near, &mut labels)).collect();
        let body = written?.join("\n");
        let said = said(kind, &body)?;
        canonical::same(&said, document).then_some(body)
    })
}

fn statement(kind: Kind, statement: &Json, near: bool, labels: &mut Labels) -> Option<String> {
    let fields = statement.as_object()?;
    let effect = match fields.get("Effect")?.as_str()? {
        "Allow" => "allow",
        "Deny" => "deny",
        _ => return None,
    };
    let names = ["Action", "NotAction", "Resource", "NotResource"];
    let known =
        |name: &String| matches!(name.as_str(), "Sid" | "Effect" | "Condition") || names.contains(&name.as_str());
    if !fields.keys().all(known) {
        return None;
    }
    let title = title(fields, effect, labels);
    let mut body = String::new();
    for (name, field) in names.into_iter().zip(["actions", "not_actions", "resources", "not_resources"]) {
        if let Some(value) = fields.get(name) {
            // A string takes everything.
            let _ = writeln!(body, "{field} = {}", texts(&strings(value)?));
        }
    }
    if let Some(condition) = fields.get("Condition") {
        let conditions = conditions(condition, near)?;
        if !conditions.is_empty() {
            let _ = writeln!(body, "when {{\n{}\n}}", conditions.join("\n"));
        }
    }
    if kind == Kind::PermissionSet && effect == "allow" && has_star(fields, "Action") && has_star(fields, "Resource")
    {
        let _ = writeln!(body, "reason = {}", text(FOUND));
    }
    // Without white space between them two fields stand on one line where they fit.
    let brief = !body.contains("when {") && body.len() < 80;
    let body = if brief { body.trim_end().replace('\n', ", ") } else { format!("\n{body}") };
    Some(format!("{effect} {} {{ {body} }}", label(&title)))
}

/// Does an element take everything?
fn has_star(fields: &Map<String, Json>, name: &str) -> bool {
    let all = fields.get(name).and_then(strings).unwrap_or_default();
    let stars = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte == b'*');
    all.iter().any(|item| stars(item) || item.split_once(':').is_some_and(|(a, b)| stars(a) && stars(b)))
}

/// The label of a statement: the one that comes to its `Sid`, else what its first action is of.
fn title(fields: &Map<String, Json>, effect: &str, labels: &mut Labels) -> String {
    let sid = fields.get("Sid").and_then(Json::as_str).unwrap_or_default();
    let slugged = slug(sid, effect);
    if let Some(near) = slugged.as_ref().filter(|label| policy::sid(label) == sid) {
        return labels.take(std::slice::from_ref(near));
    }
    if policy::sid(sid) == sid && fits(cell_lang::types::Builtin::BlockLabel, sid) {
        return labels.take(&[sid.to_owned()]);
    }
    let action = fields.get("Action").or_else(|| fields.get("NotAction")).and_then(strings).unwrap_or_default();
    let service = action.first().and_then(|action| slug(action.split(':').next().unwrap_or_default(), effect));
    labels.take(&[slugged.or(service).unwrap_or_else(|| "everything".to_owned())])
}

/// A value or a list of them, as texts; none of what is no text.
fn strings(value: &Json) -> Option<Vec<String>> {
    let one = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        Json::Array(items) => items.iter().map(one).collect(),
        value => Some(vec![one(value)?]),
    }
}

fn conditions(condition: &Json, near: bool) -> Option<Vec<String>> {
    let mut out = Vec::new();
    for (operator, keys) in condition.as_object()? {
        for (key, values) in keys.as_object()? {
            out.push(one_condition(operator, key, &strings(values)?, near)?);
        }
    }
    Some(out)
}

fn one_condition(operator: &str, key: &str, values: &[String], near: bool) -> Option<String> {
    let (quantifier, bare) = match operator.split_once(':') {
        Some(("ForAllValues", rest)) => ("every ", rest),
        Some(("ForAnyValue", rest)) => ("some ", rest),
        Some(_) => return None,
        None => ("", operator),
    };
    let (exists, bare) = bare.strip_suffix("IfExists").map_or(("", bare), |bare| ("if present ", bare));
    let key = text(key);
    if bare == "Null" && quantifier.is_empty() && exists.is_empty() {
        match values {
            [value] if value == "true" => return Some(format!("{key} absent")),
            [value] if value == "false" => return Some(format!("{key} present")),
            _ => {}
        }
    }
    let test = if near { near_test(bare, values) } else { None };
    let test = match test {
        Some(test) => test,
        None => {
            let quoted: Vec<String> = values.iter().map(|value| text(value)).collect();
            let value = if let [one] = quoted.as_slice() { one.clone() } else { list(&quoted) };
            // The whole name stands for itself: `if present` and `every` are in it already.
            format!("{bare} {value}")
        }
    };
    Some(format!("{exists}{quantifier}{key} {test}"))
}

/// The test in the language's own operators, where these can say it.
fn near_test(operator: &str, values: &[String]) -> Option<String> {
    let (one, several) = match operator {
        "StringEquals" | "NumericEquals" | "DateEquals" | "IpAddress" => ("==", "in"),
        "StringNotEquals" | "NumericNotEquals" | "DateNotEquals" | "NotIpAddress" => ("!=", "not in"),
        "StringLike" => ("like", "like"),
        "StringNotLike" => ("not like", "not like"),
        "NumericLessThan" | "DateLessThan" => ("<", "<"),
        "NumericLessThanEquals" | "DateLessThanEquals" => ("<=", "<="),
        "NumericGreaterThan" | "DateGreaterThan" => (">", ">"),
        "NumericGreaterThanEquals" | "DateGreaterThanEquals" => (">=", ">="),
        "Bool" => ("==", "=="),
        _ => return None,
    };
    let write: fn(&str) -> Option<String> = match operator {
        name if name.starts_with("String") => |value| Some(text(value)),
        name if name.starts_with("Numeric") => {
            |value| value.parse::<i64>().ok().filter(|number| number.to_string() == value).map(|_| value.to_owned())
        }
        name if name.starts_with("Date") => |value| value.strip_suffix("T00:00:00Z").map(str::to_owned),
        "Bool" => |value| matches!(value, "true" | "false").then(|| value.to_owned()),
        _ => |value| value.contains('/').then(|| value.to_owned()),
    };
    let written: Vec<String> = values.iter().map(|value| write(value)).collect::<Option<_>>()?;
    match written.as_slice() {
        [] => None,
        [value] if operator.contains("Ip") => Some(format!("{several} {value}")),
        [value] => Some(format!("{one} {value}")),
        _ => Some(format!("{several} {}", list(&written))),
    }
}

/// The document that statements come to; none when they have an error.
fn said(kind: Kind, body: &str) -> Option<Json> {
    if body.len() > LARGEST {
        return None;
    }
    let files = One(format!("{} x {{\n{body}\n}}\n", kind.name()));
    let Checked { program, mut diagnostics, .. } = check(load(&files, MAIN, &[], LARGEST * 2));
    let read = |world: &World<'_>, found: &mut Vec<Diagnostic>| {
        let sound = !has_errors(found) && !world.has_errors();
        let id = world.of(kind).first().copied().filter(|id| sound && world.ok(*id))?;
        policy::of(world, id).map(|document| emit::to_json(world, &document))
    };
    match findings::follow(program.as_ref(), &mut diagnostics, &files, &Options::default(), Box::new(read)) {
        Reach::Expanded(document) => document,
        _ => None,
    }
}

const MAIN: &str = "main.cell";

/// A program of one file.
struct One(String);

impl Files for One {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if path == MAIN { Ok(self.0.clone().into_bytes()) } else { Err(FileError::NotFound) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn written(kind: Kind, statement: &Json) -> Option<String> {
        statements(kind, &json!({ "Version": VERSION, "Statement": statement }))
    }

    #[test]
    fn conditions_read_as_they_decide() {
        let statement = json!([{ "Sid": "DenyElsewhere", "Effect": "Deny", "NotAction": "iam:*", "Resource": "*",
            "Condition": {
                "StringNotEquals": { "aws:RequestedRegion": ["eu-west-1", "us-east-1"] },
                "ArnNotLikeIfExists": { "aws:PrincipalArn": "arn:aws:iam::*:role/admin" },
                "ForAllValues:StringLike": { "aws:TagKeys": ["a*"] },
                "NotIpAddress": { "aws:SourceIp": ["10.0.0.0/8"] },
                "NumericLessThan": { "s3:max-keys": "10" },
                "Null": { "aws:PrincipalTag/team": "true" },
                "Bool": { "aws:SecureTransport": false },
                "DateLessThan": { "aws:CurrentTime": "2027-01-31T00:00:00Z" },
                "StringEqualsIgnoreCase": { "aws:PrincipalTag/x": ["a", "b"] } } }]);
        let found = written(Kind::Scp, &statement).unwrap();
        for line in [
            "deny deny-elsewhere {",
            r#""aws:RequestedRegion" not in ["eu-west-1", "us-east-1"]"#,
            r#"if present "aws:PrincipalArn" ArnNotLike "arn:aws:iam::*:role/admin""#,
            r#"every "aws:TagKeys" like "a*""#,
            r#""aws:SourceIp" not in 10.0.0.0/8"#,
            r#""s3:max-keys" < 10"#,
            r#""aws:PrincipalTag/team" absent"#,
            r#""aws:SecureTransport" == false"#,
            r#""aws:CurrentTime" < 2027-01-31"#,
            r#""aws:PrincipalTag/x" StringEqualsIgnoreCase ["a", "b"]"#,
        ] {
            assert!(found.contains(line), "{line} is not in\n{found}");
        }
    }

    #[test]
    fn statements_without_a_name_and_out_of_order_are_said() {
        let both = json!([
            { "Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*" },
            { "Effect": "Allow", "Action": "*", "Resource": "*" }
        ]);
        let found = written(Kind::PermissionSet, &both).unwrap();
        assert!(found.contains("deny s3 {") && found.contains("allow everything {"), "{found}");
        assert!(found.contains("reason = "), "{found}");
        let one = json!({ "Sid": "visualEditor0", "Effect": "Allow", "Action": "s3:Get*", "Resource": ["*"] });
        assert!(written(Kind::PermissionSet, &one).unwrap().starts_with("allow visual-editor0 {"));
    }

    #[test]
    fn what_cannot_be_said_is_left_to_a_file() {
        let plain = json!({ "Effect": "Allow", "Action": "s3:Get*", "Resource": "*" });
        assert!(statements(Kind::Scp, &json!({ "Statement": plain })).is_none(), "another version");
        assert!(statements(Kind::Scp, &json!({ "Version": VERSION, "Id": "x", "Statement": plain })).is_none());
        let with = |field: &str, value: Json| {
            let mut statement = plain.clone();
            statement[field] = value;
            written(Kind::Scp, &statement)
        };
        assert!(with("Principal", json!("*")).is_none());
        assert!(with("Action", json!("no action at all")).is_none());
        assert!(with("Condition", json!({ "StringEquals": { "aws:a": [] } })).is_none());
        let twice = json!({ "StringEquals": { "aws:SourceVpc": "a", "aws:sourcevpc": "b" } });
        assert!(with("Condition", twice).is_none());
    }
}
