//! What a condition says of the values of its key. Owns IAM's operators; it must not know of requests or statements.

use jiff::Timestamp;
use smol_str::SmolStr;

use crate::pattern::{Hit, Lookup, Pattern, Reading};
use crate::policy::{Condition, Qualifier, Text};
use crate::value::{Net, Number, read_instant};

/// How far something is known to be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Truth {
    /// It is not.
    No,
    /// It depends on what nobody knows.
    Maybe,
    /// It is.
    Yes,
}

impl Truth {
    pub(crate) fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

impl From<Hit> for Truth {
    fn from(hit: Hit) -> Self {
        match hit {
            Hit::No => Self::No,
            Hit::Across | Hit::Open => Self::Maybe,
            Hit::Yes => Self::Yes,
        }
    }
}

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Family {
    /// Text, in some reading.
    Text { glob: bool, fold: bool, arn: bool },
    /// Numbers.
    Number(Order),
    /// Instants.
    Instant(Order),
    /// Addresses.
    Ip,
    /// Whether the key is there.
    Null,
    /// An operator nobody knows.
    Unknown,
}

/// How two values must stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds<T: Ord>(self, value: &T, wanted: &T) -> bool {
        match self {
            Self::Equal => value == wanted,
            Self::Less => value < wanted,
            Self::LessOrEqual => value <= wanted,
            Self::Greater => value > wanted,
            Self::GreaterOrEqual => value >= wanted,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "",
            Self::Less => "< ",
            Self::LessOrEqual => "<= ",
            Self::Greater => "> ",
            Self::GreaterOrEqual => ">= ",
        }
    }
}

/// The family of an operator, and whether it is negated.
pub(crate) fn operator(name: &str) -> (Family, bool) {
    let text = |glob, fold| Family::Text { glob, fold, arn: false };
    let arn = Family::Text { glob: true, fold: false, arn: true };
    let name = name.to_ascii_lowercase();
    let ordered = |rest: &str, family: fn(Order) -> Family| match rest {
        "equals" => (family(Order::Equal), false),
        "notequals" => (family(Order::Equal), true),
        "lessthan" => (family(Order::Less), false),
        "lessthanequals" => (family(Order::LessOrEqual), false),
        "greaterthan" => (family(Order::Greater), false),
        "greaterthanequals" => (family(Order::GreaterOrEqual), false),
        _ => (Family::Unknown, false),
    };
    match name.as_str() {
        "stringequals" | "binaryequals" => (text(false, false), false),
        "stringnotequals" => (text(false, false), true),
        "stringequalsignorecase" | "bool" => (text(false, true), false),
        "stringnotequalsignorecase" => (text(false, true), true),
        "stringlike" => (text(true, false), false),
        "stringnotlike" => (text(true, false), true),
        "arnequals" | "arnlike" => (arn, false),
        "arnnotequals" | "arnnotlike" => (arn, true),
        "ipaddress" => (Family::Ip, false),
        "notipaddress" => (Family::Ip, true),
        "null" => (Family::Null, false),
        other => {
            let numeric = other.strip_prefix("numeric").map(|rest| ordered(rest, Family::Number));
            let date = || other.strip_prefix("date").map(|rest| ordered(rest, Family::Instant));
            numeric.or_else(date).unwrap_or((Family::Unknown, false))
        }
    }
}

/// One value that a condition compares with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Wanted {
    Text(Pattern),
    Number(Number),
    Instant(Timestamp),
    Net(Net),
    /// Nothing is like it: a number that is none.
    Nothing,
    /// It depends on variables of these keys, which nobody knows.
    Unknown(Box<[SmolStr]>),
}

impl Wanted {
    /// The keys of the policy variables in it that nobody knows.
    pub(crate) fn unknown(&self) -> Vec<SmolStr> {
        match self {
            Self::Text(pattern) => pattern.unknown.to_vec(),
            Self::Unknown(keys) => keys.to_vec(),
            _ => Vec::new(),
        }
    }
}

/// A condition, read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Test {
    /// The key in lower case.
    pub(crate) key: SmolStr,
    /// The shape that the key's one value is known to have.
    pub(crate) like: Option<SmolStr>,
    pub(crate) family: Family,
    pub(crate) negated: bool,
    pub(crate) qualifier: Option<Qualifier>,
    pub(crate) if_exists: bool,
    /// With the text each was written as, ordered by it.
    pub(crate) wanted: Vec<(SmolStr, Wanted)>,
}

impl Test {
    /// Reads a condition. `lookup` gives the values of policy variables, if the document's language has them.
    pub(crate) fn read(condition: &Condition, lookup: Option<&dyn Fn(&str) -> Lookup>) -> Self {
        let (family, negated) = operator(&condition.operator);
        let mut texts: Vec<&Text> = condition.values.iter().collect();
        texts.sort_by(|a, b| a.value.cmp(&b.value));
        texts.dedup_by(|a, b| a.value == b.value);
        let wanted = texts.iter().map(|text| (text.value.clone(), read_wanted(&text.value, family, lookup)));
        Self {
            key: condition.key.to_ascii_lowercase().into(),
            like: None,
            family,
            negated,
            qualifier: condition.qualifier,
            if_exists: condition.if_exists,
            wanted: wanted.collect(),
        }
    }

    /// What the values wanted say of one value, before any negation.
    pub(crate) fn hit(&self, value: &str) -> Hit {
        self.wanted.iter().map(|(_, wanted)| self.one_hit(wanted, value)).max().unwrap_or(Hit::No)
    }

    /// What one value wanted says of a value.
    pub(crate) fn one_hit(&self, wanted: &Wanted, value: &str) -> Hit {
        let yes = match (wanted, self.family) {
            (Wanted::Text(pattern), _) => return pattern.hit(value),
            (Wanted::Unknown(_), _) => return Hit::Open,
            (Wanted::Number(wanted), Family::Number(order)) => {
                Number::read(value).is_some_and(|value| order.holds(&value, wanted))
            }
            (Wanted::Instant(wanted), Family::Instant(order)) => {
                read_instant(value).is_some_and(|value| order.holds(&value, wanted))
            }
            (Wanted::Net(wanted), _) => Net::read(value).is_some_and(|value| wanted.contains(&value)),
            _ => false,
        };
        if yes { Hit::Yes } else { Hit::No }
    }

    /// What it says when no request carries the key.
    pub(crate) fn when_absent(&self) -> Truth {
        match (self.family, self.qualifier) {
            (Family::Null, _) => self.wants_null("true"),
            (Family::Unknown, _) => Truth::Maybe,
            _ if self.if_exists => Truth::Yes,
            (_, Some(Qualifier::All)) => Truth::Yes,
            (_, Some(Qualifier::Any)) => Truth::No,
            (_, None) => self.negated.into(),
        }
    }

    /// `Null` when the key is there.
    pub(crate) fn wants_null(&self, word: &str) -> Truth {
        self.wanted.iter().any(|(text, _)| text.eq_ignore_ascii_case(word)).into()
    }

    /// Whether it holds for these values; none and an empty list are an absent key.
    pub(crate) fn holds(&self, values: &[SmolStr]) -> Truth {
        if values.is_empty() {
            return self.when_absent();
        }
        match self.family {
            Family::Null => return self.wants_null("false"),
            Family::Unknown => return Truth::Maybe,
            _ => {}
        }
        let positive = values.iter().map(|value| Truth::from(self.hit(value)));
        let each = positive.clone().map(|hit| if self.negated { hit.not() } else { hit });
        match self.qualifier {
            Some(Qualifier::All) => each.min().unwrap_or(Truth::Yes),
            Some(Qualifier::Any) => each.max().unwrap_or(Truth::No),
            None => {
                let some = positive.max().unwrap_or(Truth::No);
                // What an operator for one value does with several AWS does not say.
                let some = if values.len() > 1 { some.min(Truth::Maybe) } else { some };
                if self.negated { some.not() } else { some }
            }
        }
    }

    /// A value wanted as a report writes it.
    pub(crate) fn label(&self, text: &SmolStr) -> SmolStr {
        match self.family {
            Family::Number(order) | Family::Instant(order) => smol_str::format_smolstr!("{}{text}", order.sign()),
            // A star that is no wildcard is written as IAM would.
            Family::Text { glob: false, .. } if text.contains(['*', '?']) => {
                let escaped = |c: char| if matches!(c, '*' | '?') { format!("${{{c}}}") } else { c.to_string() };
                text.chars().map(escaped).collect()
            }
            _ => text.clone(),
        }
    }
}

fn read_wanted(text: &str, family: Family, lookup: Option<&dyn Fn(&str) -> Lookup>) -> Wanted {
    let reading = |glob, fold, arn| Reading { glob, fold, arn, late_variables: false };
    if let Family::Text { glob, fold, arn } = family {
        return Wanted::Text(Pattern::read(text, reading(glob, fold, arn), lookup));
    }
    let plain = Pattern::read(text, reading(false, false, false), lookup);
    if !plain.unknown.is_empty() {
        return Wanted::Unknown(plain.unknown);
    }
    let text: String = plain.within.iter().filter_map(|tok| tok.literal()).collect();
    let read = match family {
        Family::Number(_) => Number::read(&text).map(Wanted::Number),
        Family::Instant(_) => read_instant(&text).map(Wanted::Instant),
        Family::Ip => Net::read(&text).map(Wanted::Net),
        _ => None,
    };
    read.filter(|_| !plain.never).unwrap_or(Wanted::Nothing)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::policy::Source;

    fn test(operator: &str, values: &[&str]) -> Test {
        let source = Source::new(&Arc::from(""), 0, 0);
        let values = values.iter().map(|value| Text::new(*value, source.clone())).collect();
        Test::read(&Condition::new(operator, "aws:Key", values, source), Some(&|_| Lookup::Unknown))
    }

    #[test]
    fn operators_on_absent_single_and_several_values() {
        use Truth::{Maybe, No, Yes};
        let table: &[(&str, &[&str], &[&str], Truth)] = &[
            ("StringEquals", &["a"], &[], No),
            ("StringNotEquals", &["a"], &[], Yes),
            ("StringEqualsIfExists", &["a"], &[], Yes),
            ("StringNotEquals", &["a", "b"], &["b"], No),
            ("StringNotEquals", &["a", "b"], &["c"], Yes),
            ("StringEqualsIgnoreCase", &["aB"], &["Ab"], Yes),
            ("StringEquals", &["a*"], &["ab"], No),
            ("StringLike", &["a*"], &["ab"], Yes),
            ("Bool", &["true"], &["True"], Yes),
            ("Bool", &["false"], &[], No),
            ("Null", &["true"], &[], Yes),
            ("Null", &["true"], &["x"], No),
            ("Null", &["false"], &["x"], Yes),
            ("NumericLessThan", &["10"], &["9"], Yes),
            ("NumericLessThan", &["10"], &["many"], No),
            ("NumericNotEquals", &["10"], &["10.0"], No),
            ("DateGreaterThan", &["2027-01-31T00:00:00Z"], &["2027-02-01"], Yes),
            ("IpAddress", &["10.0.0.0/8", "::1"], &["10.9.9.9"], Yes),
            ("NotIpAddress", &["10.0.0.0/8"], &["10.9.9.9"], No),
            ("ArnLike", &["arn:aws:iam::*:role/a"], &["arn:aws:iam::1:role/a"], Yes),
            ("ArnLike", &["arn:aws:iam::*:role/a"], &["arn:aws:iam::1:x:role/a"], Maybe),
            ("ArnNotEquals", &["arn:aws:iam::1:role/a"], &["arn:aws:iam::1:role/b"], Yes),
            ("BinaryEquals", &["QmluYXJ5"], &["QmluYXJ5"], Yes),
            ("ForAllValues:StringEquals", &["a", "b"], &[], Yes),
            ("ForAllValues:StringEquals", &["a", "b"], &["a", "c"], No),
            ("ForAllValues:StringNotEquals", &["a"], &["b", "c"], Yes),
            ("ForAnyValue:StringEquals", &["a"], &[], No),
            ("ForAnyValue:StringEquals", &["a"], &["b", "a"], Yes),
            ("ForAnyValue:StringNotEquals", &["a"], &["a"], No),
            ("ForAnyValue:StringNotEquals", &["a"], &[], No),
            ("StringEquals", &["${aws:username}"], &["ann"], Maybe),
            ("StringLike", &["x-${aws:username}"], &["ann"], No),
            ("StringTwists", &["a"], &["a"], Maybe),
        ];
        for (operator, wanted, values, expected) in table {
            let values: Vec<SmolStr> = values.iter().map(SmolStr::new).collect();
            assert_eq!(test(operator, wanted).holds(&values), *expected, "{operator} {wanted:?} {values:?}");
        }
    }
}
