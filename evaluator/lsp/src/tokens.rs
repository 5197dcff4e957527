//! Colours that need names resolved: what a word stands for. Words of the grammar are the editor's own grammar's.

use cell_lang::index::{Occurrence, Role, Symbol, What};
use lsp_types::{
    SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokens, SemanticTokensLegend,
    SemanticTokensParams, SemanticTokensResult,
};

use crate::server::Refusal;
use crate::view::View;
use crate::worker::Worker;

const TYPES: [SemanticTokenType; 9] = [
    SemanticTokenType::NAMESPACE,
    SemanticTokenType::TYPE,
    SemanticTokenType::CLASS,
    SemanticTokenType::STRUCT,
    SemanticTokenType::FUNCTION,
    SemanticTokenType::VARIABLE,
    SemanticTokenType::PARAMETER,
    SemanticTokenType::PROPERTY,
    SemanticTokenType::ENUM_MEMBER,
];

const MODIFIERS: [SemanticTokenModifier; 3] =
    [SemanticTokenModifier::DECLARATION, SemanticTokenModifier::READONLY, SemanticTokenModifier::DEFAULT_LIBRARY];

/// The colours, by number.
pub(crate) fn legend() -> SemanticTokensLegend {
    SemanticTokensLegend { token_types: TYPES.to_vec(), token_modifiers: MODIFIERS.to_vec() }
}

/// Answers `textDocument/semanticTokens/full`.
pub(crate) fn full(
    worker: &mut Worker,
    params: &SemanticTokensParams,
) -> Result<Option<SemanticTokensResult>, Refusal> {
    let place = worker.place(&params.text_document.uri)?;
    let Some((_, view)) = worker.views(&place).into_iter().next() else { return Ok(None) };
    let Some(file) = view.file(&place).map(|file| file.id) else { return Ok(None) };
    let words = view.analysis.index().in_file(file);
    Ok(Some(SemanticTokensResult::Tokens(SemanticTokens { result_id: None, data: encoded(&view, words) })))
}

fn encoded(view: &View, words: &[Occurrence]) -> Vec<SemanticToken> {
    let mut data = Vec::with_capacity(words.len());
    let (mut line, mut column, mut end) = (0, 0, 0);
    for word in words {
        let Some((kind, modifiers)) = colour(word) else { continue };
        let range = view.range(word.span);
        // One colour a word, and none over lines.
        if word.span.start < end || range.start.line != range.end.line {
            continue;
        }
        end = word.span.end;
        let delta_line = range.start.line - line;
        let delta_start = if delta_line == 0 { range.start.character - column } else { range.start.character };
        (line, column) = (range.start.line, range.start.character);
        data.push(SemanticToken {
            delta_line,
            delta_start,
            length: range.end.character - range.start.character,
            token_type: kind,
            token_modifiers_bitset: modifiers,
        });
    }
    data
}

fn colour(word: &Occurrence) -> Option<(u32, u32)> {
    let kind = match &word.symbol {
        Symbol::Named(What::Import | What::Module, _) => SemanticTokenType::NAMESPACE,
        Symbol::Named(What::Type, _) | Symbol::BaseType(_) => SemanticTokenType::TYPE,
        Symbol::Named(What::Defaults, _) => SemanticTokenType::STRUCT,
        Symbol::Named(What::Function, _) | Symbol::Builtin(_) => SemanticTokenType::FUNCTION,
        Symbol::Named(What::Param | What::Argument, _) => SemanticTokenType::PARAMETER,
        Symbol::Named(What::Let | What::Local, _) => SemanticTokenType::VARIABLE,
        Symbol::Kind(_) | Symbol::Every(_) => SemanticTokenType::CLASS,
        Symbol::Entity(..) => SemanticTokenType::ENUM_MEMBER,
        Symbol::Field(..) | Symbol::Meta(_) | Symbol::Member(_) => SemanticTokenType::PROPERTY,
        Symbol::Computed(..) | Symbol::File(_) => return None,
    };
    let number = TYPES.iter().position(|known| *known == kind)? as u32;
    let declares = u32::from(word.role == Role::Declares);
    let library = u32::from(matches!(
        word.symbol,
        Symbol::Builtin(_) | Symbol::BaseType(_) | Symbol::Kind(_) | Symbol::Every(_) | Symbol::Meta(_)
    ));
    let fixed = u32::from(matches!(word.symbol, Symbol::Named(What::Let | What::Local, _)));
    Some((number, declares | fixed << 1 | library << 2))
}
