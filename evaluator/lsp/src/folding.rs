//! What may be folded: bodies and runs of comments. Reads words alone, so that a broken file folds too.

use cell_lang::source::LineIndex;
use cell_lang::syntax::{TokenKind, tokens};
use lsp_types::{FoldingRange, FoldingRangeKind, FoldingRangeParams};

use crate::server::Refusal;
use crate::worker::Worker;

/// Answers `textDocument/foldingRange`.
pub(crate) fn ranges(worker: &mut Worker, params: &FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>, Refusal> {
    let place = worker.place(&params.text_document.uri)?;
    Ok(worker.buffers.get(&place).map(|buffer| of_text(&buffer.text)))
}

fn of_text(text: &str) -> Vec<FoldingRange> {
    let lines = LineIndex::new(text);
    let line = |offset: u32| lines.line_of(offset) as u32;
    let fold = |start: u32, end: u32, kind: Option<FoldingRangeKind>| FoldingRange {
        start_line: start,
        end_line: end,
        kind,
        ..FoldingRange::default()
    };
    let (mut open, mut found) = (Vec::new(), Vec::new());
    let mut comments: Option<(u32, u32)> = None;
    for token in tokens(text) {
        let here = line(token.start);
        match token.kind {
            TokenKind::Comment | TokenKind::Doc => {
                comments = match comments {
                    Some((first, last)) if last + 1 == here => Some((first, here)),
                    earlier => {
                        found.extend(
                            earlier.filter(|(a, b)| a < b).map(|(a, b)| fold(a, b, Some(FoldingRangeKind::Comment))),
                        );
                        Some((here, here))
                    }
                };
            }
            TokenKind::Space => {}
            TokenKind::Symbol => match token.text(text) {
                "{" | "[" | "(" => open.push(here),
                "}" | "]" | ")" => {
                    // The line that closes stays in sight.
                    if let Some(start) = open.pop()
                        && start + 1 < here
                    {
                        found.push(fold(start, here - 1, None));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    found.extend(comments.filter(|(a, b)| a < b).map(|(a, b)| fold(a, b, Some(FoldingRangeKind::Comment))));
    found.sort_by_key(|range| (range.start_line, range.end_line));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_and_comments_fold() {
        let text = "# a\n# b\ncell x {\n  labels {\n    a = \"1\"\n  }\n}\n\n# c\nou y {}\n";
        let folds: Vec<(u32, u32)> = of_text(text).iter().map(|range| (range.start_line, range.end_line)).collect();
        assert_eq!(folds, [(0, 1), (2, 5), (3, 4)]);
        assert_eq!(of_text("}}} { [\n\n"), []);
    }
}
