//! How findings look, as snapshots for a person to read, and what rendering must stand: long lines, hostile
//! text, places that lie outside their file.

#![allow(clippy::expect_used)]

use std::time::{Duration, Instant};

use cell_lang::diagnostics::render::{Style, render};
use cell_lang::diagnostics::{Code, Diagnostic, json};
use cell_lang::source::{FileId, SourceMap, Span};
use proptest::prelude::*;

const PLAIN: Style = Style { color: false, unicode: true, width: 100 };
const ASCII: Style = Style { color: false, unicode: false, width: 100 };

const FLEET: &str = r#"edition "2026"

defaults production for cell {
  kind = "prod"
  size = "small"
}
cell alpha {
  kind = "alpha"
  region = "us-west-2"
}
cell east using production {
  kind = "dev", size = "large"
  region = "us-east-1"
}
"#;

struct Case {
    sources: SourceMap,
    found: Vec<Diagnostic>,
}

impl Case {
    fn of(path: &str, text: &str) -> Self {
        let mut sources = SourceMap::default();
        sources.add(path, text);
        Self { sources, found: Vec::new() }
    }

    /// The span of the `nth` (from 0) `needle` in a file; an empty needle is the file's end.
    fn at(&self, file: u32, needle: &str, nth: usize) -> Span {
        let text = &self.sources.get(FileId(file)).expect("a file of the case").text;
        if needle.is_empty() {
            return Span::new(FileId(file), text.len(), text.len());
        }
        let (start, _) = text.match_indices(needle).nth(nth).expect("the needle is in the text");
        Span::new(FileId(file), start, start + needle.len())
    }

    fn with(mut self, found: Diagnostic) -> Self {
        self.found.push(found);
        self
    }

    fn show(&self, style: &Style) -> String {
        render(&self.sources, &self.found, style)
    }
}

fn silent_override(case: &Case) -> Diagnostic {
    Diagnostic::new(Code::SilentOverride, case.at(0, "kind", 2), "`kind` is already set by defaults `production`")
        .here("write `override kind = \"dev\"` to replace \"prod\"")
        .also(case.at(0, "kind = \"prod\"", 0), "set here")
        .fix(case.at(0, "kind", 2).head(), "override ")
}

#[test]
fn one_place() {
    let case = Case::of("fleet.cell", FLEET);
    let found = Diagnostic::new(Code::NoSuchField, case.at(0, "region", 0), "cell has no field `region`")
        .here("not a field")
        .help("did you mean `regions`?");
    insta::assert_snapshot!(case.with(found).show(&PLAIN));
}

#[test]
fn several_places() {
    let case = Case::of("fleet.cell", FLEET);
    let found = silent_override(&case);
    let near = Diagnostic::new(Code::SetTwice, case.at(0, "size", 1), "`size` is set twice")
        .here("again")
        .also(case.at(0, "kind", 2), "first set here");
    let nested = Diagnostic::new(Code::TypeMismatch, case.at(0, "\"large\"", 0), "expected Int, found String")
        .here("this is a String")
        .also(case.at(0, "size = \"large\"", 0), "`size` is declared Int")
        .also(case.at(0, "defaults production for cell", 0), "by these defaults")
        .help("write a number")
        .help("a number in quotes is a String");
    insta::assert_snapshot!(case.with(found).with(near).with(nested).show(&PLAIN));
}

#[test]
fn one_place_said_twice() {
    let case = Case::of(
        "momento.cell",
        "for region in [\"us-east-1\", \"us-east-1\"] {\n  cell \"prod-\\(region)\" {}\n}\n",
    );
    let label = case.at(0, "\"prod-\\(region)\"", 0);
    let found = Diagnostic::new(Code::SameAddress, label, "two cells are both `cell.prod-us-east-1`")
        .here("with region = \"us-east-1\" (item 1)")
        .also(label, "with region = \"us-east-1\" (item 2)");
    insta::assert_snapshot!(case.with(found).show(&PLAIN));
}

#[test]
fn two_files() {
    let mut case = Case::of("main.cell", FLEET);
    case.sources.add("lib/small.cell", "## How many.\nparam count: Int check it >= 1 && it <= 500\n");
    let found =
        Diagnostic::new(Code::ParameterCheck, case.at(0, "\"us-west-2\"", 0), "`count` = 900 fails its check")
            .here("900 is given here")
            .also(case.at(1, "it >= 1 && it <= 500", 0), "which must hold")
            .also(case.at(1, "Int", 0), "");
    insta::assert_snapshot!(case.with(found).show(&PLAIN));
}

#[test]
fn spans_of_many_lines() {
    let case = Case::of("fleet.cell", FLEET);
    let block = case.at(0, "cell alpha {", 0).to(case.at(0, "}", 1));
    let short = Diagnostic::new(Code::MissingField, block, "cell.alpha lacks `owner`").here("it is required");
    let all = Span::new(FileId(0), 0, FLEET.len());
    let long = Diagnostic::new(Code::TooDeep, all, "all of it is wrong").here("from here");
    insta::assert_snapshot!(case.with(short).with(long).show(&PLAIN));
}

#[test]
fn the_end_of_a_file() {
    let case = Case::of("open.cell", "cell a {\n  labels {");
    let inner = Diagnostic::new(Code::UnclosedDelimiter, case.at(0, "{", 1), "`{` is never closed")
        .here("opened here")
        .also(case.at(0, "", 0), "expected `}` before this");
    let line = Case::of("line.cell", "cell a {\n");
    let after =
        Diagnostic::new(Code::UnclosedDelimiter, line.at(0, "", 0), "expected `}`").here("the file ends here");
    let empty = Case::of("empty.cell", "");
    let nothing = Diagnostic::new(Code::UnexpectedToken, empty.at(0, "", 0), "the program is empty");
    let shown = [case.with(inner).show(&PLAIN), line.with(after).show(&PLAIN), empty.with(nothing).show(&PLAIN)];
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn without_unicode() {
    let case = Case::of("fleet.cell", FLEET);
    let found = silent_override(&case);
    let hostile = Case::of("a.cell", "\tlet s = \"\u{1b}[31mred\u{7f}\"\n");
    let control =
        Diagnostic::new(Code::InvalidText, hostile.at(0, "\u{1b}[31mred", 0), "a control character").here("here");
    insta::assert_snapshot!([case.with(found).show(&ASCII), hostile.with(control).show(&ASCII)].join("\n"));
}

#[test]
fn with_color() {
    let case = Case::of("fleet.cell", FLEET);
    let found = silent_override(&case);
    let warning =
        Diagnostic::new(Code::UnknownRegion, case.at(0, "\"us-west-2\"", 0), "no region `us-west-2`").help("why");
    let shown = case.with(found).with(warning).show(&Style { color: true, ..PLAIN });
    insta::assert_snapshot!(shown.replace('\u{1b}', "␛"));
}

#[test]
fn wide_characters_keep_their_underline() {
    let case = Case::of("宽.cell", "let 名 = \"日本語\" + \"é\" + oops\n");
    let found = Diagnostic::new(Code::NotDeclared, case.at(0, "oops", 0), "`oops` is not declared")
        .here("not declared")
        .also(case.at(0, "日本語", 0), "three wide ones");
    insta::assert_snapshot!(case.with(found).show(&PLAIN));
}

#[test]
fn control_characters_are_shown_and_not_obeyed() {
    let text = "let\ta = \"\u{1b}]0;owned\u{7}\u{202e}txet\u{200b}\"\r\nlet b = oops\r\n";
    let case = Case::of("a\u{1b}[2J.cell", text);
    let found = Diagnostic::new(Code::InvalidText, case.at(0, "\u{1b}]0;owned\u{7}", 0), "no \u{1b}[5m\nhere")
        .here("this \u{9b}31m one")
        .also(case.at(0, "txet", 0), "turned round")
        .help("write `\\u{1b}`\u{8}\u{8}\u{8}");
    let other = Diagnostic::new(Code::NotDeclared, case.at(0, "oops", 0), "`oops` is not declared");
    let case = case.with(found).with(other);
    for style in [PLAIN, ASCII] {
        assert!(case.show(&style).chars().all(|c| c == '\n' || !c.is_control()));
    }
    insta::assert_snapshot!(case.show(&PLAIN));
}

#[test]
fn a_long_line_is_cut_around_its_place() {
    let filler = "\"lorem-ipsum-dolor\", ".repeat(20);
    let case = Case::of("long.cell", &format!("let l = [{filler}oops, {filler}ouch, {filler}]\n"));
    let found = Diagnostic::new(Code::NotDeclared, case.at(0, "oops", 0), "`oops` is not declared")
        .here("here")
        .also(case.at(0, "ouch", 0), "and far from it")
        .also(case.at(0, "let", 0), "and the beginning");
    insta::assert_snapshot!(case.with(found).show(&PLAIN));
}

#[test]
fn a_line_of_five_megabytes_is_rendered_at_once() {
    let mut text = "x".repeat(5 << 20);
    text.push_str(" oops");
    let mut case = Case::of("huge.cell", &text);
    for at in (0..200).map(|n| n * 20_000) {
        let span = Span::new(FileId(0), at, at + 5);
        case.found.push(Diagnostic::new(Code::NotDeclared, span, "`xxxxx` is not declared").here("here"));
    }
    let whole = Span::new(FileId(0), 0, text.len());
    case.found.push(Diagnostic::new(Code::TooDeep, whole, "all of it").also(case.at(0, "oops", 0), "the end"));
    let begun = Instant::now();
    let shown = case.show(&Style { width: 1_000, ..PLAIN });
    let lines = json::render(&case.sources, &case.found);
    let spent = begun.elapsed();
    assert!(spent < Duration::from_secs(5), "took {spent:?}");
    assert!(shown.lines().all(|line| line.chars().count() <= 210), "a line is too long");
    assert_eq!(lines.lines().count(), 201);
    case.found.drain(..200);
    insta::assert_snapshot!(case.show(&PLAIN));
}

#[test]
fn three_hundred_findings_are_counted() {
    let mut case = Case::of("many.cell", &"oops\n".repeat(300));
    for nth in 0..300 {
        let code = if nth % 100 == 7 { Code::NoAlarms } else { Code::NotDeclared };
        case.found.push(Diagnostic::new(code, case.at(0, "oops", nth), "`oops` is not declared"));
    }
    let shown = case.show(&PLAIN);
    assert_eq!(shown.lines().filter(|line| line.starts_with("error[")).count(), 200);
    let end: Vec<&str> = shown.lines().skip(shown.lines().count() - 8).collect();
    insta::assert_snapshot!(end.join("\n"));
}

#[test]
fn places_outside_their_file_do_no_harm() {
    let case = Case::of("é.cell", "é");
    let inside = Span::new(FileId(0), 1, 1);
    let beyond = Span::new(FileId(0), 7, 99);
    let unknown = Span::new(FileId(9), 0, 1);
    let found =
        Diagnostic::new(Code::InvalidText, inside, "in the middle").also(beyond, "beyond").also(unknown, "no file");
    let none = Diagnostic { labels: Vec::new(), ..Diagnostic::new(Code::FileNotFound, inside, "nowhere at all") };
    insta::assert_snapshot!(case.with(found).with(none).show(&PLAIN));
}

#[test]
fn json_lines() {
    let mut case = Case::of("fleet.cell", FLEET);
    case.sources.add("lib/a.cell", "é = 1");
    let found = silent_override(&case);
    let other =
        Diagnostic::new(Code::UnknownRegion, case.at(1, "1", 0), "a \"quoted\" message").help("one").help("two");
    let case = case.with(found).with(other);
    insta::assert_snapshot!(json::render(&case.sources, &case.found));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the text and wherever the places: every label is shown, on lines that fit, without a character
    /// that a terminal obeys.
    #[test]
    fn any_places_in_any_text(
        text in "(?s)([a-z日é\u{301}👩\t\r\n\u{1b}\u{202e} ]{0,12}|x{300}\n){0,8}",
        spans in prop::collection::vec((0_usize..2, 0_usize..700, 0_usize..60), 1..7),
        style in (any::<bool>(), any::<bool>(), 0_usize..300),
    ) {
        let mut case = Case::of("a.cell", &text);
        case.sources.add("b.cell", format!("{text}\n{text}"));
        let spans = spans.iter().map(|(file, start, length)| Span::new(FileId(*file as u32), *start, start + length));
        let mut found = Diagnostic::new(Code::NotDeclared, Span::new(FileId(0), 0, 0), "a message");
        found.labels.clear();
        for (nth, span) in spans.enumerate() {
            found = found.also(span, format!("label-{nth}"));
        }
        let labels = found.labels.len();
        found.labels[labels / 2].primary = true;
        let (color, unicode, width) = style;
        let shown = case.with(found).show(&Style { color, unicode, width });
        for nth in 0..labels {
            prop_assert!(shown.contains(&format!("label-{nth}")), "label-{} is lost in\n{}", nth, shown);
        }
        let plain = shown.replace("\u{1b}[", "");
        prop_assert!(color || plain == shown);
        prop_assert!(plain.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", shown);
        prop_assert!(color || plain.lines().all(|line| line.chars().count() < 300), "{}", shown);
    }
}
