//! Programs built by hand, without the checker: what depends on depth, on threads and on budgets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on is to say so")]

use std::fmt::Write as _;
use std::sync::Arc;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::files::{FileError, Files};
use cell_lang::hir::{
    Access, Body, Decl, Entity, Expr, Field, FieldValue, FnId, For, Function, LayerSet, Let, LetId, Node, Op, Piece,
    Program, Record, Setting, Slot, Source, StaticId, Unit, UnitId,
};
use cell_lang::schema::{Kind, Layer};
use cell_lang::source::{SourceMap, Span};
use cell_lang::types::Ty;
use cell_lang::value::Lit;
use indexmap::IndexMap;
use smol_str::SmolStr;

use super::expand;
use crate::budget::Options;

/// Levels, unless the options say otherwise.
const MAX_LEVELS: usize = 256;
use crate::value::Value;
use crate::world::World;

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError::NotFound)
    }
}

/// Writes a program as a tree; each expression gets a place of its own.
struct Tree {
    text: String,
    lets: Vec<Let>,
    functions: Vec<Function>,
    decls: Vec<Decl>,
    statics: IndexMap<(Kind, SmolStr), Span>,
}

impl Tree {
    fn new() -> Self {
        let (text, lets, functions, decls) = (String::new(), Vec::new(), Vec::new(), Vec::new());
        Self { text, lets, functions, decls, statics: IndexMap::new() }
    }

    fn place(&mut self) -> Span {
        let start = self.text.len();
        writeln!(self.text, "place{start}").ok();
        Span::new(cell_lang::source::FileId(0), start, self.text.len() - 1)
    }

    fn expr(&mut self, node: Node) -> Expr {
        let span = self.place();
        Expr { node, span }
    }

    fn int(&mut self, value: i64) -> Expr {
        self.expr(Node::Lit(Lit::Int(value)))
    }

    fn str(&mut self, value: &str) -> Expr {
        self.expr(Node::Lit(Lit::Str(value.into())))
    }

    fn add(&mut self, a: Expr, b: Expr) -> Expr {
        self.expr(Node::Binary(Op::Add, Box::new(a), Box::new(b)))
    }

    fn let_(&mut self, expr: Expr, frame: u32) -> LetId {
        let (id, span) = (self.lets.len() as u32, expr.span);
        let value = Body { expr, frame };
        let name = format!("let{id}").into();
        self.lets.push(Let { name, span, unit: UnitId(0), index: id, ty: Ty::Int, value });
        LetId(id)
    }

    fn entity(&mut self, kind: Kind, label: Expr, bound: u32, fields: Vec<(&str, Expr)>) -> Arc<Entity> {
        let span = self.place();
        let spec = kind.spec();
        let mut all: Vec<Field> = spec.fields.iter().map(|_| Field::Unset).collect();
        for (name, expr) in fields {
            let (span, frame) = (expr.span, bound + 1);
            let value = Arc::new(FieldValue::Value(expr));
            let setting = Setting { span, from: None, replaces: None, value, frame };
            all[spec.position(name).unwrap()] = Field::Set(Arc::new(setting));
        }
        let fixed = match &label.node {
            Node::Lit(Lit::Str(text)) => {
                Some(StaticId(self.statics.insert_full((kind, text.clone()), label.span).0 as u32))
            }
            _ => None,
        };
        let body = Record { spec, fields: all, span };
        Arc::new(Entity { kind, label, fixed, span, doc: SmolStr::default(), bound, frame: bound + 1, body })
    }

    fn cell(&mut self, label: &str, fields: Vec<(&str, Expr)>) -> StaticId {
        let label = self.str(label);
        let kind = self.str("prod");
        let region = self.str("us-west-2");
        let mut all = vec![("kind", kind), ("region", region)];
        all.extend(fields);
        let entity = self.entity(Kind::Cell, label, 0, all);
        let id = entity.fixed.unwrap();
        self.decls.push(Decl::Entity(entity));
        id
    }

    /// A field of a cell.
    fn read(&mut self, id: StaticId, field: &str) -> Expr {
        let at = Kind::Cell.spec().position(field).unwrap() as u16;
        let cell = self.expr(Node::Static(id));
        self.expr(Node::Field(Box::new(cell), Access::Entity(at)))
    }

    fn finish(self) -> Program {
        let mut sources = SourceMap::default();
        let file = sources.add("test.cell", self.text);
        let layers = Layer::ALL.into_iter().fold(LayerSet::default(), LayerSet::with);
        let unit = Unit {
            file,
            foreign: false,
            params: Vec::new(),
            lets: (0..self.lets.len() as u32).map(LetId).collect(),
            statics: self.statics,
            static_modules: Vec::new(),
            decls: self.decls,
            layers,
            tests: Vec::new(),
            moved: Vec::new(),
            removed: Vec::new(),
            accepts: Vec::new(),
        };
        Program {
            sources: Arc::new(sources),
            units: vec![unit],
            root: UnitId(0),
            lets: self.lets,
            functions: self.functions,
            types: Vec::new(),
            literals: Vec::new(),
            record_defaults: Vec::new(),
        }
    }
}

fn options(threads: usize) -> Options {
    Options { threads: Some(threads), ..Options::default() }
}

fn findings(program: &Program, options: &Options) -> Vec<Diagnostic> {
    expand(program, &NoFiles, options).into_diagnostics()
}

/// The findings, which are the same for any number of threads.
fn steady(program: &Program, limits: &Options) -> Vec<Diagnostic> {
    let one = findings(program, &Options { threads: Some(1), ..limits.clone() });
    for threads in [2, 4, 7] {
        assert_eq!(one, findings(program, &Options { threads: Some(threads), ..limits.clone() }));
    }
    one
}

fn messages(found: &[Diagnostic]) -> Vec<&str> {
    found.iter().map(|d| d.message.as_str()).collect()
}

fn int(world: &World<'_>, address: &str, field: &str) -> Option<i64> {
    world.field(world.find(address)?, field)?.as_int()
}

/// Cells of which each adds one to the capacity of the next.
fn chain(length: usize) -> Program {
    let mut tree = Tree::new();
    // Named so that the ends of the chain lie anywhere in the order of addresses.
    let label = |at: usize| format!("c-{:03}-{at}", at * 7919 % 997);
    let mut next = None;
    for at in 0..length {
        let one = tree.int(1);
        let value = match next {
            Some(id) => {
                let rest = tree.read(id, "capacity");
                tree.add(rest, one)
            }
            None => one,
        };
        next = Some(tree.cell(&label(at), vec![("capacity", value)]));
    }
    tree.finish()
}

#[test]
fn a_chain_is_as_long_as_the_limit_allows_in_any_order() {
    let program = chain(MAX_LEVELS + 1);
    let world = expand(&program, &NoFiles, &options(3));
    assert_eq!(world.of(Kind::Cell).len(), MAX_LEVELS + 1);
    let greatest = world.of(Kind::Cell).iter().filter_map(|id| world.field(*id, "capacity")?.as_int()).max();
    assert_eq!(greatest, Some(257));
    assert!(world.into_diagnostics().is_empty());
}

#[test]
fn a_chain_that_is_too_long_fails_where_it_is_in_any_order() {
    let found = steady(&chain(MAX_LEVELS + 4), &Options::default());
    assert_eq!(found.len(), 3, "{:?}", messages(&found));
    assert!(found.iter().all(|d| d.code == Code::BudgetSpent && d.message.contains("256 others in a row")));
}

#[test]
fn a_circle_is_said_once_and_its_readers_are_silent() {
    let mut tree = Tree::new();
    let ids: Vec<StaticId> = (0..4).map(StaticId).collect();
    for (at, next) in [(0, 1), (1, 2), (2, 0), (3, 1)] {
        let value = tree.read(ids[next], "capacity");
        let made = tree.cell(&format!("c{at}"), vec![("capacity", value)]);
        assert_eq!(made, ids[at]);
    }
    let found = steady(&tree.finish(), &Options::default());
    let message = "fields need each other: cell.c0.capacity → cell.c1.capacity → cell.c2.capacity → cell.c0.capacity";
    assert_eq!(messages(&found), [message]);
    assert_eq!(found[0].labels.len(), 3);
}

/// `f0(x) = x + 1`, `fn(x) = f(n-1)(x) + f(n-1)(x + 1)`, and a cell whose capacity is the last of one.
fn doubling(count: u32) -> (Program, Span) {
    let mut tree = Tree::new();
    for at in 0..=count {
        let local = |tree: &mut Tree| tree.expr(Node::Local(Slot(1)));
        let (x, y, one) = (local(&mut tree), local(&mut tree), tree.int(1));
        let more = tree.add(y, one);
        let expr = if at == 0 {
            more
        } else {
            let first = tree.expr(Node::Call(FnId(at - 1), vec![x]));
            let second = tree.expr(Node::Call(FnId(at - 1), vec![more]));
            tree.add(first, second)
        };
        let (name, span) = (format!("f{at}").into(), expr.span);
        let body = Body { expr, frame: 2 };
        tree.functions.push(Function { name, span, unit: UnitId(0), arity: 1, body });
    }
    let one = tree.int(1);
    let call = tree.expr(Node::Call(FnId(count), vec![one]));
    let span = call.span;
    tree.cell("a", vec![("capacity", call)]);
    (tree.finish(), span)
}

#[test]
fn calls_count_as_written() {
    let (program, _) = doubling(10);
    let world = expand(&program, &NoFiles, &options(2));
    assert_eq!(int(&world, "cell.a", "capacity"), Some(1024 * 2 + 10 * 512));

    let (program, call) = doubling(50);
    let limits = Options { max_steps: 100_000, ..Options::default() };
    let found = steady(&program, &limits);
    assert_eq!(messages(&found), ["the step budget is spent"]);
    assert_eq!(found[0].span(), Some(call));
}

#[test]
fn calls_stand_in_each_other_only_so_deep() {
    let (program, _) = doubling(300);
    let found = steady(&program, &Options::default());
    assert_eq!(messages(&found), ["more than 256 calls stand in each other"]);
}

/// `for n in <over> { cell "x-\(n)" { capacity = <value of n> } }`
fn repeated(over: impl FnOnce(&mut Tree) -> Expr, value: impl FnOnce(&mut Tree) -> Expr) -> Program {
    let mut tree = Tree::new();
    let over = over(&mut tree);
    let n = tree.expr(Node::Local(Slot(1)));
    let label = tree.expr(Node::Interpolate(vec![Piece::Text("x-".into()), Piece::Value(n)]));
    let (kind, region, value) = (tree.str("prod"), tree.str("us-west-2"), value(&mut tree));
    let cell = tree.entity(Kind::Cell, label, 1, vec![("kind", kind), ("region", region), ("capacity", value)]);
    let span = tree.place();
    let source = Source { first: ("n".into(), Slot(1)), second: None, over, condition: None, span };
    let layers = LayerSet::default().with(Layer::Cells);
    let body = vec![Decl::Entity(cell)];
    tree.decls.push(Decl::For(For { source, body, layers, frame: 2, asserts: false }));
    tree.finish()
}

fn range(tree: &mut Tree, first: i64, last: i64) -> Expr {
    let (first, last) = (tree.int(first), tree.int(last));
    tree.expr(Node::Range(Box::new(first), Box::new(last)))
}

#[test]
fn two_items_with_one_label_are_one_address() {
    let list = |tree: &mut Tree| {
        let items = [7, 8, 7, 7].map(|n| tree.int(n)).into();
        tree.expr(Node::List(items))
    };
    let found = steady(&repeated(list, |tree| tree.int(1)), &Options::default());
    assert_eq!(messages(&found), ["two cells are both `cell.x-7`"]);
    let texts: Vec<&str> = found[0].labels.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(texts, ["with n = 7 (item 1), and 1 more", "with n = 7 (item 3)"]);
}

#[test]
fn a_fault_in_a_loop_is_said_once_with_its_count() {
    let value = |tree: &mut Tree| {
        let (one, zero) = (tree.int(1), tree.int(0));
        tree.expr(Node::Binary(Op::Div, Box::new(one), Box::new(zero)))
    };
    let found = steady(&repeated(|tree| range(tree, 1, 300), value), &Options::default());
    assert_eq!(messages(&found), ["`1 / 0` divides by zero"]);
    assert_eq!(found[0].labels[0].text, "with n = 1 (item 1), and 299 more");
}

#[test]
fn entities_and_steps_have_budgets() {
    let endless = || repeated(|tree| range(tree, 1, i64::MAX), |tree| tree.int(1));
    let few = Options { max_entities: 1000, ..Options::default() };
    assert_eq!(messages(&steady(&endless(), &few)), ["more than 1000 entities; a module counts as 50"]);
    let short = Options { max_steps: 1000, ..Options::default() };
    assert_eq!(messages(&steady(&endless(), &short)), ["the step budget is spent"]);

    let mut tree = Tree::new();
    let (over, condition) = (range(&mut tree, 1, i64::MAX), tree.expr(Node::Lit(Lit::Bool(true))));
    let span = tree.place();
    let source = Box::new(Source { first: ("n".into(), Slot(1)), second: None, over, condition: None, span });
    let expr = tree.expr(Node::Quantified { every: true, source, condition: Box::new(condition) });
    tree.let_(expr, 2);
    assert_eq!(messages(&steady(&tree.finish(), &short)), ["the step budget is spent"]);
}

#[test]
fn a_string_has_a_limit() {
    let mut tree = Tree::new();
    let mut last = tree.str("0123456789abcdef");
    for _ in 0..20 {
        let id = tree.let_(last, 1);
        let (a, b) = (tree.expr(Node::Let(id)), tree.expr(Node::Let(id)));
        last = tree.expr(Node::Interpolate(vec![Piece::Value(a), Piece::Value(b)]));
    }
    tree.let_(last, 1);
    let found = steady(&tree.finish(), &Options::default());
    assert_eq!(messages(&found), ["a string longer than 1048576 bytes"]);
}

/// 256 lets in a row, each an expression as deep as the syntax allows.
fn deepest(wrap: impl Fn(&mut Tree, Expr) -> Expr) -> Program {
    let mut tree = Tree::new();
    let mut last = tree.expr(Node::Lit(Lit::Bool(true)));
    for _ in 0..MAX_LEVELS {
        for _ in 0..254 {
            last = wrap(&mut tree, last);
        }
        let id = tree.let_(last, 300);
        last = tree.expr(Node::Let(id));
    }
    tree.finish()
}

fn stack_taken(program: &Program) -> usize {
    // The last let first, so that every level is on one stack.
    let mut world = super::prepare(program, &NoFiles, &options(1));
    let pool = world.pool.take().unwrap();
    let taken = pool.install(|| {
        let here = 0_u8;
        let top = std::ptr::from_ref(&here).addr();
        super::machine::LOWEST.set(usize::MAX);
        let mut machine = super::Machine::free(&world, super::machine::Origin::of(world.root, &[]), 1);
        let last = LetId(program.lets.len() as u32 - 1);
        assert_eq!(machine.read_let(world.root, last, program.lets[0].span), Ok(Value::Bool(true)));
        top - super::machine::LOWEST.get()
    });
    assert_eq!(messages(&world.into_diagnostics()), Vec::<&str>::new());
    taken
}

#[test]
fn stack_is_enough() {
    // The tree itself is dropped recursively, so on a large stack too.
    let work = || {
        let nots = deepest(|tree, inner| tree.expr(Node::Not(Box::new(inner))));
        let loops = deepest(|tree, inner| {
            let (over, span) = (range(tree, 1, 1), tree.place());
            let source = Box::new(Source { first: ("n".into(), Slot(1)), second: None, over, condition: None, span });
            tree.expr(Node::Quantified { every: true, source, condition: Box::new(inner) })
        });
        let checked = deepest(|tree, inner| tree.expr(Node::Conform(Box::new(inner), Arc::new(Ty::Bool))));
        for program in [nots, loops, checked] {
            let taken = stack_taken(&program);
            let least = crate::budget::STACK - (4 << 20);
            assert!(taken < least / 2, "{taken} of {least} bytes of stack are taken: raise STACK_PER_LEVEL");
        }
    };
    std::thread::Builder::new().stack_size(256 << 20).spawn(work).unwrap().join().unwrap();
}
