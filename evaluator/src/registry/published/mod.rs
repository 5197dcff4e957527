//! The cells as other tools read them: the document that lies beside the record, and its types for clients.
//!
//! Owns the document's form ([`shape`] has it as data) and its version; where it lies is [`super::store`]'s. Changes
//! only when a cell does: the same record gives the same bytes.

pub mod python;
pub mod rust;
pub mod schema;
mod shape;
pub mod typescript;

use serde_json::{Map, Value as Json};

use super::record::Record;

/// The format this version writes. A new minor version adds fields; a client refuses another major one.
pub const FORMAT_VERSION: &str = "1.0";

/// The published document of a record, a cell a line; none when nothing was applied yet.
pub fn document(record: &Record) -> Option<String> {
    let found = record.organization.as_ref()?;
    let mut out = String::from("{\n");
    let head = [
        ("format_version", FORMAT_VERSION),
        ("organization", found.organization.as_str()),
        ("management_account", found.management_account.as_str()),
    ];
    for (name, value) in head {
        out.push_str(&format!("{}: {},\n", Json::from(name), Json::from(value)));
    }
    let cells: Vec<String> =
        record.cells.iter().map(|(address, cell)| format!("  {}: {cell}", Json::from(address.as_str()))).collect();
    let cells = if cells.is_empty() { "{}".to_owned() } else { format!("{{\n{}\n}}", cells.join(",\n")) };
    out.push_str(&format!("\"cells\": {cells}\n}}\n"));
    Some(out)
}

/// A line for the head of generated text.
fn written_by(comment: &str) -> String {
    format!(
        "{comment} Written by `cellc registry types` for format {FORMAT_VERSION} of published registries. Do not edit:\n\
         {comment} write it anew. A later 1.x adds fields and takes none away.\n"
    )
}

/// The JSON that a schema is made of, in the order in which it is written.
fn object(fields: Vec<(&str, Json)>) -> Json {
    Json::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
