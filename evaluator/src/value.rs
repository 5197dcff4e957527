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
    Map(Arc<IndexMap<Value, Value>>),
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
#[derive(Debug)]
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
