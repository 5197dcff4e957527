//! Lines, signs and colours. Owns how a row becomes a line of so many columns; what rows say is others' affair.

use std::fmt;

use super::{Look, visible};

/// Columns below which nothing is folded any further.
const NARROWEST: usize = 40;

/// What happens to a thing, or to a part of it, in one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sign {
    Add,
    Change,
    Remove,
    Replace,
    Move,
    Adopt,
    Forget,
    Stop,
    May,
}

impl Sign {
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
            Self::May => ('?', "35"),
        }
    }
}

/// How much a word stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Alarm,
    Warning,
    Notice,
    Good,
    Quiet,
    Strong,
}

impl Tone {
    fn color(self) -> &'static str {
        match self {
            Self::Alarm => "1;31",
            Self::Warning => "1;33",
            Self::Notice => "36",
            Self::Good => "32",
            Self::Quiet => "2",
            Self::Strong => "1",
        }
    }
}

/// A line before it is folded to the width of the page. Two things with equal rows change alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    /// How far in, in steps.
    pub(crate) depth: usize,
    /// Its sign, if it has one.
    pub(crate) sign: Option<Sign>,
    /// What it says; safe to show.
    pub(crate) text: String,
}

impl Row {
    /// A row without a sign.
    pub(crate) fn plain(depth: usize, text: impl Into<String>) -> Self {
        Self { depth, sign: None, text: text.into() }
    }

    /// A row with one.
    pub(crate) fn signed(depth: usize, sign: Sign, text: impl Into<String>) -> Self {
        Self { depth, sign: Some(sign), text: text.into() }
    }

    /// The same row, further in.
    pub(crate) fn deeper(mut self, steps: usize) -> Self {
        self.depth += steps;
        self
    }
}

/// What is written so far.
#[derive(Debug)]
pub(crate) struct Page {
    /// How it shall look.
    pub(crate) look: Look,
    text: String,
}

impl Page {
    pub(crate) fn new(look: Look) -> Self {
        Self { look: Look { width: look.width.max(NARROWEST), ..look }, text: String::new() }
    }

    /// An empty line and a title.
    pub(crate) fn title(&mut self, title: &str) {
        self.blank();
        let painted = self.painted(title, "1");
        self.text.push_str(&painted);
        self.text.push('\n');
    }

    /// How many lines there are.
    pub(crate) fn lines(&self) -> usize {
        self.text.matches('\n').count()
    }

    /// An empty line.
    pub(crate) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line without a sign.
    pub(crate) fn plain(&mut self, depth: usize, text: &str) {
        self.row(&Row::plain(depth, text));
    }

    /// A row, on as many lines as it takes. What is carried over stands further in. INVARIANT: whoever wrote the
    /// row, only what can be seen gets on the page.
    pub(crate) fn row(&mut self, row: &Row) {
        self.labelled("", Tone::Quiet, row);
    }

    /// A row behind a word that stands out.
    pub(crate) fn labelled(&mut self, label: &str, tone: Tone, row: &Row) {
        let mut indent = row.depth * 2;
        self.text.extend(std::iter::repeat_n(' ', indent));
        if !label.is_empty() {
            let label = visible::whole(label);
            let painted = self.painted(&label, tone.color());
            self.text.push_str(&painted);
            self.text.push(' ');
            indent += label.chars().count() + 1;
        }
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

    /// A row whose end stands at the right edge; on a line of its own where the two do not fit on one.
    pub(crate) fn spread(&mut self, (label, tone): (&str, Tone), row: &Row, end: &str) {
        let lead = if label.is_empty() { 0 } else { label.chars().count() + 1 };
        let sign = if row.sign.is_some() { 2 } else { 0 };
        let used = row.depth * 2 + lead + sign + visible::whole(&row.text).chars().count();
        let room = self.look.width.saturating_sub(used + visible::whole(end).chars().count());
        if room < 2 {
            self.labelled(label, tone, row);
            self.plain(row.depth + 2, end);
            return;
        }
        let text = format!("{}{}{end}", row.text, " ".repeat(room));
        self.labelled(label, tone, &Row { text, ..row.clone() });
    }

    /// A line of a table: each text with its tone, padded to the width of its column. It is not folded.
    pub(crate) fn cells(&mut self, depth: usize, cells: &[(String, Option<Tone>, usize)]) {
        let mut line = "  ".repeat(depth);
        for (at, (text, tone, width)) in cells.iter().enumerate() {
            let text = visible::whole(text);
            let padding = if at + 1 == cells.len() { 0 } else { width.saturating_sub(text.chars().count()) + 2 };
            line.push_str(&tone.map_or_else(|| text.clone(), |tone| self.painted(&text, tone.color())));
            line.extend(std::iter::repeat_n(' ', padding));
        }
        self.text.push_str(line.trim_end_matches(' '));
        self.text.push('\n');
    }

    fn painted(&self, text: &str, color: &str) -> String {
        if self.look.color { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// As many of `names` as fit behind `lead` on so many lines, and how many more there are.
    pub(crate) fn names(&self, lead: &str, names: &[String], lines: usize) -> String {
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

    pub(crate) fn write(self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(&self.text)
    }
}
