//! Calls: of functions of the program, and of the language's own.

use super::expr::Typed;
use super::fit::{conform, named};
use super::scope::{Said, Scope, Site};
use super::{Checker, Item};
use crate::diagnostics::{Code, Diagnostic, suggest};
use crate::files::{Target, resolve};
use crate::hir::{BuiltinFn, Expr, FnId, Node};
use crate::schema::KindSet;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};
use crate::types::Ty;
use crate::value::Lit;

impl Checker<'_> {
    /// `callee(arguments)`
    pub(super) fn call(&mut self, scope: &mut Scope, callee: &ast::Expr, args: &[ast::Expr], span: Span) -> Typed {
        match &callee.kind {
            ExprKind::Name(name) => {
                if let Some(builtin) = BuiltinFn::parse(name) {
                    return self.builtin(scope, builtin, args, span);
                }
                if let Some((Item::Function(id), _)) = self.units[scope.unit].values.get(name) {
                    let id = *id;
                    let effects = self.function_used(id, span);
                    scope.effects.include(&effects, span);
                    return self.function(scope, id, args, span);
                }
                self.no_function(scope, name, callee.span);
            }
            ExprKind::Field(base, name) => {
                if let ExprKind::Name(import) = &base.kind
                    && let Some((Item::Import(target), _)) = self.units[scope.unit].values.get(import)
                {
                    let Some(target) = *target else { return self.arguments_of_error(scope, args, span) };
                    return match self.exported(target, name, import) {
                        Some(Item::Function(id)) => {
                            let effects = self.function_used(id, span);
                            self.pure(&effects, span, &name.text);
                            self.function(scope, id, args, span)
                        }
                        Some(_) => {
                            self.no_function(scope, &format!("{import}.{}", name.text), callee.span);
                            self.arguments_of_error(scope, args, span)
                        }
                        None => self.arguments_of_error(scope, args, span),
                    };
                }
                let text = self.source_text(callee.span);
                self.no_function(scope, &text, callee.span);
            }
            ExprKind::Error => {}
            _ => {
                let message = "this cannot be called";
                self.report(
                    Diagnostic::new(Code::NoSuchFunction, callee.span, message).help("functions are no values"),
                );
            }
        }
        self.arguments_of_error(scope, args, span)
    }

    /// Checks arguments of what has an error already.
    pub(super) fn arguments_of_error(&mut self, scope: &mut Scope, args: &[ast::Expr], span: Span) -> Typed {
        for argument in args {
            self.infer(scope, argument);
        }
        Typed::error(span)
    }

    fn no_function(&mut self, scope: &Scope, name: &str, span: Span) {
        let names = &self.units[scope.unit];
        let declared = names.values.get(name).map(|(_, span)| *span);
        let declared = declared.or_else(|| scope.local(name).map(|local| local.span));
        let mut diagnostic = Diagnostic::new(Code::NoSuchFunction, span, format!("there is no function `{name}`"));
        if let Some(place) = declared {
            diagnostic = diagnostic.also(place, format!("`{name}` is a value"));
        } else {
            let own = names.values.iter().filter(|(_, (item, _))| matches!(item, Item::Function(_)));
            let mut all: Vec<&str> = own.map(|(name, _)| name.as_str()).collect();
            all.sort_unstable();
            let ours = BuiltinFn::ALL.iter().filter(|builtin| scope.in_test || !builtin.is_question());
            all.extend(ours.map(|builtin| builtin.name()));
            diagnostic = diagnostic.help_if(suggest(name, "functions", all));
        }
        self.report(diagnostic);
    }

    fn function(&mut self, scope: &mut Scope, id: FnId, args: &[ast::Expr], span: Span) -> Typed {
        let (params, result) = self.signature(id);
        let state = &self.functions[id.index()];
        let (declared, name) = (state.params, state.name);
        let unreadable = matches!(result, Ty::Error) && params.is_empty();
        if args.len() != params.len() && !unreadable {
            let message =
                format!("`{}` takes {}, found {}", name.text, counted(params.len(), "argument"), args.len());
            self.report(Diagnostic::new(Code::WrongArguments, span, message).also(name.span, "declared here"));
            self.arguments_of_error(scope, args, span);
            return Typed { ty: result, ..Typed::error(span) };
        }
        let mut out = Vec::with_capacity(args.len());
        for ((argument, ty), (param, written)) in args.iter().zip(params).zip(declared) {
            let said = Said::Argument(param.text.clone(), name.text.clone());
            let mut site = Site::declared(ty, written.span, said);
            site.place = "an argument";
            out.push(self.expect(scope, argument, &site));
        }
        Typed::new(Node::Call(id, out), span, result)
    }

    fn builtin(&mut self, scope: &mut Scope, builtin: BuiltinFn, args: &[ast::Expr], span: Span) -> Typed {
        if builtin.is_question() {
            return self.question(scope, builtin, args, span);
        }
        let (least, most) = arity(builtin);
        if args.len() < least || args.len() > most {
            return self.wrong_count(scope, builtin, args, span);
        }
        let string = || Site::language(Ty::String, "here");
        let int = || Site::language(Ty::Int, "here");
        let node = |args| Node::Builtin(builtin, args);
        match (builtin, args) {
            (BuiltinFn::Secret, [place]) => self.secret(place, span),
            (BuiltinFn::File, [path]) => self.file(scope, path, span),
            (BuiltinFn::Count, [of]) => self.count(scope, of, span),
            (BuiltinFn::All | BuiltinFn::Any, [of]) => {
                let of = self.expect(scope, of, &Site::language(Ty::Bool.list(), "here"));
                Typed::new(node(vec![of]), span, Ty::Bool)
            }
            (BuiltinFn::Keys | BuiltinFn::Values, [of]) => self.keys_values(scope, builtin, of, span),
            (BuiltinFn::Join, [list, separator]) => {
                let list = self.expect(scope, list, &Site::language(Ty::String.list(), "here"));
                let separator = self.expect(scope, separator, &string());
                Typed::new(node(vec![list, separator]), span, Ty::String)
            }
            (BuiltinFn::Pad, [number, width]) => {
                let both = vec![self.expect(scope, number, &int()), self.expect(scope, width, &int())];
                Typed::new(node(both), span, Ty::String)
            }
            (BuiltinFn::Mod, [a, b]) => {
                let both = vec![self.expect(scope, a, &int()), self.expect(scope, b, &int())];
                Typed::new(node(both), span, Ty::Int)
            }
            (BuiltinFn::StartsWith | BuiltinFn::EndsWith, [text, affix]) => {
                let both = vec![self.expect(scope, text, &string()), self.expect(scope, affix, &string())];
                Typed::new(node(both), span, Ty::Bool)
            }
            (BuiltinFn::Min | BuiltinFn::Max, args) => self.extreme(scope, builtin, args, span),
            (BuiltinFn::Union | BuiltinFn::Except, args) => self.set_operation(scope, builtin, args, span),
            _ => Typed::error(span),
        }
    }

    /// Reports a function of the language that takes another number of arguments.
    pub(super) fn wrong_count(
        &mut self,
        scope: &mut Scope,
        builtin: BuiltinFn,
        args: &[ast::Expr],
        span: Span,
    ) -> Typed {
        let message = format!("`{}` is called with {}", builtin.name(), counted(args.len(), "argument"));
        self.report(Diagnostic::new(Code::WrongArguments, span, message).help(builtin.signature()));
        self.arguments_of_error(scope, args, span)
    }

    fn count(&mut self, scope: &mut Scope, of: &ast::Expr, span: Span) -> Typed {
        let typed = self.infer(scope, of);
        match typed.ty {
            Ty::List(_) | Ty::Set(_) | Ty::Map(_) | Ty::Error => {
                Typed::new(Node::Builtin(BuiltinFn::Count, vec![typed.expr]), span, Ty::Int)
            }
            ty => {
                self.wrong_operand("count", &ty, of.span);
                Typed { ty: Ty::Int, ..Typed::error(span) }
            }
        }
    }

    fn keys_values(&mut self, scope: &mut Scope, builtin: BuiltinFn, of: &ast::Expr, span: Span) -> Typed {
        let typed = self.infer(scope, of);
        let ty = match &typed.ty {
            Ty::Map(both) if builtin == BuiltinFn::Keys => both.0.clone().list(),
            Ty::Map(both) => both.1.clone().list(),
            Ty::Error => Ty::Error,
            ty => {
                let ty = ty.clone();
                self.wrong_operand(builtin.name(), &ty, of.span);
                Ty::Error
            }
        };
        Typed::new(Node::Builtin(builtin, vec![typed.expr]), span, ty)
    }

    fn extreme(&mut self, scope: &mut Scope, builtin: BuiltinFn, args: &[ast::Expr], span: Span) -> Typed {
        let mut out = Vec::with_capacity(args.len());
        let mut ty: Option<Ty> = None;
        for argument in args {
            let typed = self.infer(scope, argument);
            let element = match (&typed.ty, args) {
                (Ty::List(inner), [_]) => (**inner).clone(),
                (other, _) => other.clone(),
            };
            let lone = args.len() == 1 && !matches!(typed.ty, Ty::List(_) | Ty::Error);
            if lone || !(element.is_ordered() || matches!(element, Ty::Never)) {
                self.wrong_operand(builtin.name(), &typed.ty, argument.span);
                return Typed::error(span);
            }
            ty = match ty {
                None => Some(element),
                Some(first) => match first.join(&element) {
                    Some(joined) => Some(joined),
                    None => {
                        self.mismatch(&element, &Site::language(first, "here"), argument.span);
                        return Typed::error(span);
                    }
                },
            };
            out.push(typed.expr);
        }
        Typed::new(Node::Builtin(builtin, out), span, ty.unwrap_or(Ty::Error))
    }

    fn set_operation(&mut self, scope: &mut Scope, builtin: BuiltinFn, args: &[ast::Expr], span: Span) -> Typed {
        let mut out: Vec<Expr> = Vec::with_capacity(args.len());
        let mut kinds = None;
        for argument in args {
            let typed = self.infer(scope, argument);
            let (expr, found) = match &typed.ty {
                Ty::Set(found) => (typed.expr, *found),
                Ty::List(inner) if matches!(argument.kind, ExprKind::List(_) | ExprKind::ListFor { .. }) => {
                    match &**inner {
                        Ty::Ref(found) => (conform(typed.expr, &Ty::Set(*found)), *found),
                        Ty::Never => {
                            let nothing = Node::SetOf(KindSet::of(&[]), Vec::new());
                            out.push(Expr { node: nothing, span: argument.span });
                            continue;
                        }
                        other => {
                            let message = format!("expected references, found {}", named(other));
                            self.report(Diagnostic::new(Code::TypeMismatch, argument.span, message));
                            return Typed::error(span);
                        }
                    }
                }
                Ty::Error => return Typed::error(span),
                ty => {
                    let ty = ty.clone();
                    self.wrong_operand(builtin.name(), &ty, argument.span);
                    return Typed::error(span);
                }
            };
            kinds = Some(match kinds {
                None => found,
                Some(first) if builtin == BuiltinFn::Except => first,
                Some(first) => found.union(first),
            });
            out.push(expr);
        }
        match kinds {
            Some(kinds) => Typed::new(Node::Builtin(builtin, out), span, Ty::Set(kinds)),
            None => Typed::error(span),
        }
    }

    /// `secret("store:path")`: the place is written out, so that a review sees which secret it is.
    fn secret(&mut self, place: &ast::Expr, span: Span) -> Typed {
        let text = if let ExprKind::Str(string) = &place.kind { string.plain() } else { None };
        let Some(text) = text else {
            let message = "the place of a secret cannot be computed";
            self.report(
                Diagnostic::new(Code::SecretMisused, place.span, message).help("write `secret(\"store:path\")`"),
            );
            return Typed { ty: Ty::Secret, ..Typed::error(span) };
        };
        let known = ["aws-sm", "aws-ssm", "env"];
        match text.split_once(':') {
            Some((store, path)) if known.contains(&store) && !path.is_empty() => {}
            found => {
                let store = found.map_or("", |(store, _)| store);
                let message = format!("`{text}` is no place of a secret");
                let help = format!("write `store:path`; the stores are `{}`", known.join("`, `"));
                let near = suggest(store, "stores", known).filter(|help| help.starts_with("did"));
                self.report(Diagnostic::new(Code::SecretMisused, place.span, message).help_if(near).help(help));
            }
        }
        let lit = Expr { node: Node::Lit(Lit::Str(text)), span: place.span };
        Typed::new(Node::Builtin(BuiltinFn::Secret, vec![lit]), span, Ty::Secret)
    }

    /// `file("path")`: a file beside the program, by a path that is written out.
    fn file(&mut self, scope: &Scope, path: &ast::Expr, span: Span) -> Typed {
        let failed = Typed { ty: Ty::String, ..Typed::error(span) };
        let text = if let ExprKind::Str(string) = &path.kind { string.plain() } else { None };
        let Some(text) = text else {
            let message = "the path of a file cannot be computed";
            self.report(Diagnostic::new(Code::BadImportPath, path.span, message).help("write it out"));
            return failed;
        };
        let target = match resolve(&self.files[scope.unit].path, &relative(&text)) {
            Target::Project(path) | Target::Std(path) | Target::Package(path) => path,
            Target::Outside => {
                let message = format!("`{text}` leaves the project");
                self.report(Diagnostic::new(Code::LeavesProject, path.span, message));
                return failed;
            }
            Target::Malformed(why) => {
                let message = format!("`{text}` is no path");
                self.report(Diagnostic::new(Code::BadImportPath, path.span, message).help(why));
                return failed;
            }
        };
        let lit = Expr { node: Node::Lit(Lit::Str(target)), span: path.span };
        Typed::new(Node::Builtin(BuiltinFn::File, vec![lit]), span, Ty::String)
    }
}

/// A file beside the program may be named without `./`.
fn relative(text: &str) -> String {
    let known =
        text.is_empty() || text.starts_with(['.', '/', '\\']) || text.starts_with("std/") || text.contains('@');
    if known { text.to_owned() } else { format!("./{text}") }
}

/// How many arguments a function of the language takes.
fn arity(builtin: BuiltinFn) -> (usize, usize) {
    match builtin {
        BuiltinFn::Count
        | BuiltinFn::All
        | BuiltinFn::Any
        | BuiltinFn::Keys
        | BuiltinFn::Values
        | BuiltinFn::Secret
        | BuiltinFn::File => (1, 1),
        BuiltinFn::Join | BuiltinFn::Pad | BuiltinFn::Mod | BuiltinFn::StartsWith | BuiltinFn::EndsWith => (2, 2),
        BuiltinFn::Except => (2, 2),
        BuiltinFn::Min | BuiltinFn::Max => (1, usize::MAX),
        BuiltinFn::Union => (2, usize::MAX),
        // What a question takes is said with it.
        BuiltinFn::Can | BuiltinFn::WaveOf => (0, usize::MAX),
    }
}

/// `1 argument`, `2 arguments`.
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
