//! Findings as the protocol writes them. Owns the translation; what is found is the compiler's.

use std::collections::HashMap;

use cell_eval::access::judged;
use cell_eval::budget::Options;
use cell_eval::findings;
use cell_eval::world::World;
use cell_lang::check::Checked;
use cell_lang::diagnostics::{Code, Diagnostic, Severity, has_errors};
use lsp_types::{
    CodeDescription, Diagnostic as Shown, DiagnosticRelatedInformation, DiagnosticSeverity, NumberOrString, Range,
    Url,
};
use serde::{Deserialize, Serialize};

use crate::analysis::Analysis;
use crate::view::View;

/// An edit that mends a finding, as it travels with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FixData {
    /// The file.
    pub(crate) uri: Url,
    /// What to replace.
    pub(crate) range: Range,
    /// What to put there.
    pub(crate) text: String,
    /// What that does, for a menu.
    pub(crate) title: String,
}

/// Tells all that is found in a program: of its check, and of its expansion and the rules where the check found no
/// error. It is told before the expansion is freed, which takes long.
pub(crate) fn all(analysis: &Analysis, tell: impl FnOnce(&[Diagnostic])) {
    let mut found = analysis.checked.diagnostics.clone();
    let Checked { program, .. } = &analysis.checked;
    let mut tell = Some(tell);
    let mut then = |found: &[Diagnostic]| tell.take().into_iter().for_each(|tell| tell(found));
    let expanded = Box::new(|_: &World<'_>, found: &mut Vec<Diagnostic>| then(found));
    findings::follow(program.as_ref(), &mut found, &analysis.pinned(), &Options::default(), expanded);
    then(&found);
}

/// What is found in the permissions of a program: nothing while it has errors of another kind.
pub(crate) fn judged(analysis: &Analysis) -> Vec<Diagnostic> {
    let mut found = analysis.checked.diagnostics.clone();
    let pins = match analysis.pins() {
        Ok(pins) => pins,
        Err(faults) => return faults,
    };
    let then = |world: &World<'_>, found: &mut Vec<Diagnostic>| {
        if has_errors(found) {
            Ok(Vec::new())
        } else {
            judged::judged(world, &pins, true).map(|judged| judged.findings)
        }
    };
    let program = analysis.checked.program.as_ref();
    match findings::follow(program, &mut found, &analysis.pinned(), &Options::default(), Box::new(then)) {
        // Data of this very binary that cannot be read is a fault of it.
        findings::Reach::Expanded(judged) => judged.unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The findings of a program by file; files without any have none here.
pub(crate) fn by_file(view: &View, found: &[Diagnostic]) -> HashMap<Url, Vec<Shown>> {
    let mut files: HashMap<Url, Vec<Shown>> = HashMap::new();
    let mut pages: HashMap<Code, Option<CodeDescription>> = HashMap::new();
    for finding in found {
        if let Some((uri, shown)) = show(view, finding) {
            let page = pages.entry(finding.code).or_insert_with(|| page(view, finding.code));
            files.entry(uri).or_default().push(Shown { code_description: page.clone(), ..shown });
        }
    }
    files
}

/// Where the page of a code is read, for a client that leads there.
fn page(view: &View, code: Code) -> Option<CodeDescription> {
    let place = view.code_pages.then(|| view.host.page(code)).flatten()?;
    Some(CodeDescription { href: Url::from_file_path(place).ok()? })
}

fn show(view: &View, finding: &Diagnostic) -> Option<(Url, Shown)> {
    let first = finding.labels.first()?;
    let uri = view.uri(first.span.file)?;
    let others = finding.labels.iter().skip(1).filter_map(|label| {
        let message = if label.text.is_empty() { "see here".to_owned() } else { label.text.clone() };
        Some(DiagnosticRelatedInformation { location: view.location(label.span)?, message })
    });
    let related: Vec<_> = others.collect();
    let data = finding.fix.as_ref().and_then(|fix| {
        let location = view.location(fix.span)?;
        let title = title(&fix.replacement, view.analysis.words(fix.span));
        serde_json::to_value(FixData {
            uri: location.uri,
            range: location.range,
            text: fix.replacement.clone(),
            title,
        })
        .ok()
    });
    let shown = Shown {
        range: view.range(first.span),
        severity: Some(severity(finding.severity())),
        code: Some(NumberOrString::String(finding.code.as_str().to_owned())),
        source: Some("cellc".to_owned()),
        message: message(finding),
        related_information: (!related.is_empty()).then_some(related),
        data,
        ..Shown::default()
    };
    Some((uri, shown))
}

/// The fact, what is there, and what to do: an editor shows one text.
fn message(finding: &Diagnostic) -> String {
    let mut text = finding.message.clone();
    if let Some(here) = finding.labels.first().map(|label| label.text.as_str()).filter(|text| !text.is_empty()) {
        text.push_str(&format!("\n{here}"));
    }
    for help in &finding.helps {
        text.push_str(&format!("\nhelp: {help}"));
    }
    text
}

fn title(replacement: &str, found: &str) -> String {
    let short = |text: &str| {
        let line = text.trim().lines().next().unwrap_or("").to_owned();
        if line.chars().count() > 40 { format!("{}…", line.chars().take(39).collect::<String>()) } else { line }
    };
    match (found.trim().is_empty(), replacement.trim().is_empty()) {
        (true, _) => format!("Insert `{}`", short(replacement)),
        (_, true) => format!("Remove `{}`", short(found)),
        _ => format!("Replace `{}` by `{}`", short(found), short(replacement)),
    }
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Note => DiagnosticSeverity::INFORMATION,
    }
}
