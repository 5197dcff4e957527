//! Programs and what the compiler says of them. Owns how a program of a test is run and its findings read.

use std::path::Path;

use serde_json::Value;

use crate::binary::cellc;

/// What came of a program.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Errors, warnings and notes, in the order they were said.
    pub diagnostics: Vec<Found>,
    /// The normal form, when there is one.
    pub expansion: Option<Value>,
    /// The status the process ended with.
    pub status: i32,
    /// Standard output, as it was.
    pub stdout: String,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Such as `E0312`.
    pub code: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// The file of the primary label.
    pub file: String,
    /// The line of its start, from 1; 0 when there is no place.
    pub line: usize,
    /// The fact.
    pub message: String,
    /// The text under the primary label; its first line, when it has several.
    pub underlined: String,
    /// Message, labels and helps: all that is said.
    pub said: String,
}

impl Found {
    /// Is it an error?
    pub fn is_error(&self) -> bool {
        self.severity == "error"
    }

    /// The code without the last two digits: `E03`.
    pub fn phase(&self) -> &str {
        self.code.get(..3).unwrap_or(&self.code)
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, severity, file, line, message, underlined, .. } = self;
        write!(f, "{file}:{line}: {severity}[{code}]: {message} (under `{underlined}`)")
    }
}

/// Expands the program that begins in the file `main`; `files` are paths with their texts.
pub fn check_project(files: &[(String, String)], main: &str) -> Result<Outcome, String> {
    run_project("expand", files, main, &[])
}

/// Runs a command of `cellc` on a program, with variables in its environment.
pub fn run_project(
    command: &str,
    files: &[(String, String)],
    main: &str,
    environment: &[(String, String)],
) -> Result<Outcome, String> {
    let folder = lay_out(files)?;
    let environment: Vec<(&str, &str)> = environment.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let output = cellc(folder.path(), &[command, "--format", "json", main], &environment)?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said: Result<Vec<Found>, String> = stderr.lines().map(|line| found(line, files)).collect();
    let Ok(diagnostics) = said else {
        return Err(format!("`cellc {command}` does not write its diagnostics as JSON lines:\n{stderr}"));
    };
    let expansion = if stdout.is_empty() || command != "expand" {
        None
    } else {
        Some(serde_json::from_str(&stdout).map_err(|error| format!("what `expand` prints is no JSON: {error}"))?)
    };
    let status = output.status.code().ok_or("cellc was killed")?;
    Ok(Outcome { diagnostics, expansion, status, stdout })
}

/// Standard output and standard error of a command on a program, as a person sees them.
pub fn show_project(command: &str, files: &[(String, String)], main: &str) -> Result<(String, String), String> {
    let folder = lay_out(files)?;
    let output = cellc(folder.path(), &[command, main], &[])?;
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn lay_out(files: &[(String, String)]) -> Result<tempfile::TempDir, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    for (path, text) in files {
        put(folder.path(), path, text)?;
    }
    Ok(folder)
}

/// Writes a file of a program.
pub(crate) fn put(folder: &Path, path: &str, text: &str) -> Result<(), String> {
    let full = folder.join(path);
    let made = full.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(&full, text)).map_err(|error| format!("{path}: {error}"))
}

/// A finding from its line.
fn found(line: &str, files: &[(String, String)]) -> Result<Found, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let labels = value["labels"].as_array().map(Vec::as_slice).unwrap_or_default();
    let primary = labels.iter().find(|label| label["primary"] == true).unwrap_or(&Value::Null);
    let helps = value["helps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut said = vec![text(&value["message"])];
    said.extend(labels.iter().map(|label| text(&label["text"])));
    said.extend(helps.iter().map(text));
    Ok(Found {
        code: text(&value["code"]),
        severity: text(&value["severity"]),
        file: text(&primary["file"]),
        line: number(&primary["span"]["start"]["line"]),
        message: text(&value["message"]),
        underlined: underlined(primary, files),
        said: said.join("\n"),
    })
}

fn number(value: &Value) -> usize {
    value.as_u64().map_or(0, |number| number as usize)
}

fn underlined(label: &Value, files: &[(String, String)]) -> String {
    let text =
        files.iter().find(|(path, _)| Some(path.as_str()) == label["file"].as_str()).map_or("", |(_, text)| text);
    let (start, end) = (&label["span"]["start"], &label["span"]["end"]);
    let line = text.lines().nth(number(&start["line"]).saturating_sub(1)).unwrap_or_default();
    let from = number(&start["column"]).saturating_sub(1);
    let upto = if start["line"] == end["line"] { number(&end["column"]).saturating_sub(1) } else { usize::MAX };
    line.chars().skip(from).take(upto.saturating_sub(from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_a_finding() {
        let files = [("main.cell".to_owned(), "cell a {\n  日本 = oops\n}\n".to_owned())];
        let line = r#"{"code":"E0201","severity":"error","message":"`oops` is not declared","labels":[
            {"file":"main.cell","span":{"start":{"line":1,"column":1},"end":{"line":3,"column":2}},"text":"in","primary":false},
            {"file":"main.cell","span":{"start":{"line":2,"column":8},"end":{"line":2,"column":12}},"text":"here","primary":true}
        ],"helps":["declare it"],"fix":null}"#;
        let found = found(line, &files).unwrap_or_else(|reason| unreachable!("{reason}"));
        assert_eq!(found.to_string(), "main.cell:2: error[E0201]: `oops` is not declared (under `oops`)");
        assert_eq!((found.phase(), found.is_error()), ("E02", true));
        assert_eq!(found.said, "`oops` is not declared\nin\nhere\ndeclare it");
    }
}
