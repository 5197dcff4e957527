//! The checked, typed tree: what the evaluator runs.
//!
//! Every name is resolved, every type is known, defaults are merged into the entities that use them. The
//! checker makes it; nothing here decides anything. INVARIANT: a program whose check found no error holds no
//! [`Node::Error`].
//!
//! Locals live in a frame of slots. Slot 0 is the subject of an entity's own fields (unused elsewhere); the
//! names of the enclosing loops follow in order, then what an expression binds itself.

#![expect(missing_docs, reason = "the form in the doc of each variant names its fields")]

use std::sync::Arc;

use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::schema::{Kind, KindSet, Layer, RecordSpec, SortSpec};
use crate::source::{FileId, SourceMap, Span};
use crate::types::{Ty, UserTy};
use crate::value::Lit;

/// An index into one of the program's tables.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// As a place in its table.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A checked file: an index into [`Program::units`].
    UnitId
    /// A `let`: an index into [`Program::lets`].
    LetId
    /// A function: an index into [`Program::functions`].
    FnId
    /// A parameter of a unit: an index into [`Unit::params`].
    ParamId
    /// An entity with a fixed label outside loops and ifs: an index into [`Unit::statics`].
    StaticId
    /// A module declared outside loops and ifs: an index into [`Unit::static_modules`].
    StaticModuleId
    /// A slot of a frame.
    Slot
}

/// A whole program.
#[derive(Debug)]
pub struct Program {
    /// The texts.
    pub sources: Arc<SourceMap>,
    /// Every file, checked once however often it is used.
    pub units: Vec<Unit>,
    /// The file the run began with.
    pub root: UnitId,
    /// All lets.
    pub lets: Vec<Let>,
    /// All functions.
    pub functions: Vec<Function>,
    /// All refined types of the program, by their id.
    pub types: Vec<TypeCheck>,
    /// Literals that meet a type with a `check`, wherever they stand, run or not: the check is still to be run.
    pub literals: Vec<(Lit, Arc<UserTy>, Span)>,
    /// What fields of record types are when a literal leaves them out.
    pub record_defaults: Vec<Arc<Body>>,
}

/// The check of a refined type of the program.
#[derive(Debug)]
pub struct TypeCheck {
    /// The type.
    pub ty: Arc<UserTy>,
    /// Its condition, with the value in slot 1, if it has one.
    pub check: Option<Body>,
}

/// An expression with the number of slots it needs.
#[derive(Debug)]
pub struct Body {
    /// The expression.
    pub expr: Expr,
    /// Slots of its frame.
    pub frame: u32,
}

/// A checked file.
#[derive(Debug)]
pub struct Unit {
    /// Its text.
    pub file: FileId,
    /// Is it of the library or of a package, and not the project's own?
    pub foreign: bool,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Its lets.
    pub lets: Vec<LetId>,
    /// Its entities with a fixed label, by kind and label, in source order.
    pub statics: IndexMap<(Kind, SmolStr), Span>,
    /// Its modules with a fixed label: label and file.
    pub static_modules: Vec<(SmolStr, UnitId)>,
    /// What it declares, in source order.
    pub decls: Vec<Decl>,
    /// Layers in which it or a module of it declares something.
    pub layers: LayerSet,
    /// Its tests.
    pub tests: Vec<Test>,
    /// Its `moved` blocks.
    pub moved: Vec<Moved>,
    /// Its `removed` blocks.
    pub removed: Vec<Removed>,
    /// Its `accept` blocks.
    pub accepts: Vec<Accept>,
}

/// A set of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LayerSet(pub u8);

impl LayerSet {
    /// With this one too.
    #[must_use]
    pub fn with(self, layer: Layer) -> Self {
        Self(self.0 | 1 << layer as u8)
    }

    /// All of either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Is it one of them?
    pub fn contains(self, layer: Layer) -> bool {
        self.0 & 1 << layer as u8 != 0
    }

    /// The lowest.
    pub fn lowest(self) -> Option<Layer> {
        Layer::ALL.into_iter().find(|layer| self.contains(*layer))
    }
}

/// A parameter of a module.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: SmolStr,
    /// Where its name stands.
    pub span: Span,
    /// Its type.
    pub ty: Ty,
    /// What it is when the module's block leaves it out.
    pub default: Option<Body>,
    /// Its condition, with the value in slot 1.
    pub check: Option<Body>,
}

/// A `let`. INVARIANT: lets do not need each other in a circle.
#[derive(Debug)]
pub struct Let {
    /// Its name.
    pub name: SmolStr,
    /// Where its name stands.
    pub span: Span,
    /// The file it is in.
    pub unit: UnitId,
    /// Its place among the lets of its file.
    pub index: u32,
    /// Its type.
    pub ty: Ty,
    /// Its value.
    pub value: Body,
}

/// A function. INVARIANT: functions do not call each other in a circle.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: SmolStr,
    /// Where its name stands.
    pub span: Span,
    /// The file it is in: its lets and parameters are read there.
    pub unit: UnitId,
    /// How many arguments it takes; they stand in the slots from 1.
    pub arity: u32,
    /// Its body.
    pub body: Body,
}

/// What a file or a loop declares.
#[derive(Debug)]
pub enum Decl {
    /// An entity.
    Entity(Arc<Entity>),
    /// A module.
    Module(Arc<Module>),
    /// A loop.
    For(For),
    /// A choice.
    If(If),
    /// An assertion.
    Assert(Assert),
}

/// An entity's declaration; in a loop it makes many.
#[derive(Debug)]
pub struct Entity {
    /// Its kind.
    pub kind: Kind,
    /// Its label: a string.
    pub label: Expr,
    /// Its place among the statics of its file, if it is one.
    pub fixed: Option<StaticId>,
    /// From the kind to the closing brace.
    pub span: Span,
    /// The `##` comment above.
    pub doc: SmolStr,
    /// Slots of the loops around it: their names stand in `1..=bound`.
    pub bound: u32,
    /// Slots the label needs.
    pub frame: u32,
    /// Its fields: defaults merged in.
    pub body: Record,
}

/// Fields of an entity or a block, by their place in the schema.
#[derive(Debug)]
pub struct Record {
    /// The schema.
    pub spec: &'static RecordSpec,
    /// One for each field of the schema.
    pub fields: Vec<Field>,
    /// With the braces.
    pub span: Span,
}

/// What stands in a field.
#[derive(Debug)]
pub enum Field {
    /// Nothing, or the schema's default.
    Unset,
    /// What the program says.
    Set(Arc<Setting>),
}

/// What a program says of a field.
#[derive(Debug)]
pub struct Setting {
    /// The item that says it.
    pub span: Span,
    /// The defaults block it comes from, if it does: its name and the file its expressions belong to.
    pub from: Option<(SmolStr, UnitId)>,
    /// What `override` replaced: the item in the defaults.
    pub replaces: Option<Span>,
    /// The value; shared by all entities that take it from one defaults block.
    pub value: Arc<FieldValue>,
    /// Slots its expressions need. A setting inside a block is evaluated in the frame of the setting around it,
    /// where loops have bound names.
    pub frame: u32,
}

/// The value of a field.
#[derive(Debug)]
pub enum FieldValue {
    /// `name = value`
    Value(Expr),
    /// `name { … }`
    Block(Record),
    /// `name { key = value … }`
    Map(Vec<MapItem>),
    /// `name label { … }`
    Named(Vec<NamedItem>),
    /// `name sort { … }`
    Sort(&'static SortSpec, Vec<SortItem>),
    /// `name { conditions }`
    Conditions(Vec<ConditionItem>),
    /// Computed once for each cell or account, with it in the slot.
    PerTarget(Slot, Box<FieldValue>),
    /// Blocks that repeat, said in several items: of the defaults first, then of the entity. Each part is a
    /// [`Self::Named`] or a [`Self::Sort`], evaluated in a frame of its own.
    Joined(Vec<Arc<Setting>>),
}

/// A loop in a body: around its items.
#[derive(Debug)]
pub struct BodyLoop<T> {
    /// What it runs over and binds.
    pub source: Source,
    /// Its items.
    pub items: Vec<T>,
}

/// An entry of a map written as a block.
#[derive(Debug)]
pub enum MapItem {
    /// `key = value`; the key is a string.
    Entry { key: Expr, value: Expr },
    /// A loop.
    For(BodyLoop<MapItem>),
}

/// A block that repeats by label.
#[derive(Debug)]
pub enum NamedItem {
    /// A block; its label is a string.
    Block { label: Expr, doc: SmolStr, body: Record },
    /// A loop.
    For(BodyLoop<NamedItem>),
}

/// A block of a sort.
#[derive(Debug)]
pub enum SortItem {
    /// A block; `sort` is its place in the schema's list.
    Block { sort: usize, body: Record },
    /// A loop.
    For(BodyLoop<SortItem>),
}

/// A condition, or a loop of them.
#[derive(Debug)]
pub enum ConditionItem {
    /// One condition.
    One(Condition),
    /// A loop.
    For(BodyLoop<ConditionItem>),
}

/// A condition: exactly one IAM operator.
#[derive(Debug)]
pub struct Condition {
    /// The condition key: a string.
    pub key: Expr,
    /// The operator with its qualifiers, such as `ForAllValues:StringEqualsIfExists`.
    pub operator: SmolStr,
    /// Its values: a list, or one value.
    pub values: Expr,
    /// All of it.
    pub span: Span,
}

/// A module's declaration.
#[derive(Debug)]
pub struct Module {
    /// Its label: a string.
    pub label: Expr,
    /// Its place among the static modules of its file, if it is one.
    pub fixed: Option<StaticModuleId>,
    /// The file it instantiates.
    pub unit: UnitId,
    /// For each parameter of the file: what the block gives, with the place of the item.
    pub arguments: Vec<Option<(Expr, Span)>>,
    /// Where the label stands.
    pub label_span: Span,
    /// All of it.
    pub span: Span,
    /// The layer in which it is instantiated, before anything of that layer is declared in it.
    pub at: Layer,
    /// Layers in which its file declares something.
    pub layers: LayerSet,
    /// Slots of the loops around it.
    pub bound: u32,
    /// Slots its expressions need.
    pub frame: u32,
}

/// A loop over declarations.
#[derive(Debug)]
pub struct For {
    /// What it runs over and binds.
    pub source: Source,
    /// What it declares each time.
    pub body: Vec<Decl>,
    /// Layers in which something in it declares, modules by [`Module::at`] too.
    pub layers: LayerSet,
    /// Slots its header needs.
    pub frame: u32,
    /// Does it hold an assertion?
    pub asserts: bool,
}

/// The header of a loop.
#[derive(Debug)]
pub struct Source {
    /// The element, or the key.
    pub first: (SmolStr, Slot),
    /// The value, over a map.
    pub second: Option<(SmolStr, Slot)>,
    /// What it runs over: a list, a set, a range, a map.
    pub over: Expr,
    /// Which elements count.
    pub condition: Option<Expr>,
    /// Where the first name stands.
    pub span: Span,
}

/// A choice between declarations.
#[derive(Debug)]
pub struct If {
    /// Each arm's condition and declarations; the last may have none.
    pub arms: Vec<(Option<Expr>, Vec<Decl>)>,
    /// Layers in which something in it declares.
    pub layers: LayerSet,
    /// Slots its conditions need.
    pub frame: u32,
    /// Does it hold an assertion?
    pub asserts: bool,
}

/// An assertion over the whole expansion.
#[derive(Debug)]
pub struct Assert {
    /// What it says when it fails: a string.
    pub message: Expr,
    /// What is to hold.
    pub condition: Expr,
    /// Slots both need.
    pub frame: u32,
    /// All of it.
    pub span: Span,
}

/// A test.
#[derive(Debug)]
pub struct Test {
    /// Its name.
    pub name: SmolStr,
    /// Its steps.
    pub steps: Vec<TestStep>,
    /// Slots its steps need.
    pub frame: u32,
    /// All of it.
    pub span: Span,
}

/// A step of a test.
#[derive(Debug)]
pub enum TestStep {
    /// Puts a value in a slot.
    Let(Slot, Expr),
    /// Expects it to be true.
    Expect(Expr),
}

/// `moved`: what had one address has another now. At most one `*` in each, in both or in none.
#[derive(Debug, Clone)]
pub struct Moved {
    /// The former address, with its place.
    pub from: (SmolStr, Span),
    /// The address now, with its place.
    pub to: (SmolStr, Span),
}

/// `removed`: what becomes of something whose block is gone.
#[derive(Debug, Clone)]
pub struct Removed {
    /// The address, with its place.
    pub from: (SmolStr, Span),
    /// `keep`, `park` or `close`, for what has an account.
    pub account: Option<SmolStr>,
}

/// `accept`: a finding of a review that is waived.
#[derive(Debug)]
pub struct Accept {
    /// Its label.
    pub label: SmolStr,
    /// Its fields.
    pub body: Record,
    /// All of it.
    pub span: Span,
}

/// An expression.
#[derive(Debug)]
pub struct Expr {
    /// What it does.
    pub node: Node,
    /// Where it stands.
    pub span: Span,
}

/// What an expression does.
#[derive(Debug)]
pub enum Node {
    /// Has an error that was reported.
    Error,
    /// A value.
    Lit(Lit),
    /// `none`
    None,
    /// A string of pieces.
    Interpolate(Vec<Piece>),
    /// What a slot holds.
    Local(Slot),
    /// A let of the same instance.
    Let(LetId),
    /// A let of an imported file.
    ImportedLet(LetId),
    /// An exported let of a module.
    ModuleLet(StaticModuleId, LetId),
    /// A parameter of the instance.
    Param(ParamId),
    /// The set of all entities of a kind, of the instance and its modules.
    All(Kind),
    /// An entity with a fixed label of the instance.
    Static(StaticId),
    /// `kind["label"]`: an entity of the instance by its label.
    Lookup(Kind, Box<Expr>),
    /// A field of an entity, a record or a block.
    Field(Box<Expr>, Access),
    /// `map[key]`
    Index(Box<Expr>, Box<Expr>),
    /// A function of the program.
    Call(FnId, Vec<Expr>),
    /// A function of the language.
    Builtin(BuiltinFn, Vec<Expr>),
    /// `!x`
    Not(Box<Expr>),
    /// `-x`
    Negate(Box<Expr>),
    /// `a op b` on values of the same type; `in` with a collection at its right.
    Binary(Op, Box<Expr>, Box<Expr>),
    /// `a && b`
    And(Box<Expr>, Box<Expr>),
    /// `a || b`
    Or(Box<Expr>, Box<Expr>),
    /// `a ?? b`
    Coalesce(Box<Expr>, Box<Expr>),
    /// `a ..= b`
    Range(Box<Expr>, Box<Expr>),
    /// `if a then b else c`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `every`, `some`
    Quantified { every: bool, source: Box<Source>, condition: Box<Expr> },
    /// `xs where condition`, with the element in the slot; a set gives a set, a list a list.
    Where { over: Box<Expr>, slot: Slot, condition: Box<Expr> },
    /// A list.
    List(Vec<Expr>),
    /// A set of references, each of one of these kinds.
    SetOf(KindSet, Vec<Expr>),
    /// A map: a key that stands twice is an error.
    Map(Vec<(Expr, Expr)>),
    /// A record: its values sorted by field name.
    Record(Arc<[SmolStr]>, Vec<Expr>),
    /// A default of a field of a record type: an index into [`Program::record_defaults`].
    RecordDefault(u32),
    /// `[for … : value]`
    ListFor { source: Box<Source>, value: Box<Expr> },
    /// `{for … : key => value}`
    MapFor { source: Box<Source>, key: Box<Expr>, value: Box<Expr> },
    /// The value, looked at: it is to be of the type (a refinement, an enumeration, a set of a list).
    Conform(Box<Expr>, Arc<Ty>),
}

/// A piece of a string.
#[derive(Debug)]
pub enum Piece {
    /// Text.
    Text(SmolStr),
    /// A value, printed.
    Value(Expr),
}

impl Piece {
    /// What it says, if that is known.
    pub fn text(&self) -> Option<&SmolStr> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// Which field is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// `.label` of an entity.
    Label,
    /// `.address` of an entity.
    Address,
    /// `.name` of an entity whose kind has no such field: its label.
    NameIsLabel,
    /// A field of an entity of one kind, by its place in the schema.
    Entity(u16),
    /// A field of an entity of one of several kinds.
    EntityByName(&'static str),
    /// A field that is known only after apply.
    Later(&'static str),
    /// A field of a record, by its place among the sorted names.
    Record(u16),
    /// A field of a block, by its place in the schema.
    Block(u16),
    /// A field of a block of several sorts: absent in those that lack it.
    Sort(&'static str),
}

/// Operators on values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `in`
    In,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
}

macro_rules! builtin_functions {
    ($($variant:ident $name:literal $signature:literal $about:literal;)*) => {
        /// A function of the language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum BuiltinFn { $(#[doc = $signature] $variant,)* }

        impl BuiltinFn {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As a program writes it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it takes and gives.
            pub fn signature(self) -> &'static str {
                match self { $(Self::$variant => $signature,)* }
            }

            /// What it gives, in words.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }
        }
    };
}

builtin_functions! {
    Count "count" "count(collection): Int" "how many elements or entries";
    All "all" "all([Bool]): Bool" "whether all are true";
    Any "any" "any([Bool]): Bool" "whether any is true";
    Keys "keys" "keys({K => V}): [K]" "the keys, in the order of the map";
    Values "values" "values({K => V}): [V]" "the values, in the order of the map";
    Join "join" "join([String], separator: String): String" "one string";
    Pad "pad" "pad(number: Int, width: Int): String" "digits, filled up with zeros at the left";
    Mod "mod" "mod(a: Int, b: Int): Int" "the remainder, never negative";
    Min "min" "min(a, b, …) or min([T]): T" "the least";
    Max "max" "max(a, b, …) or max([T]): T" "the greatest";
    StartsWith "starts_with" "starts_with(text: String, prefix: String): Bool" "whether it does";
    EndsWith "ends_with" "ends_with(text: String, suffix: String): Bool" "whether it does";
    Union "union" "union(Set, Set, …): Set" "what is in any of them";
    Except "except" "except(Set, Set): Set" "what is in the first and not in the second";
    Secret "secret" "secret(\"store:path\"): Secret" "a secret, by the place it lies in";
    File "file" "file(\"path\"): String" "the text of a file beside the program";
    Can "can" "can(who: Ref<group or user>, action: String, where: Ref<cell or account>, resource: String = \"*\"): Bool" "whether the permission sets given there allow the action on the resource, or may; `false` is proven";
    WaveOf "wave_of" "wave_of(cell: Ref<cell>, rollout: Ref<rollout>): String?" "the label of the wave that brings the cell a release; `none` when it is in no wave of the rollout";
}

impl BuiltinFn {
    /// The function of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|builtin| builtin.name() == name)
    }

    /// Is it a question about the whole program? Only a test may ask one.
    pub fn is_question(self) -> bool {
        matches!(self, Self::Can | Self::WaveOf)
    }
}
