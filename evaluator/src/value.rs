//! What an expression comes to. Owns equality and order of values; printing is `emit`'s.

use std::sync::Arc;

use cell_lang::hir;
use cell_lang::schema::RecordSpec;
use cell_lang::source::Span;
use cell_lang::value::{Cidr, Decimal, Lit};
use indexmap::IndexMap;
use smol_str::SmolStr;

/// An entity of the expansion: an index into [`crate::world::World`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId(pub u32);

/// A map, in source order. Small ones are made by the hundred thousand, one for each component in each cell: the hash
/// of the standard library takes as long as all else in them.
pub type Map = IndexMap<Value, Value, foldhash::fast::RandomState>;

/// A value. Cloning one is cheap: whatever is large is shared.
#[derive(Debug, Clone)]
pub enum Value {
    /// `none`
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text.
    Str(SmolStr),
    /// Milliseconds.
    Duration(i64),
    /// Per cent.
    Percent(Decimal),
    /// US dollars.
    Usd(Decimal),
    /// Bytes.
    Size(i64),
    /// A day.
    Date(jiff::civil::Date),
    /// Minutes after midnight.
    Time(u16),
    /// An IP block.
    Cidr(Cidr),
    /// The place of a secret: `store:path`.
    Secret(SmolStr),
    /// An entity.
    Ref(EntityId),
    /// A list.
    List(Arc<[Value]>),
    /// Both ends included; empty when the first is greater.
    Range(i64, i64),
    /// Entities, by address, each once.
    Set(Arc<[EntityId]>),
    /// A map, in source order.
    Map(Arc<Map>),
    /// A record: its values sorted by field name.
    Record(Arc<RecordValue>),
    /// A block of the schema.
    Block(Arc<BlockValue>),
    /// Policy conditions.
    Conditions(Arc<[ConditionValue]>),
    /// Known only after apply.
    Later(Arc<Later>),
    /// Computed once for each cell or account.
    PerTarget(Arc<hir::Setting>),
}

/// A record.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct RecordValue {
    /// Names, sorted.
    pub names: Arc<[SmolStr]>,
    /// Values, in the order of the names.
    pub values: Vec<Value>,
}

/// A block of the schema as a value.
#[derive(Debug)]
pub struct BlockValue {
    /// The schema; for a sort, its name is the tag.
    pub spec: &'static RecordSpec,
    /// The label of a block that repeats by label.
    pub label: Option<SmolStr>,
    /// The `##` comment above.
    pub doc: SmolStr,
    /// Where it stands.
    pub span: Span,
    /// Values, in the order of the schema; what is absent is [`Value::None`].
    pub fields: Vec<Value>,
}

impl BlockValue {
    /// The value of a field; none for one the schema lacks.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.spec.position(name).and_then(|at| self.fields.get(at))
    }
}

/// A policy condition.
#[derive(Debug, PartialEq, Eq)]
pub struct ConditionValue {
    /// The IAM operator with its qualifiers.
    pub operator: SmolStr,
    /// The condition key.
    pub key: SmolStr,
    /// The values; at least one.
    pub values: Vec<Value>,
    /// Where it stands.
    pub span: Span,
}

/// A value that is known only after apply.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Later {
    /// A field of an entity.
    Field(EntityId, &'static str),
    /// Text with such in it.
    Text(Vec<LaterPiece>),
}

/// A piece of a text that is known only after apply.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LaterPiece {
    /// Known already.
    Text(SmolStr),
    /// A field of an entity.
    Field(EntityId, &'static str),
}

impl Value {
    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    /// The number of a whole number.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    /// The truth of a truth value.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(*truth) } else { None }
    }

    /// The milliseconds of a duration.
    pub fn as_duration(&self) -> Option<i64> {
        if let Self::Duration(ms) = self { Some(*ms) } else { None }
    }

    /// The entity of a reference.
    pub fn as_ref(&self) -> Option<EntityId> {
        if let Self::Ref(id) = self { Some(*id) } else { None }
    }

    /// The block.
    pub fn as_block(&self) -> Option<&BlockValue> {
        if let Self::Block(block) = self { Some(block) } else { None }
    }

    /// The map.
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The elements of a list; none of anything else. A range is not one: see [`Self::items`].
    pub fn elements(&self) -> &[Self] {
        if let Self::List(list) = self { list } else { &[] }
    }

    /// The entities that a reference, a set, or a list of references holds, in its order.
    pub fn refs(&self) -> Vec<EntityId> {
        match self {
            Self::Ref(id) => vec![*id],
            Self::Set(set) => set.to_vec(),
            Self::List(list) => list.iter().filter_map(Self::as_ref).collect(),
            _ => Vec::new(),
        }
    }

    /// Is it `none`?
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The elements of a list or a range, in order; nothing of anything else.
    pub fn items(&self) -> impl Iterator<Item = Self> + '_ {
        let (first, last) = if let Self::Range(first, last) = self { (*first, *last) } else { (1, 0) };
        self.elements().iter().cloned().chain((first..=last).map(Self::Int))
    }

    /// The literal it is, if it is a plain value.
    pub fn to_lit(&self) -> Option<Lit> {
        Some(match self {
            Self::Bool(value) => Lit::Bool(*value),
            Self::Int(value) => Lit::Int(*value),
            Self::Str(value) => Lit::Str(value.clone()),
            Self::Duration(value) => Lit::Duration(*value),
            Self::Percent(value) => Lit::Percent(*value),
            Self::Usd(value) => Lit::Usd(*value),
            Self::Size(value) => Lit::Size(*value),
            Self::Date(value) => Lit::Date(*value),
            Self::Time(value) => Lit::Time(*value),
            Self::Cidr(value) => Lit::Cidr(*value),
            _ => return None,
        })
    }
}

/// How many numbers a range holds.
pub(crate) fn range_len(first: i64, last: i64) -> u64 {
    if first > last { 0 } else { last.abs_diff(first).saturating_add(1) }
}

// Equality is the language's: a range equals the list of its numbers, a block of a sort equals its tag, two blocks
// are equal when their values are. A block and a string never stand in one collection, since their types differ:
// that equality is not transitive through them is never met.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Str(a), Self::Str(b)) | (Self::Secret(a), Self::Secret(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) | (Self::Size(a), Self::Size(b)) => a == b,
            (Self::Percent(a), Self::Percent(b)) | (Self::Usd(a), Self::Usd(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::Cidr(a), Self::Cidr(b)) => a == b,
            (Self::Ref(a), Self::Ref(b)) => a == b,
            (Self::List(a), Self::List(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Range(a, b), Self::Range(c, d)) => (a, b) == (c, d) || (a > b && c > d),
            (Self::Range(first, last), Self::List(list)) | (Self::List(list), Self::Range(first, last)) => {
                list.len() as u64 == range_len(*first, *last)
                    && list.iter().zip(*first..=*last).all(|(value, number)| value.as_int() == Some(number))
            }
            (Self::Set(a), Self::Set(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Record(a), Self::Record(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Block(a), Self::Block(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Block(block), Self::Str(text)) | (Self::Str(text), Self::Block(block)) => block.spec.name == text,
            (Self::Conditions(a), Self::Conditions(b)) => a == b,
            (Self::Later(a), Self::Later(b)) => a == b,
            (Self::PerTarget(a), Self::PerTarget(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Value {}

impl std::hash::Hash for Value {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::None => 0_u8.hash(state),
            Self::Bool(value) => value.hash(state),
            Self::Int(value) | Self::Duration(value) | Self::Size(value) => value.hash(state),
            Self::Str(value) | Self::Secret(value) => value.as_str().hash(state),
            Self::Percent(value) | Self::Usd(value) => value.hash(state),
            Self::Date(value) => value.hash(state),
            Self::Time(value) => value.hash(state),
            Self::Cidr(value) => value.hash(state),
            Self::Ref(value) => value.hash(state),
            // Of a list only as much as of a range can be told without walking it.
            Self::List(list) => {
                (list.len() as u64).hash(state);
                list.first().hash(state);
                list.last().hash(state);
            }
            Self::Range(first, last) => {
                let len = range_len(*first, *last);
                len.hash(state);
                (len > 0).then_some(Self::Int(*first)).hash(state);
                (len > 0).then_some(Self::Int(*last)).hash(state);
            }
            Self::Set(set) => set.hash(state),
            Self::Map(map) => map.len().hash(state),
            Self::Record(record) => record.hash(state),
            Self::Block(block) => block.spec.name.hash(state),
            Self::Conditions(conditions) => conditions.len().hash(state),
            Self::Later(later) => later.hash(state),
            Self::PerTarget(setting) => setting.span.hash(state),
        }
    }
}

impl PartialEq for BlockValue {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.spec, other.spec) && self.label == other.label && self.fields == other.fields
    }
}

impl Eq for BlockValue {}

impl From<&Lit> for Value {
    fn from(lit: &Lit) -> Self {
        match lit {
            Lit::Bool(value) => Self::Bool(*value),
            Lit::Int(value) => Self::Int(*value),
            Lit::Str(value) => Self::Str(value.clone()),
            Lit::Duration(value) => Self::Duration(*value),
            Lit::Percent(value) => Self::Percent(*value),
            Lit::Usd(value) => Self::Usd(*value),
            Lit::Size(value) => Self::Size(*value),
            Lit::Date(value) => Self::Date(*value),
            Lit::Time(value) => Self::Time(*value),
            Lit::Cidr(value) => Self::Cidr(*value),
        }
    }
}
