//! The entities of the organization, by address.

use serde::Serialize;

use crate::records::{
    Bootstrap, COMPONENTS, Cell, GRANTS, Organization, Place, READ_ONLY, ROLLOUT, SETS, TEMPLATE, Tags,
};

#[derive(Serialize)]
pub(crate) struct Entity {
    address: String,
    kind: &'static str,
    label: String,
    fields: Fields,
    span: Place,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Fields {
    Cell {
        kind: &'static str,
        cloud: &'static str,
        region: &'static str,
        email: String,
        ou: &'static str,
        name: String,
        owner: &'static str,
        size: &'static str,
        endpoints: Endpoints,
        state: &'static str,
        protect: bool,
        track: &'static str,
        zero: bool,
    },
    Component {
        repo: String,
        build: &'static str,
        bootstrap: Bootstrap,
        deploy: [Deploy; 1],
        parameters: Parameters,
        rollout: &'static str,
        tags: Tags,
    },
    Grant {
        to: String,
        can: String,
        on: Vec<String>,
    },
    Named {
        name: String,
    },
    Org {
        management_account: &'static str,
        identity_center: &'static str,
        home_region: &'static str,
        partition: &'static str,
        engine: &'static str,
        access_role: &'static str,
        parking: &'static str,
        accounts: PerCell,
    },
    Set {
        description: String,
        session: &'static str,
        managed: [&'static str; 1],
    },
    Rollout {
        on_alarm: &'static str,
        wave: [Wave; 3],
    },
}

#[derive(Serialize)]
struct Endpoints {
    api: String,
    web: String,
}

#[derive(Serialize)]
struct Deploy {
    sort: &'static str,
    template: &'static str,
    capabilities: [&'static str; 1],
    clouds: [&'static str; 1],
}

#[derive(Serialize)]
struct PerCell {
    per_cell: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Parameters {
    cell_name: PerCell,
    region: PerCell,
    size: PerCell,
    api: PerCell,
    replicas: PerCell,
}

#[derive(Serialize)]
struct Wave {
    label: &'static str,
    on: Vec<String>,
    bake: &'static str,
    parallel: u32,
    tolerate: u32,
    one_box: bool,
    approval: bool,
}

/// All of them.
pub(crate) fn all(organization: &Organization) -> Vec<Entity> {
    let mut all = vec![org(), named("ou", "cells".to_owned(), Place::unit()), rollout(organization)];
    all.extend(organization.cells.iter().map(cell));
    all.extend((1..=COMPONENTS).map(component));
    all.extend((1..=SETS).map(set));
    all.extend((1..=GRANTS).map(|n| named("group", format!("g{n:02}"), Place::group(n))));
    all.extend((1..=GRANTS).map(|n| grant(organization, n)));
    all.sort_by(|a, b| a.address.cmp(&b.address));
    all
}

fn entity(kind: &'static str, label: String, fields: Fields, span: Place) -> Entity {
    Entity { address: format!("{kind}.{label}"), kind, label, fields, span }
}

fn named(kind: &'static str, name: String, span: Place) -> Entity {
    entity(kind, name.clone(), Fields::Named { name }, span)
}

fn org() -> Entity {
    let fields = Fields::Org {
        management_account: "111111111111",
        identity_center: "arn:aws:sso:::instance/ssoins-0123456789abcdef",
        home_region: "us-east-1",
        partition: "aws",
        engine: "local",
        access_role: "OrganizationAccountAccessRole",
        parking: "cellc-parked",
        accounts: PerCell { per_cell: "accounts { email = \"aws+\\(.name)@acme.example\", ou = ou.cells }" },
    };
    entity("org", "acme".to_owned(), fields, Place::org())
}

fn cell(cell: &Cell) -> Entity {
    let name = &cell.name;
    let fields = Fields::Cell {
        kind: cell.kind,
        cloud: "aws",
        region: cell.region,
        email: format!("aws+{name}@acme.example"),
        ou: "ou.cells",
        name: name.clone(),
        owner: "group.g01",
        size: cell.size,
        endpoints: Endpoints { api: format!("api.{name}.acme.example"), web: format!("www.{name}.acme.example") },
        state: "active",
        protect: cell.kind == "prod",
        track: "released",
        zero: false,
    };
    entity("cell", name.clone(), fields, Place::cell(cell.n))
}

fn component(n: u32) -> Entity {
    let said = |per_cell| PerCell { per_cell };
    let fields = Fields::Component {
        repo: format!("acme/svc{n:02}"),
        build: "pipeline-build",
        bootstrap: Bootstrap::new(),
        deploy: [Deploy {
            sort: "cloudformation",
            template: TEMPLATE,
            capabilities: ["CAPABILITY_IAM"],
            clouds: ["aws"],
        }],
        parameters: Parameters {
            cell_name: said(".name"),
            region: said(".region"),
            size: said(".size"),
            api: said("\"https://api.\\(.name).acme.example/svc\\(pad(n, 2))\""),
            replicas: said("if .size == \"large\" then 8 else n"),
        },
        rollout: ROLLOUT,
        tags: Tags::new(n),
    };
    entity("component", format!("svc{n:02}"), fields, Place::component(n))
}

fn set(n: u32) -> Entity {
    let fields = Fields::Set { description: format!("Set {n}"), session: "PT4H", managed: [READ_ONLY] };
    entity("permission_set", format!("Set{n}"), fields, Place::set(n))
}

fn grant(organization: &Organization, n: u32) -> Entity {
    let fields = Fields::Grant {
        to: format!("group.g{n:02}"),
        can: format!("permission_set.Set{}", n % SETS + 1),
        on: organization.cells.iter().map(|cell| cell.address.clone()).collect(),
    };
    entity("grant", format!("grant{n:02}"), fields, Place::grant(n))
}

fn rollout(organization: &Organization) -> Entity {
    let wave = |label, kind, bake, parallel| {
        let on = organization.cells.iter().filter(|cell| cell.kind == kind).map(|cell| cell.address.clone());
        Wave { label, on: on.collect(), bake, parallel, tolerate: 0, one_box: false, approval: false }
    };
    let wave =
        [wave("early", "alpha", "PT1H", 1), wave("half", "preprod", "PT2H", 10), wave("all", "prod", "PT4H", 50)];
    entity("rollout", "steady".to_owned(), Fields::Rollout { on_alarm: "rollback", wave }, Place::rollout())
}
