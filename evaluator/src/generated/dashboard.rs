//! The view of all cells, and the alarms of cells that are not on AWS. Owns how alarms become graphs: one for each alarm and
//! region with a line for each cell, from the cells' own accounts.

use serde_json::{Map, Value as Json, json};

use super::ground::{Ground, Place};
use super::template::{Stack, Template};
use super::{Generation, cell, metrics, names};
use crate::limits;
use crate::resources::{ResourceKind, naming};
use crate::rules::fleet::{Cell, Cloud};
use crate::rules::read::Read as _;
use crate::value::{EntityId, Value};

/// The address of the stack.
pub const ADDRESS: &str = "stack.monitoring";
/// The width of a graph: half of a row, which has 24.
const WIDTH: usize = 12;
/// The height of a graph.
const HEIGHT: usize = 6;

/// The stack of monitoring, when there is something to see.
pub(super) fn stack(ground: &Ground<'_, '_>, out: &mut Generation) {
    let alarms = ground.alarms();
    let cells: Vec<Cell> = ground.cells().collect();
    if alarms.is_empty() || cells.is_empty() {
        return;
    }
    let place = match ground.monitoring(ADDRESS) {
        Ok(place) => place,
        Err(left) => return out.left_out.push(left),
    };
    let owners = ground.owners();
    let mut template = Template::new("The view of all cells".to_owned(), &owners);
    for (at, page) in pages(ground, &alarms, &cells, &template).into_iter().enumerate() {
        let suffix = if at == 0 { String::new() } else { format!("-{}", at + 1) };
        let properties = json!({ "DashboardName": format!("cellc{suffix}"), "DashboardBody": page });
        template.add(&format!("Dashboard{}", at + 1), "AWS::CloudWatch::Dashboard", properties);
    }
    foreign(ground, &cells, &mut template);
    let sources = alarms.iter().copied().chain(cells.iter().map(|cell| cell.id)).collect();
    out.stacks.push(template.finish(Stack {
        address: ADDRESS.to_owned(),
        name: "monitoring".to_owned(),
        account: place.owner,
        region: &place.region,
        after: Vec::new(),
        sources,
    }));
}

/// Alarms of cells that have no account of AWS, and the role by which bakes read them.
fn foreign(ground: &Ground<'_, '_>, cells: &[Cell], template: &mut Template) {
    let mut some = false;
    for one in cells.iter().filter(|cell| cell.cloud == Cloud::Gcp) {
        for resource in ground.of(one.id, ResourceKind::Alarm) {
            let Some(Value::Ref(alarm)) = resource.field("alarm") else { continue };
            let label = format!("{}/{}", naming::qualified(ground.world, *alarm), ground.label(one.id));
            let id = format!("Alarm{}", names::logical(&label));
            template.add(&id, "AWS::CloudWatch::Alarm", cell::alarm(ground, *alarm, one.id));
            some = true;
        }
    }
    if let (true, Ok(deployment)) = (some, ground.deployment(ADDRESS)) {
        cell::observer(&deployment, template);
    }
}

/// A graph that is made: its lines and the accounts that they name.
struct Graph {
    widget: Json,
    lines: usize,
    accounts: Map<String, Json>,
}

/// The bodies of the dashboards, as few as take all graphs.
fn pages(ground: &Ground<'_, '_>, alarms: &[EntityId], cells: &[Cell], template: &Template) -> Vec<Json> {
    let mut pages: Vec<(Vec<Graph>, usize)> = vec![(Vec::new(), 0)];
    for graph in alarms.iter().flat_map(|alarm| graphs(ground, *alarm, cells, template)) {
        let full = pages.last().is_none_or(|(_, lines)| lines + graph.lines > limits::DASHBOARD_METRICS.most);
        if full {
            pages.push((Vec::new(), 0));
        }
        if let Some((page, lines)) = pages.last_mut() {
            *lines += graph.lines;
            page.push(graph);
        }
    }
    pages.into_iter().map(|(graphs, _)| body(graphs)).collect()
}

fn body(graphs: Vec<Graph>) -> Json {
    let mut accounts = Map::new();
    let mut widgets = Vec::new();
    for (at, mut graph) in graphs.into_iter().enumerate() {
        accounts.append(&mut graph.accounts);
        graph.widget["x"] = json!(at % 2 * WIDTH);
        graph.widget["y"] = json!(at / 2 * HEIGHT);
        widgets.push(graph.widget);
    }
    let mut whole = json!({ "widgets": widgets });
    whole.sort_all_objects();
    if accounts.is_empty() { json!(whole.to_string()) } else { json!({ "Fn::Sub": [whole.to_string(), accounts] }) }
}

/// The graphs of an alarm: one for each region, or several where one does not take all cells.
fn graphs(ground: &Ground<'_, '_>, alarm: EntityId, cells: &[Cell], template: &Template) -> Vec<Graph> {
    let mut seen: Vec<(Place, EntityId)> =
        cells.iter().filter_map(|cell| Some((ground.alarms_of(*cell).ok()?, cell.id))).collect();
    // Regions by name; the cells of one stay in the order of their addresses.
    seen.sort_by(|(a, _), (b, _)| a.region.cmp(&b.region));
    let per_cell = if ground.world.block(alarm, "ratio").is_some() { 3 } else { 1 };
    let most = limits::GRAPH_METRICS.most / per_cell;
    let regions = seen.chunk_by(|(a, _), (b, _)| a.region == b.region);
    regions.flat_map(|region| region.chunks(most)).map(|part| graph(ground, alarm, part, template)).collect()
}

fn graph(ground: &Ground<'_, '_>, alarm: EntityId, cells: &[(Place, EntityId)], template: &Template) -> Graph {
    let world = ground.world;
    let region = cells.first().map(|(place, _)| place.region.as_str()).unwrap_or_default();
    let mut accounts = Map::new();
    let mut lines: Vec<Json> = Vec::new();
    for (at, (place, cell)) in cells.iter().enumerate() {
        let account = match &place.owner {
            super::Owner::Id(id) => id.clone(),
            of @ super::Owner::Of(address) => {
                let name = names::logical(address);
                accounts.insert(name.clone(), template.account(of));
                format!("${{{name}}}")
            }
        };
        lines.extend(own_lines(ground, alarm, *cell, at, &account));
    }
    let properties = json!({
        "title": format!("{} {region}", ground.label(alarm)),
        "view": "timeSeries", "region": region, "metrics": lines,
        "period": world.get(alarm, "period").and_then(Value::as_duration).unwrap_or(60_000) / 1000,
    });
    let widget = json!({ "type": "metric", "width": WIDTH, "height": HEIGHT, "properties": properties });
    Graph { lines: lines.len(), widget, accounts }
}

/// The lines of a cell: its metric, or the share of two that are not shown themselves.
fn own_lines(ground: &Ground<'_, '_>, alarm: EntityId, cell: EntityId, at: usize, account: &str) -> Vec<Json> {
    let world = ground.world;
    let namespace = world.text(alarm, "namespace").map(ToString::to_string).unwrap_or_default();
    let statistic = world.text(alarm, "statistic").map(ToString::to_string).unwrap_or_default();
    let label = ground.label(cell);
    let dimension = metrics::dimension(world);
    let line = |metric: &str, options: Json| json!([namespace, metric, dimension, world.name(cell), options]);
    let options = |id: String, visible: bool| json!({ "accountId": account, "stat": statistic, "id": id, "visible": visible, "label": label });
    let metric = |name: &str| world.text(alarm, name).map(ToString::to_string).unwrap_or_default();
    let Some(ratio) = world.block(alarm, "ratio") else {
        return vec![line(&metric("metric"), options(format!("m{at}"), true))];
    };
    let of = |name: &str| ratio.text(name).map(ToString::to_string).unwrap_or_default();
    vec![
        json!([{ "expression": format!("e{at} / r{at}"), "id": format!("s{at}"), "label": label }]),
        line(&of("errors"), options(format!("e{at}"), false)),
        line(&of("requests"), options(format!("r{at}"), false)),
    ]
}
