//! Tags of what exists. Owns which of them a program says: those that AWS and the tool keep for themselves are none.

use std::collections::BTreeMap;

use cell_lang::types::Builtin;

use super::Writer;
use super::words::{fits, text};
use crate::provider::Tags;

impl Writer<'_> {
    /// The tags that a program can say; the others are told, and stay as they are.
    pub(super) fn own_tags(&mut self, what: &str, tags: Option<&Tags>) -> BTreeMap<String, String> {
        let mut own = BTreeMap::new();
        for (key, value) in tags.into_iter().flatten().filter(|(key, _)| !is_reserved(key)) {
            let plain = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
            let key_fits = (1..=128).contains(&key.chars().count()) && key.chars().all(plain);
            if key_fits && fits(Builtin::TagValue, value) {
                own.insert(key.clone(), value.clone());
            } else {
                self.leave(what, format!("its tag `{key}` has a character that a program does not take, and stays"));
            }
        }
        own
    }
}

fn is_reserved(key: &str) -> bool {
    let begins = |prefix: &str| key.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    begins("aws:") || begins("cellc:")
}

/// The block that says them; nothing without one.
pub(super) fn block(tags: &BTreeMap<String, String>) -> String {
    if tags.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = tags.iter().map(|(key, value)| format!("{} = {}", text(key), text(value))).collect();
    format!("tags {{ {} }}\n", lines.join(", "))
}
