//! The form of a published registry as JSON Schema. Owns nothing but the way it is written.

use serde_json::{Value as Json, json};

use super::object;
use super::shape::{ABOUT, BUDGET, BUDGET_FIELDS, CELL, CELLS, FIELDS, Field, REGISTRY, Type};

/// The schema.
pub fn text() -> String {
    let mut registry = record(ABOUT, &REGISTRY);
    registry["properties"]["cells"] = object(vec![
        ("description", CELLS.into()),
        ("type", "object".into()),
        ("additionalProperties", reference("cell")),
    ]);
    if let Some(required) = registry["required"].as_array_mut() {
        required.push("cells".into());
    }
    registry["properties"]["format_version"]["pattern"] = "^1\\.".into();
    registry["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    registry["title"] = "A published registry of cellc".into();
    registry["$defs"] = object(vec![("cell", record(CELL, &FIELDS)), ("budget", record(BUDGET, &BUDGET_FIELDS))]);
    format!("{registry:#}\n")
}

/// An object that may have more fields: a later version adds some.
fn record(about: &str, fields: &[Field]) -> Json {
    let property = |field: &Field| {
        let mut property = of(field.ty);
        property["description"] = field.doc.into();
        (field.name, property)
    };
    let required: Vec<&str> = fields.iter().filter(|field| field.always).map(|field| field.name).collect();
    object(vec![
        ("description", about.into()),
        ("type", "object".into()),
        ("required", required.into()),
        ("properties", object(fields.iter().map(property).collect())),
    ])
}

fn of(ty: Type) -> Json {
    match ty {
        Type::Text => json!({ "type": "string" }),
        Type::Whole => json!({ "type": "integer", "minimum": 0 }),
        Type::Truth => json!({ "type": "boolean" }),
        Type::One(_, values) => json!({ "enum": values }),
        Type::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Type::Map => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Type::Budget => reference("budget"),
    }
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{name}") })
}
