//! A published registry in TypeScript. Owns nothing but the way it is written.

use super::shape::{ABOUT, BUDGET, BUDGET_FIELDS, CELL, CELLS, FIELDS, Field, REGISTRY, Type, enumerations};
use super::{FORMAT_VERSION, written_by};

/// The types, and the function that reads a document.
pub fn text() -> String {
    let mut out = written_by("//");
    for (name, values, doc) in enumerations() {
        let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
        out.push_str(&format!("\n/** {doc} */\nexport type {name} = {};\n", values.join(" | ")));
    }
    out.push_str(&interface("Budget", BUDGET, &BUDGET_FIELDS, ""));
    out.push_str(&interface("Cell", CELL, &FIELDS, ""));
    let cells = format!("  /** {CELLS} */\n  cells: Record<string, Cell>;\n");
    out.push_str(&interface("Registry", ABOUT, &REGISTRY, &cells));
    let major = FORMAT_VERSION.split('.').next().unwrap_or_default();
    out.push_str(&format!(
        r#"
/** Reads a published registry. Throws when the text is no JSON, or of another major version. */
export function parseRegistry(text: string): Registry {{
  const found = JSON.parse(text) as Registry;
  const version = String(found.format_version);
  if (version.split(".")[0] !== "{major}") {{
    throw new Error(`the registry has format ${{version}}, and this client reads {FORMAT_VERSION}`);
  }}
  return found;
}}
"#
    ));
    out
}

fn interface(name: &str, about: &str, fields: &[Field], more: &str) -> String {
    let mut out = format!("\n/** {about} */\nexport interface {name} {{\n");
    for Field { name, ty, always, doc } in fields {
        let maybe = if *always { "" } else { "?" };
        out.push_str(&format!("  /** {doc} */\n  {name}{maybe}: {};\n", of(*ty)));
    }
    format!("{out}{more}}}\n")
}

fn of(ty: Type) -> &'static str {
    match ty {
        Type::Text => "string",
        Type::Whole => "number",
        Type::Truth => "boolean",
        Type::One(name, _) => name,
        Type::Texts => "string[]",
        Type::Map => "Record<string, string>",
        Type::Budget => "Budget",
    }
}
