//! A published registry in Rust. Owns nothing but the way it is written.

use super::shape::{ABOUT, BUDGET, BUDGET_FIELDS, CELL, CELLS, FIELDS, Field, REGISTRY, Type, enumerations};
use super::{FORMAT_VERSION, written_by};

/// The types, and the function that reads a document.
pub fn text() -> String {
    let mut out = written_by("//");
    out.push_str("// Needs `serde` with `derive`, and `serde_json`.\n\n");
    out.push_str("use std::collections::BTreeMap;\n\nuse serde::{Deserialize, Serialize};\n");
    for (name, values, doc) in enumerations() {
        out.push_str(&format!(
            "\n/// {doc}\n#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]\n\
             #[serde(rename_all = \"lowercase\")]\npub enum {name} {{\n"
        ));
        for value in values {
            out.push_str(&format!("    /// `{value}`\n    {},\n", capital(value)));
        }
        out.push_str("}\n");
    }
    out.push_str(&record("Budget", BUDGET, &BUDGET_FIELDS, ""));
    out.push_str(&record("Cell", CELL, &FIELDS, ""));
    let cells = format!("    /// {CELLS}\n    pub cells: BTreeMap<String, Cell>,\n");
    out.push_str(&record("Registry", ABOUT, &REGISTRY, &cells));
    let major = FORMAT_VERSION.split('.').next().unwrap_or_default();
    out.push_str(&format!(
        r#"
/// Reads a published registry.
///
/// # Errors
/// When the text is none, or of another major version.
pub fn parse(text: &str) -> Result<Registry, serde_json::Error> {{
    use serde::de::Error as _;
    let found: Registry = serde_json::from_str(text)?;
    if found.format_version.split('.').next() != Some("{major}") {{
        let message = format!("the registry has format {{}}, and this client reads {FORMAT_VERSION}", found.format_version);
        return Err(serde_json::Error::custom(message));
    }}
    Ok(found)
}}
"#
    ));
    out
}

fn record(name: &str, about: &str, fields: &[Field], more: &str) -> String {
    let mut out =
        format!("\n/// {about}\n#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]\npub struct {name} {{\n");
    for Field { name, ty, always, doc } in fields {
        let plain = of(*ty);
        let (attribute, ty) = match (always, ty.has_empty()) {
            (true, _) => ("", plain.to_owned()),
            (false, true) => ("    #[serde(default)]\n", plain.to_owned()),
            (false, false) => {
                ("    #[serde(default, skip_serializing_if = \"Option::is_none\")]\n", format!("Option<{plain}>"))
            }
        };
        out.push_str(&format!("    /// {doc}\n{attribute}    pub {name}: {ty},\n"));
    }
    format!("{out}{more}}}\n")
}

fn capital(value: &str) -> String {
    let mut letters = value.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn of(ty: Type) -> &'static str {
    match ty {
        Type::Text => "String",
        Type::Whole => "u64",
        Type::Truth => "bool",
        Type::One(name, _) => name,
        Type::Texts => "Vec<String>",
        Type::Map => "BTreeMap<String, String>",
        Type::Budget => "Budget",
    }
}
