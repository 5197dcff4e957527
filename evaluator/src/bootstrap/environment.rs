//! What a make target is told of its cell: variables of the environment, and a document with all of it. Owns their names
//! and forms; where the document lies is said by whoever runs the target.
//!
//! The variables begin with `CELL`, since those that begin with `CELLC_` stand for flags of `cellc`: a target that runs
//! it must not hand it `--cloud gcp`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::steps::Step;
use crate::plan::later::{has_later, resolve};
use crate::registry::record::Record;

/// The format of the document.
const FORMAT_VERSION: &str = "1.0";
/// How the variable of a parameter begins.
pub const PARAMETER: &str = "CELL_PARAMETER_";
/// The variables of the cell that have a field of the published cell as their value.
const OF_FIELDS: [(&str, &str); 8] = [
    ("CELL_ACCOUNT_ID", "account_id"),
    ("CELL_CLOUD", "cloud"),
    ("CELL_KIND", "kind"),
    ("CELL_NAME", "name"),
    ("CELL_OWNER", "owner"),
    ("CELL_PROJECT", "project"),
    ("CELL_REGION", "region"),
    ("CELL_SIZE", "size"),
];
/// Every variable but those of parameters: one that does not apply is taken out of the environment.
pub const FIXED: [&str; 12] = [
    "CELL",
    "CELL_FILE",
    "CELL_COMPONENT",
    "CELL_VERSION",
    "CELL_ACCOUNT_ID",
    "CELL_CLOUD",
    "CELL_KIND",
    "CELL_NAME",
    "CELL_OWNER",
    "CELL_PROJECT",
    "CELL_REGION",
    "CELL_SIZE",
];

/// What a target is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The variables, without `CELL_FILE`, by name.
    pub variables: BTreeMap<String, String>,
    /// Variables that are left out, since several parameters come to one name.
    pub ambiguous: Vec<String>,
    /// The document.
    pub document: Json,
}

/// A component at a version.
#[derive(Debug, Clone, Copy)]
pub struct Versioned<'a> {
    /// The component.
    pub step: &'a Step,
    /// The commit.
    pub commit: &'a str,
}

/// What the target of a component is told of a cell that the record has. An error is the name of a parameter whose value
/// the record does not say yet.
pub fn told(record: &Record, address: &str, cell: &Json, versioned: Versioned<'_>) -> Result<Told, String> {
    let Versioned { step, commit } = versioned;
    let parameters = known(record, &step.parameters)?;
    let mut variables: BTreeMap<String, String> = OF_FIELDS
        .iter()
        .filter_map(|(name, field)| Some(((*name).to_owned(), cell.get(field)?.as_str()?.to_owned())))
        .collect();
    let said = [("CELL", address), ("CELL_COMPONENT", &step.component), ("CELL_VERSION", commit)];
    variables.extend(said.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut ambiguous = Vec::new();
    for (name, value) in &parameters {
        let name = variable(name);
        if variables.insert(name.clone(), plain(value)).is_some() {
            ambiguous.push(name);
        }
    }
    ambiguous.dedup();
    ambiguous.iter().for_each(|name| _ = variables.remove(name));
    let organization = record.organization.as_ref();
    let document = json!({
        "format_version": FORMAT_VERSION,
        "organization": organization.map(|found| &found.organization),
        "management_account": organization.map(|found| &found.management_account),
        "address": address,
        "cell": cell,
        "component": step.component,
        "version": commit,
        "parameters": parameters,
    });
    Ok(Told { variables, ambiguous, document })
}

/// The parameters with what the record says of cells filled in.
fn known(record: &Record, parameters: &Map<String, Json>) -> Result<Map<String, Json>, String> {
    let of_record = |place: &str| {
        let (address, field) = place.rsplit_once('.')?;
        let published = record.cells.get(address).and_then(|cell| cell.get(field)?.as_str().map(str::to_owned));
        let account = || record.resources.get(address).map(|entry| entry.id.clone()).filter(|id| !id.is_empty());
        published.or_else(|| (field == "account_id").then(account).flatten())
    };
    let mut all = Map::new();
    for (name, value) in parameters {
        let value = resolve(value, &of_record);
        if has_later(&value) {
            return Err(name.clone());
        }
        all.insert(name.clone(), value);
    }
    Ok(all)
}

/// `CELL_PARAMETER_MAX_SIZE` of `max-size`.
fn variable(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("{PARAMETER}{}", name.chars().map(plain).collect::<String>())
}

/// A value as a variable has it: text as it is, of a secret its place, anything else as in the document.
fn plain(value: &Json) -> String {
    let secret = value.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.get("secret"));
    match secret.unwrap_or(value) {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
