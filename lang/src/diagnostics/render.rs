//! Findings as a person reads them on a terminal. Owns their look; the only place that names `miette`, which
//! draws frames and underlines. Knows nothing of where the text goes.

mod excerpt;
mod visible;

use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents, ThemeCharacters, ThemeStyles,
};

use self::excerpt::{Excerpt, Mark};
use super::{Diagnostic, Severity};
use crate::source::SourceMap;

/// Findings that are drawn at most; the rest are counted.
const MAX_DRAWN: usize = 200;
/// Places of one finding that are drawn at most; the rest are counted.
const MAX_PLACES: usize = 24;

/// How a terminal takes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub color: bool,
    /// With line-drawing characters; else in ASCII alone (but for what the program itself holds).
    pub unicode: bool,
    /// Columns of the terminal.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, unicode: true, width: 100 }
    }
}

/// All of `diagnostics` as text, errors first, with a closing line that counts them; empty for none.
pub fn render(sources: &SourceMap, diagnostics: &[Diagnostic], style: &Style) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| diagnostic.severity());
    let (drawn, rest) = sorted.split_at(sorted.len().min(MAX_DRAWN));
    let mut out = String::new();
    for diagnostic in drawn {
        render_one(&mut out, sources, diagnostic, style);
        out.push('\n');
    }
    if !rest.is_empty() {
        out.push_str("and ");
        out.push_str(&count(rest, "more ", style));
        out.push('\n');
    }
    if !drawn.is_empty() {
        out.push_str(&count(&sorted, "", style));
        out.push('\n');
    }
    out
}

fn render_one(out: &mut String, sources: &SourceMap, diagnostic: &Diagnostic, style: &Style) {
    let severity = diagnostic.severity();
    let head = format!("{}[{}]", severity.word(), diagnostic.code.as_str());
    let message = visible::text(&diagnostic.message, style.unicode);
    out.push_str(&paint(&head, severity, style));
    let (bold, plain) = if style.color { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
    out.extend([bold, ": ", &message, plain, "\n"]);

    let labels = diagnostic.labels.get(..MAX_PLACES).unwrap_or(&diagnostic.labels);
    let excerpt = Excerpt::new(sources, labels, style.unicode, style.width);
    if !excerpt.marks.is_empty() {
        draw(out, &Report { excerpt: Some(&excerpt), help: None }, severity, style);
    }
    let mut helps = diagnostic.helps.clone();
    helps.extend(written_fix(sources, diagnostic));
    if diagnostic.labels.len() > labels.len() {
        helps.push(format!("{} more places are not shown", diagnostic.labels.len() - labels.len()));
    }
    for help in &helps {
        let help = visible::text(help, style.unicode);
        draw(out, &Report { excerpt: None, help: Some(&help) }, severity, style);
    }
}

/// The fix in words, for a finding that says nothing else.
fn written_fix(sources: &SourceMap, diagnostic: &Diagnostic) -> Option<String> {
    let silent = diagnostic.helps.is_empty() && diagnostic.labels.iter().all(|label| label.text.is_empty());
    let fix = diagnostic.fix.as_ref().filter(|_| silent)?;
    Some(match (sources.text(fix.span), fix.replacement.as_str()) {
        ("", new) => format!("insert `{new}`"),
        (old, "") => format!("remove `{old}`"),
        (old, new) => format!("write `{new}` in place of `{old}`"),
    })
}

/// Draws what a finding has besides its head.
fn draw(out: &mut String, report: &Report<'_>, severity: Severity, style: &Style) {
    let handler = GraphicalReportHandler::new_themed(theme(report, severity, style))
        .with_context_lines(0)
        .with_width(style.width.clamp(40, 120))
        .with_urls(false)
        .without_cause_chain()
        .without_syntax_highlighting();
    let mut drawn = String::new();
    if handler.render_report(&mut drawn, report).is_err() {
        return;
    }
    // The first line is the message, empty here: the head above says it.
    let body = drawn.split_once('\n').map_or("", |(_, body)| body);
    let characters = if style.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
    let lines = match report.excerpt {
        Some(_) => join_frames(body, &characters),
        None => body.lines().map(str::to_owned).collect(),
    };
    for line in lines {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// Makes one frame of the frames of several snippets: the gutters aligned, a crossing where one ends and the next
/// begins.
fn join_frames(body: &str, characters: &ThemeCharacters) -> Vec<String> {
    let head = format!("{}{}[", characters.ltop, characters.hbar);
    let indent = |line: &str| line.trim_start().starts_with(&head).then(|| line.len() - line.trim_start().len());
    let widest = body.lines().filter_map(indent).max().unwrap_or(0);
    let mut lines: Vec<String> = Vec::new();
    let mut pad = 0;
    for line in body.lines() {
        let Some(depth) = indent(line) else {
            lines.push(format!("{:pad$}{line}", ""));
            continue;
        };
        pad = widest - depth;
        let corner = if lines.pop().is_some() { characters.lcross } else { characters.ltop };
        let rest = line.trim_start().trim_start_matches(characters.ltop);
        lines.push(format!("{:widest$}{corner}{rest}", ""));
    }
    lines
}

fn theme(report: &Report<'_>, severity: Severity, style: &Style) -> GraphicalTheme {
    let characters = if style.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
    let mut styles = if style.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let primary = match severity {
        Severity::Error => styles.error,
        Severity::Warning => styles.warning,
        Severity::Note => styles.advice,
    };
    // Colours go to the marks in their order; with none the one empty style serves all.
    if let (true, Some(excerpt)) = (style.color, report.excerpt) {
        let of = |mark: &Mark| if mark.primary { primary.bold() } else { styles.help };
        styles.highlights = excerpt.marks.iter().map(of).collect();
    }
    GraphicalTheme { characters, styles }
}

/// `3 errors, 1 warning`, coloured; `more` stands before each noun.
fn count(diagnostics: &[&Diagnostic], more: &str, style: &Style) -> String {
    let part = |severity: Severity| {
        let count = diagnostics.iter().filter(|diagnostic| diagnostic.severity() == severity).count();
        let plural = if count == 1 { "" } else { "s" };
        let text = format!("{count} {more}{}{plural}", severity.word());
        (count > 0).then(|| paint(&text, severity, style))
    };
    let parts: Vec<String> =
        [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(part).collect();
    parts.join(", ")
}

fn paint(text: &str, severity: Severity, style: &Style) -> String {
    let color = match severity {
        Severity::Error => "31",
        Severity::Warning => "33",
        Severity::Note => "36",
    };
    if style.color { format!("\u{1b}[1;{color}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// A part of a finding as `miette` wants it: places, or one help.
#[derive(Debug)]
struct Report<'a> {
    excerpt: Option<&'a Excerpt>,
    help: Option<&'a str>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = |mark: &Mark| {
            let text = (!mark.text.is_empty()).then(|| mark.text.clone());
            let span = SourceSpan::from(mark.range.clone());
            if mark.primary {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            }
        };
        self.excerpt.map(|excerpt| Box::new(excerpt.marks.iter().map(label)) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

impl SourceCode for Excerpt {
    /// Always whole lines; an error when the span leaves its block, so that blocks are drawn apart.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        _before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let at = |offset: usize| self.lines.partition_point(|line| line.range.end <= offset);
        // The span of several marks may end in an empty one at a line's start: that line belongs to it.
        let end = span.offset() + span.len();
        let reached = self.marks.iter().any(|mark| mark.range == (end..end));
        let end = if reached { end } else { end.saturating_sub(1).max(span.offset()) };
        let lines = self.lines.get(at(span.offset())..=at(end)).ok_or(MietteError::OutOfBounds)?;
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Err(MietteError::OutOfBounds) };
        if first.block != last.block {
            return Err(MietteError::OutOfBounds);
        }
        let bytes = first.range.start..last.range.end;
        let mark = self.marks.iter().find(|mark| mark.range.start == span.offset());
        let column = mark.map_or(0, |mark| mark.place.column as usize - 1);
        let contents = MietteSpanContents::new_named(
            first.path.clone(),
            &self.text.as_bytes()[bytes.clone()],
            SourceSpan::from(bytes),
            first.number,
            column,
            MANY_LINES,
        );
        Ok(Box::new(contents))
    }
}

/// What each span is said to cover, so that two are always tried as one: `read_span` decides.
const MANY_LINES: usize = u32::MAX as usize;
