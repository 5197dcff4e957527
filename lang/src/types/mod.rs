//! Types, and which stand for which. Owns [`Ty`] and assignability; the rules of the refined types that the
//! language brings are [`builtin`]'s. Knows no expression.

pub mod builtin;

use std::fmt;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::schema::{KindSet, RecordSpec, SortSpec};
pub use builtin::Builtin;

/// A type.
#[derive(Debug, Clone)]
pub enum Ty {
    /// Of what has an error already: stands for every type, so that nothing follows from it.
    Error,
    /// Of no value: the element of an empty list.
    Never,
    /// `true`, `false`
    Bool,
    /// 64-bit signed, checked.
    Int,
    /// Text.
    String,
    /// Milliseconds.
    Duration,
    /// A share.
    Percent,
    /// Money.
    Usd,
    /// Bytes.
    Size,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// An IP block.
    Cidr,
    /// A reference to a secret; its value is never in the program.
    Secret,
    /// A type the language brings, narrower than its base.
    Builtin(Builtin),
    /// A type of the program with `matching` or `check`, narrower than its base.
    User(Arc<UserTy>),
    /// One of these strings.
    Enum(Arc<[SmolStr]>),
    /// A list.
    List(Arc<Ty>),
    /// A set of entities, ordered by address.
    Set(KindSet),
    /// A map.
    Map(Arc<(Ty, Ty)>),
    /// A closed record; its fields are sorted by name.
    Record(Arc<RecordTy>),
    /// A block of the schema, read as a value.
    Block(&'static RecordSpec),
    /// A block of one of several sorts, read as a value.
    Sort(&'static SortSpec),
    /// Policy conditions; they are written, and only printed.
    Conditions,
    /// Text, a truth value, a number, a quantity, a date, a time or a CIDR block; the type of a site, and of
    /// what is read back from one.
    Scalar,
    /// A whole number or a quantity of any unit; the type of a site only.
    Number,
    /// A reference to an entity of one of these kinds.
    Ref(KindSet),
    /// One reference, or a list or set of them; the type of a site only, never of a value.
    OneOrMany(KindSet),
    /// A value, or `none`.
    Optional(Arc<Ty>),
    /// A value that is known only after apply.
    Later(Arc<Ty>),
}

/// A refined type of a program.
#[derive(Debug)]
pub struct UserTy {
    /// Its name.
    pub name: SmolStr,
    /// Which it is among all of the program, for equality.
    pub id: u32,
    /// What it is narrower than.
    pub base: Ty,
    /// Where it is declared.
    pub span: crate::source::Span,
    /// The pattern that a value matches whole, with its text.
    pub matching: Option<(regex::Regex, SmolStr)>,
    /// Does it have a `check`? Its expression is in the program's table of types.
    pub has_check: bool,
}

/// A closed record type.
#[derive(Debug)]
pub struct RecordTy {
    /// Names and types, sorted by name.
    pub fields: Vec<RecordField>,
}

/// A field of a record type.
#[derive(Debug, Clone)]
pub struct RecordField {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Ty,
    /// What a literal that leaves it out gets; an index into the program's defaults.
    pub default: Option<u32>,
}

impl RecordTy {
    /// The place of a field.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.binary_search_by(|field| field.name.as_str().cmp(name)).ok()
    }
}

/// Parts that a type may have, written out: types are compared part by part.
pub const MOST_PARTS: u32 = 10_000;

/// How a value of one type gets to stand where another is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// As it is.
    Free,
    /// After a look at the value, when the program is expanded.
    Checked,
    /// Never.
    No,
}

impl Ty {
    /// `T?`, unless it is one already or stands for everything.
    #[must_use]
    pub fn optional(self) -> Self {
        match self {
            Self::Error | Self::Optional(_) => self,
            other => Self::Optional(Arc::new(other)),
        }
    }

    /// The type without its `?`.
    pub fn required(&self) -> &Self {
        match self {
            Self::Optional(inner) => inner,
            other => other,
        }
    }

    /// Is it `T?`?
    pub fn is_optional(&self) -> bool {
        matches!(self, Self::Optional(_))
    }

    /// A list of it.
    #[must_use]
    pub fn list(self) -> Self {
        Self::List(Arc::new(self))
    }

    /// A map.
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new((key, value)))
    }

    /// An enumeration of these.
    pub fn enumeration(values: &[&str]) -> Self {
        Self::Enum(values.iter().map(SmolStr::new).collect())
    }

    /// The base type under refinements and enumerations: what its values are made of.
    pub fn base(&self) -> &Self {
        match self {
            Self::Builtin(builtin) => builtin.base(),
            Self::User(user) => user.base.base(),
            Self::Enum(_) => &Self::String,
            other => other,
        }
    }

    /// Is it a refined type?
    pub fn is_refined(&self) -> bool {
        matches!(self, Self::Builtin(_) | Self::User(_))
    }

    /// The type itself, the same for two values of it.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            // What is shared is not gone through again: types may hold the same part many times.
            (Self::Record(a), Self::Record(b)) if Arc::ptr_eq(a, b) => true,
            (Self::Map(a), Self::Map(b)) if Arc::ptr_eq(a, b) => true,
            (Self::Builtin(a), Self::Builtin(b)) => a == b,
            (Self::User(a), Self::User(b)) => a.id == b.id,
            (Self::Enum(a), Self::Enum(b)) => a == b,
            (Self::List(a), Self::List(b))
            | (Self::Optional(a), Self::Optional(b))
            | (Self::Later(a), Self::Later(b)) => a.same(b),
            (Self::Set(a), Self::Set(b))
            | (Self::Ref(a), Self::Ref(b))
            | (Self::OneOrMany(a), Self::OneOrMany(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a.0.same(&b.0) && a.1.same(&b.1),
            (Self::Record(a), Self::Record(b)) => {
                a.fields.len() == b.fields.len()
                    && a.fields.iter().zip(&b.fields).all(|(a, b)| a.name == b.name && a.ty.same(&b.ty))
            }
            (Self::Block(a), Self::Block(b)) => std::ptr::eq(*a, *b),
            (Self::Sort(a), Self::Sort(b)) => std::ptr::eq(*a, *b),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }

    /// Has the type, written out, more than [`MOST_PARTS`] parts? Counts no further than that.
    pub fn is_too_large(&self) -> bool {
        let mut left = MOST_PARTS;
        !self.count(&mut left)
    }

    fn count(&self, left: &mut u32) -> bool {
        let Some(rest) = left.checked_sub(1) else { return false };
        *left = rest;
        match self {
            Self::List(inner) | Self::Optional(inner) | Self::Later(inner) => inner.count(left),
            Self::Map(both) => both.0.count(left) && both.1.count(left),
            Self::Record(record) => record.fields.iter().all(|field| field.ty.count(left)),
            Self::User(user) => user.base.count(left),
            _ => true,
        }
    }

    /// How a value of this type stands where `expected` is wanted.
    pub fn fits(&self, expected: &Self) -> Fit {
        use Fit::{Checked, Free, No};
        match (self, expected) {
            (Self::Error | Self::Never, _) | (_, Self::Error) => Free,
            (a, b) if a.same(b) => Free,
            (Self::Optional(a), Self::Optional(b)) => a.fits(b),
            (Self::Optional(_), _) => No,
            (a, Self::Optional(b)) => a.fits(b),
            (Self::Later(a), Self::Later(b)) => a.fits(b),
            (Self::Later(_), _) => No,
            (Self::Enum(a), Self::Enum(b)) => {
                if a.iter().all(|value| b.contains(value)) {
                    Free
                } else {
                    No
                }
            }
            (Self::User(a), Self::Builtin(_) | Self::User(_)) => a.base.fits_by_name(expected),
            (Self::Builtin(a), Self::Builtin(_) | Self::User(_)) => a.base().fits_by_name(expected),
            (Self::Builtin(_) | Self::User(_), Self::Enum(_)) => No,
            (a, Self::Builtin(_) | Self::User(_) | Self::Enum(_)) => {
                if a.base().same(expected.base()) {
                    Checked
                } else {
                    No
                }
            }
            (Self::Builtin(_) | Self::User(_) | Self::Enum(_), b) => self.base().fits(b),
            (a, Self::Scalar) if a.is_scalar() => Free,
            (a, Self::Number) if a.is_number() => Free,
            (Self::List(a), Self::List(b)) => a.fits(b),
            (Self::Set(a), Self::Set(b)) | (Self::Ref(a), Self::Ref(b) | Self::OneOrMany(b)) => a.subset(*b),
            (Self::Set(a), Self::OneOrMany(b)) => a.subset(*b),
            (Self::List(a), Self::OneOrMany(b)) => a.fits(&Self::Ref(*b)),
            (Self::Map(a), Self::Map(b)) => a.0.fits(&b.0).max(a.1.fits(&b.1)),
            (Self::Record(a), Self::Record(b)) => a.fits(b),
            _ => No,
        }
    }

    /// A refined type stands for another refined one only when that is what it is declared over.
    fn fits_by_name(&self, expected: &Self) -> Fit {
        if self.same(expected) { Fit::Free } else { Fit::No }
    }

    /// The narrowest type both stand for, if there is one.
    pub fn join(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Error, _) | (_, Self::Error) => Some(Self::Error),
            (Self::Optional(a), b) | (b, Self::Optional(a)) => a.join(b.required()).map(Self::optional),
            (a, b) if a.fits(b) == Fit::Free => Some(b.clone()),
            (a, b) if b.fits(a) == Fit::Free => Some(a.clone()),
            (Self::List(a), Self::List(b)) => a.join(b).map(Self::list),
            (Self::Map(a), Self::Map(b)) => Some(Self::map(a.0.join(&b.0)?, a.1.join(&b.1)?)),
            (Self::Ref(a), Self::Ref(b)) => Some(Self::Ref(a.union(*b))),
            (Self::Set(a), Self::Set(b)) => Some(Self::Set(a.union(*b))),
            (Self::Record(a), Self::Record(b)) => a.join(b).map(|r| Self::Record(Arc::new(r))),
            (Self::Later(a), Self::Later(b)) => a.join(b).map(|t| Self::Later(Arc::new(t))),
            (a, b) if a.base().same(b.base()) => Some(a.base().clone()),
            _ => None,
        }
    }

    /// May it be compared by `<` and given to `min` and `max`?
    pub fn is_ordered(&self) -> bool {
        matches!(
            self.base(),
            Self::Error
                | Self::Int
                | Self::Duration
                | Self::Percent
                | Self::Usd
                | Self::Size
                | Self::Date
                | Self::Time
        )
    }

    /// Is it a single plain value: what a policy condition or a deploy's parameter may be?
    pub fn is_scalar(&self) -> bool {
        matches!(self.base(), Self::Bool | Self::String | Self::Date | Self::Time | Self::Cidr | Self::Scalar)
            || self.is_number()
    }

    /// Is it a whole number or a quantity?
    pub fn is_number(&self) -> bool {
        matches!(self.base(), Self::Int | Self::Duration | Self::Percent | Self::Usd | Self::Size | Self::Number)
    }

    /// Does a `Later` stand anywhere in it?
    pub fn has_later(&self) -> bool {
        match self {
            Self::Later(_) => true,
            Self::List(inner) | Self::Optional(inner) => inner.has_later(),
            Self::Map(both) => both.0.has_later() || both.1.has_later(),
            Self::Record(record) => record.fields.iter().any(|field| field.ty.has_later()),
            _ => false,
        }
    }

    /// Does a `Secret` stand anywhere in it?
    pub fn has_secret(&self) -> bool {
        match self {
            Self::Secret => true,
            Self::List(inner) | Self::Optional(inner) | Self::Later(inner) => inner.has_secret(),
            Self::Map(both) => both.0.has_secret() || both.1.has_secret(),
            Self::Record(record) => record.fields.iter().any(|field| field.ty.has_secret()),
            _ => false,
        }
    }
}

impl RecordTy {
    fn fits(&self, expected: &Self) -> Fit {
        if self.fields.len() != expected.fields.len() {
            return Fit::No;
        }
        let pairs = self.fields.iter().zip(&expected.fields);
        pairs.map(|(a, b)| if a.name == b.name { a.ty.fits(&b.ty) } else { Fit::No }).max().unwrap_or(Fit::Free)
    }

    fn join(&self, other: &Self) -> Option<Self> {
        if self.fields.len() != other.fields.len() {
            return None;
        }
        let pairs = self.fields.iter().zip(&other.fields);
        let fields = pairs.map(|(a, b)| {
            let ty = if a.name == b.name { a.ty.join(&b.ty) } else { None }?;
            Some(RecordField { name: a.name.clone(), ty, default: None })
        });
        fields.collect::<Option<Vec<_>>>().map(|fields| Self { fields })
    }
}

impl KindSet {
    fn subset(self, other: Self) -> Fit {
        if self.is_subset(other) { Fit::Free } else { Fit::No }
    }
}

impl fmt::Display for Ty {
    /// As a program writes it, as far as it can be written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error => f.write_str("an erroneous value"),
            Self::Never => f.write_str("nothing"),
            Self::Bool => f.write_str("Bool"),
            Self::Int => f.write_str("Int"),
            Self::String => f.write_str("String"),
            Self::Duration => f.write_str("Duration"),
            Self::Percent => f.write_str("Percent"),
            Self::Usd => f.write_str("Usd"),
            Self::Size => f.write_str("Size"),
            Self::Date => f.write_str("Date"),
            Self::Time => f.write_str("Time"),
            Self::Cidr => f.write_str("Cidr"),
            Self::Secret => f.write_str("Secret"),
            Self::Conditions => f.write_str("conditions"),
            Self::Scalar => f.write_str("a string, number, quantity, date, time or Bool"),
            Self::Number => f.write_str("a number or quantity"),
            Self::Builtin(builtin) => f.write_str(builtin.name()),
            Self::User(user) => f.write_str(&user.name),
            Self::Enum(values) => {
                let values: Vec<String> = values.iter().map(|v| crate::value::quote(v)).collect();
                write!(f, "enum {{{}}}", values.join(", "))
            }
            Self::List(inner) => write!(f, "[{inner}]"),
            Self::Set(kinds) => write!(f, "Set<{kinds}>"),
            Self::Map(both) => write!(f, "{{{} => {}}}", both.0, both.1),
            Self::Record(record) => {
                let fields: Vec<String> =
                    record.fields.iter().map(|field| format!("{}: {}", field.name, field.ty)).collect();
                write!(f, "{{{}}}", fields.join(", "))
            }
            Self::Block(record) => write!(f, "block `{}`", record.name),
            Self::Sort(sort) => write!(f, "block `{}`", sort.name),
            Self::Ref(kinds) => write!(f, "Ref<{kinds}>"),
            Self::OneOrMany(kinds) => write!(f, "{kinds}, or a list of them"),
            Self::Optional(inner) => write!(f, "{inner}?"),
            Self::Later(inner) => write!(f, "Later<{inner}>"),
        }
    }
}
