//! Expressions, as the quick parser takes them. Owns which begin with what; the words themselves are its parent's.

use super::{Quick, Taken, is_word_byte, skip_string};
use crate::syntax::grammar::Rule;
use crate::syntax::skip_blank;

/// Operators in one expression; of a longer chain the grammar's way knows what stack it takes.
const MAX_OPERATORS: usize = 40;

impl Quick<'_, '_> {
    pub(super) fn expr(&mut self) -> Taken {
        self.nested(|quick| {
            let expr = quick.open(Rule::expr);
            quick.operand()?;
            quick.blank();
            let mut end = quick.at;
            let mut operators = 0;
            loop {
                let length = quick.infix()?;
                if length == 0 {
                    break;
                }
                operators += 1;
                if operators > MAX_OPERATORS {
                    return None;
                }
                quick.leaf(Rule::infix, length);
                quick.blank();
                quick.operand()?;
                end = quick.at;
                quick.blank();
            }
            // After an operator the blank behind is no part of it.
            quick.at = end;
            quick.close(expr);
            Some(())
        })
    }

    /// The bytes of the operator that stands here; 0 if none does.
    fn infix(&self) -> Option<usize> {
        let Some(byte) = self.byte() else { return Some(0) };
        Some(match (byte, self.byte_after(1)) {
            (b'a'..=b'z' | b'A'..=b'Z', _) => match self.word() {
                word @ ("in" | "where") => word.len(),
                "and" | "or" | "not" => return None,
                _ => 0,
            },
            (b'=', Some(b'=')) | (b'&', Some(b'&')) | (b'|', Some(b'|')) | (b'?', Some(b'?')) => 2,
            (b'!' | b'<' | b'>', Some(b'=')) => 2,
            (b'.', Some(b'.')) if self.byte_after(2) == Some(b'=') => 3,
            (b'<' | b'>' | b'+' | b'-' | b'*' | b'/', _) => 1,
            _ => 0,
        })
    }

    pub(super) fn operand(&mut self) -> Taken {
        if matches!(self.byte()?, b'!' | b'-') {
            return self.nested(|quick| {
                quick.leaf(Rule::prefix, 1);
                quick.blank();
                quick.operand()
            });
        }
        self.atom()?;
        self.blank();
        loop {
            // The blank before the first of them is counted in though there be none; one behind the last is not.
            let end = self.at;
            self.blank();
            if !self.postfix()? {
                self.at = end;
                return Some(());
            }
        }
    }

    /// `.name`, `[key]` or `(arguments)`: was there one?
    fn postfix(&mut self) -> Option<bool> {
        match self.byte() {
            Some(b'.') => {
                let name = skip_blank(self.text, self.at + 1);
                if !self.bytes.get(name).is_some_and(u8::is_ascii_alphabetic) {
                    return Some(false);
                }
                let member = self.open(Rule::member);
                self.at = name;
                self.ident()?;
                self.close(member);
            }
            Some(b'[') => {
                let index = self.open(Rule::index);
                self.at += 1;
                self.blank();
                self.expr()?;
                self.blank();
                self.sign(Rule::close_bracket, b']')?;
                self.close(index);
            }
            Some(b'(') => {
                let call = self.open(Rule::call);
                self.at += 1;
                self.blank();
                self.listed(b')', Self::expr)?;
                self.sign(Rule::close_paren, b')')?;
                self.close(call);
            }
            _ => return Some(false),
        }
        Some(true)
    }

    /// Things with commas between them, up to what closes them.
    pub(super) fn listed(&mut self, close: u8, one: impl Fn(&mut Self) -> Taken) -> Taken {
        while self.byte()? != close {
            one(self)?;
            self.blank();
            if self.sign(Rule::comma, b',').is_none() {
                return (self.byte() == Some(close)).then_some(());
            }
            self.blank();
        }
        Some(())
    }

    fn atom(&mut self) -> Taken {
        match self.byte()? {
            b'"' => self.string(),
            b'0'..=b'9' => self.number(),
            b'.' => {
                let subject = self.open(Rule::subject);
                self.at += 1;
                self.blank();
                self.ident()?;
                self.close(subject);
                Some(())
            }
            b'[' => self.list(),
            b'{' => self.map(),
            b'(' => {
                let paren = self.open(Rule::paren);
                self.sign(Rule::open_paren, b'(')?;
                self.blank();
                self.expr()?;
                self.blank();
                self.sign(Rule::close_paren, b')')?;
                self.close(paren);
                Some(())
            }
            _ => match self.word() {
                "" | "not" | "then" | "else" | "where" | "in" | "for" => None,
                "if" => self.if_expr(),
                word @ ("every" | "some") => self.quantified(word.len()),
                word => {
                    let length = word.len();
                    // It may be an address of IPv6.
                    if self.byte_after(length) == Some(b':')
                        && self.byte_after(length + 1).is_some_and(|byte| byte == b':' || byte.is_ascii_hexdigit())
                    {
                        return None;
                    }
                    self.leaf(Rule::name, length);
                    Some(())
                }
            },
        }
    }

    /// A number that is neither a date, a time nor an address.
    fn number(&mut self) -> Taken {
        let byte = |at: usize| self.bytes.get(at).copied();
        let digits = |mut at: usize| {
            while byte(at).is_some_and(is_word_byte) {
                at += 1;
            }
            at
        };
        let mut end = self.at;
        while byte(end).is_some_and(|byte| byte.is_ascii_hexdigit()) {
            end += 1;
        }
        let more = byte(end + 1).is_some_and(|byte| byte.is_ascii_digit());
        // Dates, times and addresses are the grammar's: two numbers with a sign between, or three with points.
        match byte(end) {
            Some(b':') => return None,
            Some(b'-') if more => return self.date(),
            Some(b'.') if more && matches!(byte(digits(end + 1)), Some(b'.' | b':')) => return None,
            _ => {}
        }
        end = digits(self.at);
        if byte(end) == Some(b'.') && byte(end + 1).is_some_and(|byte| byte.is_ascii_digit()) {
            end = digits(end + 1);
        }
        end += usize::from(byte(end) == Some(b'%'));
        self.leaf(Rule::number, end - self.at);
        Some(())
    }

    /// `2026-12-31`
    fn date(&mut self) -> Taken {
        let date = self.bytes.get(self.at..self.at + 10)?;
        let right =
            |(at, byte): (usize, &u8)| if matches!(at, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() };
        if !date.iter().enumerate().all(right)
            || self.byte_after(10).is_some_and(|byte| is_word_byte(byte) || byte == b'-')
        {
            return None;
        }
        self.leaf(Rule::date, 10);
        Some(())
    }

    fn list(&mut self) -> Taken {
        let inside = skip_blank(self.text, self.at + 1);
        let is_loop = self.word_at(inside) == "for";
        let list = self.open(if is_loop { Rule::list_for } else { Rule::list });
        self.sign(Rule::open_bracket, b'[')?;
        self.blank();
        if is_loop {
            self.comprehension(Self::expr)?;
        } else {
            self.listed(b']', Self::expr)?;
        }
        self.sign(Rule::close_bracket, b']')?;
        self.close(list);
        Some(())
    }

    fn map(&mut self) -> Taken {
        let inside = skip_blank(self.text, self.at + 1);
        let word = self.word_at(inside);
        // A key may be called `for`.
        let is_loop = word == "for" && self.bytes.get(skip_blank(self.text, inside + word.len())) != Some(&b'=');
        let map = self.open(if is_loop { Rule::map_for } else { Rule::map });
        self.sign(Rule::open_brace, b'{')?;
        self.blank();
        if is_loop {
            self.comprehension(|quick| {
                quick.expr()?;
                quick.blank();
                if (quick.byte(), quick.byte_after(1)) != (Some(b'='), Some(b'>')) {
                    return None;
                }
                quick.leaf(Rule::arrow, 2);
                quick.blank();
                quick.expr()
            })?;
        } else {
            self.listed(b'}', Self::entry)?;
        }
        self.sign(Rule::close_brace, b'}')?;
        self.close(map);
        Some(())
    }

    fn entry(&mut self) -> Taken {
        self.label()?;
        self.blank();
        self.equals(Rule::eq)?;
        self.blank();
        self.expr()
    }

    /// `for x in xs: … if condition`, and the blank after it.
    fn comprehension(&mut self, value: impl FnOnce(&mut Self) -> Taken) -> Taken {
        self.keyword(Rule::kw_for, "for")?;
        self.blank();
        self.range()?;
        self.blank();
        self.colon()?;
        self.blank();
        value(self)?;
        self.blank();
        self.filter()
    }

    fn if_expr(&mut self) -> Taken {
        let if_expr = self.open(Rule::if_expr);
        self.keyword(Rule::kw_if, "if")?;
        self.blank();
        self.expr()?;
        self.blank();
        self.keyword(Rule::kw_then, "then")?;
        self.blank();
        self.expr()?;
        self.blank();
        self.keyword(Rule::kw_else, "else")?;
        self.blank();
        self.expr()?;
        self.close(if_expr);
        Some(())
    }

    fn quantified(&mut self, length: usize) -> Taken {
        let quantified = self.open(Rule::quantified);
        self.leaf(Rule::quantifier, length);
        self.blank();
        self.range()?;
        self.blank();
        self.colon()?;
        self.blank();
        self.expr()?;
        self.close(quantified);
        Some(())
    }

    /// A string in `"`.
    pub(super) fn string(&mut self) -> Taken {
        if let Some(end) = skip_string(self.bytes, self.at) {
            self.leaf(Rule::plain_string, end - self.at);
            return Some(());
        }
        if self.byte() != Some(b'"') || self.byte_after(1) == Some(b'"') {
            return None;
        }
        let string = self.open(Rule::full_string);
        self.at += 1;
        loop {
            match self.byte()? {
                b'"' => break,
                b'\n' => return None,
                b'\\' if self.byte_after(1) == Some(b'(') => self.interpolation()?,
                b'\\' => {
                    // An escape is of one character, which is of one byte; others are left to the grammar.
                    self.byte_after(1).filter(|byte| byte.is_ascii() && !matches!(byte, b'u' | b'\n'))?;
                    self.leaf(Rule::escape, 2);
                }
                _ => {
                    let rest = self.bytes.get(self.at..)?;
                    let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n'))?;
                    self.leaf(Rule::text, length);
                }
            }
        }
        self.at += 1;
        self.close(string);
        Some(())
    }

    fn interpolation(&mut self) -> Taken {
        let interpolation = self.open(Rule::interpolation);
        self.at += 2;
        self.blank();
        self.expr()?;
        self.blank();
        self.sign(Rule::close_paren, b')')?;
        self.close(interpolation);
        Some(())
    }
}
