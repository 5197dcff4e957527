//! Metric math, as far as alarms on a ratio need it: numbers, `+ - * /`, comparisons, `AND`, `OR`, `IF`, `FILL`, `ABS`.
//! Owns how expressions are read and computed; periods and statistics are `data`'s.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html>

use super::data::{self, sampled};
use super::wrong;
use crate::error::ApiError;
use crate::input::{Input, Millis};
use crate::state::State;
use std::collections::BTreeMap;

/// Values by the beginning of their period.
pub(super) type Sampled = BTreeMap<Millis, f64>;

/// Expressions nest no deeper.
const DEEPEST: usize = 32;

/// The periods, by their length.
pub(super) type Starts<'a> = &'a dyn Fn(Millis) -> Vec<Millis>;

/// What the query of this id comes to.
pub(super) fn of(
    state: &State,
    place: &str,
    queries: &[Input<'_>],
    id: &str,
    starts: Starts<'_>,
) -> Result<Sampled, ApiError> {
    let scope = Scope { state, place, queries, starts };
    Ok(match scope.query(id, 0)? {
        Found::Many(values) => values,
        // A number alone stands in every period.
        Found::One(number) => starts(scope.period()?).into_iter().map(|at| (at, number)).collect(),
    })
}

struct Scope<'a> {
    state: &'a State,
    place: &'a str,
    queries: &'a [Input<'a>],
    starts: Starts<'a>,
}

/// A number, or one in each period.
#[derive(Clone)]
enum Found {
    One(f64),
    Many(Sampled),
}

impl Scope<'_> {
    fn query(&self, id: &str, depth: usize) -> Result<Found, ApiError> {
        if depth > DEEPEST {
            return Err(wrong(format!("Error in expression '{id}': it refers to itself")));
        }
        let Some(query) = self.queries.iter().find(|query| query.text("Id") == id) else {
            return Err(wrong(format!("Error in expression: unknown variable '{id}'")));
        };
        if let Some(text) = query.optional("Expression") {
            let tree = parse(text).map_err(|why| wrong(format!("Error in expression '{id}': {why}")))?;
            return self.compute(&tree, depth + 1);
        }
        let stat = query.inner("MetricStat");
        let period = data::period(stat)?;
        let how = (stat.text("Stat"), period);
        if !data::is_statistic(how.0) {
            return Err(wrong(format!("The value {} for parameter Stat is not supported.", how.0)));
        }
        Ok(Found::Many(sampled(self.state, self.place, stat.inner("Metric"), how, &(self.starts)(period))))
    }

    /// The shortest period of the metrics.
    fn period(&self) -> Result<Millis, ApiError> {
        let periods = self.queries.iter().filter(|query| query.has("MetricStat"));
        let periods = periods.map(|query| data::period(query.inner("MetricStat"))).collect::<Result<Vec<_>, _>>()?;
        Ok(periods.into_iter().min().unwrap_or(super::MINUTE))
    }

    fn compute(&self, tree: &Tree, depth: usize) -> Result<Found, ApiError> {
        let inner = |at: usize, all: &[Tree]| match all.get(at) {
            Some(tree) => self.compute(tree, depth),
            None => Err(wrong("Error in expression: a function lacks an argument")),
        };
        Ok(match tree {
            Tree::Number(number) => Found::One(*number),
            Tree::Name(name) => self.query(name, depth)?,
            Tree::Two(operator, both) => {
                let (left, right) = (self.compute(&both.0, depth)?, self.compute(&both.1, depth)?);
                joined(&left, &right, |a, b| operator.of(a, b))
            }
            Tree::Call(Function::Abs, given) => joined(&inner(0, given)?, &Found::One(0.0), |a, _| Some(a.abs())),
            Tree::Call(Function::If, given) => chosen(inner(0, given)?, &inner(1, given)?, &inner(2, given)?),
            Tree::Call(Function::Fill, given) => match (inner(0, given)?, inner(1, given)?) {
                (Found::Many(values), Found::One(number)) => {
                    let periods = (self.starts)(self.period()?);
                    Found::Many(
                        periods.into_iter().map(|at| (at, values.get(&at).copied().unwrap_or(number))).collect(),
                    )
                }
                _ => return Err(wrong("Error in expression: FILL takes a metric and a number")),
            },
        })
    }
}

/// In each period in which both have a value; nothing where there is no result, as in a division by zero.
fn joined(left: &Found, right: &Found, of: impl Fn(f64, f64) -> Option<f64>) -> Found {
    match (left, right) {
        (Found::One(a), Found::One(b)) => of(*a, *b).map_or_else(|| Found::Many(Sampled::new()), Found::One),
        (Found::Many(all), Found::One(b)) => {
            Found::Many(all.iter().filter_map(|(at, a)| Some((*at, of(*a, *b)?))).collect())
        }
        (Found::One(a), Found::Many(all)) => {
            Found::Many(all.iter().filter_map(|(at, b)| Some((*at, of(*a, *b)?))).collect())
        }
        (Found::Many(left), Found::Many(right)) => {
            let both = left.iter().filter_map(|(at, a)| Some((*at, of(*a, *right.get(at)?)?)));
            Found::Many(both.collect())
        }
    }
}

fn chosen(condition: Found, yes: &Found, no: &Found) -> Found {
    let at = |found: &Found, at: &Millis| match found {
        Found::One(number) => Some(*number),
        Found::Many(values) => values.get(at).copied(),
    };
    match condition {
        Found::One(number) => if number == 0.0 { no } else { yes }.clone(),
        Found::Many(values) => Found::Many(
            values
                .iter()
                .filter_map(|(when, number)| Some((*when, at(if *number == 0.0 { no } else { yes }, when)?)))
                .collect(),
        ),
    }
}

/// An expression.
enum Tree {
    Number(f64),
    Name(String),
    Two(Operator, Box<(Tree, Tree)>),
    Call(Function, Vec<Tree>),
}

#[derive(Clone, Copy)]
enum Function {
    If,
    Fill,
    Abs,
}

#[derive(Clone, Copy, PartialEq)]
enum Operator {
    Or,
    And,
    Less,
    AtMost,
    More,
    AtLeast,
    Same,
    Other,
    Plus,
    Minus,
    Times,
    By,
}

/// Two signs before one, so that `<=` is not taken for `<`.
const OPERATORS: &[(&str, Operator, u8)] = &[
    ("||", Operator::Or, 1),
    ("OR", Operator::Or, 1),
    ("&&", Operator::And, 2),
    ("AND", Operator::And, 2),
    ("<=", Operator::AtMost, 3),
    (">=", Operator::AtLeast, 3),
    ("==", Operator::Same, 3),
    ("!=", Operator::Other, 3),
    ("<", Operator::Less, 3),
    (">", Operator::More, 3),
    ("+", Operator::Plus, 4),
    ("-", Operator::Minus, 4),
    ("*", Operator::Times, 5),
    ("/", Operator::By, 5),
];

impl Operator {
    #[allow(clippy::float_cmp)]
    fn of(self, a: f64, b: f64) -> Option<f64> {
        let flag = |is: bool| Some(f64::from(u8::from(is)));
        match self {
            Self::Or => flag(a != 0.0 || b != 0.0),
            Self::And => flag(a != 0.0 && b != 0.0),
            Self::Less => flag(a < b),
            Self::AtMost => flag(a <= b),
            Self::More => flag(a > b),
            Self::AtLeast => flag(a >= b),
            Self::Same => flag(a == b),
            Self::Other => flag(a != b),
            Self::Plus => Some(a + b),
            Self::Minus => Some(a - b),
            Self::Times => Some(a * b),
            Self::By => (b != 0.0).then(|| a / b),
        }
    }
}

/// Does it read? The error says why not.
pub(super) fn check(text: &str) -> Result<(), String> {
    parse(text).map(drop)
}

fn parse(text: &str) -> Result<Tree, String> {
    let mut reader = Reader { rest: text };
    let tree = reader.binary(0, 0)?;
    match reader.rest.trim_start() {
        "" => Ok(tree),
        rest => Err(format!("unexpected '{rest}'")),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Operators that bind more tightly than `least`.
    fn binary(&mut self, least: u8, depth: usize) -> Result<Tree, String> {
        if depth > DEEPEST {
            return Err("it nests too deeply".to_owned());
        }
        let mut left = self.term(depth + 1)?;
        while let Some((operator, strength)) = self.operator(least) {
            let right = self.binary(strength, depth + 1)?;
            left = Tree::Two(operator, Box::new((left, right)));
        }
        Ok(left)
    }

    fn operator(&mut self, least: u8) -> Option<(Operator, u8)> {
        self.rest = self.rest.trim_start();
        let (sign, operator, strength) = OPERATORS.iter().find(|(sign, ..)| self.rest.starts_with(sign))?;
        if *strength <= least {
            return None;
        }
        self.rest = self.rest.get(sign.len()..)?;
        Some((*operator, *strength))
    }

    fn takes(&mut self, sign: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn needs(&mut self, sign: char) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(format!("'{sign}' is missing before '{}'", self.rest)) }
    }

    fn term(&mut self, depth: usize) -> Result<Tree, String> {
        if self.takes('(') {
            let inner = self.binary(0, depth)?;
            self.needs(')')?;
            return Ok(inner);
        }
        if self.takes('-') {
            let inner = self.binary(4, depth)?;
            return Ok(Tree::Two(Operator::Minus, Box::new((Tree::Number(0.0), inner))));
        }
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if word.is_empty() {
            return Err(format!("unexpected '{}'", self.rest));
        }
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            let number = word.parse().map_err(|_| format!("'{word}' is no number"))?;
            self.rest = rest;
            return Ok(Tree::Number(number));
        }
        self.rest = rest;
        if self.takes('(') {
            return self.call(word, depth);
        }
        Ok(Tree::Name(word.to_owned()))
    }

    fn call(&mut self, name: &str, depth: usize) -> Result<Tree, String> {
        let (function, count) = match name {
            "IF" => (Function::If, 3),
            "FILL" => (Function::Fill, 2),
            "ABS" => (Function::Abs, 1),
            _ => return Err(format!("the sandbox does not compute the function {name}")),
        };
        let mut given = vec![self.binary(0, depth)?];
        while self.takes(',') {
            given.push(self.binary(0, depth)?);
        }
        self.needs(')')?;
        if given.len() != count {
            return Err(format!("{name} takes {count} arguments"));
        }
        Ok(Tree::Call(function, given))
    }
}
