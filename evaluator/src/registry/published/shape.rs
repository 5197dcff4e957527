//! The form of a published cell as data, from which every language is written. Owns names, types and meanings; a test
//! holds them to the fields that a cell has.

/// A field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) ty: Type,
    /// Is it always there? What is a list or map and is not there is empty.
    pub(super) always: bool,
    /// What it means, in a sentence.
    pub(super) doc: &'static str,
}

/// A type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Whole,
    Truth,
    /// One of these, in an enumeration of this name.
    One(&'static str, &'static [&'static str]),
    Texts,
    Map,
    Budget,
}

impl Type {
    /// Is it empty when it is not there?
    pub(super) fn has_empty(self) -> bool {
        matches!(self, Self::Texts | Self::Map)
    }
}

const fn always(name: &'static str, ty: Type, doc: &'static str) -> Field {
    Field { name, ty, always: true, doc }
}

const fn maybe(name: &'static str, ty: Type, doc: &'static str) -> Field {
    Field { name, ty, always: false, doc }
}

/// What the document holds besides its cells.
pub(super) const REGISTRY: [Field; 3] = [
    always("format_version", Type::Text, "The format: a client of another major version refuses it."),
    always("organization", Type::Text, "The organization's id: `o-…`."),
    always("management_account", Type::Text, "The account that manages it: twelve digits."),
];

/// What `cells` is.
pub(super) const CELLS: &str = "Every cell, by its address: `cell.east`.";
/// What the document is.
pub(super) const ABOUT: &str = "The cells of an organization as `cellc registry publish` writes them.";
/// What a cell is.
pub(super) const CELL: &str = "A cell: an account or project with everything that runs in it.";
/// What a budget is.
pub(super) const BUDGET: &str = "What a cell may cost, and who is told.";

/// The fields of a cell.
pub(super) const FIELDS: [Field; 21] = [
    always("kind", Type::One("Kind", &["dev", "alpha", "staging", "preprod", "prod"]), "What the cell is for."),
    always("cloud", Type::One("Cloud", &["aws", "gcp"]), "Where it lies."),
    always("region", Type::Text, "The region, as its cloud writes it: `us-east-1`, `us-east1`."),
    maybe(
        "account_id",
        Type::Text,
        "The AWS account: twelve digits. Not there on Google Cloud, or before it is made.",
    ),
    maybe("email", Type::Text, "The e-mail of the AWS account."),
    maybe("ou", Type::Text, "The address of the organizational unit: `ou.prod`."),
    always("name", Type::Text, "The account's name."),
    maybe("project", Type::Text, "The project on Google Cloud."),
    maybe("owner", Type::Text, "The address of the group or user who owns it: `group.payments`."),
    always("size", Type::Text, "How large it is, in the program's own words."),
    maybe("capacity", Type::Whole, "How much it takes, in the program's own units."),
    maybe("labels", Type::Map, "The program's own labels."),
    maybe("endpoints", Type::Map, "DNS names, by what answers there."),
    always("state", Type::One("State", &["active", "draining", "retired"]), "May it take new work?"),
    maybe("expires", Type::Text, "The last day it is wanted: `2026-12-31`."),
    always("protect", Type::Truth, "Is its removal refused without being said?"),
    maybe("budget", Type::Budget, "What it may cost."),
    maybe("scps", Type::Texts, "Addresses of the service control policies attached to its account."),
    always("track", Type::One("Track", &["released", "latest"]), "Which version a cell in no wave has."),
    always("zero", Type::Truth, "Is it the stack that was there before there were cells?"),
    maybe("tags", Type::Map, "Tags of its account."),
];

/// The fields of a budget.
pub(super) const BUDGET_FIELDS: [Field; 3] = [
    always("monthly", Type::Text, "US dollars a month, as a decimal number: `5000`, `99.50`."),
    maybe("alert_at", Type::Texts, "Shares at which somebody is told: `80%`."),
    maybe("notify", Type::Texts, "Who is told: e-mail addresses, ARNs of SNS topics."),
];

/// Enumerations, in the order in which fields have them.
pub(super) fn enumerations() -> Vec<(&'static str, &'static [&'static str], &'static str)> {
    let all = FIELDS.iter().filter_map(|field| match field.ty {
        Type::One(name, values) => Some((name, values, field.doc)),
        _ => None,
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cell_lang::schema::{Kind, Need, Shape};
    use cell_lang::types::Ty;

    use super::*;

    #[test]
    fn every_field_of_a_cell_is_published_as_it_is() {
        let spec = Kind::Cell.spec();
        let ours: BTreeSet<&str> = FIELDS.iter().map(|field| field.name).collect();
        let theirs: BTreeSet<&str> = spec.fields.iter().map(|field| field.name).collect();
        assert_eq!(ours, theirs);
        for (field, theirs) in FIELDS
            .iter()
            .filter_map(|field| Some((field, spec.fields.iter().find(|other| other.name == field.name)?)))
        {
            let always = matches!(theirs.need, Need::Required | Need::Default(_) | Need::Computed(_));
            assert_eq!(field.always, always, "{}", field.name);
            if let Type::One(_, values) = field.ty {
                assert!(
                    matches!(&theirs.shape, Shape::Value(Ty::Enum(all)) if all.iter().eq(values)),
                    "{}",
                    field.name
                );
            }
        }
    }
}
