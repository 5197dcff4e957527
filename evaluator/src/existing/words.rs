//! Names of the cloud as words of a program: labels, references, texts. Owns that no label is given twice; what a name
//! belongs to is the caller's affair.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cell_lang::schema::Kind;
use cell_lang::types::Builtin;
use cell_lang::value::Lit;

use crate::terminal::visible::is_hidden;

/// Letters of a label that is made of a name: a number may have to stand behind it.
const LONGEST: usize = 44;

/// Labels that were given.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels {
    taken: BTreeSet<String>,
}

impl Labels {
    /// The first of the candidates that nobody has; else the last, with the first number that makes it another.
    pub(super) fn take(&mut self, candidates: &[String]) -> String {
        self.take_unless(candidates, &|_| false)
    }

    /// As [`Self::take`], and none that is `refused`.
    pub(super) fn take_unless(&mut self, candidates: &[String], refused: &dyn Fn(&str) -> bool) -> String {
        let last = candidates.last().cloned().unwrap_or_else(|| "x".to_owned());
        let numbered = (2_u64..).map(|number| format!("{last}-{number}"));
        let all = candidates.iter().cloned().chain(numbered);
        // Names are fewer than numbers.
        let free = all.into_iter().find(|label| !self.taken.contains(label) && !refused(label)).unwrap_or(last);
        self.taken.insert(free.clone());
        free
    }
}

/// A name as a label: in lower case, `-` for what is no letter and no digit, and before a capital that begins a word.
/// None when nothing is left of it.
pub(super) fn slug(name: &str, prefix: &str) -> Option<String> {
    let mut out = String::new();
    let mut before = ' ';
    for c in name.chars() {
        let begins = c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        if (begins || !c.is_ascii_alphanumeric()) && !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        out.extend(c.is_ascii_alphanumeric().then(|| c.to_ascii_lowercase()));
        before = c;
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out = format!("{prefix}-{out}");
    }
    out.truncate(LONGEST);
    let out = out.trim_end_matches('-');
    (!out.is_empty()).then(|| out.to_owned())
}

/// A label as a declaration writes it: bare where it is a word of the language.
pub(super) fn label(label: &str) -> String {
    if is_word(label) { label.to_owned() } else { text(label) }
}

/// A reference to an entity. One that a loop declares is named by its text.
pub(super) fn reference(kind: Kind, label: &str, looped: bool) -> String {
    if is_word(label) && !looped {
        format!("{}.{label}", kind.name())
    } else {
        format!("{}[{}]", kind.name(), text(label))
    }
}

/// A letter, then letters, digits, `_`, and single `-` between such.
fn is_word(label: &str) -> bool {
    label.starts_with(|c: char| c.is_ascii_alphabetic())
        && !label.ends_with('-')
        && !label.contains("--")
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// A text in quotes.
pub(super) fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A list of texts; one that is long has an item a line.
pub(super) fn texts(values: &[String]) -> String {
    list(&values.iter().map(|value| text(value)).collect::<Vec<_>>())
}

/// A list.
pub(super) fn list(items: &[String]) -> String {
    format!("[{}]", items.join(", "))
}

/// Does a type take this text?
pub(super) fn fits(of: Builtin, value: &str) -> bool {
    of.check(&Lit::Str(value.into())).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_labels() {
        let of = |name: &str| slug(name, "account");
        assert_eq!(of("Payments Prod").as_deref(), Some("payments-prod"));
        assert_eq!(of("PaymentsProd").as_deref(), Some("payments-prod"));
        assert_eq!(of("AWS/Logs (old)").as_deref(), Some("aws-logs-old"));
        assert_eq!(of("2nd").as_deref(), Some("account-2nd"));
        assert_eq!(of("支付"), None);
        assert_eq!(of(&"x".repeat(90)).map(|label| label.len()), Some(LONGEST));
    }

    #[test]
    fn no_label_is_given_twice() {
        let mut labels = Labels::default();
        let take =
            |labels: &mut Labels, of: &[&str]| labels.take(&of.iter().map(|&one| one.to_owned()).collect::<Vec<_>>());
        assert_eq!(take(&mut labels, &["a", "b-a"]), "a");
        assert_eq!(take(&mut labels, &["a", "b-a"]), "b-a");
        assert_eq!(take(&mut labels, &["a", "b-a"]), "b-a-2");
        assert_eq!(take(&mut labels, &["a", "b-a"]), "b-a-3");
    }

    #[test]
    fn what_is_no_word_is_quoted() {
        assert_eq!(reference(Kind::PermissionSet, "Admin", false), "permission_set.Admin");
        assert_eq!(reference(Kind::PermissionSet, "2fa+", false), "permission_set[\"2fa+\"]");
        assert_eq!(reference(Kind::Account, "pay", true), "account[\"pay\"]");
        assert_eq!(text("bidi\u{202e}abc"), "\"bidi\\u{202e}abc\"");
        assert_eq!(text("a \"b\" \\(c)\n\u{1}"), "\"a \\\"b\\\" \\\\(c)\\n\\u{1}\"");
    }
}
