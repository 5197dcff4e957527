//! Policy documents as statements. Owns how two documents are compared for a reader and how a statement reads; what
//! a policy means is not its affair. Whatever a document holds is shown: what it does not know, it shows as it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value as Json;

use super::fields::added_and_removed;
use super::page::{Row, Sign};
use super::visible;

/// Parts of a statement that are shown in their own words.
const KNOWN: &[&str] = &["Sid", "Effect", "Condition"];

/// Parts that are lists: the name in a document, and what stands before the items.
const LISTS: &[(&str, &str, &str)] = &[
    ("Action", "actions", ""),
    ("NotAction", "actions", "all but "),
    ("Resource", "resources", "on "),
    ("NotResource", "resources", "on all but "),
    ("Principal", "principals", "by "),
    ("NotPrincipal", "principals", "by all but "),
];

/// Is it a document with statements?
pub(super) fn is_document(value: &Json) -> bool {
    value.get("Statement").is_some_and(|statements| statements.is_array() || statements.is_object())
}

/// Statements that are added, removed and changed, by `Sid`.
pub(super) fn difference(before: Option<&Json>, after: Option<&Json>) -> Vec<Row> {
    let (mut old, mut new) = (statements(before), statements(after));
    drop_equal(&mut old, &mut new);
    let mut rows = outside_statements(before, after);
    let (old_by_sid, new_by_sid) = (by_sid(&old), by_sid(&new));
    for statement in &new {
        match partner(statement, &old_by_sid, &new_by_sid) {
            Some(former) => rows.extend(statement.change_from(former)),
            None => rows.push(Row::signed(0, Sign::Add, statement.line())),
        }
    }
    let gone = old.iter().filter(|statement| partner(statement, &new_by_sid, &old_by_sid).is_none());
    rows.extend(gone.map(|statement| Row::signed(0, Sign::Remove, statement.line())));
    if rows.is_empty() && before != after {
        rows.push(Row::signed(0, Sign::Change, "the same statements, written another way"));
    }
    rows
}

fn statements(document: Option<&Json>) -> Vec<Statement> {
    match document.and_then(|document| document.get("Statement")) {
        Some(Json::Array(all)) => all.iter().map(Statement::read).collect(),
        Some(one) => vec![Statement::read(one)],
        None => Vec::new(),
    }
}

/// Takes away what both have, each as often as both have it.
fn drop_equal(old: &mut Vec<Statement>, new: &mut Vec<Statement>) {
    let mut both: HashMap<Statement, usize> = HashMap::new();
    old.iter().for_each(|statement| *both.entry(statement.clone()).or_default() += 1);
    let mut dropped: HashMap<Statement, usize> = HashMap::new();
    new.retain(|statement| match both.get_mut(statement).filter(|left| **left > 0) {
        Some(left) => {
            *left -= 1;
            *dropped.entry(statement.clone()).or_default() += 1;
            false
        }
        None => true,
    });
    old.retain(|statement| match dropped.get_mut(statement).filter(|left| **left > 0) {
        Some(left) => {
            *left -= 1;
            false
        }
        None => true,
    });
}

type BySid<'s> = HashMap<&'s str, Vec<&'s Statement>>;

fn by_sid(statements: &[Statement]) -> BySid<'_> {
    let mut all = BySid::new();
    let named = statements.iter().filter(|statement| !statement.sid.is_empty());
    named.for_each(|statement| all.entry(&statement.sid).or_default().push(statement));
    all
}

/// The statement of the same `Sid` and effect on the other side, if the `Sid` is the only one of its kind on both.
fn partner<'s>(statement: &Statement, others: &BySid<'s>, own: &BySid<'_>) -> Option<&'s Statement> {
    let one = |side: &BySid<'s>| match side.get(statement.sid.as_str()).map(Vec::as_slice) {
        Some([one]) => Some(*one),
        _ => None,
    };
    let alone = own.get(statement.sid.as_str()).is_some_and(|all| all.len() == 1);
    one(others).filter(|other| alone && other.effect == statement.effect)
}

/// Version, id, and whatever else stands beside the statements.
fn outside_statements(before: Option<&Json>, after: Option<&Json>) -> Vec<Row> {
    let (Some(before), Some(after)) = (before.and_then(Json::as_object), after.and_then(Json::as_object)) else {
        return Vec::new();
    };
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).filter(|key| *key != "Statement").collect();
    let shown = |side: Option<&Json>| side.map_or_else(|| "none".to_owned(), |value| visible::item(&plain(value)));
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| {
            let (old, new) = (shown(before.get(key)), shown(after.get(key)));
            Row::signed(0, Sign::Change, format!("{}  {old} → {new}", visible::name(key)))
        })
        .collect()
}

/// A statement, in an order of its own so that two that say the same are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Statement {
    sid: String,
    effect: String,
    /// By place in `LISTS`.
    lists: BTreeMap<usize, BTreeSet<String>>,
    /// By key and operator.
    conditions: BTreeMap<(String, String), BTreeSet<String>>,
    /// What else it has.
    others: BTreeMap<String, String>,
}

impl Statement {
    fn read(json: &Json) -> Self {
        let text = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let lists = LISTS.iter().enumerate();
        let lists = lists.filter_map(|(at, (name, ..))| json.get(*name).map(|list| (at, items(list)))).collect();
        let is_known = |name: &str| KNOWN.contains(&name) || LISTS.iter().any(|(list, ..)| *list == name);
        let others = json.as_object().into_iter().flatten().filter(|(name, _)| !is_known(name));
        let mut others: BTreeMap<String, String> = others.map(|(name, value)| (name.clone(), plain(value))).collect();
        if !json.is_object() {
            others.insert("not a statement".to_owned(), plain(json));
        }
        Self { sid: text("Sid"), effect: text("Effect"), lists, conditions: conditions(json), others }
    }

    /// `allow ScaleCell  ecs:UpdateService on *  when aws:RequestedRegion in [us-west-2]`.
    fn line(&self) -> String {
        let mut line = self.title();
        for (at, items) in &self.lists {
            let lead = LISTS.get(*at).map_or("", |(_, _, lead)| lead);
            let gap = if *at < 2 { "  " } else { " " };
            line.push_str(&format!("{gap}{lead}{}", joined(items)));
        }
        let conditions: Vec<String> = self.condition_texts();
        if !conditions.is_empty() {
            line.push_str(&format!("  when {}", conditions.join(" and ")));
        }
        for (name, value) in &self.others {
            line.push_str(&format!("  {} {}", visible::name(name), visible::item(value)));
        }
        line
    }

    fn title(&self) -> String {
        let effect = match self.effect.as_str() {
            "Allow" => "allow".to_owned(),
            "Deny" => "deny".to_owned(),
            other => format!("effect {}", visible::name(other)),
        };
        if self.sid.is_empty() { effect } else { format!("{effect} {}", visible::name(&self.sid)) }
    }

    fn condition_texts(&self) -> Vec<String> {
        self.conditions.iter().map(|((key, operator), values)| condition(key, operator, values)).collect()
    }

    /// What is added to and removed from its parts.
    fn change_from(&self, former: &Self) -> Vec<Row> {
        let mut rows = vec![Row::signed(0, Sign::Change, self.title())];
        for (at, (_, noun, lead)) in LISTS.iter().enumerate() {
            let side = |statement: &Self| -> Vec<String> {
                let list = statement.lists.get(&at);
                list.into_iter().flatten().map(|item| visible::item(item)).collect()
            };
            let label = if lead.ends_with("all but ") { format!("{noun}, all but") } else { (*noun).to_owned() };
            rows.extend(part(&label, &side(former), &side(self)));
        }
        rows.extend(self.conditions_from(former));
        let other = |statement: &Self| -> Vec<String> {
            statement
                .others
                .iter()
                .map(|(name, value)| format!("{} {}", visible::name(name), visible::item(value)))
                .collect()
        };
        rows.extend(part("other", &other(former), &other(self)));
        rows
    }

    /// Of a condition that stays, the values that come and go; else the whole condition.
    fn conditions_from(&self, former: &Self) -> Vec<Row> {
        let keys: BTreeSet<_> = former.conditions.keys().chain(self.conditions.keys()).collect();
        let mut rows = Vec::new();
        for (key, operator) in keys {
            let at = (key.clone(), operator.clone());
            match (former.conditions.get(&at), self.conditions.get(&at)) {
                (Some(old), Some(new)) => {
                    let signed = |sign: char, values: Vec<&String>| -> Vec<String> {
                        values.into_iter().map(|value| format!("{sign} {}", visible::item(value))).collect()
                    };
                    let mut moved = signed('+', new.difference(old).collect());
                    moved.extend(signed('-', old.difference(new).collect()));
                    if !moved.is_empty() {
                        let text = format!("when {} {}  {}", visible::name(key), word(operator), moved.join(", "));
                        rows.push(Row::signed(1, Sign::Change, text));
                    }
                }
                (old, new) => {
                    let list = |values: Option<&BTreeSet<String>>| -> Vec<String> {
                        values.map(|values| condition(key, operator, values)).into_iter().collect()
                    };
                    rows.extend(part("when", &list(old), &list(new)));
                }
            }
        }
        rows
    }
}

/// A line for what a part gains and one for what it loses.
fn part(label: &str, before: &[String], after: &[String]) -> Vec<Row> {
    let rows = added_and_removed(before, after);
    let of = |sign: Sign| {
        let items: Vec<&str> =
            rows.iter().filter(|row| row.sign == Some(sign)).map(|row| row.text.as_str()).collect();
        (!items.is_empty()).then(|| Row::signed(1, sign, format!("{label}  {}", items.join(", "))))
    };
    [of(Sign::Add), of(Sign::Remove)].into_iter().flatten().collect()
}

fn conditions(statement: &Json) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut all = BTreeMap::new();
    match statement.get("Condition") {
        None => {}
        Some(Json::Object(operators)) => {
            for (operator, keys) in operators {
                match keys.as_object() {
                    Some(keys) => all.extend(keys.iter().map(|(key, v)| ((key.clone(), operator.clone()), items(v)))),
                    None => drop(all.insert((String::new(), operator.clone()), items(keys))),
                }
            }
        }
        Some(other) => drop(all.insert((String::new(), "?".to_owned()), items(other))),
    }
    all
}

/// `aws:RequestedRegion in [us-west-2]`.
fn condition(key: &str, operator: &str, values: &BTreeSet<String>) -> String {
    let key = visible::name(key);
    let single = if values.len() == 1 { values.first().map(String::as_str) } else { None };
    match (operator, single) {
        ("Null", Some("true")) => format!("{key} is absent"),
        ("Null", Some("false")) => format!("{key} is present"),
        ("Bool", Some(value)) => format!("{key} is {}", visible::item(value)),
        _ => format!("{key} {} [{}]", word(operator), joined(values)),
    }
}

/// An operator in words. INVARIANT: no two operators have one word.
fn word(operator: &str) -> String {
    let (quantifier, rest) = match operator.split_once(':') {
        Some(("ForAllValues", rest)) => ("(all values) ", rest),
        Some(("ForAnyValue", rest)) => ("(any value) ", rest),
        _ => ("", operator),
    };
    let (base, optional) = match rest.strip_suffix("IfExists") {
        Some(base) => (base, "(if present) "),
        None => (rest, ""),
    };
    let word = match base {
        "StringEquals" => "in".to_owned(),
        "StringNotEquals" => "not in".to_owned(),
        "StringLike" => "like".to_owned(),
        "StringNotLike" => "not like".to_owned(),
        "IpAddress" => "in network".to_owned(),
        "NotIpAddress" => "not in network".to_owned(),
        "NumericLessThan" => "<".to_owned(),
        "NumericLessThanEquals" => "<=".to_owned(),
        "NumericGreaterThan" => ">".to_owned(),
        "NumericGreaterThanEquals" => ">=".to_owned(),
        other => visible::name(other),
    };
    format!("{quantifier}{optional}{word}")
}

/// The items of a list, or the only one; of a map, `key value` for each.
fn items(value: &Json) -> BTreeSet<String> {
    match value {
        Json::Array(all) => all.iter().map(plain).collect(),
        Json::Object(map) if !map.contains_key("later") => map
            .iter()
            .flat_map(|(key, value)| items(value).into_iter().map(move |item| format!("{key} {item}")))
            .collect(),
        one => BTreeSet::from([plain(one)]),
    }
}

fn joined(items: &BTreeSet<String>) -> String {
    if items.is_empty() {
        return "nothing".to_owned();
    }
    items.iter().map(|item| visible::item(item)).collect::<Vec<_>>().join(", ")
}

/// A value without quotes and braces where it can do without.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(all) => format!("[{}]", all.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => match (map.len(), map.get("later")) {
            (1, Some(Json::String(later))) => format!("(known after apply: {later})"),
            _ => {
                let one = |(key, value): (&String, &Json)| format!("{key} = {}", plain(value));
                format!("{{{}}}", map.iter().map(one).collect::<Vec<_>>().join(", "))
            }
        },
        other => other.to_string(),
    }
}
