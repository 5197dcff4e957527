//! Lines, signs and colours. Owns how a row becomes a line of so many columns; what rows say is others' affair.

use std::fmt;

use super::{Look, visible};
use crate::plan::model::Action;

/// Columns below which nothing is folded any further.
const NARROWEST: usize = 40;

/// What happens to a thing, or to a part of it, in one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Sign {
    Add,
    Change,
    Remove,
    Replace,
    Move,
    Adopt,
    Forget,
    Stop,
}

impl Sign {
    /// The sign of an action.
    pub(super) fn of(action: Action) -> Option<Self> {
        Some(match action {
            Action::Create => Self::Add,
            Action::Update => Self::Change,
            Action::Delete => Self::Remove,
            Action::Replace => Self::Replace,
            Action::Move => Self::Move,
            Action::Adopt => Self::Adopt,
            Action::Forget => Self::Forget,
            Action::NoOp => return None,
        })
    }

    fn glyph(self) -> (char, &'static str) {
        match self {
            Self::Add => ('+', "32"),
            Self::Change => ('~', "33"),
            Self::Remove => ('-', "31"),
            Self::Replace => ('±', "35"),
            Self::Move => ('⇄', "36"),
            Self::Adopt => ('←', "34"),
            Self::Forget => ('…', "2"),
            Self::Stop => ('!', "1;31"),
        }
    }
}

/// A line before it is folded to the width of the page. Two things with equal rows change alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Row {
    /// How far in, in steps.
    pub(super) depth: usize,
    /// Its sign, if it has one.
    pub(super) sign: Option<Sign>,
    /// What it says; safe to show.
    pub(super) text: String,
}

impl Row {
    /// A row without a sign.
    pub(super) fn plain(depth: usize, text: impl Into<String>) -> Self {
        Self { depth, sign: None, text: text.into() }
    }

    /// A row with one.
    pub(super) fn signed(depth: usize, sign: Sign, text: impl Into<String>) -> Self {
        Self { depth, sign: Some(sign), text: text.into() }
    }

    /// The same row, further in.
    pub(super) fn deeper(mut self, steps: usize) -> Self {
        self.depth += steps;
        self
    }
}

/// What is written so far.
#[derive(Debug)]
pub(super) struct Page {
    /// How it shall look.
    pub(super) look: Look,
    text: String,
}

impl Page {
    pub(super) fn new(look: Look) -> Self {
        Self { look: Look { width: look.width.max(NARROWEST), ..look }, text: String::new() }
    }

    /// An empty line and a title.
    pub(super) fn title(&mut self, title: &str) {
        self.blank();
        let painted = self.painted(title, "1");
        self.text.push_str(&painted);
        self.text.push('\n');
    }

    /// How many lines there are.
    pub(super) fn lines(&self) -> usize {
        self.text.matches('\n').count()
    }

    /// An empty line.
    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line without a sign.
    pub(super) fn plain(&mut self, depth: usize, text: &str) {
        self.row(&Row::plain(depth, text));
    }

    /// A row, on as many lines as it takes. What is carried over stands further in. INVARIANT: whoever wrote the
    /// row, only what can be seen gets on the page.
    pub(super) fn row(&mut self, row: &Row) {
        let mut indent = row.depth * 2;
        self.text.extend(std::iter::repeat_n(' ', indent));
        if let Some(sign) = row.sign {
            let (glyph, color) = sign.glyph();
            let painted = self.painted(glyph.encode_utf8(&mut [0; 4]), color);
            self.text.push_str(&painted);
            self.text.push(' ');
            indent += 2;
        }
        let hanging = indent + 4;
        let mut column = indent;
        for (at, word) in visible::whole(&row.text).split(' ').enumerate() {
            let width = word.chars().count();
            if at > 0 && column + 1 + width > self.look.width && column > hanging {
                let kept = self.text.trim_end_matches(' ').len();
                self.text.truncate(kept);
                self.text.push('\n');
                self.text.extend(std::iter::repeat_n(' ', hanging));
                column = hanging;
            } else if at > 0 {
                self.text.push(' ');
                column += 1;
            }
            self.text.push_str(word);
            column += width;
        }
        self.text.push('\n');
    }

    fn painted(&self, text: &str, color: &str) -> String {
        if self.look.color { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// As many of `names` as fit behind `lead` on so many lines, and how many more there are.
    pub(super) fn names(&self, lead: &str, names: &[String], lines: usize) -> String {
        let room = (self.look.width * lines).saturating_sub(lead.chars().count() + 20);
        let mut used = 0;
        let fit = |name: &&String| {
            used += name.chars().count() + 2;
            used <= room
        };
        let mut shown = names.iter().take_while(fit).count().max(1);
        if self.look.verbose || shown + 1 >= names.len() {
            shown = names.len();
        }
        let listed = names.get(..shown).unwrap_or_default().join(", ");
        match names.len() - shown {
            0 => format!("{lead}{listed}"),
            more => format!("{lead}{listed}, … ({more} more)"),
        }
    }

    pub(super) fn write(self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(&self.text)
    }
}
