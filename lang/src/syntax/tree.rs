//! What a text parses to: rules with their places, nested. Owns the form that both parsers make and lowering reads:
//! one flat list, a rule before those inside it. Must not know what the rules mean.

use super::grammar::Rule;

/// A rule that was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    rule: Rule,
    start: u32,
    end: u32,
    /// The index behind all that is in it.
    next: u32,
}

/// The rules that a text met.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tree<'i> {
    text: &'i str,
    nodes: Vec<Node>,
}

/// A rule that was begun and is to be ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open(usize);

impl<'i> Tree<'i> {
    /// Nothing yet, of a text.
    pub(super) fn new(text: &'i str) -> Self {
        Self { text, nodes: Vec::new() }
    }

    /// Forgets all, for another text; the memory is kept.
    pub(super) fn restart(&mut self, text: &'i str) {
        self.text = text;
        self.nodes.clear();
    }

    /// Begins a rule at a byte; what is begun before it ends is in it.
    pub(super) fn open(&mut self, rule: Rule, start: usize) -> Open {
        self.nodes.push(Node { rule, start: start as u32, end: 0, next: 0 });
        Open(self.nodes.len() - 1)
    }

    /// Ends a rule before a byte.
    pub(super) fn close(&mut self, open: Open, end: usize) {
        let next = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(open.0) {
            (node.end, node.next) = (end as u32, next);
        }
    }

    /// The outermost rules.
    pub(super) fn pairs(&self) -> Pairs<'_> {
        Pairs { text: self.text, nodes: &self.nodes, at: 0, end: self.nodes.len() as u32 }
    }
}

/// A rule that was met, with what is in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'t> {
    text: &'t str,
    nodes: &'t [Node],
    node: Node,
    at: u32,
}

/// Where a rule was met: its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    start: u32,
    end: u32,
}

impl Range {
    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    pub(super) fn end(self) -> usize {
        self.end as usize
    }
}

impl<'t> Pair<'t> {
    pub(super) fn as_rule(&self) -> Rule {
        self.node.rule
    }

    pub(super) fn as_str(&self) -> &'t str {
        self.text.get(self.node.start as usize..self.node.end as usize).unwrap_or("")
    }

    pub(super) fn as_span(&self) -> Range {
        Range { start: self.node.start, end: self.node.end }
    }

    pub(super) fn into_inner(self) -> Pairs<'t> {
        Pairs { text: self.text, nodes: self.nodes, at: self.at + 1, end: self.node.next }
    }
}

/// Rules that stand side by side.
#[derive(Debug, Clone)]
pub(super) struct Pairs<'t> {
    text: &'t str,
    nodes: &'t [Node],
    at: u32,
    end: u32,
}

impl<'t> Pairs<'t> {
    pub(super) fn peek(&self) -> Option<Pair<'t>> {
        if self.at >= self.end {
            return None;
        }
        let node = *self.nodes.get(self.at as usize)?;
        Some(Pair { text: self.text, nodes: self.nodes, node, at: self.at })
    }
}

impl<'t> Iterator for Pairs<'t> {
    type Item = Pair<'t>;

    fn next(&mut self) -> Option<Pair<'t>> {
        let pair = self.peek()?;
        self.at = pair.node.next;
        Some(pair)
    }
}
