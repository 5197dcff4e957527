//! A parser for the forms that programs mostly consist of, several times as fast as the generated one.
//!
//! `cell.pest` stays the definition: this parser takes a declaration or leaves it, and what it takes it reads as the
//! grammar does, place for place; a test holds the two equal on every program and on many that are none. Whatever is
//! rare or wrong (records as types, tests, `not`, a missing comma, a foreign `:=`) it leaves. So it never has to go back: a
//! form is either settled by its first words or not taken. This file has words and bodies.
//!
//! Where a rule of the grammar ends in something optional that is not there, pest counts the blank before that in;
//! so does this: `blank` where the grammar has `~`.

mod decl;
mod expr;

use super::grammar::Rule;
use super::skip_blank;
use super::tree::{Open, Tree};

/// How deep declarations, bodies and expressions may nest; a small stack has room for that, and for lowering it.
const MAX_NESTING: u32 = 24;

/// Parses the declaration that `text` begins with into `tree`. `false`: the grammar is to decide, and what is in the
/// tree is of no use.
pub(super) fn parse<'i>(text: &'i str, tree: &mut Tree<'i>) -> bool {
    tree.restart(text);
    Quick { text, bytes: text.as_bytes(), at: 0, nesting: 0, tree }.decl().is_some()
}

/// `None` stands for: not taken.
type Taken = Option<()>;

struct Quick<'i, 't> {
    text: &'i str,
    bytes: &'i [u8],
    at: usize,
    nesting: u32,
    tree: &'t mut Tree<'i>,
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl<'i> Quick<'i, '_> {
    // Words.

    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn byte_after(&self, more: usize) -> Option<u8> {
        self.bytes.get(self.at + more).copied()
    }

    fn blank(&mut self) {
        self.at = skip_blank(self.text, self.at);
    }

    /// The word that begins here: a rule `ident`. Empty if none does.
    fn word(&self) -> &'i str {
        self.word_at(self.at)
    }

    fn word_at(&self, start: usize) -> &'i str {
        if !self.bytes.get(start).is_some_and(u8::is_ascii_alphabetic) {
            return "";
        }
        let mut end = start + 1;
        while let Some(byte) = self.bytes.get(end).copied() {
            let joins = byte == b'-' && self.bytes.get(end + 1).copied().is_some_and(is_word_byte);
            if !is_word_byte(byte) && !joins {
                break;
            }
            end += 1;
        }
        self.text.get(start..end).unwrap_or("")
    }

    /// A rule that is so many bytes and has none in it.
    fn leaf(&mut self, rule: Rule, length: usize) {
        let open = self.tree.open(rule, self.at);
        self.at += length;
        self.tree.close(open, self.at);
    }

    fn open(&mut self, rule: Rule) -> Open {
        self.tree.open(rule, self.at)
    }

    fn close(&mut self, open: Open) {
        self.tree.close(open, self.at);
    }

    /// A sign of one byte.
    fn sign(&mut self, rule: Rule, sign: u8) -> Taken {
        (self.byte() == Some(sign)).then(|| self.leaf(rule, 1))
    }

    fn ident(&mut self) -> Taken {
        let length = self.word().len();
        (length > 0).then(|| self.leaf(Rule::ident, length))
    }

    fn keyword(&mut self, rule: Rule, keyword: &str) -> Taken {
        (self.word() == keyword).then(|| self.leaf(rule, keyword.len()))
    }

    /// `=` that is no other sign's beginning.
    fn equals(&mut self, rule: Rule) -> Taken {
        (self.byte() == Some(b'=') && !matches!(self.byte_after(1), Some(b'=' | b'>'))).then(|| self.leaf(rule, 1))
    }

    /// `:` that is no `:=`.
    fn colon(&mut self) -> Taken {
        (self.byte() == Some(b':') && self.byte_after(1) != Some(b'=')).then(|| self.leaf(Rule::colon, 1))
    }

    fn nested(&mut self, work: impl FnOnce(&mut Self) -> Taken) -> Taken {
        self.nesting += 1;
        let taken = if self.nesting > MAX_NESTING { None } else { work(self) };
        self.nesting -= 1;
        taken
    }

    // Bodies.

    fn body(&mut self) -> Taken {
        self.nested(|quick| {
            let body = quick.open(Rule::body);
            quick.sign(Rule::open_brace, b'{')?;
            quick.blank();
            while quick.byte()? != b'}' {
                quick.item()?;
                quick.blank();
                if quick.sign(Rule::comma, b',').is_some() {
                    quick.blank();
                }
            }
            quick.sign(Rule::close_brace, b'}')?;
            quick.close(body);
            Some(())
        })
    }

    fn item(&mut self) -> Taken {
        if self.byte() == Some(b'"') {
            return self.keyed();
        }
        let word = self.word();
        let after = skip_blank(self.text, self.at + word.len());
        match (word, self.bytes.get(after).copied()?) {
            ("", _) => None,
            (_, b'=') => {
                let field = self.open(Rule::field);
                self.ident()?;
                self.blank();
                self.equals(Rule::eq)?;
                self.value(field)
            }
            (_, b'{') => self.block(false),
            ("for", _) => {
                let body_for = self.open(Rule::body_for);
                self.header()?;
                self.body()?;
                self.close(body_for);
                Some(())
            }
            ("foreach" | "override" | "if" | "every" | "some", _) => None,
            _ => self.block(true),
        }
    }

    fn block(&mut self, labelled: bool) -> Taken {
        let block = self.open(Rule::block);
        self.ident()?;
        self.blank();
        if labelled {
            self.label()?;
            self.blank();
        }
        self.body()?;
        self.close(block);
        Some(())
    }

    /// What begins with a string: a field, or a condition.
    fn keyed(&mut self) -> Taken {
        let start = self.at;
        let string = skip_string(self.bytes, start)?;
        let sign = skip_blank(self.text, string);
        let is_field = self.bytes.get(sign) == Some(&b'=') && self.bytes.get(sign + 1) != Some(&b'=');
        let item = self.open(if is_field { Rule::field } else { Rule::condition });
        self.string()?;
        self.blank();
        if is_field {
            self.equals(Rule::eq_key)?;
            return self.value(item);
        }
        self.test()?;
        self.close(item);
        Some(())
    }

    fn value(&mut self, field: Open) -> Taken {
        self.blank();
        self.expr()?;
        self.close(field);
        Some(())
    }

    /// What a condition asks.
    fn test(&mut self) -> Taken {
        match self.word() {
            "present" => return self.keyword(Rule::kw_present, "present"),
            "absent" => return self.keyword(Rule::kw_absent, "absent"),
            "not" => return None,
            "" => {
                let length = match (self.byte()?, self.byte_after(1)) {
                    (b'=' | b'!' | b'<' | b'>', Some(b'=')) => 2,
                    (b'<' | b'>', _) => 1,
                    _ => return None,
                };
                self.leaf(Rule::condition_op, length);
            }
            word => self.leaf(Rule::condition_op, word.len()),
        }
        self.blank();
        let value = self.open(Rule::condition_value);
        self.operand()?;
        self.blank();
        // Of several operands the grammar is to say where they end.
        if matches!(self.byte(), Some(b'?' | b'+' | b'-' | b'*' | b'/' | b'.')) {
            return None;
        }
        self.close(value);
        Some(())
    }
}

/// Where the plain string that begins at a byte ends; nothing of another.
fn skip_string(bytes: &[u8], start: usize) -> Option<usize> {
    let inside = bytes.get(start..)?.strip_prefix(b"\"")?;
    let end = inside.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n'))?;
    (inside.get(end) == Some(&b'"') && inside.get(end + 1) != Some(&b'"')).then_some(start + end + 2)
}
