//! A world so small that all its requests can be tried.

#![allow(unreachable_pub, reason = "a module of a test")]

use std::sync::{Arc, LazyLock};

use cell_iam::access::{Access, Fact, Facts, Level, Part, Way};
use cell_iam::catalogue::{Action, Catalogue, ConditionKey, KeyKind, Level as AccessLevel, ResourceType, Service};
use cell_iam::policy;
use cell_iam::region::{Glob, Need, Region, Values};
use cell_iam::{Context, Request};
use proptest::prelude::*;
use serde_json::{Value, json};
use smol_str::SmolStr;

pub fn catalogue() -> Catalogue {
    let action = |name: &str, resources: &[u16]| Action {
        name: name.into(),
        level: AccessLevel::Write,
        resources: resources.to_vec(),
        whole: false,
        keys: (0..8).collect(),
    };
    let key = |name: &str, kind, several| ConditionKey { name: name.into(), kind, several };
    let service = Service {
        actions: vec![action("Get", &[0]), action("GetAll", &[0]), action("List", &[]), action("Put", &[0])],
        resources: vec![ResourceType { name: "thing".into(), arn: "arn:aws:s:::${Name}".into() }],
        keys: vec![
            key("s:text", KeyKind::String, false),
            key("s:number", KeyKind::Numeric, false),
            key("s:date", KeyKind::Date, false),
            key("s:ip", KeyKind::Ip, false),
            key("s:flag", KeyKind::Bool, false),
            key("s:tags", KeyKind::String, true),
            key("s:arn", KeyKind::Arn, false),
            key("s:bytes", KeyKind::Binary, false),
        ],
    };
    Catalogue { services: [(SmolStr::from("s"), service)].into_iter().collect(), ..Catalogue::default() }
}

/// The values of each key that policies here can tell apart, absent first.
const VALUES: [(&str, &[&[&str]]); 8] = [
    ("s:text", &[&[], &["a"], &["b"], &["ab"], &["c"]]),
    ("s:number", &[&[], &["1"], &["5"], &["7"], &["9"], &["12"]]),
    ("s:date", &[&[], &["2026-01-01T00:00:00Z"], &["2027-01-01T00:00:00Z"], &["2028-01-01T00:00:00Z"]]),
    ("s:ip", &[&[], &["10.1.0.1"], &["10.2.0.1"], &["192.0.2.1"]]),
    ("s:flag", &[&[], &["true"], &["false"]]),
    ("s:tags", &[&[], &["a"], &["b"], &["c"], &["a", "b"], &["a", "c"], &["a", "b", "c"], &["b", "c"]]),
    (
        "s:arn",
        &[
            &[],
            &["arn:aws:iam::1:role/a"],
            &["arn:aws:iam::1:role/b"],
            &["arn:aws:iam::1:user/a"],
            &["arn:aws:iam::2:role/a"],
            &["arn:aws:s3:::a"],
        ],
    ),
    ("s:bytes", &[&[], &["YQ=="], &["Yg=="], &["Yw=="]]),
];

/// Requests that vary in two keys at most: policies here have at most two conditions, so nearly all is met.
pub fn requests() -> &'static [Request] {
    static ALL: LazyLock<Vec<Request>> = LazyLock::new(all_requests);
    &ALL
}

/// Keys that every request of [`carrying`] has: a boolean, a date, one of several values.
const CARRIED: [&str; 3] = ["s:flag", "s:date", "s:tags"];

/// What is known where every request carries these.
pub fn carried() -> Facts {
    let mut facts = Facts::default();
    for (key, shape) in CARRIED.iter().zip(["true|false", "*", "*"]) {
        facts.set(key, Fact::Like(shape.into()));
    }
    facts
}

/// Requests that carry some keys, and vary in one other.
pub fn carrying() -> &'static [Request] {
    static ALL: LazyLock<Vec<Request>> = LazyLock::new(|| {
        let mut contexts: Vec<Vec<(usize, usize)>> = vec![vec![]];
        for key in CARRIED {
            let at = VALUES.iter().position(|(name, _)| *name == key).unwrap();
            let with = |context: &Vec<_>, value| [context.clone(), vec![(at, value)]].concat();
            contexts = contexts
                .iter()
                .flat_map(|context| (1..VALUES[at].1.len()).map(|value| with(context, value)).collect::<Vec<_>>())
                .collect();
        }
        let mut all = contexts.clone();
        for (at, (name, values)) in VALUES.iter().enumerate() {
            if !CARRIED.contains(name) {
                let more = (1..values.len()).flat_map(|value| {
                    contexts.iter().map(move |context| [context.clone(), vec![(at, value)]].concat())
                });
                all.extend(more);
            }
        }
        under(&all)
    });
    &ALL
}

fn all_requests() -> Vec<Request> {
    let mut contexts: Vec<Vec<(usize, usize)>> = vec![vec![]];
    for (a, (_, of_a)) in VALUES.iter().enumerate() {
        for value in 1..of_a.len() {
            contexts.push(vec![(a, value)]);
            for (b, (_, of_b)) in VALUES.iter().enumerate().skip(a + 1) {
                contexts.extend((1..of_b.len()).map(|other| vec![(a, value), (b, other)]));
            }
        }
    }
    under(&contexts)
}

/// The requests for every action under these contexts.
fn under(contexts: &[Vec<(usize, usize)>]) -> Vec<Request> {
    let mut out = Vec::new();
    for (action, resources) in [
        ("s:Get", &["arn:aws:s:::a", "arn:aws:s:::b", "arn:aws:s:::ab", "arn:aws:s:::ba", "arn:aws:s:::c"][..]),
        ("s:GetAll", &["arn:aws:s:::a", "arn:aws:s:::ab"]),
        ("s:List", &["*"]),
        ("s:Put", &["arn:aws:s:::a", "arn:aws:s:::ab", "arn:aws:s:::c"]),
    ] {
        for resource in resources {
            for chosen in contexts {
                let mut context = Context::default();
                for (key, value) in chosen {
                    let (name, values) = VALUES[*key];
                    context.set(name, values[*value].iter().map(|value| SmolStr::from(*value)).collect());
                }
                out.push(Request { action: action.into(), resource: (*resource).into(), context });
            }
        }
    }
    out
}

fn glob_matches(glob: &str, text: &str) -> bool {
    match glob.chars().next() {
        None => text.is_empty(),
        Some('*') => (0..=text.len()).any(|at| text.is_char_boundary(at) && glob_matches(&glob[1..], &text[at..])),
        Some('?') => text.chars().next().is_some_and(|c| glob_matches(&glob[1..], &text[c.len_utf8()..])),
        Some(c) => text.strip_prefix(c).is_some_and(|rest| glob_matches(&glob[c.len_utf8()..], rest)),
    }
}

/// Whether a value is what a label of a region says.
fn label_matches(label: &str, value: &str) -> bool {
    if let Some((sign, wanted)) = label.split_once(' ') {
        let order = match (value.parse::<f64>(), wanted.parse::<f64>()) {
            (Ok(value), Ok(wanted)) => value.partial_cmp(&wanted).unwrap(),
            // Dates of one form compare as they are written.
            _ => value.cmp(wanted),
        };
        return match sign {
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            _ => order.is_ge(),
        };
    }
    match label {
        "10.0.0.0/8" => value.starts_with("10."),
        "10.1.0.0/16" => value.starts_with("10.1."),
        "0.0.0.0/0" => true,
        _ => glob_matches(label, value),
    }
}

fn in_glob(glob: &Glob, text: &str, matches: fn(&str, &str) -> bool) -> bool {
    matches(&glob.glob, text)
        && glob.and.iter().all(|and| matches(and, text))
        && !glob.except.iter().any(|except| matches(except, text))
}

fn has(values: &Values, carried: &[SmolStr]) -> bool {
    match carried {
        [] => values.absent,
        [one] => values.of.iter().any(|glob| in_glob(glob, one, label_matches)),
        // Of a key of several values it is only said so that it has none.
        _ => {
            assert!(values.of.is_empty(), "several values of a key that has one");
            false
        }
    }
}

fn met(need: &Need, request: &Request) -> bool {
    match need {
        Need::Value { key, values } => has(values, request.context.get(key)),
        Need::Contains { key, values } => some(values, request.context.get(key)),
        Need::Lacks { key, values } => !some(values, request.context.get(key)),
    }
}

fn some(values: &[Glob], carried: &[SmolStr]) -> bool {
    carried.iter().any(|own| values.iter().any(|glob| in_glob(glob, own, label_matches)))
}

/// Whether a region says that a request is in it.
pub fn covers(region: &Region, request: &Request) -> bool {
    region.actions.known.contains(&request.action)
        && region.resources.iter().any(|glob| in_glob(glob, &request.resource, glob_matches))
        && region.when.iter().any(|all| all.iter().all(|need| met(need, request)))
}

fn some_of(all: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::vec(prop::sample::select(all), 1..3).prop_map(|items| json!(items))
}

fn condition() -> impl Strategy<Value = (String, String, Value)> {
    let exists = |operator: &str, exists: bool| format!("{operator}{}", if exists { "IfExists" } else { "" });
    let typed = |operators: &'static [&'static str], key: &'static str, values: &'static [&'static str]| {
        (prop::sample::select(operators), any::<bool>(), some_of(values))
            .prop_map(move |(operator, optional, values)| (exists(operator, optional), key.to_owned(), values))
    };
    let qualified = (
        prop::sample::select(&["ForAllValues:", "ForAnyValue:"][..]),
        prop::sample::select(&["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"][..]),
        any::<bool>(),
        prop::sample::select(&["s:tags", "s:text"][..]),
        some_of(&["a", "b", "a*", "ab"]),
    );
    prop_oneof![
        4 => typed(
            &["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase"],
            "s:text",
            &["a", "b", "a*", "*b", "?b"]
        ),
        2 => typed(
            &[
                "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals",
                "NumericGreaterThan", "NumericGreaterThanEquals",
            ],
            "s:number",
            &["5", "9"]
        ),
        1 => typed(
            &["DateEquals", "DateLessThan", "DateGreaterThanEquals", "DateNotEquals"],
            "s:date",
            &["2027-01-01T00:00:00Z"]
        ),
        1 => typed(&["IpAddress", "NotIpAddress"], "s:ip", &["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0"]),
        1 => typed(&["Bool"], "s:flag", &["true", "false"]),
        // No star within a segment: what it reaches is not known, and nothing is unknown here.
        2 => typed(
            &["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"],
            "s:arn",
            &["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/*", "arn:aws:iam::1:*", "arn:aws:iam::2:role/a", "arn:aws:s3:::?"]
        ),
        1 => typed(&["BinaryEquals"], "s:bytes", &["YQ==", "Yg=="]),
        3 => qualified.prop_map(move |(qualifier, operator, optional, key, values)| {
            (format!("{qualifier}{}", exists(operator, optional)), key.to_owned(), values)
        }),
        1 => (prop::sample::select(&["s:text", "s:tags", "s:number", "s:arn", "s:bytes"][..]), some_of(&["true", "false"]))
            .prop_map(|(key, values)| ("Null".to_owned(), key.to_owned(), values)),
    ]
}

fn statement_of(effect: impl Strategy<Value = &'static str>) -> impl Strategy<Value = Value> {
    let actions = some_of(&["s:Get", "s:Get*", "s:*", "*", "s:Put", "s:List", "s:?et", "t:*"]);
    let resources =
        some_of(&["*", "arn:aws:s:::a", "arn:aws:s:::a*", "arn:aws:s:::*b", "arn:aws:s:::?", "arn:aws:s:::b*"]);
    let conditions = prop::collection::vec(condition(), 0..3);
    (effect, actions, 0..10, resources, 0..10, conditions).prop_map(
        |(effect, actions, not_action, resources, not_resource, conditions)| {
            let mut out = json!({ "Effect": effect });
            out[if not_action == 0 { "NotAction" } else { "Action" }] = actions;
            out[if not_resource < 2 { "NotResource" } else { "Resource" }] = resources;
            for (operator, key, values) in conditions {
                out["Condition"][operator][key] = values;
            }
            out
        },
    )
}

pub fn statement() -> impl Strategy<Value = Value> {
    statement_of(prop::sample::select(&["Allow", "Allow", "Allow", "Deny"][..]))
}

pub fn deny() -> impl Strategy<Value = Value> {
    statement_of(Just("Deny"))
}

pub fn policy() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(statement(), 0..4)
}

pub fn document(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn part(statements: &[Value]) -> Part {
    let text = document(statements).to_string();
    let origin: Arc<str> = "random".into();
    Part::known("random", policy::parse(&text, &origin).expect("a document that is right"))
}

pub fn identity(statements: &[Value]) -> Access {
    Access::of(vec![part(statements)], Facts::default())
}

/// Policies, a boundary, levels of SCPs, a second way.
pub fn access() -> impl Strategy<Value = Access> {
    let level = prop::collection::vec(policy(), 1..3);
    let own = (policy(), prop::option::weighted(0.3, policy()), prop::option::weighted(0.3, policy()));
    let way = own.prop_map(|(identity, boundary, session)| Way {
        identity: vec![part(&identity)],
        boundary: boundary.map(|all| vec![part(&all)]),
        session: session.map(|all| vec![part(&all)]),
        ..Way::default()
    });
    (prop::collection::vec(way, 1..3), prop::collection::vec(level, 0..2), any::<bool>()).prop_map(
        |(ways, scps, management_account)| Access {
            ways,
            scps: scps
                .iter()
                .map(|parts| Level { name: "level".into(), parts: parts.iter().map(|all| part(all)).collect() })
                .collect(),
            management_account,
            ..Access::default()
        },
    )
}

/// A statement as two, where it can be done.
pub fn split(statement: &Value) -> Vec<Value> {
    let Some(actions) = statement["Action"].as_array().filter(|actions| actions.len() > 1) else {
        return vec![statement.clone()];
    };
    let with = |actions: &[Value]| {
        let mut out = statement.clone();
        out["Action"] = json!(actions);
        out
    };
    vec![with(&actions[..1]), with(&actions[1..])]
}
