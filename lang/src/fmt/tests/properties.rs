//! What holds of every text.

use proptest::prelude::*;

use super::generate::program;
use super::scramble::{Scramble, choices, scrambled};
use super::{Formatted, form, proven};
use crate::source::FileId;
use crate::syntax::parse;
use crate::syntax::tests::properties::{PROGRAMS, bruised, soup};

/// A text with or without faults: nothing is lost, and what is broken stays.
fn is_formatted(text: &str) {
    let Formatted { text: form, broken } = proven(text);
    for bytes in &broken {
        assert!(form.contains(&text[bytes.clone()]), "{bytes:?} of {text:?} is not kept");
    }
    assert_eq!(proven(&form).text, form, "a second run changes it");
    let faults = !parse(FileId(0), text).diagnostics.is_empty();
    assert_eq!(faults, !broken.is_empty(), "{text:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_formatted(text in any::<String>()) {
        is_formatted(&text);
    }

    #[test]
    fn any_soup_is_formatted(text in soup()) {
        is_formatted(&text);
    }

    #[test]
    fn any_bruised_program_is_formatted(text in bruised(&PROGRAMS)) {
        is_formatted(&text);
    }

    /// Made programs parse, in any layout, and keep their words, comments and tree.
    #[test]
    fn any_program_is_formatted(program in program(), choices in choices()) {
        form(&program);
        for scramble in [Scramble::Lines, Scramble::Comments] {
            form(&scrambled(&program, &choices, scramble));
        }
    }

    /// Spaces within lines do not show in the form.
    #[test]
    fn spaces_do_not_show(program in program(), choices in choices()) {
        let expected = form(&program);
        prop_assert_eq!(form(&scrambled(&program, &choices, Scramble::Spaces)), expected.as_str());
        prop_assert_eq!(form(&scrambled(&expected, &choices, Scramble::Spaces)), expected);
    }

    /// No line has white space at its end, none is indented by an odd number of spaces, none is blank twice over,
    /// outside strings.
    #[test]
    fn lines_are_tidy(program in program(), choices in choices()) {
        let program = program.replace("\"\"\"\n    several\n      lines \\(a)\n    \"\"\"", "\"b\"");
        let form = form(&scrambled(&program, &choices, Scramble::Comments));
        for line in form.lines() {
            prop_assert_eq!(line.trim_end(), line);
            prop_assert_eq!((line.len() - line.trim_start().len()) % 2, 0, "{}", line);
        }
        prop_assert!(!form.contains("\n\n\n") && !form.starts_with('\n') && !form.ends_with("\n\n"));
        prop_assert!(!form.contains("{\n\n") && !form.contains("\n\n}"), "{}", form);
    }
}

#[test]
fn real_programs_are_formatted_in_any_layout() {
    for program in PROGRAMS {
        for seed in 0..40_u8 {
            let choices: Vec<u8> =
                (0..97_u8).map(|at| at.wrapping_mul(31).wrapping_add(seed.wrapping_mul(7))).collect();
            for scramble in [Scramble::Spaces, Scramble::Lines, Scramble::Comments] {
                form(&scrambled(program, &choices, scramble));
            }
        }
    }
}

/// Whatever single bracket, quote, comma or `=` is lost, most of a program is still formatted.
#[test]
fn one_fault_costs_little() {
    let (mut faults, mut unformatted, mut bytes, mut kept) = (0, 0, 0, 0);
    for program in PROGRAMS {
        let rough = form(program).replace(" = ", "  =   ");
        for (at, c) in rough.char_indices().filter(|(_, c)| "{}[]()\"=,".contains(*c)) {
            let mut text = rough.clone();
            text.replace_range(at..at + c.len_utf8(), "");
            if parse(FileId(0), &text).diagnostics.is_empty() {
                continue;
            }
            let broken: usize = proven(&text).broken.iter().map(ExactSizeIterator::len).sum();
            faults += 1;
            unformatted += usize::from(broken == text.len());
            bytes += text.len();
            kept += broken;
        }
    }
    assert!(faults > 300, "{faults} faults");
    assert!(unformatted * 20 < faults, "{unformatted} of {faults} texts are not formatted at all");
    assert!(kept * 5 < bytes, "{kept} of {bytes} bytes are kept");
}
