//! Decision diagrams over variables with finitely many values: whether a formula can hold, and by what. Owns that
//! only; what a variable stands for is not its affair.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use foldhash::HashMap;

use crate::automaton::{Bits, TooMany};

/// A formula of one [`Mdd`].
pub(crate) type Node = u32;

/// The formula that never holds.
pub(crate) const FALSE: Node = 0;

/// The formula that always holds.
pub(crate) const TRUE: Node = 1;

/// More nodes than this are not made.
const MAX_NODES: usize = 400_000;

/// All formulas over some variables; equal ones are one node.
pub(crate) struct Mdd {
    arity: Vec<usize>,
    /// The variable and the formula for each of its values.
    nodes: Vec<(u32, Rc<[Node]>)>,
    /// By variable.
    unique: Vec<HashMap<Rc<[Node]>, Node>>,
    /// Formulas for values, while they are made: those of one node after those of the ones around it.
    open: Vec<Node>,
    applied: HashMap<(Node, Node, bool), Node>,
    negated: HashMap<Node, Node>,
    full: bool,
}

/// The values that a formula needs, by variable; none where any will do.
pub(crate) type Cube = Vec<Option<Bits>>;

impl Mdd {
    /// Over variables with this many values each, in this order.
    pub(crate) fn new(arity: Vec<usize>) -> Self {
        let constant = (u32::MAX, Rc::from([]));
        let unique = arity.iter().map(|_| HashMap::default()).collect();
        Self {
            arity,
            nodes: vec![constant.clone(), constant],
            unique,
            open: Vec::new(),
            applied: HashMap::default(),
            negated: HashMap::default(),
            full: false,
        }
    }

    /// Whether all formulas made so far are what they were to be.
    pub(crate) fn checked(&self) -> Result<(), TooMany> {
        if self.full { Err(TooMany) } else { Ok(()) }
    }

    fn var(&self, node: Node) -> u32 {
        self.nodes.get(node as usize).map_or(u32::MAX, |(var, _)| *var)
    }

    fn kids(&self, node: Node) -> Rc<[Node]> {
        self.nodes.get(node as usize).map_or_else(|| Rc::from([]), |(_, kids)| Rc::clone(kids))
    }

    /// The formula for one value of a variable that is not after the node's own.
    fn kid(&self, node: Node, var: u32, value: usize) -> Node {
        match self.nodes.get(node as usize) {
            Some((own, kids)) if *own == var => kids.get(value).copied().unwrap_or(FALSE),
            _ => node,
        }
    }

    /// The formula that is `kids[value]` for each value of a variable; they are over later variables.
    pub(crate) fn node(&mut self, var: usize, kids: &[Node]) -> Node {
        if let Some(first) = kids.first().filter(|first| kids.iter().all(|kid| kid == *first)) {
            return *first;
        }
        let number = self.nodes.len();
        let Some(unique) = self.unique.get_mut(var) else { return FALSE };
        if let Some(found) = unique.get(kids) {
            return *found;
        }
        if number >= MAX_NODES {
            self.full = true;
            return FALSE;
        }
        let kids: Rc<[Node]> = kids.into();
        unique.insert(Rc::clone(&kids), number as Node);
        self.nodes.push((var as u32, kids));
        number as Node
    }

    /// The formula of the values that are open from `start` on.
    fn close(&mut self, var: u32, start: usize) -> Node {
        let mut open = std::mem::take(&mut self.open);
        let node = self.node(var as usize, open.get(start..).unwrap_or_default());
        open.truncate(start);
        self.open = open;
        node
    }

    /// The formula that a variable of two values has its second.
    pub(crate) fn is(&mut self, var: usize) -> Node {
        self.node(var, &[FALSE, TRUE])
    }

    pub(crate) fn and(&mut self, a: Node, b: Node) -> Node {
        self.apply(a, b, true)
    }

    pub(crate) fn or(&mut self, a: Node, b: Node) -> Node {
        self.apply(a, b, false)
    }

    /// `a` and not `b`.
    pub(crate) fn minus(&mut self, a: Node, b: Node) -> Node {
        let not = self.not(b);
        self.and(a, not)
    }

    pub(crate) fn not(&mut self, a: Node) -> Node {
        match a {
            FALSE => return TRUE,
            TRUE => return FALSE,
            _ => {}
        }
        if let Some(found) = self.negated.get(&a) {
            return *found;
        }
        let (var, start) = (self.var(a), self.open.len());
        for kid in self.kids(a).iter() {
            let not = self.not(*kid);
            self.open.push(not);
        }
        let node = self.close(var, start);
        self.negated.insert(a, node);
        self.negated.insert(node, a);
        node
    }

    fn apply(&mut self, a: Node, b: Node, and: bool) -> Node {
        let (neutral, absorbing) = if and { (TRUE, FALSE) } else { (FALSE, TRUE) };
        if a == b || b == neutral || a == absorbing {
            return a;
        }
        if a == neutral || b == absorbing {
            return b;
        }
        let key = (a.min(b), a.max(b), and);
        if let Some(found) = self.applied.get(&key) {
            return *found;
        }
        if self.full {
            return FALSE;
        }
        let var = self.var(a).min(self.var(b));
        let start = self.open.len();
        for value in 0..self.arity.get(var as usize).copied().unwrap_or_default() {
            let (left, right) = (self.kid(a, var, value), self.kid(b, var, value));
            let both = self.apply(left, right, and);
            self.open.push(both);
        }
        let node = self.close(var, start);
        self.applied.insert(key, node);
        node
    }

    /// The formula that is left of this one where variables have their first value or these, by variable: each other value
    /// fares as the one that is given.
    pub(crate) fn fixed(&mut self, node: Node, values: &BTreeMap<usize, usize>) -> Node {
        if values.is_empty() { node } else { self.fix(node, values, &mut HashMap::default()) }
    }

    fn fix(&mut self, node: Node, values: &BTreeMap<usize, usize>, known: &mut HashMap<Node, Node>) -> Node {
        if node <= TRUE {
            return node;
        }
        if let Some(found) = known.get(&node) {
            return *found;
        }
        let var = self.var(node);
        let value = values.get(&(var as usize)).copied();
        let (kids, start) = (self.kids(node), self.open.len());
        for (at, kid) in kids.iter().enumerate() {
            let kid = value.filter(|_| at > 0).and_then(|value| kids.get(value)).unwrap_or(kid);
            let fixed = self.fix(*kid, values, known);
            self.open.push(fixed);
        }
        let out = self.close(var, start);
        known.insert(node, out);
        out
    }

    /// The formula that holds where this one does whatever the variables from `first` on are.
    pub(crate) fn for_all_from(&mut self, node: Node, first: usize) -> Node {
        let mut known = HashMap::default();
        self.for_all(node, first as u32, &mut known)
    }

    fn for_all(&mut self, node: Node, first: u32, known: &mut HashMap<Node, Node>) -> Node {
        if node <= TRUE {
            return node;
        }
        let var = self.var(node);
        if var >= first {
            return FALSE;
        }
        if let Some(found) = known.get(&node) {
            return *found;
        }
        let start = self.open.len();
        for kid in self.kids(node).iter() {
            let all = self.for_all(*kid, first, known);
            self.open.push(all);
        }
        let out = self.close(var, start);
        known.insert(node, out);
        out
    }

    /// The variables that a formula depends on.
    pub(crate) fn support(&self, node: Node) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut out = BTreeSet::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if node <= TRUE || !seen.insert(node) {
                continue;
            }
            out.insert(self.var(node) as usize);
            open.extend(self.kids(node).iter().copied());
        }
        out
    }

    /// Values under which a formula holds: as few as possible other than the first of their variable. None where
    /// the variable does not matter.
    pub(crate) fn witness(&self, node: Node) -> Option<Vec<Option<usize>>> {
        let mut costs = HashMap::default();
        self.cost(node, &mut costs)?;
        let mut out = vec![None; self.arity.len()];
        let mut at = node;
        while at != TRUE {
            let (value, kid) = self.cheapest(at, &mut costs)?;
            *out.get_mut(self.var(at) as usize)? = Some(value);
            at = kid;
        }
        Some(out)
    }

    fn cost(&self, node: Node, known: &mut HashMap<Node, Option<u32>>) -> Option<u32> {
        match node {
            FALSE => return None,
            TRUE => return Some(0),
            _ => {}
        }
        if let Some(found) = known.get(&node) {
            return *found;
        }
        let kids = self.kids(node);
        let each =
            kids.iter().enumerate().filter_map(|(value, kid)| Some(self.cost(*kid, known)? + u32::from(value > 0)));
        let best = each.min();
        known.insert(node, best);
        best
    }

    fn cheapest(&self, node: Node, known: &mut HashMap<Node, Option<u32>>) -> Option<(usize, Node)> {
        let kids = self.kids(node);
        let cost = |(value, kid): (usize, &Node)| Some((self.cost(*kid, known)? + u32::from(value > 0), value, *kid));
        kids.iter().enumerate().filter_map(cost).min().map(|(_, value, kid)| (value, kid))
    }

    /// Whether a formula holds under these values; a variable without one has its first.
    pub(crate) fn holds(&self, node: Node, values: &[Option<usize>]) -> bool {
        let mut at = node;
        while at > TRUE {
            let value = values.get(self.var(at) as usize).copied().flatten().unwrap_or(0);
            at = self.kids(at).get(value).copied().unwrap_or(FALSE);
        }
        at == TRUE
    }

    /// Whether a formula holds everywhere in a cube.
    fn covers(&self, node: Node, cube: &Cube, known: &mut HashMap<Node, bool>) -> bool {
        if node <= TRUE {
            return node == TRUE;
        }
        if let Some(found) = known.get(&node) {
            return *found;
        }
        let bits = cube.get(self.var(node) as usize).and_then(Option::as_ref);
        let kids = self.kids(node);
        let mut within = kids.iter().enumerate().filter(|(value, _)| bits.is_none_or(|bits| bits.has(*value)));
        let all = within.all(|(_, kid)| self.covers(*kid, cube, known));
        known.insert(node, all);
        all
    }

    /// A cube within a formula around these values that no value can be added to.
    pub(crate) fn widest(&self, node: Node, values: &[Option<usize>]) -> Cube {
        let covers = |cube: &Cube| self.covers(node, cube, &mut HashMap::default());
        let only = |(var, value): (usize, &Option<usize>)| {
            value.map(|value| {
                let mut bits = Bits::none(self.arity.get(var).copied().unwrap_or_default());
                bits.set(value);
                bits
            })
        };
        let mut cube: Cube = values.iter().enumerate().map(only).collect();
        for var in 0..cube.len() {
            let Some(own) = cube.get_mut(var).and_then(Option::take) else { continue };
            if covers(&cube) {
                continue;
            }
            let mut bits = own;
            for value in 0..self.arity.get(var).copied().unwrap_or_default() {
                let mut wider = bits.clone();
                wider.set(value);
                if wider != bits {
                    if let Some(slot) = cube.get_mut(var) {
                        *slot = Some(wider.clone());
                    }
                    if covers(&cube) {
                        bits = wider;
                    }
                }
            }
            if let Some(slot) = cube.get_mut(var) {
                *slot = Some(bits);
            }
        }
        cube
    }

    /// The formula of a cube.
    pub(crate) fn cube(&mut self, cube: &Cube) -> Node {
        let mut out = TRUE;
        for (var, bits) in cube.iter().enumerate().rev() {
            if let Some(bits) = bits {
                let values = 0..self.arity.get(var).copied().unwrap_or_default();
                let kids: Vec<Node> = values.map(|value| if bits.has(value) { out } else { FALSE }).collect();
                out = self.node(var, &kids);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas() {
        let mut all = Mdd::new(vec![3, 2, 2]);
        let a = all.node(0, &[FALSE, TRUE, TRUE]);
        let (b, c) = (all.is(1), all.is(2));
        let ab = all.and(a, b);
        let either = all.or(ab, c);
        assert!(all.holds(either, &[Some(2), Some(1), None]));
        assert!(!all.holds(either, &[Some(2), None, None]));
        assert_eq!(all.minus(ab, a), FALSE);
        let back = all.not(either);
        assert_eq!(all.not(back), either);
        assert_eq!(all.for_all_from(either, 2), ab);
        assert_eq!(all.for_all_from(c, 2), FALSE);
        assert_eq!(all.witness(either), Some(vec![Some(0), None, Some(1)]));
        let cube = all.widest(ab, &[Some(1), Some(1), None]);
        assert_eq!(all.cube(&cube), ab);
        assert_eq!(all.support(either), [0, 1, 2].into());
    }
}
