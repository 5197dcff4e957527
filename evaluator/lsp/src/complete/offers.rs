//! What is offered for each thing that may be asked, best first.

use std::collections::BTreeMap;

use cell_lang::check::base_types;
use cell_lang::hir::BuiltinFn;
use cell_lang::index::probe::{Asked, Items};
use cell_lang::index::{Declaration, Symbol, What};
use cell_lang::schema::{FieldSpec, Kind, Need, RecordSpec, Shape};
use cell_lang::source::Span;
use cell_lang::types::Ty;
use lsp_types::CompletionItemKind as Sort;
use smol_str::SmolStr;

use super::MARK;
use crate::analysis::Analysis;
use crate::hover::{said_of, signature};
use crate::view::View;

/// Something that may be written.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    /// What is shown, and what is written if nothing else is said.
    pub(super) label: String,
    /// What is written.
    pub(super) text: Option<String>,
    /// What is written with places to fill in.
    pub(super) snippet: Option<String>,
    pub(super) kind: Sort,
    pub(super) detail: Option<String>,
    pub(super) documentation: Option<String>,
}

impl Offer {
    fn new(label: impl Into<String>, kind: Sort) -> Self {
        Self { label: label.into(), text: None, snippet: None, kind, detail: None, documentation: None }
    }

    fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    fn snippet(mut self, snippet: impl Into<String>) -> Self {
        self.snippet = Some(snippet.into());
        self
    }

    fn about(mut self, text: impl Into<String>) -> Self {
        self.documentation = Some(text.into()).filter(|text: &String| !text.is_empty());
        self
    }
}

/// Declarations: words of the language, and kinds.
pub(super) fn declarations(inner: bool) -> Vec<Offer> {
    let kinds = Kind::ALL.iter().map(|kind| {
        let snippet = format!("{} ${{1:label}} {{\n  $0\n}}", kind.name());
        Offer::new(kind.name(), Sort::CLASS).detail(format!("layer {}", kind.layer().name())).snippet(snippet)
    });
    let word = |(name, snippet, detail): &(&str, &str, &str)| {
        Offer::new(*name, Sort::KEYWORD).detail(*detail).snippet(*snippet)
    };
    let always = [
        ("for", "for ${1:name} in ${2:list} {\n  $0\n}", "declare once for each"),
        ("if", "if ${1:condition} {\n  $0\n}", "declare when it holds"),
        ("module", "module ${1:label} = \"${2:./path.cell}\" {\n  $0\n}", "an instance of a file"),
        ("assert", "assert \"${1:message}\" { $0 }", "what must hold of the whole"),
    ];
    let top = [
        ("let", "let ${1:name} = $0", "a value"),
        ("fn", "fn ${1:name}(${2:a}: ${3:String}): ${4:String} = $0", "a function"),
        ("type", "type ${1:Name} = ${2:String} matching /$0/", "a type"),
        ("param", "param ${1:name}: ${2:String}", "a parameter of the module"),
        ("defaults", "defaults ${1:name} for ${2:cell} {\n  $0\n}", "fields that entities take over"),
        ("import", "import \"${1:std/regions.cell}\" as ${2:name}", "names of another file"),
        ("export", "export ", "let other files use it"),
        ("test", "test \"${1:name}\" {\n  expect $0\n}", "what is expected of the program"),
        ("moved", "moved { from = \"${1:cell.old}\", to = \"${2:cell.new}\" }", "an address that changed"),
        ("removed", "removed { from = \"${1:cell.old}\", account = \"${2:park}\" }", "what becomes of what is gone"),
        ("accept", "accept ${1:label} {\n  $0\n}", "a finding that is waived"),
        ("edition", "edition \"2026\"", "the version of the language"),
    ];
    let top = top.iter().filter(|_| !inner);
    kinds.chain(always.iter().chain(top).map(word)).collect()
}

/// What is known at the place.
pub(super) struct Offers<'a> {
    /// The program with the mark in it.
    pub(super) analysis: &'a Analysis,
    /// The program as it is.
    pub(super) view: &'a View,
    pub(super) unit: usize,
    pub(super) locals: &'a [(SmolStr, Span, What)],
    /// Is it in a test?
    pub(super) in_test: bool,
}

impl Offers<'_> {
    pub(super) fn of(&self, asked: Asked) -> Vec<Offer> {
        match asked {
            Asked::Value { wanted } => self.values(wanted.as_ref()),
            Asked::Text { wanted } => wanted.as_ref().map(|ty| texts(ty, false)).unwrap_or_default(),
            Asked::Member { owner } => owner.as_ref().map(members).unwrap_or_default(),
            Asked::Label(kind) => self.labels(kind, false),
            Asked::Lookup(kind) => self.labels(kind, true),
            Asked::Exported { unit, module } => self.exported(unit, module),
            Asked::Item(items) => fields(&items),
            Asked::Param { unit, given } => self.params(unit, &given),
            Asked::Sort(sort) => {
                let offer = |spec: &RecordSpec| {
                    Offer::new(spec.name, Sort::ENUM_MEMBER).snippet(format!("{} {{ $0 }}", spec.name))
                };
                sort.sorts.iter().map(offer).collect()
            }
            Asked::Type => self.types(),
            Asked::KindName => Kind::ALL.iter().map(|kind| Offer::new(kind.name(), Sort::CLASS)).collect(),
            Asked::Using { unit, kind } => self.defaults(unit, kind),
            Asked::Path => self.paths(),
        }
    }

    /// What the file `unit` declares.
    fn declared(&self, unit: usize) -> impl Iterator<Item = &Declaration> {
        let file = self.analysis.files.get(unit).map(|file| file.id);
        let all = self.analysis.index().declarations().iter();
        all.filter(move |declaration| Some(declaration.span.file) == file && declaration.name != MARK)
    }

    fn values(&self, wanted: Option<&Ty>) -> Vec<Offer> {
        let mut offers = wanted.map(|ty| texts(ty, true)).unwrap_or_default();
        if let Some(ty) = wanted {
            offers.extend(self.references(ty));
            if ty.is_optional() {
                offers.push(Offer::new("none", Sort::KEYWORD).detail("absent"));
            }
        }
        for (name, span, what) in self.locals.iter().rev() {
            let ty = self.analysis.index().type_of(*span).map(ToString::to_string).unwrap_or_default();
            offers.push(Offer::new(name.as_str(), Sort::VARIABLE).detail(format!("{}: {ty}", what.word())));
        }
        for declaration in self.declared(self.unit) {
            if let Symbol::Named(what, _) = &declaration.symbol
                && !matches!(what, What::Type | What::Defaults)
            {
                offers.push(self.declaration(declaration, *what));
            }
        }
        let functions = BuiltinFn::ALL.iter().filter(|builtin| self.in_test || !builtin.is_question());
        offers.extend(functions.map(|builtin| {
            let call = format!("{}($0)", builtin.name());
            let offer = Offer::new(builtin.name(), Sort::FUNCTION).detail(builtin.signature()).snippet(call);
            offer.about(builtin.about())
        }));
        offers.extend(
            Kind::ALL
                .iter()
                .map(|kind| Offer::new(kind.plural(), Sort::VARIABLE).detail(format!("every {}", kind.name()))),
        );
        offers.extend(
            Kind::ALL
                .iter()
                .map(|kind| Offer::new(kind.name(), Sort::CLASS).detail("before `.label` or `[\"label\"]`")),
        );
        let mut seen = std::collections::HashSet::new();
        offers.retain(|offer| seen.insert((offer.label.clone(), offer.kind == Sort::CLASS)));
        offers
    }

    fn declaration(&self, declaration: &Declaration, what: What) -> Offer {
        let kind = match what {
            What::Function => Sort::FUNCTION,
            What::Import | What::Module => Sort::MODULE,
            What::Let => Sort::CONSTANT,
            _ => Sort::VARIABLE,
        };
        let ty = self.analysis.index().type_of(declaration.span);
        let detail = match ty {
            Some(ty) => format!("{} {}: {ty}", what.word(), declaration.name),
            None => format!("{} {}", what.word(), self.analysis.words(declaration.header)),
        };
        let offer = Offer::new(declaration.name.as_str(), kind).detail(detail).about(declaration.doc.as_str());
        if what == What::Function { offer.snippet(format!("{}($0)", declaration.name)) } else { offer }
    }

    /// `kind.label` of all that fits a type.
    fn references(&self, ty: &Ty) -> Vec<Offer> {
        let kinds = match ty.required() {
            Ty::Ref(kinds) | Ty::OneOrMany(kinds) => *kinds,
            _ => return Vec::new(),
        };
        let mut offers = Vec::new();
        for kind in kinds.iter() {
            for label in self.labels(kind, false) {
                let text = format!("{}.{}", kind.name(), label.label);
                offers.push(Offer { label: text, ..label });
            }
        }
        offers
    }

    /// Labels of a kind in the file; with `all` those in loops and choices too.
    fn labels(&self, kind: Kind, all: bool) -> Vec<Offer> {
        let mut offers = BTreeMap::new();
        for declaration in self.declared(self.unit) {
            if let Symbol::Entity(_, found, label) = &declaration.symbol
                && *found == kind
                && (all || declaration.depth == 0)
            {
                let offer =
                    Offer::new(label.as_str(), Sort::REFERENCE).detail(kind.name()).about(declaration.doc.as_str());
                offers.insert(label.clone(), offer);
            }
        }
        offers.into_values().collect()
    }

    fn exported(&self, unit: usize, module: bool) -> Vec<Offer> {
        let exported = self.declared(unit).filter(|declaration| declaration.exported);
        let read = exported.filter_map(|declaration| match &declaration.symbol {
            Symbol::Named(what @ What::Let, _) => Some((declaration, *what)),
            Symbol::Named(what @ What::Function, _) if !module => Some((declaration, *what)),
            _ => None,
        });
        read.map(|(declaration, what)| self.declaration(declaration, what)).collect()
    }

    fn params(&self, unit: usize, given: &[SmolStr]) -> Vec<Offer> {
        let params =
            self.declared(unit).filter(|declaration| matches!(declaration.symbol, Symbol::Named(What::Param, _)));
        let open = params.filter(|declaration| !given.contains(&declaration.name));
        let offer = |declaration: &Declaration| {
            Offer::new(declaration.name.as_str(), Sort::FIELD)
                .detail(format!("param {}", self.analysis.words(declaration.header)))
                .about(declaration.doc.as_str())
                .snippet(format!("{} = $0", declaration.name))
        };
        open.map(offer).collect()
    }

    fn types(&self) -> Vec<Offer> {
        let own =
            self.declared(self.unit).filter(|declaration| matches!(declaration.symbol, Symbol::Named(What::Type, _)));
        let own = own.map(|declaration| {
            Offer::new(declaration.name.as_str(), Sort::CLASS)
                .detail(self.analysis.words(declaration.header).to_owned())
                .about(declaration.doc.as_str())
        });
        let forms = [("Ref", "Ref<$0>"), ("Set", "Set<$0>"), ("enum", "enum {\"$0\"}")];
        let forms = forms.map(|(name, snippet)| Offer::new(name, Sort::KEYWORD).snippet(snippet));
        own.chain(forms).chain(base_types().map(|name| Offer::new(name, Sort::CLASS))).collect()
    }

    fn defaults(&self, unit: Option<usize>, kind: Option<Kind>) -> Vec<Offer> {
        let owner = unit.unwrap_or(self.unit);
        let is_for = |declaration: &&Declaration| {
            let header = self.analysis.words(declaration.header);
            let fits = kind.is_none_or(|kind| header.split_whitespace().last() == Some(kind.name()));
            let seen = unit.is_none() || declaration.exported;
            matches!(declaration.symbol, Symbol::Named(What::Defaults, _)) && fits && seen
        };
        let offer = |declaration: &Declaration| {
            Offer::new(declaration.name.as_str(), Sort::STRUCT)
                .detail(format!("defaults {}", self.analysis.words(declaration.header)))
                .about(declaration.doc.as_str())
        };
        let mut offers: Vec<Offer> = self.declared(owner).filter(is_for).map(offer).collect();
        if unit.is_none() {
            let imports = self.declared(self.unit).filter(|d| matches!(d.symbol, Symbol::Named(What::Import, _)));
            offers.extend(imports.map(|import| Offer::new(import.name.as_str(), Sort::MODULE).detail("import")));
        }
        offers
    }

    /// Paths of imports: the library, and the files beside.
    fn paths(&self) -> Vec<Offer> {
        let own = self.analysis.files.get(self.unit).map_or("", |file| file.path.as_str());
        let overlay = &self.view.analysis.overlay;
        let main = overlay.project.main().to_owned();
        let beside = overlay.beside().into_iter().chain([main]);
        let known = self.analysis.files.iter().map(|file| file.path.to_string()).filter(|path| !path.contains(':'));
        let mut files: Vec<String> = beside.chain(known).filter(|path| path != own).collect();
        files.sort_unstable();
        files.dedup();
        let relative = files.iter().map(|path| Offer::new(relative(own, path), Sort::FILE));
        let library = self.view.host.library_paths();
        relative
            .chain(library.into_iter().map(|path| Offer::new(path, Sort::FILE).detail("standard library")))
            .collect()
    }
}

/// A path of the project as a file of it writes it.
fn relative(from: &str, to: &str) -> String {
    let folders: Vec<&str> = from.split('/').collect();
    let folders = folders.get(..folders.len().saturating_sub(1)).unwrap_or(&[]);
    let parts: Vec<&str> = to.split('/').collect();
    let common = folders.iter().zip(&parts).take_while(|(a, b)| a == b).count();
    let common = common.min(parts.len().saturating_sub(1));
    let up = folders.len() - common;
    let down = parts.get(common..).unwrap_or(&[]).join("/");
    if up == 0 { format!("./{down}") } else { format!("{}{down}", "../".repeat(up)) }
}

/// The values that a type has, if they are few.
fn texts(ty: &Ty, quoted: bool) -> Vec<Offer> {
    match ty.required() {
        Ty::Enum(values) => values
            .iter()
            .map(|value| {
                let text = if quoted { cell_lang::value::quote(value) } else { value.to_string() };
                Offer::new(text, Sort::ENUM_MEMBER)
            })
            .collect(),
        Ty::Bool if quoted => ["true", "false"].map(|value| Offer::new(value, Sort::KEYWORD)).to_vec(),
        Ty::Sort(sort) => sort
            .sorts
            .iter()
            .map(|spec| {
                let text = if quoted { cell_lang::value::quote(spec.name) } else { spec.name.to_owned() };
                Offer::new(text, Sort::ENUM_MEMBER)
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The fields of a value of a type.
fn members(owner: &Ty) -> Vec<Offer> {
    let of_spec = |spec: &RecordSpec| {
        spec.fields
            .iter()
            .map(|field| Offer::new(field.name, Sort::FIELD).detail(field.read_type().to_string()))
            .collect::<Vec<_>>()
    };
    let mut offers = match owner.required() {
        Ty::Ref(kinds) => {
            let mut all: Vec<Offer> = kinds.iter().flat_map(|kind| of_spec(kind.spec())).collect();
            all.extend(["label", "address", "name"].map(|name| Offer::new(name, Sort::FIELD).detail("String")));
            all
        }
        Ty::Block(spec) => of_spec(spec),
        Ty::Sort(sort) => sort.sorts.iter().flat_map(of_spec).collect(),
        Ty::Record(record) => record
            .fields
            .iter()
            .map(|field| Offer::new(field.name.as_str(), Sort::FIELD).detail(field.ty.to_string()))
            .collect(),
        _ => Vec::new(),
    };
    let mut seen = std::collections::HashSet::new();
    offers.retain(|offer| seen.insert(offer.label.clone()));
    offers
}

/// The fields that may still be set, those that must be first.
fn fields(items: &Items) -> Vec<Offer> {
    let spec = items.spec.0;
    let repeats = |field: &FieldSpec| {
        matches!(&field.shape, Shape::Named(_)) || matches!(&field.shape, Shape::Sort(sort) if sort.many)
    };
    let set = |names: &[SmolStr], field: &FieldSpec| names.iter().any(|name| name == field.name);
    let open = spec.fields.iter().filter(|field| {
        let in_defaults = set(&items.defaults, field);
        (!set(&items.given, field) || repeats(field)) && (!items.over || in_defaults)
    });
    let mut open: Vec<&FieldSpec> = open.collect();
    open.sort_by_key(|field| (!matches!(field.need, Need::Required), set(&items.defaults, field)));
    let offer = |field: &&FieldSpec| {
        // What defaults set is set again only with `override`.
        let over = !items.over && set(&items.defaults, field) && !repeats(field);
        let prefix = if over { "override " } else { "" };
        let mut offer = Offer::new(field.name, Sort::FIELD)
            .detail(signature(field))
            .about(said_of(spec, field))
            .snippet(format!("{prefix}{}", form(field)));
        offer.text = over.then(|| format!("override {}", field.name));
        offer
    };
    open.iter().map(offer).collect()
}

/// How a field is written, with places to fill in.
fn form(field: &FieldSpec) -> String {
    match &field.shape {
        Shape::Value(_) => format!("{} = $0", field.name),
        Shape::Block(_) | Shape::Map(_) | Shape::Conditions => format!("{} {{ $0 }}", field.name),
        Shape::Named(_) => format!("{} ${{1:label}} {{ $0 }}", field.name),
        Shape::Sort(sort) => {
            let sorts: Vec<&str> = sort.sorts.iter().map(|sort| sort.name).collect();
            format!("{} ${{1|{}|}} {{ $0 }}", field.name, sorts.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::relative;

    #[test]
    fn a_path_is_written_from_where_it_is_used() {
        assert_eq!(relative("main.cell", "lib/a.cell"), "./lib/a.cell");
        assert_eq!(relative("app/main.cell", "lib/a.cell"), "../lib/a.cell");
        assert_eq!(relative("app/x/main.cell", "app/a.cell"), "../a.cell");
    }
}
