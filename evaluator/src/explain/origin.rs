//! Which of the ways a field's value came: written in the entity, from defaults, from the organization's
//! `accounts`, or from the schema. Owns the question for one field; what the value was computed from is told by
//! [`super`].

use cell_lang::hir::{Field, FieldValue, Record, Setting, Slot};
use cell_lang::schema::{FieldSpec, Kind, Need};
use cell_lang::source::Span;
use smol_str::SmolStr;

use crate::value::EntityId;
use crate::world::World;

/// Where a field's value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Written in the entity.
    Own(Span),
    /// Written in the entity with `override`, in place of what defaults say.
    Override {
        /// The item in the entity.
        at: Span,
        /// The item in the defaults.
        replaces: Span,
    },
    /// Written in the defaults that the entity uses.
    Defaults {
        /// Their name.
        name: SmolStr,
        /// The item there.
        at: Span,
    },
    /// Taken from the organization's `accounts`.
    OrgAccounts {
        /// The organization.
        org: EntityId,
        /// The item there.
        at: Span,
    },
    /// The default of the schema.
    Schema,
    /// Computed by the schema, by this rule.
    Computed(&'static str),
    /// Nowhere: it is absent.
    Unset,
}

impl Origin {
    /// In one word, for JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Own(_) => "entity",
            Self::Override { .. } => "override",
            Self::Defaults { .. } => "defaults",
            Self::OrgAccounts { .. } => "org.accounts",
            Self::Schema => "schema",
            Self::Computed(_) => "computed",
            Self::Unset => "unset",
        }
    }
}

/// Where the value of a field came from.
pub fn origin(world: &World<'_>, id: EntityId, field: &'static FieldSpec) -> Origin {
    if let Some(setting) = world.setting(id, field.name) {
        return of_setting(setting);
    }
    if world.field(id, field.name).is_none() {
        return Origin::Unset;
    }
    if let Some(taken) = org_setting(world, id, field.name) {
        return Origin::OrgAccounts { org: taken.org, at: taken.setting.span };
    }
    match &field.need {
        Need::Computed(rule) => Origin::Computed(rule.describe()),
        Need::Default(_) => Origin::Schema,
        Need::Required | Need::Optional | Need::Empty => Origin::Unset,
    }
}

fn of_setting(setting: &Setting) -> Origin {
    match (&setting.from, setting.replaces) {
        (Some((name, _)), _) => Origin::Defaults { name: name.clone(), at: setting.span },
        (None, Some(replaces)) => Origin::Override { at: setting.span, replaces },
        (None, None) => Origin::Own(setting.span),
    }
}

/// What an account or a cell takes from the organization's `accounts`.
pub(super) struct Taken<'w> {
    /// The organization.
    pub(super) org: EntityId,
    /// The item there.
    pub(super) setting: &'w Setting,
    /// The slot in which it reads the one that takes.
    pub(super) taker: Option<Slot>,
}

/// What the organization's `accounts` say of a field that an account or a cell on AWS leaves open.
pub(super) fn org_setting<'w>(world: &'w World<'_>, id: EntityId, field: &str) -> Option<Taken<'w>> {
    let takes = match world.kind(id) {
        Kind::Account => true,
        Kind::Cell => world.field_is(id, "cloud", "aws"),
        _ => false,
    };
    let org = world.org().filter(|_| takes)?;
    let (taker, accounts) = in_accounts(&world.setting(org, "accounts")?.value)?;
    match accounts.fields.get(accounts.spec.position(field)?)? {
        Field::Set(setting) => Some(Taken { org, setting, taker }),
        Field::Unset => None,
    }
}

fn in_accounts(value: &FieldValue) -> Option<(Option<Slot>, &Record)> {
    match value {
        FieldValue::PerTarget(slot, inner) => in_accounts(inner).map(|(_, record)| (Some(*slot), record)),
        FieldValue::Block(record) => Some((None, record)),
        _ => None,
    }
}
