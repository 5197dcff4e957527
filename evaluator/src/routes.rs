//! Where routers send their keys, by the program: overrides, and tenants by their homes and moves. Owns the table, and how it is
//! told; nothing is routed here. What a router does with a key that stands in no line is its `map`'s affair, and said only.

use std::collections::{BTreeMap, BTreeSet};

use cell_lang::schema::Kind;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::emit;
use crate::rules::fleet::sound;
use crate::terminal::page::{Page, Tone};
use crate::terminal::{Look, address, visible};
use crate::words::counted;
use crate::world::World;

/// What a router sends where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Its address.
    pub router: String,
    /// What it looks at: `tenant_id`.
    pub key: String,
    /// `token-claim`, `dns`, `redirect`, `proxy`.
    pub mode: String,
    /// What it does with a key that stands in no line: `table`, `range`, `hash`.
    pub map: String,
    /// The cells that it sends to, by address.
    pub cells: Vec<Goal>,
    /// Where keys go, in their order.
    pub lines: Vec<Line>,
}

/// A cell that is sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Goal {
    /// Its address.
    pub cell: String,
    /// `active`, `draining`, `retired`.
    pub state: String,
    /// Its DNS names, by what answers there.
    pub endpoints: BTreeMap<String, String>,
}

/// Where a key goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The key.
    pub key: String,
    /// The cell.
    pub cell: String,
    /// `override` or `tenant`.
    pub by: &'static str,
    /// The cell that answers it too while it moves: where it comes from, or goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<String>,
    /// The phase of its move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// What a token of it carries; of a router by claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Json>,
}

/// The tables of all routers, by address.
pub fn tables(world: &World<'_>) -> Vec<Table> {
    let mut all: Vec<Table> =
        sound(world, Kind::Router).map(|id| table(world, world.address(id), &emit::entity_json(world, id))).collect();
    all.sort_by(|a, b| a.router.cmp(&b.router));
    all
}

fn text_of(fields: &Json, name: &str) -> String {
    fields.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn table(world: &World<'_>, router: &str, fields: &Json) -> Table {
    let on: BTreeSet<String> = fields
        .get("on")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .map(str::to_owned)
        .collect();
    let goals = sound(world, Kind::Cell).filter(|id| on.contains(world.address(*id)));
    let mut cells: Vec<Goal> = goals.map(|id| goal(world.address(id), &emit::entity_json(world, id))).collect();
    cells.sort_by(|a, b| a.cell.cmp(&b.cell));
    let (key, mode) = (text_of(fields, "key"), text_of(fields, "mode"));
    let mut lines: BTreeMap<String, Line> = tenants(world, &on).map(|line| (line.key.clone(), line)).collect();
    let overrides = fields.get("overrides").and_then(Json::as_object).into_iter().flatten();
    for (key, cell) in overrides {
        let cell = cell.as_str().unwrap_or_default().to_owned();
        let line = Line { key: key.clone(), cell, by: "override", also: None, phase: None, claims: None };
        lines.insert(key.clone(), line);
    }
    let mut lines: Vec<Line> = lines.into_values().collect();
    if mode == "token-claim" {
        for line in &mut lines {
            line.claims = Some(claims(&key, line, &cells));
        }
    }
    Table { router: router.to_owned(), key, mode, map: text_of(fields, "map"), cells, lines }
}

fn goal(cell: &str, fields: &Json) -> Goal {
    let names = fields.get("endpoints").and_then(Json::as_object).into_iter().flatten();
    let endpoints = names.filter_map(|(name, dns)| Some((name.clone(), dns.as_str()?.to_owned()))).collect();
    Goal { cell: cell.to_owned(), state: text_of(fields, "state"), endpoints }
}

/// The tenants at home in cells of a router. Until a move flips, its home answers; from then on the cell that it moves to.
fn tenants<'w>(world: &'w World<'_>, on: &'w BTreeSet<String>) -> impl Iterator<Item = Line> + 'w {
    sound(world, Kind::Tenant).filter_map(move |id| {
        let fields = emit::entity_json(world, id);
        let said = |name: &str| Some(text_of(&fields, name)).filter(|text| !text.is_empty());
        let (home, to, phase) = (text_of(&fields, "home"), said("moving_to"), said("phase"));
        let flipped = matches!(phase.as_deref(), Some("flip" | "redirect" | "forget"));
        let (cell, also) = match to {
            Some(to) if flipped => (to, Some(home)),
            to => (home, to),
        };
        let key = world.entity(id).label.to_string();
        on.contains(&cell).then_some(Line { key, cell, by: "tenant", also, phase, claims: None })
    })
}

/// What a token of a key carries: the key, the cell, and its names.
fn claims(key: &str, line: &Line, cells: &[Goal]) -> Json {
    let mut claims = Map::new();
    claims.insert(key.to_owned(), Json::from(line.key.as_str()));
    claims.insert("cell".to_owned(), Json::from(address::label(&line.cell)));
    if let Some(goal) = cells.iter().find(|goal| goal.cell == line.cell) {
        claims.insert("endpoints".to_owned(), json!(goal.endpoints));
    }
    Json::Object(claims)
}

/// The tables as one document.
pub fn document(tables: &[Table]) -> Json {
    json!({ "format_version": "1.0", "routers": tables })
}

/// The tables as people read them.
pub fn text(tables: &[Table], look: &Look) -> String {
    let mut page = Page::new(*look);
    if tables.is_empty() {
        page.plain(0, "the program has no router");
    }
    for (at, table) in tables.iter().enumerate() {
        if at > 0 {
            page.blank();
        }
        one(table, &mut page);
    }
    let mut out = String::new();
    // A string takes everything.
    let _ = page.write(&mut out);
    out
}

fn one(table: &Table, page: &mut Page) {
    let cells = counted(table.cells.len(), "cell");
    page.plain(
        0,
        &format!("{}: {cells} by {}, {}", visible::name(&table.router), visible::name(&table.key), way(&table.mode)),
    );
    let names = |cell: &str| {
        let goal = table.cells.iter().find(|goal| goal.cell == cell);
        let names = goal.map(|goal| goal.endpoints.iter().map(|(name, dns)| format!("{name} at {dns}")));
        let names: Vec<String> = names.into_iter().flatten().collect();
        if names.is_empty() { "no endpoint".to_owned() } else { names.join(", ") }
    };
    let mut rows: Vec<[String; 4]> = Vec::new();
    for line in &table.lines {
        let by = match (&line.phase, &line.also) {
            (Some(phase), Some(also)) => format!("{} ({phase}; {} too)", line.by, address::label(also)),
            (None, Some(also)) => format!("{} (to move to {})", line.by, address::label(also)),
            _ => line.by.to_owned(),
        };
        rows.push([visible::name(&line.key), address::label(&line.cell), by, names(&line.cell)]);
    }
    if !rows.is_empty() {
        let heads = ["KEY", "CELL", "BY", "ENDPOINTS"].map(str::to_owned);
        let widths = [0, 1, 2, 3].map(|at: usize| {
            rows.iter()
                .chain([&heads])
                .filter_map(|row| row.get(at))
                .map(|text| text.chars().count())
                .max()
                .unwrap_or(0)
        });
        let cells = |row: &[String; 4], tone: Option<Tone>| {
            row.iter().zip(widths).map(|(text, width)| (text.clone(), tone, width)).collect::<Vec<_>>()
        };
        page.cells(1, &cells(&heads, Some(Tone::Strong)));
        for row in &rows {
            page.cells(1, &cells(row, None));
        }
    }
    page.plain(1, &rest(table));
}

fn way(mode: &str) -> &'static str {
    match mode {
        "dns" => "as DNS names",
        "redirect" => "by redirects",
        "proxy" => "by a proxy in front",
        _ => "in claims of tokens",
    }
}

/// What becomes of a key that stands in no line.
fn rest(table: &Table) -> String {
    let takes = table.cells.iter().filter(|goal| goal.state == "active").count();
    let active = counted(takes, "active cell");
    match table.map.as_str() {
        "hash" => format!("any other key goes to one of {active} by its hash"),
        "range" => format!("any other key goes to one of {active} by its range"),
        _ => "no other key goes anywhere".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails so")]

    use super::*;
    use crate::rules::tests::expanded;

    const PROGRAM: &str = r#"
cell alpha { kind = "alpha", region = "us-west-2", account_id = "222222222222", endpoints { api = "api.alpha.acme.example" } }
cell beta { kind = "alpha", region = "us-west-2", account_id = "333333333333", endpoints { api = "api.beta.acme.example", web = "beta.acme.example" } }
cell gamma { kind = "alpha", region = "us-west-2", account_id = "444444444444", state = "draining" }
router token { key = "tenant_id", on = [cell.alpha, cell.beta], overrides { globex = cell.beta } }
router front { key = "shop", mode = "proxy", map = "hash", on = cells }
tenant globex { home = cell.alpha }
tenant hooli { home = cell.alpha, moving_to = cell.beta, phase = "clone" }
tenant initech { home = cell.alpha, moving_to = cell.beta, phase = "redirect" }
tenant umbrella { home = cell.gamma }
"#;

    fn read() -> Vec<Table> {
        expanded(PROGRAM, tables)
    }

    #[test]
    fn keys_go_by_override_by_home_and_by_how_far_a_move_is() {
        let all = read();
        let lines = |at: usize| {
            let line = |line: &Line| format!("{} {} {}", line.key, line.cell, line.by);
            all[at].lines.iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(all[1].router, "router.token");
        assert_eq!(lines(1), ["globex cell.beta override", "hooli cell.alpha tenant", "initech cell.beta tenant"]);
        assert_eq!(
            lines(0),
            [
                "globex cell.alpha tenant",
                "hooli cell.alpha tenant",
                "initech cell.beta tenant",
                "umbrella cell.gamma tenant"
            ]
        );
        let claims = all[1].lines[0].claims.clone().unwrap();
        let endpoints = json!({"api": "api.beta.acme.example", "web": "beta.acme.example"});
        assert_eq!(claims, json!({"tenant_id": "globex", "cell": "beta", "endpoints": endpoints}));
        assert_eq!(all[0].lines[0].claims, None, "a proxy needs no claims");
    }

    #[test]
    fn as_people_read_it() {
        insta::assert_snapshot!(text(&read(), &Look { verbose: true, width: 120, color: false }));
    }
}
