//! What is said of the word under the pointer: what it is, of what type, its documentation, where it is declared;
//! of a field also what it came to and where that came from; of what is found there, what its code is about.

use std::path::Path;

use cell_lang::diagnostics::Code;
use cell_lang::index::{Declaration, Occurrence, Role, Symbol, What};
use cell_lang::schema::{FieldSpec, Kind, Need, RecordSpec, Shape};
use cell_lang::types::Ty;
use lsp_types::{
    Diagnostic, Hover, HoverContents, HoverParams, MarkupContent, MarkupKind, NumberOrString, Position, Range,
};

use crate::server::Refusal;
use crate::values;
use crate::view::View;
use crate::worker::Worker;

/// Characters of a value that are shown with a name.
const WIDTH: usize = 80;

/// Answers `textDocument/hover`.
pub(crate) fn hover(worker: &mut Worker, params: &HoverParams) -> Result<Option<Hover>, Refusal> {
    let at = &params.text_document_position_params;
    let place = worker.place(&at.text_document.uri)?;
    let views = worker.views(&place);
    let word = views.iter().find_map(|(_, view)| in_view(view, &place, at.position));
    let host = worker.workspace.host();
    let told = worker.told_at(&at.text_document.uri, at.position);
    Ok(with_findings(word, &told, |code| host.page_text(code)))
}

/// What is said of a word, and behind it why what is found there is an error: the first words of the code's page.
fn with_findings(word: Option<Hover>, told: &[Diagnostic], page: impl Fn(Code) -> Option<String>) -> Option<Hover> {
    let mut hover = word;
    let mut codes: Vec<Code> = Vec::new();
    for found in told {
        let Some(NumberOrString::String(code)) = &found.code else { continue };
        let Some(code) = Code::parse(code).filter(|code| !codes.contains(code)) else { continue };
        codes.push(code);
        let Some(text) = page(code).as_deref().and_then(first_words) else { continue };
        let value = match hover.take() {
            Some(Hover { contents: HoverContents::Markup(markup), range }) => {
                hover = Some(markdown(format!("{}\n\n---\n\n{text}", markup.value), range));
                continue;
            }
            _ => text,
        };
        hover = Some(markdown(value, Some(found.range)));
    }
    hover
}

/// The title of a page and its first paragraph.
fn first_words(page: &str) -> Option<String> {
    let mut parts = page.trim().split("\n\n");
    let title = parts.next()?.strip_prefix("# ")?;
    Some(format!("**{title}**\n\n{}", without_links(parts.next()?.trim())))
}

/// The text with the words of its links alone: they lead to other pages from where the page lies.
fn without_links(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("](") {
        let Some((_, behind)) = after.split_once(')') else { break };
        let (plain, words) = before.rsplit_once('[').unwrap_or((before, ""));
        out.push_str(plain);
        out.push_str(words);
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn markdown(value: String, range: Option<Range>) -> Hover {
    Hover { contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }), range }
}

fn in_view(view: &View, place: &Path, position: Position) -> Option<Hover> {
    let word = view.word(place, position)?;
    let value = about(view, word)?;
    Some(markdown(value, Some(view.range(word.span))))
}

/// What is said of a word.
fn about(view: &View, word: &Occurrence) -> Option<String> {
    let parts = match &word.symbol {
        Symbol::Named(what, _) => named(view, word, *what),
        Symbol::Entity(_, kind, label) => entity(view, &word.symbol, *kind, &format!("{} {label}", kind.name())),
        Symbol::Computed(kind, label) => {
            entity(view, &word.symbol, *kind, &format!("{} {}", kind.name(), view.analysis.words(*label)))
        }
        Symbol::Kind(kind) => kind_of(*kind),
        Symbol::Every(kind) => vec![
            code(&format!("{}: Set<{}>", kind.plural(), kind.name())),
            format!("every {}; a set, ordered by address", kind.name()),
        ],
        Symbol::Builtin(builtin) => {
            let sort =
                if builtin.is_question() { "a question that only a test asks" } else { "a function of the language" };
            vec![code(builtin.signature()), builtin.about().to_owned(), sort.to_owned()]
        }
        Symbol::BaseType(name) => vec![code(name), base_type(name)],
        Symbol::Field(spec, name) => field(view, word, spec.0, name)?,
        Symbol::Meta(name) => vec![code(&format!(".{name}: String")), meta(name).to_owned()],
        Symbol::Member(name) => {
            let ty = view.analysis.notes.owner_of(word.span).and_then(|owner| member_type(owner, name));
            vec![
                code(&ty.map_or_else(|| name.to_string(), |ty| format!("{name}: {ty}"))),
                "a field of a record".into(),
            ]
        }
        Symbol::File(file) => vec![code(&format!("\"{}\"", view.analysis.sources.path(*file))), head(view, *file)],
    };
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Some(parts.join("\n\n"))
}

pub(crate) fn code(text: &str) -> String {
    format!("```cell\n{text}\n```")
}

fn meta(name: &str) -> &'static str {
    match name {
        "label" => "the label of the entity",
        "address" => "the address of the entity, with the labels of its modules",
        _ => "the label: the kind has no field `name`",
    }
}

fn member_type<'t>(owner: &'t Ty, name: &str) -> Option<&'t Ty> {
    let Ty::Record(record) = owner.required() else { return None };
    record.position(name).and_then(|at| record.fields.get(at)).map(|field| &field.ty)
}

fn base_type(name: &str) -> String {
    let builtin = cell_lang::types::Builtin::ALL.iter().find(|builtin| builtin.name() == name);
    builtin.map_or_else(|| "a type of the language".to_owned(), |builtin| builtin.describe().to_owned())
}

/// The comment at the head of a file.
fn head(view: &View, file: cell_lang::source::FileId) -> String {
    let text = view.analysis.text(file);
    let comments = text.lines().take_while(|line| line.starts_with('#'));
    let lines: Vec<&str> = comments.map(|line| line.trim_start_matches('#').trim()).collect();
    lines.join("\n")
}

/// A name that the program declares.
fn named(view: &View, word: &Occurrence, what: What) -> Vec<String> {
    let Symbol::Named(_, span) = &word.symbol else { return Vec::new() };
    let declaration = view.declaration(&word.symbol);
    let name = view.analysis.words(*span);
    let ty = view.analysis.index().type_of(*span).or_else(|| view.analysis.notes.type_of(word.span));
    let header = declaration.map_or(name, |declaration| view.analysis.words(declaration.header));
    let shown = match (what, ty) {
        (What::Let | What::Local | What::Argument, Some(ty)) => format!("{} {name}: {ty}", what.word()),
        _ => format!("{} {header}", what.word()),
    };
    let mut parts = vec![code(&shown)];
    parts.extend(declaration.map(|declaration| documentation(&declaration.doc)));
    if what == What::Let {
        parts.extend(declaration.and_then(|declaration| value_text(view, declaration)).map(|text| code(&text)));
    }
    parts.push(format!("declared in {}", view.place_text(*span)));
    parts
}

/// The expression of a `let`, where it is short.
fn value_text(view: &View, declaration: &Declaration) -> Option<String> {
    let text = view.analysis.words(declaration.whole);
    let rest = text.get((declaration.header.end.checked_sub(declaration.whole.start)?) as usize..)?;
    let value = rest.trim_start().strip_prefix('=')?.trim();
    (value.chars().count() <= WIDTH && !value.contains('\n')).then(|| format!("= {value}"))
}

fn documentation(doc: &str) -> String {
    doc.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

fn entity(view: &View, symbol: &Symbol, kind: Kind, shown: &str) -> Vec<String> {
    let mut parts = vec![code(shown)];
    let Some(declaration) = view.declaration(symbol) else { return parts };
    parts.push(documentation(&declaration.doc));
    parts.extend(values::addresses(view, declaration.whole));
    parts.push(format!(
        "a {} of layer {}, declared in {}",
        kind.name(),
        kind.layer().name(),
        view.place_text(declaration.span)
    ));
    parts
}

fn kind_of(kind: Kind) -> Vec<String> {
    let spec = kind.spec();
    let list = |wanted: bool| {
        let fields = spec.fields.iter().filter(|field| matches!(field.need, Need::Required) == wanted);
        fields.map(|field| format!("`{}`", field.name)).collect::<Vec<_>>().join(", ")
    };
    let (required, others) = (list(true), list(false));
    let mut parts = vec![code(kind.name()), format!("a kind of layer {}", kind.layer().name())];
    if !required.is_empty() {
        parts.push(format!("needs {required}"));
    }
    if !others.is_empty() {
        parts.push(format!("takes {others}"));
    }
    parts
}

fn field(view: &View, word: &Occurrence, spec: &'static RecordSpec, name: &str) -> Option<Vec<String>> {
    let found = spec.field(name)?;
    let mut parts = vec![code(&signature(found)), said_of(spec, found)];
    if word.role == Role::Sets {
        parts.extend(values::of_field(view, word.span, found));
    }
    Some(parts)
}

/// `region: String`, `wave label { … }`.
pub(crate) fn signature(field: &FieldSpec) -> String {
    match &field.shape {
        Shape::Value(ty) => format!("{}: {ty}", field.name),
        Shape::Block(_) => format!("{} {{ … }}", field.name),
        Shape::Map(ty) => format!("{} {{ key = {ty} }}", field.name),
        Shape::Named(_) => format!("{} label {{ … }}", field.name),
        Shape::Sort(sort) => {
            let sorts: Vec<&str> = sort.sorts.iter().map(|sort| sort.name).collect();
            format!("{} {} {{ … }}", field.name, sorts.join(" | "))
        }
        Shape::Conditions => format!("{} {{ conditions }}", field.name),
    }
}

/// Whether it may be left out, what it then is, and the rule of its type.
pub(crate) fn said_of(spec: &RecordSpec, field: &FieldSpec) -> String {
    let group = spec.one_of.iter().find(|group| group.contains(&field.name));
    let need = match (&field.need, group) {
        (_, Some(group)) => format!("one of `{}` is to be set", group.join("`, `")),
        (Need::Required, None) => "must be set".to_owned(),
        (Need::Optional, None) => "may be left out".to_owned(),
        (Need::Empty, None) => "empty unless set".to_owned(),
        (Need::Default(value), None) => format!("`{}` unless set", value.quoted()),
        (Need::Computed(rule), None) => format!("unless set: {}", rule.describe()),
    };
    let rule = match &field.shape {
        Shape::Value(ty) => rule_of(ty),
        _ => None,
    };
    match rule {
        Some(rule) => format!("a field of `{}`; {need}\n\n{rule}", spec.name),
        None => format!("a field of `{}`; {need}", spec.name),
    }
}

fn rule_of(ty: &Ty) -> Option<String> {
    match ty {
        Ty::Builtin(builtin) => Some(format!("{}: {}", builtin.name(), builtin.describe())),
        Ty::List(inner) | Ty::Optional(inner) => rule_of(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::first_words;

    #[test]
    fn the_first_words_of_a_page_lead_nowhere() {
        let page = "# E0405: a title\n\nAs [E0302](E0302.md) and\n[an index](../a.md#b) `x[0]` says.\n\nMore.\n";
        let words = "**E0405: a title**\n\nAs E0302 and\nan index `x[0]` says.";
        assert_eq!(first_words(page).as_deref(), Some(words));
        assert_eq!(first_words("no title"), None);
    }
}
