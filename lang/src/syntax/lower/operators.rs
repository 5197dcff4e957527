//! The operators and how tightly they bind.

use super::super::ast::BinaryOp;

/// What an infix word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Infix {
    /// An operator.
    Op(BinaryOp),
    /// `where`
    Where,
    /// `not in`, which expressions do not have.
    NotIn,
}

/// How an operator groups with others of its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    Left,
    Right,
    None,
}

/// The levels, from the loosest.
pub(super) const LOOSEST: u8 = 0;
const WHERE: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
/// `!` takes all that binds tighter than `&&`.
pub(super) const NOT: u8 = 4;
/// Comparisons.
pub(super) const COMPARE: u8 = 5;
const COALESCE: u8 = 6;
const RANGE: u8 = 7;
const ADD: u8 = 8;
const MULTIPLY: u8 = 9;
/// `-` before an operand.
pub(super) const NEGATE: u8 = 10;

/// The operator of a word that the grammar calls infix; and the right spelling, if it is of another language.
pub(super) fn infix(text: &str) -> (Infix, Option<&'static str>) {
    let op = match text {
        "==" => BinaryOp::Eq,
        "!=" => BinaryOp::Ne,
        "<" => BinaryOp::Lt,
        "<=" => BinaryOp::Le,
        ">" => BinaryOp::Gt,
        ">=" => BinaryOp::Ge,
        "in" => BinaryOp::In,
        "&&" => BinaryOp::And,
        "||" => BinaryOp::Or,
        "??" => BinaryOp::Coalesce,
        "..=" => BinaryOp::Range,
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "and" => return (Infix::Op(BinaryOp::And), Some("&&")),
        "or" => return (Infix::Op(BinaryOp::Or), Some("||")),
        "where" => return (Infix::Where, None),
        _ => return (Infix::NotIn, None),
    };
    (Infix::Op(op), None)
}

/// The level and grouping of an operator.
pub(super) fn binding(infix: Infix) -> (u8, Grouping) {
    match infix {
        Infix::Where => (WHERE, Grouping::None),
        Infix::NotIn => (COMPARE, Grouping::None),
        Infix::Op(op) => match op {
            BinaryOp::Or => (OR, Grouping::Left),
            BinaryOp::And => (AND, Grouping::Left),
            BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::In => (COMPARE, Grouping::None),
            BinaryOp::Coalesce => (COALESCE, Grouping::Right),
            BinaryOp::Range => (RANGE, Grouping::None),
            BinaryOp::Add | BinaryOp::Sub => (ADD, Grouping::Left),
            BinaryOp::Mul | BinaryOp::Div => (MULTIPLY, Grouping::Left),
        },
    }
}
