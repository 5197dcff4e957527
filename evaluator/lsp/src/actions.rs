//! Quick fixes: the edits that findings bring with them.

use std::collections::HashSet;

use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, Diagnostic, DocumentChanges, OneOf,
    OptionalVersionedTextDocumentIdentifier, Range, TextDocumentEdit, TextEdit, Url, WorkspaceEdit,
};

use crate::findings::FixData;

/// The fixes of the findings that touch `range` in the file `uri`, of which `version` is open.
pub(crate) fn fixes<'d>(
    found: impl Iterator<Item = &'d Diagnostic>,
    uri: &Url,
    range: Range,
    version: Option<i32>,
) -> Vec<CodeActionOrCommand> {
    let touches = |other: Range| other.start <= range.end && range.start <= other.end;
    let mut seen: HashSet<String> = HashSet::new();
    let mut actions = Vec::new();
    for finding in found.filter(|finding| touches(finding.range)) {
        let Some(data) = &finding.data else { continue };
        let Ok(fix) = serde_json::from_value::<FixData>(data.clone()) else { continue };
        if !seen.insert(data.to_string()) {
            continue;
        }
        let version = if fix.uri == *uri { version } else { None };
        let edit = TextDocumentEdit {
            text_document: OptionalVersionedTextDocumentIdentifier { uri: fix.uri, version },
            edits: vec![OneOf::Left(TextEdit { range: fix.range, new_text: fix.text })],
        };
        actions.push(CodeActionOrCommand::CodeAction(CodeAction {
            title: fix.title,
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![finding.clone()]),
            edit: Some(WorkspaceEdit {
                document_changes: Some(DocumentChanges::Edits(vec![edit])),
                ..WorkspaceEdit::default()
            }),
            is_preferred: Some(true),
            ..CodeAction::default()
        }));
    }
    actions
}
