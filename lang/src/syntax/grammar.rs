//! The generated parser and the few things the rest of the front end needs from it. Owns the grammar's entries;
//! must not know the tree.

#![allow(missing_docs, clippy::pedantic, reason = "the derive writes most of this file")]

use pest::Parser as _;

#[derive(pest_derive::Parser)]
#[grammar = "syntax/cell.pest"]
struct CellParser;

use super::tree::Tree;
pub(super) use super::tree::{Pair, Pairs};

/// Why a text did not parse.
pub(super) struct Refusal {
    /// The byte beyond which no rule went on.
    pub(super) at: usize,
    /// What could have stood there; empty when the parser ran out of stack.
    pub(super) expected: Vec<Rule>,
    /// The text nests deeper than the stack allows.
    pub(super) too_deep: bool,
}

/// Parses the beginning of `text` (all of it, for entries that end so) by `rule`.
pub(super) fn parse(rule: Rule, text: &str) -> Result<Tree<'_>, Refusal> {
    let pairs = CellParser::parse(rule, text).map_err(|error| {
        let at = match error.location {
            pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => at,
        };
        match error.variant {
            pest::error::ErrorVariant::ParsingError { positives, .. } => {
                Refusal { at, expected: positives, too_deep: false }
            }
            pest::error::ErrorVariant::CustomError { .. } => Refusal { at, expected: Vec::new(), too_deep: true },
        }
    })?;
    let mut tree = Tree::new(text);
    let mut open = Vec::new();
    for token in pairs.tokens() {
        match token {
            pest::Token::Start { rule, pos } => open.push(tree.open(rule, pos.pos())),
            pest::Token::End { pos, .. } => {
                if let Some(rule) = open.pop() {
                    tree.close(rule, pos.pos());
                }
            }
        }
    }
    Ok(tree)
}
