//! The names each file declares, as [`super::walk`] looks them up. Reports nothing: of two of one name the first
//! counts, as in the checker.

use std::collections::{HashMap, HashSet};

use smol_str::SmolStr;

use super::What;
use crate::load::LoadedFile;
use crate::schema::Kind;
use crate::source::{FileId, Span};
use crate::syntax::ast::{Decl, DeclKind, Label, StrLit, StrPart};

/// The names of a file.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Its id.
    pub(super) file: Option<FileId>,
    pub(super) values: HashMap<SmolStr, Value>,
    pub(super) types: HashMap<SmolStr, Span>,
    pub(super) defaults: HashMap<SmolStr, (Span, Option<Kind>)>,
    pub(super) exported: HashSet<SmolStr>,
    /// Labels that are written out.
    pub(super) entities: HashSet<(Kind, SmolStr)>,
    /// Of those, what stands outside of loops and choices.
    pub(super) fixed: HashSet<(Kind, SmolStr)>,
    /// Labels that are computed: the texts before, between and after what is interpolated.
    pub(super) computed: Vec<(Kind, Span, Vec<SmolStr>)>,
    /// Parameters: name and where it stands.
    pub(super) params: Vec<(SmolStr, Span)>,
    /// Labels of modules that are not names, and the files.
    pub(super) modules: Vec<(SmolStr, Option<usize>)>,
}

/// What a name of the value space stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value {
    pub(super) what: What,
    pub(super) at: Span,
    /// The file an import or a module leads to.
    pub(super) target: Option<usize>,
}

impl Names {
    /// The computed labels that may come to `label`.
    pub(super) fn computed_as(&self, kind: Kind, label: &str) -> Option<Span> {
        let fits = |texts: &[SmolStr]| {
            let (Some(first), Some(last)) = (texts.first(), texts.last()) else { return false };
            label.len() >= first.len() + last.len()
                && label.starts_with(first.as_str())
                && label.ends_with(last.as_str())
        };
        let mut found = self.computed.iter().filter(|(of, _, texts)| *of == kind && fits(texts));
        found.next().map(|(_, span, _)| *span)
    }
}

/// The names of all files.
pub(super) fn collect(files: &[LoadedFile]) -> Vec<Names> {
    files.iter().map(of_file).collect()
}

fn of_file(file: &LoadedFile) -> Names {
    let mut names = Names { file: Some(file.id), ..Names::default() };
    for decl in &file.ast.decls {
        names.decl(file, decl);
    }
    for decl in &file.ast.decls {
        names.inner(file, decl, true);
    }
    names
}

impl Names {
    fn decl(&mut self, file: &LoadedFile, decl: &Decl) {
        let (name, what, target) = match &decl.kind {
            DeclKind::Import { path, name } => (name, What::Import, link(file, path)),
            DeclKind::Let { name, .. } => (name, What::Let, None),
            DeclKind::Fn { name, .. } => (name, What::Function, None),
            DeclKind::Param { name, .. } => {
                self.params.push((name.text.clone(), name.span));
                (name, What::Param, None)
            }
            DeclKind::Type { name, .. } => {
                self.types.entry(name.text.clone()).or_insert(name.span);
                return self.export(decl, &name.text);
            }
            DeclKind::Defaults { name, kind, .. } => {
                self.defaults.entry(name.text.clone()).or_insert((name.span, Kind::parse(&kind.text)));
                return self.export(decl, &name.text);
            }
            _ => return,
        };
        self.values.entry(name.text.clone()).or_insert(Value { what, at: name.span, target });
        self.export(decl, &name.text);
    }

    fn export(&mut self, decl: &Decl, name: &SmolStr) {
        if decl.export.is_some() {
            self.exported.insert(name.clone());
        }
    }

    fn inner(&mut self, file: &LoadedFile, decl: &Decl, top: bool) {
        match &decl.kind {
            DeclKind::Entity { kind, label, .. } => {
                let Some(kind) = Kind::parse(&kind.text) else { return };
                match label.plain() {
                    Some(text) => {
                        self.entities.insert((kind, text.clone()));
                        if top {
                            self.fixed.insert((kind, text));
                        }
                    }
                    None => self.computed.push((kind, label.span(), texts(label))),
                }
            }
            DeclKind::Module { label, path, .. } => {
                let target = link(file, path);
                let Some(text) = label.plain() else { return };
                self.modules.push((text.clone(), target));
                if top {
                    self.values.entry(text).or_insert(Value { what: What::Module, at: inside(label), target });
                }
            }
            DeclKind::For { body, .. } => body.iter().for_each(|decl| self.inner(file, decl, false)),
            DeclKind::If { arms } => {
                arms.iter().flat_map(|(_, body)| body).for_each(|decl| self.inner(file, decl, false));
            }
            _ => {}
        }
    }
}

/// The place of a label's text, without quotes.
pub(super) fn inside(label: &Label) -> Span {
    match label {
        Label::Name(name) => name.span,
        Label::Str(string) => inner(string),
    }
}

/// The place of a string's text, without quotes.
pub(super) fn inner(string: &StrLit) -> Span {
    let span = string.span;
    if span.end - span.start >= 2 { Span { start: span.start + 1, end: span.end - 1, ..span } } else { span }
}

fn link(file: &LoadedFile, path: &StrLit) -> Option<usize> {
    file.links.get(&path.span).copied()
}

/// The texts of a label around what is interpolated; empty ones where nothing stands.
fn texts(label: &Label) -> Vec<SmolStr> {
    let Label::Str(string) = label else { return Vec::new() };
    let mut texts = vec![SmolStr::default()];
    for part in &string.parts {
        match part {
            StrPart::Text(text) => {
                if let Some(last) = texts.last_mut() {
                    *last = text.clone();
                }
            }
            StrPart::Expr(_) => texts.push(SmolStr::default()),
        }
    }
    texts
}
