//! The syntax tree: what a file says, before any name is resolved.
//!
//! Owns the shape only. Every node carries its [`Span`]; comments that are not documentation and white space
//! are not in the tree. INVARIANT: a tree of a file that did not parse is still a tree; what could not be read
//! is [`ExprKind::Error`], [`TypeExprKind::Error`] or a body marked `incomplete`, and an error was reported for it.

#![expect(missing_docs, reason = "the form in the doc of each variant names its fields")]

use smol_str::SmolStr;

use crate::source::Span;
use crate::value::Lit;

/// A word of the program with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The word.
    pub text: SmolStr,
    /// Where it stands.
    pub span: Span,
}

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// `edition "2026"`.
    pub edition: Option<StrLit>,
    /// Its declarations and imports in source order.
    pub decls: Vec<Decl>,
}

/// A declaration with what stands before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decl {
    /// The `##` comment lines above, joined by newlines, without their marks; empty if none.
    pub doc: SmolStr,
    /// `export`, where it stands.
    pub export: Option<Span>,
    /// From the first word (or `export`) to the end.
    pub span: Span,
    /// What is declared.
    pub kind: DeclKind,
}

/// The forms of a declaration.
#[derive(Debug, Clone, PartialEq)]
pub enum DeclKind {
    /// `import "…" as name`
    Import { path: StrLit, name: Name },
    /// `let name: type = value`
    Let { name: Name, ty: Option<TypeExpr>, value: Expr },
    /// `fn name(params): result = body`
    Fn { name: Name, params: Vec<(Name, TypeExpr)>, result: TypeExpr, body: Expr },
    /// `type name = type matching /…/ check …`
    Type { name: Name, ty: TypeExpr, matching: Option<Regex>, check: Option<Expr> },
    /// `param name: type = default check …`
    Param { name: Name, ty: TypeExpr, default: Option<Expr>, check: Option<Expr> },
    /// `defaults name for kind { … }`
    Defaults { name: Name, kind: Name, body: Body },
    /// `module "label" = "path" { … }`
    Module { label: Label, path: StrLit, body: Body },
    /// `for a, b in over if condition { … }`
    For { binder: Binder, over: Expr, condition: Option<Expr>, body: Vec<Decl> },
    /// `if condition { … } else if … else { … }`: each arm with its condition, the last may have none.
    If { arms: Vec<(Option<Expr>, Vec<Decl>)> },
    /// `assert "message" { condition }`
    Assert { message: StrLit, condition: Expr },
    /// `test "name" { let …  expect … }`
    Test { name: StrLit, steps: Vec<TestStep> },
    /// `moved { … }`
    Moved(Body),
    /// `removed { … }`
    Removed(Body),
    /// `accept label { … }`
    Accept { label: Label, body: Body },
    /// `kind label using defaults { … }`
    Entity { kind: Name, label: Label, using: Option<Vec<Name>>, body: Body },
}

/// A step of a test.
#[derive(Debug, Clone, PartialEq)]
pub enum TestStep {
    /// `let name: type = value`
    Let { name: Name, ty: Option<TypeExpr>, value: Expr },
    /// `expect condition`
    Expect(Expr),
}

/// A regular expression literal: the text between the slashes, `\/` already read as `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regex {
    /// Its text.
    pub text: SmolStr,
    /// With the slashes.
    pub span: Span,
}

/// What names an entity, a module or a block.
#[derive(Debug, Clone, PartialEq)]
pub enum Label {
    /// A bare word.
    Name(Name),
    /// A string, perhaps with interpolation.
    Str(StrLit),
}

impl Label {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Name(name) => name.span,
            Self::Str(string) => string.span,
        }
    }

    /// Its text when nothing is interpolated.
    pub fn plain(&self) -> Option<SmolStr> {
        match self {
            Self::Name(name) => Some(name.text.clone()),
            Self::Str(string) => string.plain(),
        }
    }
}

/// The names a loop binds: the element; or key and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binder {
    /// The element, or the key.
    pub first: Name,
    /// The value, in loops over maps.
    pub second: Option<Name>,
}

/// A body in braces.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// Its items in source order.
    pub items: Vec<Item>,
    /// With the braces.
    pub span: Span,
    /// Some of it could not be read (an error says so): what it lacks is not to be reported.
    pub incomplete: bool,
}

/// One item of a body.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `override key = value`
    Field(FieldItem),
    /// `override name label { … }`
    Block(BlockItem),
    /// `if present every "key" in …`
    Condition(ConditionItem),
    /// `for a in over if condition { … }`
    For(BodyFor),
}

/// `override key = value`
#[derive(Debug, Clone, PartialEq)]
pub struct FieldItem {
    /// `override`, where it stands.
    pub over: Option<Span>,
    /// The field's name, or a map's key.
    pub key: Label,
    /// The value.
    pub value: Expr,
    /// All of it.
    pub span: Span,
}

/// `override name label { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct BlockItem {
    /// The `##` comment lines above, as in [`Decl::doc`].
    pub doc: SmolStr,
    /// `override`, where it stands.
    pub over: Option<Span>,
    /// The field's name.
    pub name: Name,
    /// A name (wave, allow) or a sort (deploy, artifact).
    pub label: Option<Label>,
    /// What stands in the braces.
    pub body: Body,
    /// All of it.
    pub span: Span,
}

/// A loop inside a body.
#[derive(Debug, Clone, PartialEq)]
pub struct BodyFor {
    /// What it binds.
    pub binder: Binder,
    /// What it runs over.
    pub over: Expr,
    /// Its filter.
    pub condition: Option<Expr>,
    /// Its items.
    pub body: Body,
    /// All of it.
    pub span: Span,
}

/// A condition of a policy statement.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionItem {
    /// `if present` stands before it.
    pub if_present: bool,
    /// `every` or `some` stands before the key.
    pub quantifier: Option<Quantifier>,
    /// The condition key.
    pub key: StrLit,
    /// How it is tested.
    pub test: ConditionTest,
    /// All of it.
    pub span: Span,
}

/// What a condition asks of its key.
#[derive(Debug, Clone, PartialEq)]
pub enum ConditionTest {
    /// `present`
    Present,
    /// `absent`
    Absent,
    /// An operator and what stands at its right.
    Compare { op: ConditionOp, op_span: Span, value: Expr },
}

/// The operators of conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConditionOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `like`
    Like,
    /// `not like`
    NotLike,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// An IAM operator by its own name, such as `ArnLike`.
    Iam(SmolStr),
}

/// `every` or `some`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// All elements.
    Every,
    /// At least one.
    Some,
}

/// A type as written.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeExpr {
    /// What it is.
    pub kind: TypeExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of a type.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeExprKind {
    /// Could not be read.
    Error,
    /// A name.
    Name(SmolStr),
    /// `Ref<kind>`
    Ref(Name),
    /// `Set<kind>`
    Set(Name),
    /// `[T]`
    List(Box<TypeExpr>),
    /// `{K => V}`
    Map(Box<TypeExpr>, Box<TypeExpr>),
    /// `enum {"a", "b"}`
    Enum(Vec<StrLit>),
    /// `{a: T, b: U = default}`
    Record(Vec<RecordFieldType>),
    /// `T?`
    Optional(Box<TypeExpr>),
}

/// A field of a record type.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordFieldType {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeExpr,
    /// What it is when a literal leaves it out.
    pub default: Option<Expr>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands; without the parentheses around it.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// Could not be read.
    Error,
    /// A literal that is no string: number, quantity, date, time, CIDR block, truth value.
    Lit(Lit),
    /// `none`
    None,
    /// A string.
    Str(StrLit),
    /// A name.
    Name(SmolStr),
    /// `.field` of the subject.
    Subject(Name),
    /// `base.field`
    Field(Box<Expr>, Name),
    /// `base[index]`
    Index(Box<Expr>, Box<Expr>),
    /// `callee(arguments)`
    Call(Box<Expr>, Vec<Expr>),
    /// `!x`, `-x`
    Unary { op: UnaryOp, op_span: Span, operand: Box<Expr> },
    /// `a op b`
    Binary { op: BinaryOp, op_span: Span, left: Box<Expr>, right: Box<Expr> },
    /// `if a then b else c`
    If { condition: Box<Expr>, then: Box<Expr>, otherwise: Box<Expr> },
    /// `every x in xs : condition`
    Quantified { quantifier: Quantifier, binder: Binder, over: Box<Expr>, condition: Box<Expr> },
    /// `xs where condition`
    Where { over: Box<Expr>, condition: Box<Expr> },
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{"a" = b}`; `{}` is an empty one.
    Map(Vec<(StrLit, Expr)>),
    /// `{a = b}`
    Record(Vec<(Name, Expr)>),
    /// `[for x in xs : value if condition]`
    ListFor { binder: Binder, over: Box<Expr>, value: Box<Expr>, condition: Option<Box<Expr>> },
    /// `{for x in xs : key => value if condition}`
    MapFor { binder: Binder, over: Box<Expr>, key: Box<Expr>, value: Box<Expr>, condition: Option<Box<Expr>> },
}

/// A string.
#[derive(Debug, Clone, PartialEq)]
pub struct StrLit {
    /// Its pieces in order; no two texts stand together; none for the empty string.
    pub parts: Vec<StrPart>,
    /// With the quotes.
    pub span: Span,
}

/// A piece of a string.
#[derive(Debug, Clone, PartialEq)]
pub enum StrPart {
    /// Text with its escapes read.
    Text(SmolStr),
    /// `\(expression)`
    Expr(Expr),
}

impl StrLit {
    /// Its text when nothing is interpolated.
    pub fn plain(&self) -> Option<SmolStr> {
        match self.parts.as_slice() {
            [] => Some(SmolStr::default()),
            [StrPart::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }
}

/// Operators before an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Neg,
}

/// Operators between expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `||`
    Or,
    /// `&&`
    And,
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
    /// `??`
    Coalesce,
    /// `..=`
    Range,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
}

impl BinaryOp {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::In => "in",
            Self::Coalesce => "??",
            Self::Range => "..=",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
        }
    }
}
