//! Formatting. Owns how a formatted text becomes an edit; laying out is the language's.

use cell_lang::fmt::format_proven;
use cell_lang::source::FileId;
use cell_lang::syntax::parse;
use lsp_types::{DocumentFormattingParams, Range, TextEdit};

use crate::server::Refusal;
use crate::worker::Worker;

/// Answers `textDocument/formatting`.
pub(crate) fn format(
    worker: &mut Worker,
    params: &DocumentFormattingParams,
) -> Result<Option<Vec<TextEdit>>, Refusal> {
    let place = worker.place(&params.text_document.uri)?;
    let Some(buffer) = worker.buffers.get(&place) else { return Ok(None) };
    let text: &str = &buffer.text;
    let proven = format_proven(text, &parse(FileId(0), text));
    Ok(Some(difference(text, &proven.formatted.text, |text, lines, start, end| {
        worker.abilities.encoding.range(text, lines, start, end)
    })))
}

/// One edit from the first line that differs to the last: what stays keeps its marks and folds.
fn difference(
    from: &str,
    to: &str,
    range: impl Fn(&str, &cell_lang::source::LineIndex, u32, u32) -> Range,
) -> Vec<TextEdit> {
    if from == to {
        return Vec::new();
    }
    let same = |a: &str, b: &str| a == b;
    let head: usize = from
        .split_inclusive('\n')
        .zip(to.split_inclusive('\n'))
        .take_while(|(a, b)| same(a, b))
        .map(|(a, _)| a.len())
        .sum();
    let (rest_from, rest_to) = (from.get(head..).unwrap_or(""), to.get(head..).unwrap_or(""));
    let back = |text: &str| text.split_inclusive('\n').rev().map(str::to_owned).collect::<Vec<_>>();
    let tail: usize =
        back(rest_from).iter().zip(&back(rest_to)).take_while(|(a, b)| same(a, b)).map(|(a, _)| a.len()).sum();
    let lines = cell_lang::source::LineIndex::new(from);
    let end = from.len() - tail;
    let new_text = to.get(head..to.len() - tail).unwrap_or("").to_owned();
    vec![TextEdit { range: range(from, &lines, head as u32, end as u32), new_text }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Encoding;

    #[test]
    fn only_the_lines_that_differ_are_replaced() {
        let range = |text: &str, lines: &cell_lang::source::LineIndex, start, end| {
            Encoding::Utf16.range(text, lines, start, end)
        };
        let apply = |from: &str, to: &str| {
            let edits = difference(from, to, range);
            let mut text = from.to_owned();
            for edit in &edits {
                let lines = cell_lang::source::LineIndex::new(from);
                let start = Encoding::Utf16.offset(from, &lines, edit.range.start) as usize;
                let end = Encoding::Utf16.offset(from, &lines, edit.range.end) as usize;
                text.replace_range(start..end, &edit.new_text);
            }
            (text, edits)
        };
        for (from, to) in [
            ("a\nb\nc\n", "a\nB\nc\n"),
            ("", "a\n"),
            ("a\n", ""),
            ("a", "a\n"),
            ("a\na\n", "a\n"),
            ("日\r\nx", "日\nx\n"),
        ] {
            assert_eq!(apply(from, to).0, to, "{from:?} to {to:?}");
        }
        assert!(apply("a\n", "a\n").1.is_empty());
        assert_eq!(apply("a\nb\nc\n", "a\nB\nc\n").1.first().map(|edit| edit.range.start.line), Some(1));
    }
}
