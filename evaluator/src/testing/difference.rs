//! In what two values of one type differ, in words. Owns which parts are compared and how many are named; judges
//! nothing.

use indexmap::IndexMap;

use crate::emit::text::printed;
use crate::value::{EntityId, Map, Value};
use crate::world::World;

/// Differences that are told; the rest is counted.
const MOST: usize = 10;

/// Characters of a part that a difference shows.
const SHOWN: usize = 60;

/// Characters of a text that are shown around the first place where it differs.
const AROUND: usize = 20;

/// Texts of fewer characters are read at a glance.
const LONG_TEXT: usize = 40;

/// In what `left` and `right` differ; nothing of values that have no parts, or of equal ones.
pub fn differences(world: &World<'_>, left: &Value, right: &Value) -> Vec<String> {
    let mut all = Vec::new();
    Differ { world, out: &mut all }.compare("", left, right);
    let more = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    if more > 0 {
        all.push(format!("and {more} more differences"));
    }
    all
}

struct Differ<'a, 'p> {
    world: &'a World<'p>,
    out: &'a mut Vec<String>,
}

impl Differ<'_, '_> {
    /// Compares what stands at a path: `""` at the top, then `.field`, `["key"]`.
    fn compare(&mut self, path: &str, left: &Value, right: &Value) {
        if left == right {
            return;
        }
        match (left, right) {
            (Value::Set(a), Value::Set(b)) => {
                let lacking = |from: &[EntityId], other: &[EntityId]| -> Vec<Value> {
                    from.iter().filter(|id| !other.contains(id)).map(|id| Value::Ref(*id)).collect()
                };
                self.sides(path, &lacking(a, b), &lacking(b, a));
            }
            (Value::List(_) | Value::Range(..), Value::List(_) | Value::Range(..)) => self.lists(path, left, right),
            (Value::Map(a), Value::Map(b)) => self.maps(path, a, b),
            (Value::Record(a), Value::Record(b)) if a.names == b.names => {
                for ((name, a), b) in a.names.iter().zip(&a.values).zip(&b.values) {
                    self.compare(&format!("{path}.{name}"), a, b);
                }
            }
            (Value::Block(a), Value::Block(b)) if std::ptr::eq(a.spec, b.spec) => {
                for ((field, a), b) in a.spec.fields.iter().zip(&a.fields).zip(&b.fields) {
                    self.compare(&format!("{path}.{}", field.name), a, b);
                }
            }
            (Value::Str(a), Value::Str(b)) if a.chars().count().max(b.chars().count()) > LONG_TEXT => {
                self.texts(path, a, b);
            }
            // At the top the two values are shown where they stand.
            _ if path.is_empty() => {}
            _ => {
                let (left, right) = (self.shown(left), self.shown(right));
                self.out.push(format!("{path}: {left} on the left, {right} on the right"));
            }
        }
    }

    /// What only one side has.
    fn sides(&mut self, path: &str, left: &[Value], right: &[Value]) {
        let at = if path.is_empty() { String::new() } else { format!("{path}: ") };
        for (items, side) in [(left, "left"), (right, "right")] {
            if !items.is_empty() {
                let listed = Value::List(items.into());
                let shown = printed(self.world, &listed, SHOWN * 2);
                self.out.push(format!("{at}only on the {side}: {}", shown.trim_matches(['[', ']'])));
            }
        }
    }

    fn lists(&mut self, path: &str, left: &Value, right: &Value) {
        let (a, b): (Vec<Value>, Vec<Value>) = (left.items().collect(), right.items().collect());
        let (only_left, only_right) = (lacking(&a, &b), lacking(&b, &a));
        if only_left.is_empty() && only_right.is_empty() {
            let at = if path.is_empty() { String::new() } else { format!("{path}: ") };
            let place = a.iter().zip(&b).take_while(|(a, b)| a == b).count() + 1;
            self.out.push(format!("{at}the same items in another order, from item {place} on"));
            return;
        }
        self.sides(path, &only_left, &only_right);
    }

    fn maps(&mut self, path: &str, left: &Map, right: &Map) {
        let keys = |from: &Map, other: &Map| -> Vec<Value> {
            from.keys().filter(|key| !other.contains_key(*key)).cloned().collect()
        };
        self.sides(path, &keys(left, right), &keys(right, left));
        for (key, a) in left {
            if let Some(b) = right.get(key) {
                self.compare(&format!("{path}[{}]", self.shown(key)), a, b);
            }
        }
    }

    fn texts(&mut self, path: &str, left: &str, right: &str) {
        let same = left.chars().zip(right.chars()).take_while(|(a, b)| a == b).count();
        let part = |text: &str| -> String {
            let from = same.saturating_sub(AROUND);
            let part: String = text.chars().skip(from).take(2 * AROUND).collect();
            let before = if from > 0 { "…" } else { "" };
            let after = if text.chars().nth(from + 2 * AROUND).is_some() { "…" } else { "" };
            self.shown(&Value::Str(format!("{before}{part}{after}").into()))
        };
        let (left, right) = (part(left), part(right));
        let at = if path.is_empty() { String::new() } else { format!("{path}: ") };
        let place = same + 1;
        self.out.push(format!("{at}from character {place} on: {left} on the left, {right} on the right"));
    }

    fn shown(&self, value: &Value) -> String {
        printed(self.world, value, SHOWN)
    }
}

/// The items of one list that the other has not, or has less often, in order.
fn lacking(from: &[Value], other: &[Value]) -> Vec<Value> {
    let mut left: IndexMap<&Value, usize> = IndexMap::new();
    for item in other {
        *left.entry(item).or_default() += 1;
    }
    let mut out = Vec::new();
    for item in from {
        match left.get_mut(item) {
            Some(count) if *count > 0 => *count -= 1,
            _ => out.push(item.clone()),
        }
    }
    out
}
