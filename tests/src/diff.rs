//! Two texts compared for a person. Owns the look of a difference.

use std::fmt::Write as _;

/// Lines of context around a difference.
const CONTEXT: usize = 3;
/// Lines of each text that are compared at most: the comparison takes their product in time and room.
const MAX_LINES: usize = 3_000;

/// One step from the expected text to the found one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Same,
    Missing,
    Surplus,
}

/// Nothing when the texts are the same; else the lines that differ, with `-` what was expected and `+` what was
/// found.
pub fn difference(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let cut = |text: &'_ str| text.lines().take(MAX_LINES).map(str::to_owned).collect::<Vec<_>>();
    let (expected, found) = (cut(expected), cut(found));
    let lines = walk(&expected, &found);
    let changed: Vec<usize> =
        lines.iter().enumerate().filter(|(_, (step, _))| *step != Step::Same).map(|(at, _)| at).collect();
    let near = |at: usize| changed.iter().any(|change| change.abs_diff(at) <= CONTEXT);
    let mut out = String::new();
    let mut gap = false;
    for (at, (step, line)) in lines.iter().enumerate() {
        if !near(at) {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push_str("  ⋮\n");
        }
        let sign = match step {
            Step::Same => ' ',
            Step::Missing => '-',
            Step::Surplus => '+',
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{sign} {line}");
    }
    Some(if out.is_empty() { "  only the end of the text differs\n".to_owned() } else { out })
}

/// The shortest way from one text to the other, by the longest common subsequence of their lines.
fn walk<'a>(expected: &'a [String], found: &'a [String]) -> Vec<(Step, &'a str)> {
    let width = found.len() + 1;
    let mut common = vec![0_u32; (expected.len() + 1) * width];
    for i in (0..expected.len()).rev() {
        for j in (0..found.len()).rev() {
            common[i * width + j] = if expected[i] == found[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < expected.len() || j < found.len() {
        if i < expected.len() && j < found.len() && expected[i] == found[j] {
            lines.push((Step::Same, found[j].as_str()));
            (i, j) = (i + 1, j + 1);
        } else if j == found.len() || (i < expected.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            lines.push((Step::Missing, expected[i].as_str()));
            i += 1;
        } else {
            lines.push((Step::Surplus, found[j].as_str()));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_changed_and_what_is_near() {
        let expected = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let found = "1\n2\n3\n4\n5\n6\nseven\n8\n9\n10\n";
        let shown = difference(expected, found);
        assert_eq!(shown.as_deref(), Some("  ⋮\n  4\n  5\n  6\n- 7\n+ seven\n  8\n  9\n+ 10\n"));
        assert_eq!(difference("a\n", "a\n"), None);
        assert!(difference("a", "a\n").is_some());
    }
}
