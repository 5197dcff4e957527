//! A published registry in Python. Owns nothing but the way it is written.

use super::shape::{ABOUT, BUDGET, BUDGET_FIELDS, CELL, CELLS, FIELDS, Field, REGISTRY, Type, enumerations};
use super::{FORMAT_VERSION, written_by};

/// The types, and the function that reads a document.
pub fn text() -> String {
    let mut out = written_by("#");
    out.push_str(&format!("\"\"\"{ABOUT}\"\"\"\n\nfrom __future__ import annotations\n\n"));
    out.push_str(
        "import json\nfrom dataclasses import dataclass, field, fields\nfrom typing import Any, Literal, Optional\n",
    );
    out.push('\n');
    for (name, values, doc) in enumerations() {
        let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
        out.push_str(&format!("# {doc}\n{name} = Literal[{}]\n", values.join(", ")));
    }
    out.push_str(HELPER);
    out.push_str(&record("Budget", BUDGET, &BUDGET_FIELDS, &[]));
    out.push_str(&record("Cell", CELL, &FIELDS, &[("budget", "Budget")]));
    out.push_str(&registry());
    let major = FORMAT_VERSION.split('.').next().unwrap_or_default();
    out.push_str(&format!(
        r#"

def parse(text: str) -> Registry:
    """Reads a published registry; ValueError when the text is none, or of another major version."""
    found = json.loads(text)
    if not isinstance(found, dict) or "format_version" not in found:
        raise ValueError("the text is no published registry: no JSON object with `format_version`")
    try:
        version = str(found["format_version"])
        if version.split(".")[0] != "{major}":
            raise ValueError(f"the registry has format {{version}}, and this client reads {FORMAT_VERSION}")
        return Registry.from_json(found)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"the text is no published registry: {{error!r}}") from error
"#
    ));
    out
}

/// What a later version adds is left out.
const HELPER: &str = r"

def _known(of: Any, found: dict[str, Any]) -> dict[str, Any]:
    names = {one.name for one in fields(of)}
    return {name: value for name, value in found.items() if name in names}
";

fn record(name: &str, about: &str, all: &[Field], nested: &[(&str, &str)]) -> String {
    let mut out = format!("\n\n@dataclass(frozen=True)\nclass {name}:\n    \"\"\"{about}\"\"\"\n\n");
    // A field with a value comes after those without one.
    let ordered = all.iter().filter(|field| field.always).chain(all.iter().filter(|field| !field.always));
    for Field { name, ty, always, doc } in ordered {
        let plain = of(*ty);
        let said = match (always, ty) {
            (true, _) => plain.to_owned(),
            (false, Type::Texts) => format!("{plain} = field(default_factory=list)"),
            (false, Type::Map) => format!("{plain} = field(default_factory=dict)"),
            (false, _) => format!("Optional[{plain}] = None"),
        };
        out.push_str(&format!("    {name}: {said}\n    \"\"\"{doc}\"\"\"\n"));
    }
    out.push_str(&format!(
        "\n    @classmethod\n    def from_json(cls, found: dict[str, Any]) -> {name}:\n        known = _known(cls, found)\n"
    ));
    for (field, class) in nested {
        out.push_str(&format!(
            "        if \"{field}\" in known:\n            known[\"{field}\"] = {class}.from_json(known[\"{field}\"])\n"
        ));
    }
    out.push_str("        return cls(**known)\n");
    out
}

fn registry() -> String {
    let mut out = format!("\n\n@dataclass(frozen=True)\nclass Registry:\n    \"\"\"{ABOUT}\"\"\"\n\n");
    for Field { name, ty, doc, .. } in &REGISTRY {
        out.push_str(&format!("    {name}: {}\n    \"\"\"{doc}\"\"\"\n", of(*ty)));
    }
    out.push_str(&format!("    cells: dict[str, Cell]\n    \"\"\"{CELLS}\"\"\"\n"));
    out.push_str(
        "\n    @classmethod\n    def from_json(cls, found: dict[str, Any]) -> Registry:\n        known = _known(cls, found)\n        \
         known[\"cells\"] = {address: Cell.from_json(cell) for address, cell in known[\"cells\"].items()}\n        \
         return cls(**known)\n",
    );
    out
}

fn of(ty: Type) -> &'static str {
    match ty {
        Type::Text => "str",
        Type::Whole => "int",
        Type::Truth => "bool",
        Type::One(name, _) => name,
        Type::Texts => "list[str]",
        Type::Map => "dict[str, str]",
        Type::Budget => "Budget",
    }
}
