//! The organization that the floor writes, and what all records have: a place in the program, loop variables. Knows
//! where things stand in `fleet.cell`, and nothing else of it.

use serde::Serialize;

/// How many components there are.
pub(crate) const COMPONENTS: u32 = 40;
/// How many permission sets.
pub(crate) const SETS: u32 = 8;
/// How many groups, and grants.
pub(crate) const GRANTS: u32 = 12;

pub(crate) const TEMPLATE: &str = "deploy/template.yaml";
pub(crate) const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
pub(crate) const ROLLOUT: &str = "rollout.steady";

/// A cell, as all records that name it need it.
pub(crate) struct Cell {
    pub(crate) n: u32,
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) account: String,
    pub(crate) kind: &'static str,
    pub(crate) region: &'static str,
    pub(crate) size: &'static str,
}

/// The cells in order.
pub(crate) struct Organization {
    pub(crate) cells: Vec<Cell>,
}

impl Organization {
    pub(crate) fn new(cells: u32) -> Self {
        const REGIONS: [&str; 6] =
            ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1", "ap-southeast-2"];
        const KINDS: [&str; 4] = ["alpha", "preprod", "prod", "prod"];
        const SIZES: [&str; 3] = ["small", "medium", "large"];
        let cell = |n: u32| {
            let name = format!("c{n:05}");
            Cell {
                n,
                address: format!("cell.{name}"),
                account: format!("cell.{name}.account_id"),
                name,
                kind: KINDS[n as usize % 4],
                region: REGIONS[n as usize % 6],
                size: SIZES[n as usize % 3],
            }
        };
        Self { cells: (1..=cells).map(cell).collect() }
    }
}

#[derive(Serialize)]
pub(crate) struct Place {
    file: &'static str,
    start: Position,
    end: Position,
    bindings: Bindings,
}

#[derive(Serialize)]
struct Position {
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Bindings {
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
}

impl Place {
    pub(crate) fn new(start: (u32, u32), end: (u32, u32), n: Option<u32>) -> Self {
        let position = |(line, column)| Position { line, column };
        Self { file: "main.cell", start: position(start), end: position(end), bindings: Bindings { n } }
    }

    pub(crate) fn org() -> Self {
        Self::new((3, 1), (8, 2), None)
    }

    pub(crate) fn unit() -> Self {
        Self::new((9, 1), (9, 12), None)
    }

    pub(crate) fn cell(n: u32) -> Self {
        Self::new((18, 3), (27, 4), Some(n))
    }

    pub(crate) fn endpoints(n: u32) -> Self {
        Self::new((23, 5), (26, 6), Some(n))
    }

    pub(crate) fn rollout() -> Self {
        Self::new((30, 1), (34, 2), None)
    }

    pub(crate) fn component(n: u32) -> Self {
        Self::new((37, 3), (49, 4), Some(n))
    }

    pub(crate) fn deploy(n: u32) -> Self {
        Self::new((39, 27), (39, 99), Some(n))
    }

    pub(crate) fn set(n: u32) -> Self {
        Self::new((53, 3), (57, 4), Some(n))
    }

    pub(crate) fn group(n: u32) -> Self {
        Self::new((59, 19), (59, 43), Some(n))
    }

    pub(crate) fn grant(n: u32) -> Self {
        Self::new((61, 3), (65, 4), Some(n))
    }
}

#[derive(Serialize)]
pub(crate) struct Tags {
    team: String,
    service: String,
    tier: &'static str,
}

impl Tags {
    pub(crate) fn new(n: u32) -> Self {
        let tier = if n.is_multiple_of(2) { "web" } else { "batch" };
        Self { team: format!("team{:02}", n % 8), service: format!("svc{n:02}"), tier }
    }
}

#[derive(Serialize)]
pub(crate) struct Bootstrap {
    aws: &'static str,
    gcp: &'static str,
}

impl Bootstrap {
    pub(crate) fn new() -> Self {
        Self { aws: "cell-bootstrap", gcp: "gcp-cell-bootstrap" }
    }
}
