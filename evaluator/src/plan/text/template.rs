//! What changes in a template of CloudFormation: its resources by their names in it, and of one that changes each
//! property. Owns how two templates are compared for a reader; what a value looks like is the caller's.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::page::{Row, Sign};
use super::visible;
use crate::stacks::template;
use crate::stacks::wish::is_digest;
use crate::words::counted;

/// Names of new or removed resources of one type that are written out.
const NAMES: usize = 6;
/// Places of one resource that are written out.
const PLACES: usize = 12;
/// Characters of a value.
const VALUE: usize = 120;
/// Characters before the first that differs, of values that are cut.
const BEFORE: usize = 20;

/// Rows for what differs. `named` writes a text with what is the thing's own replaced.
pub(super) fn difference(before: Option<&Json>, after: Option<&Json>, named: &dyn Fn(&str) -> String) -> Vec<Row> {
    if before == after {
        return Vec::new();
    }
    let (was, is) = (before.map(tree), after.map(tree));
    let is_tree = |side: &Option<Cow<'_, Json>>| side.as_deref().is_none_or(Json::is_object);
    if !is_tree(&was) || !is_tree(&is) {
        let unread = [before, after].into_iter().flatten().any(is_digest);
        let why = if unread { "another one than was applied" } else { "it cannot be read, and its text differs" };
        return vec![Row::signed(0, Sign::Change, why)];
    }
    let (before, after) = (was.as_deref(), is.as_deref());
    if before == after {
        return vec![Row::signed(0, Sign::Change, "its text differs, and says the same")];
    }
    let (old, new) = (resources(before), resources(after));
    let mut rows = Vec::new();
    for (sign, these, others) in [(Sign::Add, &new, &old), (Sign::Remove, &old, &new)] {
        rows.extend(by_type(these, others).into_iter().map(|text| Row::signed(0, sign, named(&text))));
    }
    for (name, was) in &old {
        let Some(is) = new.get(name).filter(|is| *is != was) else { continue };
        rows.push(Row::signed(0, Sign::Change, named(&format!("{}  {}", visible::name(name), kind(is)))));
        rows.extend(places(was, is, named));
    }
    rows.extend(rest(before, after, named));
    rows
}

/// One in YAML as the tree that it would be in JSON, where it can be read.
fn tree(side: &Json) -> Cow<'_, Json> {
    let read = side.as_str().and_then(template::tree);
    read.map_or(Cow::Borrowed(side), Cow::Owned)
}

fn resources(side: Option<&Json>) -> BTreeMap<&String, &Json> {
    let resources = side.and_then(|template| template.get("Resources")).and_then(Json::as_object);
    resources.into_iter().flatten().collect()
}

fn kind(resource: &Json) -> String {
    visible::name(resource.get("Type").and_then(Json::as_str).unwrap_or("of no type"))
}

/// Those that only `these` has, a line a type: `AWS::CloudWatch::Alarm: ErrorRatio, Slow`.
fn by_type(these: &BTreeMap<&String, &Json>, others: &BTreeMap<&String, &Json>) -> Vec<String> {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, resource) in these.iter().filter(|(name, _)| !others.contains_key(**name)) {
        types.entry(kind(resource)).or_default().push(visible::name(name));
    }
    let line = |(kind, names): (String, Vec<String>)| {
        let more = names.len().saturating_sub(NAMES);
        let shown = names.get(..NAMES.min(names.len())).unwrap_or_default().join(", ");
        let more = if more > 0 { format!(", … ({more} more)") } else { String::new() };
        format!("{kind}: {shown}{more}")
    };
    types.into_iter().map(line).collect()
}

/// The places in which two values differ: `Properties.Threshold  5 → 10`.
fn places(before: &Json, after: &Json, named: &dyn Fn(&str) -> String) -> Vec<Row> {
    let mut found = Vec::new();
    differing(&mut String::new(), Some(before), Some(after), &mut found);
    let more = found.len().saturating_sub(PLACES);
    let line = |(path, before, after): (String, Option<&Json>, Option<&Json>)| {
        let path = visible::text(path.strip_prefix("Properties.").unwrap_or(&path));
        match (before, after) {
            (Some(before), Some(after)) => {
                let (before, after) = pair(before, after);
                Row::signed(1, Sign::Change, named(&format!("{path}  {before} → {after}")))
            }
            (None, Some(after)) => Row::signed(1, Sign::Add, named(&format!("{path}  {}", value(after)))),
            (Some(before), None) => Row::signed(1, Sign::Remove, named(&format!("{path}  {}", value(before)))),
            (None, None) => Row::plain(1, path),
        }
    };
    let mut rows: Vec<Row> = found.into_iter().take(PLACES).map(line).collect();
    rows.extend((more > 0).then(|| Row::plain(1, format!("… {}", counted(more, "more place")))));
    rows
}

type Found<'j> = Vec<(String, Option<&'j Json>, Option<&'j Json>)>;

/// Follows maps, and lists of one length; anything else differs whole.
fn differing<'j>(path: &mut String, before: Option<&'j Json>, after: Option<&'j Json>, found: &mut Found<'j>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Json::Object(old)), Some(Json::Object(new))) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let end = path.len();
                path.push_str(if end == 0 { "" } else { "." });
                path.push_str(key);
                differing(path, old.get(key), new.get(key), found);
                path.truncate(end);
            }
        }
        (Some(Json::Array(old)), Some(Json::Array(new))) if old.len() == new.len() => {
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                let end = path.len();
                path.push_str(&format!("[{at}]"));
                differing(path, Some(old), Some(new), found);
                path.truncate(end);
            }
        }
        _ => found.push((path.clone(), before, after)),
    }
}

/// What differs outside resources.
fn rest(before: Option<&Json>, after: Option<&Json>, named: &dyn Fn(&str) -> String) -> Vec<Row> {
    // Of one that is new or goes, the resources are what a reader asks for.
    let (Some(Json::Object(old)), Some(Json::Object(new))) = (before, after) else { return Vec::new() };
    let without = |side: &Map<String, Json>| {
        let rest = side.iter().filter(|(key, _)| *key != "Resources");
        Json::Object(rest.map(|(key, value)| (key.clone(), value.clone())).collect())
    };
    let (old, new) = (without(old), without(new));
    let rows = places(&old, &new, named);
    rows.into_iter().map(|row| Row { depth: 0, ..row }).collect()
}

/// A value on one line, not endless.
fn value(value: &Json) -> String {
    cut(&whole(value), 0)
}

fn whole(value: &Json) -> String {
    match value {
        Json::String(text) => visible::quoted(text),
        other => visible::text(&other.to_string()),
    }
}

/// Two values that differ, each from a little before the first character in which they do.
fn pair(before: &Json, after: &Json) -> (String, String) {
    let (before, after) = (whole(before), whole(after));
    let alike = before.chars().zip(after.chars()).take_while(|(one, other)| one == other).count();
    let longest = before.chars().count().max(after.chars().count());
    let from = if longest > VALUE { alike.saturating_sub(BEFORE) } else { 0 };
    (cut(&before, from), cut(&after, from))
}

/// The characters from `from` on, and no more of them than a line takes.
fn cut(text: &str, from: usize) -> String {
    let mut shown: String = text.chars().skip(from).take(VALUE).collect();
    if from > 0 {
        shown.insert(0, '…');
    }
    if text.chars().count() > from + VALUE {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(before: Option<&Json>, after: Option<&Json>) -> Vec<String> {
        let sign = |row: &Row| match row.sign {
            Some(Sign::Add) => "+",
            Some(Sign::Remove) => "-",
            Some(_) => "~",
            None => " ",
        };
        let rows = difference(before, after, &|text| text.replace("alpha", "<name>"));
        rows.iter().map(|row| format!("{}{} {}", "  ".repeat(row.depth), sign(row), row.text)).collect()
    }

    fn alarm(threshold: i64, more: &[(&str, Json)]) -> Json {
        let mut properties = json!({ "AlarmName": "slow-alpha", "Threshold": threshold });
        more.iter().for_each(|(key, value)| properties[*key] = value.clone());
        json!({ "Type": "AWS::CloudWatch::Alarm", "Properties": properties })
    }

    #[test]
    fn resources_are_told_by_name_and_property() {
        let before = json!({ "Description": "one", "Resources": { "Slow": alarm(5, &[("Period", json!(60))]), "Old": alarm(1, &[]) } });
        let after = json!({ "Description": "two", "Resources": {
            "Slow": alarm(10, &[("Dimensions", json!([{ "Name": "cell" }]))]), "New": alarm(1, &[]), "Queue": { "Type": "AWS::SQS::Queue" } } });
        let expected = [
            "+ AWS::CloudWatch::Alarm: New",
            "+ AWS::SQS::Queue: Queue",
            "- AWS::CloudWatch::Alarm: Old",
            "~ Slow  AWS::CloudWatch::Alarm",
            "  + Dimensions  [{\"Name\":\"cell\"}]",
            "  - Period  60",
            "  ~ Threshold  5 → 10",
            "~ Description  \"one\" → \"two\"",
        ];
        assert_eq!(told(Some(&before), Some(&after)), expected);
        assert_eq!(told(None, Some(&before)), ["+ AWS::CloudWatch::Alarm: Old, Slow"]);
        assert_eq!(told(Some(&before), Some(&before)), Vec::<String>::new());
        let text = json!("Resources");
        assert_eq!(told(Some(&text), Some(&after)), ["~ it cannot be read, and its text differs"]);
    }

    #[test]
    fn one_in_yaml_is_told_as_one_in_json() {
        let of = |delay: i64, more: &str| {
            json!(format!(
                "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {{DelaySeconds: {delay}, QueueName: !Sub 'q-${{V}}'}}\n{more}"
            ))
        };
        let lines = told(Some(&of(1, "")), Some(&of(2, "  T: {Type: AWS::SNS::Topic}\n")));
        assert_eq!(lines, ["+ AWS::SNS::Topic: T", "~ Q  AWS::SQS::Queue", "  ~ DelaySeconds  1 → 2"]);
        assert_eq!(told(Some(&of(1, "")), Some(&of(1, "# why\n"))), ["~ its text differs, and says the same"]);
    }

    #[test]
    fn long_values_are_told_from_where_they_differ() {
        let of = |end: &str| json!({ "Resources": { "R": alarm(1, &[("Text", json!("x".repeat(300) + end))]) } });
        let lines = told(Some(&of("one")), Some(&of("two")));
        assert_eq!(lines[1], format!("  ~ Text  …{0}one\" → …{0}two\"", "x".repeat(BEFORE)));
    }

    #[test]
    fn lists_of_one_length_are_told_by_place_and_too_much_is_counted() {
        let of = |values: Vec<i64>| json!({ "Resources": { "R": alarm(1, &[("L", json!(values))]) } });
        let lines = told(Some(&of(vec![1, 2, 3])), Some(&of(vec![1, 9, 3])));
        assert_eq!(lines, ["~ R  AWS::CloudWatch::Alarm", "  ~ L[1]  2 → 9"]);
        let lines = told(Some(&of((0..40).collect())), Some(&of((1..41).collect())));
        assert_eq!((lines.len(), lines.last().map(String::as_str)), (PLACES + 2, Some("    … 28 more places")));
    }
}
