//! A parked account that is being given to a cell. Owns what the record has of it until all of that is done, so that it is parked as
//! it was, or given to another cell, when the run dies and the program says something else then.

use serde_json::{Value as Json, json};

use super::record::{Entry, Parked};

/// The field of an account that has it: the record's alone.
pub const GIVEN: &str = "given";

/// What a parked account was that is being given to a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given<'e> {
    /// The address that it had before it was parked.
    pub from: &'e str,
    /// Its name as it was parked.
    pub name: &'e str,
    /// The address that it was first given to: it may be marked as that.
    pub to: &'e str,
}

impl<'e> Given<'e> {
    /// Of an entry of the record; none of one that was not parked, or that has all that it was to get.
    pub fn of(entry: &'e Entry) -> Option<Self> {
        let given = entry.fields.get(GIVEN).filter(|_| entry.kind == "account")?;
        let text = |name: &str| given.get(name)?.as_str();
        let (from, name, to) = (text("from")?, text("name")?, text("to")?);
        // An account's address has no parts.
        (!from.is_empty() && !from.contains('/')).then_some(Self { from, name, to })
    }

    /// The field of one that is about to be given to an address.
    pub fn field(parked: &Parked, to: &str) -> Json {
        json!({ "from": parked.from, "name": parked.name, "to": to })
    }
}
