//! DNS names of a cell. Owns when a record is made: when the cell says its zone. What a name leads to is made by the component
//! that serves it, so it stands in the Parameter Store of the cell.

use serde_json::json;

use crate::generated::LeftOut;
use crate::generated::ground::Ground;
use crate::generated::names;
use crate::generated::template::Template;
use crate::resources::ResourceKind;
use crate::rules::fleet::Cell;
use crate::value::{EntityId, Value};

/// The seconds for which a name is remembered: a tenant that moves is not kept waiting.
const TTL: &str = "60";

/// Adds the cell's DNS names.
pub(super) fn add(ground: &Ground<'_, '_>, cell: Cell, template: &mut Template, left: &mut Vec<LeftOut>) {
    let zone = label(ground, cell.id, "zone");
    for resource in ground.of(cell.id, ResourceKind::Endpoint) {
        let text = |field: &str| resource.field(field).and_then(Value::as_str).unwrap_or_default();
        let Some(zone) = &zone else {
            left.push(LeftOut {
                address: resource.address.to_string(),
                span: Some(ground.world.setting_span(cell.id, "endpoints")),
                why: "the cell says no zone".to_owned(),
                help: "say the id of the hosted zone in the cell's account: `labels { zone = \"Z0123456789ABC\" }`"
                    .to_owned(),
                refused: false,
            });
            continue;
        };
        let id = names::logical(text("endpoint"));
        let about = format!("What {} leads to", text("name"));
        let target = template.stored(
            &format!("Target{id}"),
            "String",
            &format!("/cellc/endpoints/{}", text("endpoint")),
            &about,
        );
        let properties = json!({
            "HostedZoneId": zone, "Name": text("name"), "Type": "CNAME", "TTL": TTL, "ResourceRecords": [target],
        });
        template.add(&format!("Record{id}"), "AWS::Route53::RecordSet", properties);
    }
}

/// The text of one of a cell's labels.
pub(super) fn label(ground: &Ground<'_, '_>, cell: EntityId, name: &str) -> Option<String> {
    let labels = ground.world.field(cell, "labels")?.as_map()?;
    labels.get(&Value::Str(name.into()))?.as_str().map(str::to_owned)
}
