//! Lets, functions and parameters: checked once each, in the order in which they are needed; circles are
//! found here.

use super::scope::{Effects, Scope, Site};
use super::{Checker, Task};
use crate::diagnostics::{Code, Diagnostic};
use crate::hir::{self, FnId, LetId};
use crate::source::Span;
use crate::syntax::ast::DeclKind;
use crate::types::Ty;

impl<'a> Checker<'a> {
    /// The type of a let, checked now if it was not yet; and what it needs.
    pub(super) fn let_used(&mut self, id: LetId, at: Span) -> (Ty, Effects) {
        if let Some((ty, _, effects)) = &self.lets[id.index()].done {
            return (ty.clone(), effects.clone());
        }
        if self.chain_is_full(at) {
            return (Ty::Error, Effects::default());
        }
        if self.in_chain(Task::Let(id)) {
            self.circle(Task::Let(id), at);
            return (Ty::Error, Effects::default());
        }
        self.chain_push(Task::Let(id), self.lets[id.index()].name.text.clone(), at);
        self.let_done(id);
        self.chain.pop();
        self.lets[id.index()]
            .done
            .as_ref()
            .map_or((Ty::Error, Effects::default()), |(ty, _, e)| (ty.clone(), e.clone()))
    }

    /// Checks a let, unless that is done.
    pub(super) fn let_done(&mut self, id: LetId) {
        let state = &self.lets[id.index()];
        if state.done.is_some() {
            return;
        }
        let (unit, ty, value, name) = (state.unit, state.ty, state.value, state.name);
        let outermost = self.chain.last().is_none_or(|(task, ..)| *task != Task::Let(id));
        if outermost {
            self.chain_push(Task::Let(id), name.text.clone(), name.span);
        }
        let mut scope = Scope::new(unit);
        let (ty, expr) = match ty {
            Some(written) => {
                let ty = self.read_type(unit, written);
                let mut site = Site::declared(ty.clone(), written.span, "declared here");
                site.later = ty.has_later();
                (ty, self.expect(&mut scope, value, &site))
            }
            None => {
                let typed = self.infer(&mut scope, value);
                (self.settled(typed.ty, value.span), typed.expr)
            }
        };
        if outermost {
            self.chain.pop();
        }
        let body = hir::Body { expr, frame: scope.frame() };
        self.lets[id.index()].done = Some((ty, body, scope.effects));
    }

    /// A type that can be told without more context: that of `[]` and `none` alone cannot.
    fn settled(&mut self, ty: Ty, span: Span) -> Ty {
        let open = match &ty {
            Ty::Never => true,
            Ty::List(inner) | Ty::Optional(inner) => matches!(**inner, Ty::Never),
            Ty::Map(both) => matches!(both.0, Ty::Never),
            _ => false,
        };
        if ty.is_too_large() {
            self.type_too_large(span);
            return Ty::Error;
        }
        if !open {
            return ty;
        }
        self.report(
            Diagnostic::new(Code::NeedsType, span, "the type of this cannot be told")
                .help("declare it: `let name: [String] = []`"),
        );
        Ty::Error
    }

    /// Parameter and result types of a function.
    pub(super) fn signature(&mut self, id: FnId) -> (Vec<Ty>, Ty) {
        if let Some(signature) = &self.functions[id.index()].signature {
            return signature.clone();
        }
        let FnState { unit, params, result, .. } = self.function_parts(id);
        let params = params.iter().map(|(_, ty)| self.read_type(unit, ty)).collect::<Vec<_>>();
        let result = self.read_type(unit, result);
        self.functions[id.index()].signature = Some((params.clone(), result.clone()));
        (params, result)
    }

    /// What a function needs when it is called from `at`.
    pub(super) fn function_used(&mut self, id: FnId, at: Span) -> Effects {
        if let Some((_, effects)) = &self.functions[id.index()].done {
            return effects.clone();
        }
        if self.chain_is_full(at) {
            return Effects::default();
        }
        if self.in_chain(Task::Function(id)) {
            self.circle(Task::Function(id), at);
            return Effects::default();
        }
        self.chain_push(Task::Function(id), self.functions[id.index()].name.text.clone(), at);
        self.function_done(id);
        self.chain.pop();
        self.functions[id.index()].done.as_ref().map_or_else(Effects::default, |(_, effects)| effects.clone())
    }

    /// Checks a function, unless that is done.
    pub(super) fn function_done(&mut self, id: FnId) {
        if self.functions[id.index()].done.is_some() {
            return;
        }
        let (params, result) = self.signature(id);
        let state = self.function_parts(id);
        let outermost = self.chain.last().is_none_or(|(task, ..)| *task != Task::Function(id));
        if outermost {
            self.chain_push(Task::Function(id), state.name.text.clone(), state.name.span);
        }
        let mut scope = Scope::new(state.unit);
        for ((name, _), ty) in state.params.iter().zip(params) {
            self.bind(&mut scope, name, ty);
        }
        let site = Site::declared(result, state.result.span, "the function's result is declared here");
        let expr = self.expect(&mut scope, state.body, &site);
        if outermost {
            self.chain.pop();
        }
        let body = hir::Body { expr, frame: scope.frame() };
        self.functions[id.index()].done = Some((body, scope.effects));
    }

    fn function_parts(&self, id: FnId) -> FnState<'a> {
        let state = &self.functions[id.index()];
        FnState { unit: state.unit, name: state.name, params: state.params, result: state.result, body: state.body }
    }

    fn in_chain(&self, task: Task) -> bool {
        self.chain.iter().any(|(other, ..)| *other == task)
    }

    /// Reports a chain that is as long as one may be.
    pub(super) fn chain_is_full(&mut self, at: Span) -> bool {
        let full = self.chain.len() >= super::MAX_CHAIN;
        if full {
            let message = format!("more than {} declarations need each other in a row", super::MAX_CHAIN);
            self.report(Diagnostic::new(Code::TooDeep, at, message).help("declare what is needed most first"));
        }
        full
    }

    fn chain_push(&mut self, task: Task, name: smol_str::SmolStr, at: Span) {
        self.chain.push((task, name, at));
    }

    /// Reports that `task`, needed at `at`, needs itself.
    pub(super) fn circle(&mut self, task: Task, at: Span) {
        let start = self.chain.iter().position(|(other, ..)| *other == task).unwrap_or(0);
        let around = self.chain.get(start..).unwrap_or(&[]).to_vec();
        let mut names: Vec<String> = around.iter().map(|(_, name, _)| format!("`{name}`")).collect();
        let first = names.first().cloned().unwrap_or_default();
        let what = match task {
            Task::Let(_) => "value",
            Task::Function(_) => "function",
            Task::Type(..) => "type",
        };
        let message = match names.as_slice() {
            [_] if matches!(task, Task::Function(_)) => format!("function {first} calls itself"),
            [_] => format!("{what} {first} needs itself"),
            [one, two] if matches!(task, Task::Function(_)) => format!("functions {one} and {two} call each other"),
            _ => {
                names.push(first);
                format!("{what}s need each other in a circle: {}", names.join(" → "))
            }
        };
        let mut diagnostic = Diagnostic::new(Code::Circle, at, message).here("this closes the circle");
        for (_, name, span) in around.iter().skip(1) {
            diagnostic = diagnostic.also(*span, format!("`{name}` is needed here"));
        }
        self.report(diagnostic.help("there is no recursion: every program ends"));
    }

    /// Reads the types of a file's parameters, before anything reads a parameter.
    pub(super) fn param_types(&mut self, unit: usize) {
        let mut index = 0;
        for decl in &self.files[unit].ast.decls {
            let DeclKind::Param { ty, .. } = &decl.kind else { continue };
            let read = self.read_type(unit, ty);
            if let Some(state) = self.units[unit].params.get_mut(index) {
                state.ty = read;
            }
            index += 1;
        }
    }

    /// The parameters of a file.
    pub(super) fn params(&mut self, unit: usize) -> Vec<hir::Param> {
        let mut params = Vec::new();
        for decl in &self.files[unit].ast.decls {
            let DeclKind::Param { name, ty, default, check } = &decl.kind else { continue };
            let read = self.units[unit].params.get(params.len()).map_or(Ty::Error, |state| state.ty.clone());
            let default = default.as_ref().map(|default| {
                let site = Site::declared(read.clone(), ty.span, "the parameter's type");
                let mut scope = Scope::new(unit);
                let expr = self.expect(&mut scope, default, &site);
                self.only_values(&scope.effects, "a default of a parameter");
                hir::Body { expr, frame: scope.frame() }
            });
            let check = check.as_ref().map(|check| self.check_of(unit, &read, check));
            params.push(hir::Param { name: name.text.clone(), span: name.span, ty: read, default, check });
        }
        params
    }

    /// Refuses what only an instance of the file has.
    fn only_values(&mut self, effects: &Effects, what: &str) {
        if let Some((span, read)) = &effects.instance {
            let message = format!("{what} cannot read {read}");
            self.report(
                Diagnostic::new(Code::NeedsInstance, *span, message).help("give it where the module is declared"),
            );
        }
    }
}

/// What is needed to check a function, borrowed from the tree alone.
struct FnState<'a> {
    unit: usize,
    name: &'a crate::syntax::ast::Name,
    params: &'a [(crate::syntax::ast::Name, crate::syntax::ast::TypeExpr)],
    result: &'a crate::syntax::ast::TypeExpr,
    body: &'a crate::syntax::ast::Expr,
}
