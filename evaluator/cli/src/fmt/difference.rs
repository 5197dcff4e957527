//! What formatting would change in a file, as `patch` takes it. Owns the unified form and how lines are matched; what changes
//! is decided before.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use similar::udiff::UnifiedHunkHeader;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline, group_diff_ops};

/// Lines around what changes.
const CONTEXT: usize = 3;
/// How long a shorter difference is looked for. After that the rest is told as changed, which is as right.
const PATIENCE: Duration = Duration::from_secs(1);

/// The change of a file, a mark of the byte order included: it stands before the first line. Work by the number of lines,
/// unless lines that stay stand in another order.
pub(super) fn difference(name: &str, before: &str, after: &str) -> String {
    let (before, after) = (lines(before), lines(after));
    // A name ends at a white space, unless a tab says where.
    let end = if name.contains(char::is_whitespace) { "\t" } else { "" };
    let mut out = String::new();
    // Writing to a string does not fail.
    _ = write!(out, "--- {name}{end}\n+++ {name}{end}\n");
    for hunk in group_diff_ops(changes(&before, &after), CONTEXT) {
        _ = writeln!(out, "{}", UnifiedHunkHeader::new(&hunk));
        for part in hunk {
            match part {
                DiffOp::Equal { .. } => put(&mut out, ' ', &before, part.old_range()),
                _ => {
                    put(&mut out, '-', &before, part.old_range());
                    put(&mut out, '+', &after, part.new_range());
                }
            }
        }
    }
    out
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn put(out: &mut String, mark: char, lines: &[&str], range: std::ops::Range<usize>) {
    for line in lines.get(range).unwrap_or_default() {
        out.push(mark);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// From one text to the other. A line that the other text has nowhere is changed, whatever else is: only the others are
/// compared one with another, since that takes long where most differ.
fn changes(before: &[&str], after: &[&str]) -> Vec<DiffOp> {
    let (there, here): (HashSet<&str>, HashSet<&str>) =
        (after.iter().copied().collect(), before.iter().copied().collect());
    let (old_at, old) = within(before, &there);
    let (new_at, new) = within(after, &here);
    let found = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(Instant::now() + PATIENCE));
    let same = found.into_iter().filter(|part| matches!(part, DiffOp::Equal { .. }));
    let pairs = same.flat_map(|part| part.old_range().zip(part.new_range()));
    let pairs = pairs.filter_map(|(old, new)| Some((*old_at.get(old)?, *new_at.get(new)?)));
    around(pairs, (before.len(), after.len()))
}

/// The lines that another text has, too, and where they stand.
fn within<'t>(lines: &[&'t str], other: &HashSet<&str>) -> (Vec<usize>, Vec<&'t str>) {
    lines.iter().copied().enumerate().filter(|(_, line)| other.contains(line)).unzip()
}

/// The parts around and between lines that are the same.
fn around(same: impl Iterator<Item = (usize, usize)>, ends: (usize, usize)) -> Vec<DiffOp> {
    let mut parts: Vec<DiffOp> = Vec::new();
    let (mut old_index, mut new_index) = (0, 0);
    for (old, new) in same.chain([ends]) {
        match (old - old_index, new - new_index) {
            (0, 0) => {}
            (old_len, 0) => parts.push(DiffOp::Delete { old_index, old_len, new_index }),
            (0, new_len) => parts.push(DiffOp::Insert { old_index, new_index, new_len }),
            (old_len, new_len) => parts.push(DiffOp::Replace { old_index, old_len, new_index, new_len }),
        }
        if (old, new) == ends {
            break;
        }
        match parts.last_mut() {
            Some(DiffOp::Equal { old_index, new_index, len })
                if (*old_index + *len, *new_index + *len) == (old, new) =>
            {
                *len += 1;
            }
            _ => parts.push(DiffOp::Equal { old_index: old, new_index: new, len: 1 }),
        }
        (old_index, new_index) = (old + 1, new + 1);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Carries a difference out, as `patch` does.
    fn patched(before: &str, difference: &str) -> String {
        let (old, mut at, mut out, mut last) = (lines(before), 0, String::new(), "");
        for line in difference.split_inclusive('\n').skip(2) {
            if let Some(place) = line.strip_prefix("@@ -") {
                let (start, rest) = place.split_once([',', ' ']).unwrap_or_default();
                let empty = rest.starts_with("0 ");
                let start = start.parse::<usize>().unwrap_or(0) - usize::from(!empty);
                out.extend(old.get(at..start).unwrap_or_default().iter().copied());
                at = start;
                continue;
            }
            if line.starts_with('\\') {
                out.truncate(out.len() - usize::from(last != "-"));
                continue;
            }
            let (mark, text) = line.split_at(1);
            last = mark;
            if mark != "+" {
                assert_eq!(old.get(at).map(|line| line.trim_end_matches('\n')), Some(text.trim_end_matches('\n')));
                at += 1;
            }
            if mark != "-" {
                out.push_str(text);
            }
        }
        out.extend(old.get(at..).unwrap_or_default().iter().copied());
        out
    }

    #[test]
    fn a_difference_carried_out_is_the_other_text() {
        let same: Vec<String> = (0..20).map(|at| format!("line {at}\n")).collect();
        let same = same.concat();
        let pairs = [
            ("a\n".to_owned(), "b\n".to_owned()),
            (String::new(), "a\nb\n".to_owned()),
            ("a\nb\n".to_owned(), String::new()),
            ("a\n\nb".to_owned(), "a\nb\n".to_owned()),
            ("a\n".to_owned(), "a".to_owned()),
            (format!("x\n{same}y\n{same}z"), format!("{same}Y\n{same}Z\n")),
            ("}\na\n}\nb\n}\n".to_owned(), "}\nA\n}\n}\nb\n".to_owned()),
        ];
        for (before, after) in pairs {
            let said = difference("a.cell", &before, &after);
            assert_eq!(patched(&before, &said), after, "{said}");
        }
    }

    #[test]
    fn what_stays_is_shown_around_what_changes_and_no_further() {
        let before = "0\n1\n2\n3\n4\n5\n6\n7\n8\n";
        let said = difference("a.cell", before, &before.replace("4\n", "four\n"));
        assert_eq!(said, "--- a.cell\n+++ a.cell\n@@ -2,7 +2,7 @@\n 1\n 2\n 3\n-4\n+four\n 5\n 6\n 7\n");
    }

    #[test]
    fn a_name_with_a_space_ends_in_a_tab() {
        assert!(difference("a b.cell", "a\n", "b\n").starts_with("--- a b.cell\t\n+++ a b.cell\t\n@@ -1 +1 @@\n"));
    }

    #[test]
    fn many_lines_that_all_change_are_one_change() {
        let text = |gap: &str| {
            let each: Vec<String> = (0..100_000).map(|at| format!("group{gap}g{at} {{}}\n")).collect();
            each.concat()
        };
        let said = difference("a.cell", &text("  "), &text(" "));
        assert_eq!(said.lines().count(), 2 + 1 + 200_000);
    }
}
