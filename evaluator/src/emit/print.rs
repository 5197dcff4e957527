//! Values as the language writes them, cut at a width. Owns the spelling; where a line is broken is the caller's.

use cell_lang::fmt::one_line;
use cell_lang::value::quote;
use smol_str::SmolStr;

use super::values::{key_text, later_text};
use super::{differs, is_sort};
use crate::value::{BlockValue, ConditionValue, EntityId, Later, Value};
use crate::world::World;

/// No width: nothing is cut.
pub const WHOLE: usize = usize::MAX;

/// Characters of `, … 99 more` and what closes.
const REST: usize = 14;

/// A value as the language writes it, on one line, with what goes beyond `width` characters left out: of a list
/// its last items, of a text its end.
pub fn printed(world: &World<'_>, value: &Value, width: usize) -> String {
    Printer::print(world, value, width).out
}

/// A value as [`printed`] writes it, if nothing has to be left out.
pub(super) fn printed_whole(world: &World<'_>, value: &Value, width: usize) -> Option<String> {
    let printer = Printer::print(world, value, width);
    (!printer.cut && printer.out.chars().count() <= width).then_some(printer.out)
}

/// Writes until the width is used up. INVARIANT: brackets that are opened are closed, beyond the width if need be.
struct Printer<'a, 'p> {
    world: &'a World<'p>,
    out: String,
    left: usize,
    /// Was something left out?
    cut: bool,
}

impl<'a, 'p> Printer<'a, 'p> {
    fn print(world: &'a World<'p>, value: &Value, width: usize) -> Self {
        let mut printer = Self { world, out: String::new(), left: width, cut: false };
        printer.value(value);
        printer
    }

    fn put(&mut self, text: &str) {
        self.left = self.left.saturating_sub(text.chars().count());
        self.out.push_str(text);
    }

    /// A text, cut in its middle when it does not fit.
    fn shorten(&mut self, text: &str, quoted: bool) {
        let room = self.left.max(12);
        let long = room != WHOLE && text.chars().nth(room.saturating_sub(2)).is_some();
        self.cut |= long;
        let shown: String = if long { text.chars().take(room.saturating_sub(3)).collect() } else { text.to_owned() };
        let shown = if long { format!("{shown}…") } else { shown };
        self.put(&if quoted { quote(&shown) } else { shown });
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::None => self.put("none"),
            Value::Str(text) => self.shorten(text, true),
            Value::Secret(place) => {
                let place = quote(place);
                self.put(&format!("secret({place})"));
            }
            Value::Ref(id) => self.put(self.world.address(*id)),
            Value::List(items) => self.items("[", items.iter(), "]", Self::value),
            Value::Range(first, last) => self.put(&format!("{first}..={last}")),
            Value::Set(members) => self.items("[", members.iter().copied(), "]", Self::member),
            Value::Map(entries) => self.items("{ ", entries.iter(), " }", |printer, (key, value)| {
                let key = quote(&key_text(printer.world, key));
                printer.named(&key, value);
            }),
            Value::Record(record) => {
                self.items("{ ", record.names.iter().zip(&record.values), " }", |p, (name, value)| {
                    p.named(name, value);
                });
            }
            Value::Block(block) => self.block(block),
            Value::Conditions(all) => self.items("{ ", all.iter(), " }", Self::condition),
            Value::Later(later) => self.later(later),
            Value::PerTarget(setting) => {
                let text = one_line(self.world.program().sources.text(setting.span));
                // A string over several lines has line ends still.
                self.shorten(&text.split_whitespace().collect::<Vec<_>>().join(" "), false);
            }
            plain => self.put(&plain.to_lit().map_or_else(String::new, |lit| lit.to_string())),
        }
    }

    fn member(&mut self, id: EntityId) {
        self.put(self.world.address(id));
    }

    fn later(&mut self, later: &Later) {
        let text: SmolStr = later_text(self.world, later);
        match later {
            Later::Field(..) => self.put(&text),
            // The text has its backslashes already; only quotes are still to be escaped.
            Later::Text(_) => self.put(&format!("\"{}\"", text.replace('"', "\\\""))),
        }
    }

    fn named(&mut self, name: &str, value: &Value) {
        self.put(name);
        self.put(" = ");
        self.value(value);
    }

    fn items<T>(&mut self, open: &str, all: impl ExactSizeIterator<Item = T>, close: &str, each: fn(&mut Self, T)) {
        let count = all.len();
        if count == 0 {
            self.put(if open == "[" { "[]" } else { "{}" });
            return;
        }
        self.put(open);
        for (at, item) in all.enumerate() {
            let before = (self.out.len(), self.left);
            if at > 0 {
                self.put(", ");
            }
            each(self, item);
            // What follows needs room: the end, or how many are left out.
            let needed = if at + 1 == count { close.len() } else { REST };
            if at > 0 && self.left < needed {
                self.out.truncate(before.0);
                (self.left, self.cut) = (before.1, true);
                self.put(&format!(", … {} more", count - at));
                break;
            }
        }
        self.put(close);
    }

    fn block(&mut self, block: &BlockValue) {
        if let Some(label) = &block.label {
            self.put(label);
            self.put(" ");
        } else if is_sort(block.spec) {
            self.put(block.spec.name);
            self.put(" ");
        }
        let all = block.spec.fields.iter().zip(&block.fields);
        let fields: Vec<_> = all.filter(|(field, value)| differs(field, value)).collect();
        self.items("{ ", fields.into_iter(), " }", |printer, (field, value)| match value {
            Value::Block(_) | Value::Conditions(_) => {
                printer.put(field.name);
                printer.put(" ");
                printer.value(value);
            }
            _ => printer.named(field.name, value),
        });
    }

    fn condition(&mut self, condition: &ConditionValue) {
        let (operator, if_exists) = match condition.operator.strip_suffix("IfExists") {
            Some(operator) => (operator, "if present "),
            None => (condition.operator.as_str(), ""),
        };
        let (operator, quantifier) = match operator.split_once(':') {
            Some(("ForAllValues", operator)) => (operator, "every "),
            Some(("ForAnyValue", operator)) => (operator, "some "),
            _ => (operator, ""),
        };
        self.put(if_exists);
        self.put(quantifier);
        self.put(&quote(&condition.key));
        let values = match condition.values.as_slice() {
            [Value::List(items)] => items,
            all => all,
        };
        if operator == "Null" {
            let absent = values.first().and_then(Value::as_str) == Some("true");
            self.put(if absent { " absent" } else { " present" });
            return;
        }
        self.put(" ");
        self.put(spelled(operator, values.len() == 1));
        self.put(" ");
        match values {
            [one] => self.value(one),
            several => self.items("[", several.iter(), "]", Self::value),
        }
    }
}

/// An IAM operator as conditions spell it; one that has no spelling of its own stands by its name.
fn spelled(operator: &str, single: bool) -> &str {
    match (operator, single) {
        ("StringEquals" | "NumericEquals" | "DateEquals" | "Bool", true) => "==",
        ("StringNotEquals" | "NumericNotEquals" | "DateNotEquals", true) => "!=",
        ("StringEquals" | "NumericEquals" | "DateEquals" | "IpAddress", _) => "in",
        ("StringNotEquals" | "NumericNotEquals" | "DateNotEquals" | "NotIpAddress", _) => "not in",
        ("StringLike", _) => "like",
        ("StringNotLike", _) => "not like",
        ("NumericLessThan" | "DateLessThan", _) => "<",
        ("NumericLessThanEquals" | "DateLessThanEquals", _) => "<=",
        ("NumericGreaterThan" | "DateGreaterThan", _) => ">",
        ("NumericGreaterThanEquals" | "DateGreaterThanEquals", _) => ">=",
        (other, _) => other,
    }
}
