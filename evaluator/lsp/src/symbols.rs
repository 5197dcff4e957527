//! What a file and a workspace declare, as an outline.

use std::sync::Arc;

use cell_lang::index::{Declaration, Symbol, What};
use cell_lang::source::Span;
use cell_lang::syntax::ast::{Body, Decl, DeclKind, Expr, Item, Label, Name};
use lsp_types::{
    DocumentSymbol, DocumentSymbolParams, DocumentSymbolResponse, SymbolInformation, SymbolKind,
    WorkspaceSymbolParams, WorkspaceSymbolResponse,
};

use crate::server::Refusal;
use crate::view::View;
use crate::worker::Worker;

/// Symbols of a workspace that are told at once.
const MOST: usize = 1_000;

/// Answers `textDocument/documentSymbol`.
pub(crate) fn of_document(
    worker: &mut Worker,
    params: &DocumentSymbolParams,
) -> Result<Option<DocumentSymbolResponse>, Refusal> {
    let place = worker.place(&params.text_document.uri)?;
    let Some((_, view)) = worker.views(&place).into_iter().next() else { return Ok(None) };
    let Some(file) = view.file(&place) else { return Ok(None) };
    let ast = Arc::clone(&file.ast);
    Ok(Some(DocumentSymbolResponse::Nested(decls(&view, &ast.decls))))
}

fn decls(view: &View, decls: &[Decl]) -> Vec<DocumentSymbol> {
    decls.iter().map(|decl| self::decl(view, decl)).collect()
}

fn decl(view: &View, decl: &Decl) -> DocumentSymbol {
    let named = |name: &Name, detail: &str, kind| (name.text.to_string(), detail.to_owned(), kind, name.span);
    let ((name, detail, kind, span), children) = match &decl.kind {
        DeclKind::Import { name, .. } => (named(name, "import", SymbolKind::NAMESPACE), Vec::new()),
        DeclKind::Let { name, .. } => (named(name, "let", SymbolKind::CONSTANT), Vec::new()),
        DeclKind::Fn { name, .. } => (named(name, "fn", SymbolKind::FUNCTION), Vec::new()),
        DeclKind::Type { name, .. } => (named(name, "type", SymbolKind::CLASS), Vec::new()),
        DeclKind::Param { name, .. } => (named(name, "param", SymbolKind::VARIABLE), Vec::new()),
        DeclKind::Defaults { name, kind, body } => {
            (named(name, &format!("defaults for {}", kind.text), SymbolKind::STRUCT), items(view, body))
        }
        DeclKind::Module { label, .. } => (labelled(view, label, "module", SymbolKind::MODULE), Vec::new()),
        DeclKind::Entity { kind, label, body, .. } => {
            (labelled(view, label, &kind.text, SymbolKind::OBJECT), items(view, body))
        }
        DeclKind::For { binder, over, body, .. } => {
            let text = format!("for {}", binder.first.text);
            ((text, in_text(view, over), SymbolKind::ARRAY, binder.first.span), decls(view, body))
        }
        DeclKind::If { arms } => {
            let inner = arms.iter().flat_map(|(_, body)| decls(view, body)).collect();
            (("if".to_owned(), String::new(), SymbolKind::BOOLEAN, decl.span.head()), inner)
        }
        DeclKind::Assert { message, .. } => (
            ("assert".to_owned(), short(view.analysis.words(message.span)), SymbolKind::EVENT, message.span),
            Vec::new(),
        ),
        DeclKind::Test { name, .. } => {
            (("test".to_owned(), short(view.analysis.words(name.span)), SymbolKind::EVENT, name.span), Vec::new())
        }
        DeclKind::Moved(_) => (("moved".to_owned(), String::new(), SymbolKind::EVENT, decl.span.head()), Vec::new()),
        DeclKind::Removed(_) => {
            (("removed".to_owned(), String::new(), SymbolKind::EVENT, decl.span.head()), Vec::new())
        }
        DeclKind::Accept { label, .. } => (labelled(view, label, "accept", SymbolKind::EVENT), Vec::new()),
    };
    symbol(view, name, detail, kind, (decl.span, span), children)
}

fn labelled(view: &View, label: &Label, detail: &str, kind: SymbolKind) -> (String, String, SymbolKind, Span) {
    let name = label.plain().map_or_else(|| short(view.analysis.words(label.span())), |text| text.to_string());
    (name, detail.to_owned(), kind, label.span())
}

fn in_text(view: &View, over: &Expr) -> String {
    format!("in {}", short(view.analysis.words(over.span)))
}

fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    let mut shown: String = line.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn items(view: &View, body: &Body) -> Vec<DocumentSymbol> {
    let mut found = Vec::new();
    for item in &body.items {
        match item {
            Item::Field(field) => {
                let Some(name) = field.key.plain() else { continue };
                let detail = short(view.analysis.words(field.value.span));
                let spans = (field.span, field.key.span());
                found.push(symbol(view, name.to_string(), detail, SymbolKind::PROPERTY, spans, Vec::new()));
            }
            Item::Block(block) => {
                let label = block.label.as_ref().map(|label| short(view.analysis.words(label.span())));
                let spans = (block.span, block.name.span);
                let name = block.name.text.to_string();
                let detail = label.unwrap_or_default();
                found.push(symbol(view, name, detail, SymbolKind::STRUCT, spans, items(view, &block.body)));
            }
            Item::For(looped) => found.extend(items(view, &looped.body)),
            Item::Condition(_) => {}
        }
    }
    found
}

fn symbol(
    view: &View,
    name: String,
    detail: String,
    kind: SymbolKind,
    (whole, selection): (Span, Span),
    children: Vec<DocumentSymbol>,
) -> DocumentSymbol {
    // The protocol wants the selection inside of the whole, and a name.
    let inside = whole.start <= selection.start && selection.end <= whole.end;
    let selection = if inside { selection } else { whole };
    #[expect(deprecated, reason = "the type has the field")]
    DocumentSymbol {
        name: if name.is_empty() { "?".to_owned() } else { name },
        detail: (!detail.is_empty()).then_some(detail),
        kind,
        tags: None,
        deprecated: None,
        range: view.range(whole),
        selection_range: view.range(selection),
        children: (!children.is_empty()).then_some(children),
    }
}

/// Answers `workspace/symbol`.
pub(crate) fn of_workspace(worker: &mut Worker, params: &WorkspaceSymbolParams) -> WorkspaceSymbolResponse {
    let query = params.query.to_lowercase();
    let mut found: Vec<SymbolInformation> = Vec::new();
    for view in worker.all_views() {
        for declaration in view.analysis.index().declarations() {
            let Some(name) = searched(declaration).filter(|name| is_like(&name.to_lowercase(), &query)) else {
                continue;
            };
            // What the library declares is not of the workspace.
            let own =
                view.analysis.file(declaration.span.file).is_some_and(|file| view.analysis.place(file).is_some());
            let Some(location) = view.location(declaration.span).filter(|_| own) else { continue };
            if found.iter().any(|other| other.location == location) {
                continue;
            }
            #[expect(deprecated, reason = "the type has the field")]
            found.push(SymbolInformation {
                name,
                kind: kind_of(&declaration.symbol),
                tags: None,
                deprecated: None,
                location,
                container_name: Some(view.analysis.sources.path(declaration.span.file).to_owned()),
            });
            if found.len() >= MOST {
                return WorkspaceSymbolResponse::Flat(found);
            }
        }
    }
    WorkspaceSymbolResponse::Flat(found)
}

/// The name under which a declaration is looked for: `cell.alpha`.
fn searched(declaration: &Declaration) -> Option<String> {
    match &declaration.symbol {
        Symbol::Entity(_, kind, label) => Some(format!("{}.{label}", kind.name())),
        Symbol::Named(..) => Some(declaration.name.to_string()),
        _ => None,
    }
}

/// Do the letters of the query stand in the name, in order?
fn is_like(name: &str, query: &str) -> bool {
    let mut letters = name.chars();
    query.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

fn kind_of(symbol: &Symbol) -> SymbolKind {
    match symbol {
        Symbol::Named(What::Function, _) => SymbolKind::FUNCTION,
        Symbol::Named(What::Type, _) => SymbolKind::CLASS,
        Symbol::Named(What::Import, _) => SymbolKind::NAMESPACE,
        Symbol::Named(What::Module, _) => SymbolKind::MODULE,
        Symbol::Named(What::Defaults, _) => SymbolKind::STRUCT,
        Symbol::Named(What::Let, _) => SymbolKind::CONSTANT,
        Symbol::Named(..) => SymbolKind::VARIABLE,
        _ => SymbolKind::OBJECT,
    }
}
