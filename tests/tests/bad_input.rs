//! Whatever the input: a value, or findings with places and exit status 1; never a part of a result on stdout.

use std::fs;

use cell_tests::binary::cellc;
use cell_tests::{failures, report};

/// Programs that are hostile in form: name, bytes.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: String| text.into_bytes();
    let deep = |open: &str, close: &str, n: usize| text(format!("let x = {}1{}", open.repeat(n), close.repeat(n)));
    vec![
        ("invalid UTF-8", b"let x = \"\xff\xfe\"\n".to_vec()),
        ("NUL", b"let x = 1\0\n".to_vec()),
        ("only a BOM and an error", b"\xef\xbb\xbflet x = \n".to_vec()),
        ("deep brackets", deep("[", "]", 300)),
        ("deep parentheses", deep("(", ")", 100_000)),
        ("deep unclosed brackets", text("let x = ".to_owned() + &"[".repeat(1_000_000))),
        ("deep unclosed braces", text("cell a ".to_owned() + &"{".repeat(1_000_000))),
        ("deep interpolation", text(format!("let x = {}", "\"\\(".repeat(100_000)))),
        ("a long chain of operators", text(format!("let x = 1{}", " + 1".repeat(100_000)))),
        ("a long chain of minus signs", text(format!("let x = {}1", "- ".repeat(100_000)))),
        ("a long chain of not", text(format!("let x = {}true", "!".repeat(100_000)))),
        ("a long chain of fields", text(format!("let x = a{}", ".b".repeat(100_000)))),
        ("deep types", text(format!("let x: {}Int{} = []", "[".repeat(10_000), "]".repeat(10_000)))),
        ("deep ifs", text(format!("{}{}", "if true {\n".repeat(10_000), "}\n".repeat(10_000)))),
        ("quotes", text("\"".repeat(1_000_001))),
        ("too large", vec![b'#'; (16 << 20) + 1]),
        ("16 MiB of opening lines", text("cell a {\n".repeat((16 << 20) / 9))),
    ]
}

#[test]
fn hostile_programs_end_in_findings() {
    let programs = hostile();
    let failed = failures(&programs, |(name, bytes)| {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        fs::write(folder.path().join("main.cell"), bytes).map_err(|error| error.to_string())?;
        for format in ["text", "json"] {
            let output = cellc(folder.path(), &["expand", "--format", format], &[])?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.code() != Some(1) || !output.stdout.is_empty() {
                let end: String = said.chars().take(500).collect();
                return Err(format!("{name}: {:?}, {} bytes out\n{end}", output.status, output.stdout.len()));
            }
            if !said.contains("E01") || said.len() > 4 << 20 {
                return Err(format!("{name}: {} bytes said without E01", said.len()));
            }
        }
        Ok(())
    });
    report(programs.len(), &failed);
}

/// White space of other systems, and text of other scripts, is fine.
#[test]
fn harmless_programs_are_taken() {
    let programs: [&[u8]; 4] = [
        b"\xef\xbb\xbfgroup a {}\n",
        b"group a {}\r\n# \xf0\x9f\x90\x99\r\ngroup b {\r\n\tname = \"\xc3\xa9quipe\"\r\n}\r\n",
        b"",
        b"# nothing\n",
    ];
    for program in programs {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("main.cell"), program).unwrap();
        let output = cellc(folder.path(), &["check"], &[]).unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Loops and lists that would go on for ever end at a budget, with the flag that raises it.
#[test]
fn endless_work_ends_at_a_budget() {
    let programs = [
        ("let x = [for n in 1..=9_000_000_000 : n]", "--max-steps"),
        ("for n in 1..=9_000_000_000 { group \"g-\\(n)\" {} }", "--max-"),
        ("let s = join([for n in 1..=100_000 : \"0123456789abcdef\"], \"\")", "--max-string"),
        ("for n in 1..=1_000 { group \"g-\\(n)\" {} }", "--max-entities"),
        ("let a = count([for x in 1..=1_000_000 : count([for y in 1..=1_000_000 : y])])", "--max-steps"),
    ];
    let failed = failures(&programs, |(program, flag)| {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        fs::write(folder.path().join("main.cell"), program).map_err(|error| error.to_string())?;
        let arguments = ["check", "--max-entities", "999", "--max-steps", "20_000_000"];
        let output = cellc(folder.path(), &arguments, &[])?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let told = said.contains("E0406") && said.contains(flag);
        if output.status.code() == Some(1) && told { Ok(()) } else { Err(format!("{program}\n{said}")) }
    });
    report(programs.len(), &failed);
}
