//! The resources of the organization, by address.

use serde::Serialize;

use crate::records::{
    Bootstrap, COMPONENTS, Cell, GRANTS, Organization, Place, READ_ONLY, ROLLOUT, SETS, TEMPLATE, Tags,
};

#[derive(Serialize)]
pub(crate) struct Resource {
    address: String,
    kind: &'static str,
    fields: Fields,
    sources: [Source; 1],
}

#[derive(Serialize)]
struct Source {
    address: String,
    span: Place,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Fields {
    Deployment {
        component: String,
        cell: String,
        sort: &'static str,
        account: Later,
        region: &'static str,
        stack: String,
        template: &'static str,
        capabilities: [&'static str; 1],
        rollout: &'static str,
        wave: &'static str,
        parameters: Parameters,
        tags: Tags,
    },
    Assignment {
        permission_set: String,
        principal: String,
        target: String,
        account: Later,
    },
    Account {
        email: String,
        name: String,
        ou: &'static str,
        protect: bool,
    },
    Endpoint {
        cell: String,
        endpoint: &'static str,
        name: String,
    },
    Ou {
        name: &'static str,
    },
    Set {
        name: String,
        description: String,
        session: &'static str,
        managed: [&'static str; 1],
    },
    Pipeline {
        component: String,
        name: String,
        repo: String,
        build: &'static str,
        bootstrap: Bootstrap,
        rollout: &'static str,
        tags: Tags,
    },
}

#[derive(Serialize)]
struct Later {
    later: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Parameters {
    cell_name: String,
    region: &'static str,
    size: &'static str,
    api: String,
    replicas: u32,
}

/// All of them.
pub(crate) fn all(organization: &Organization) -> Vec<Resource> {
    let cells = &organization.cells;
    let mut all = vec![unit()];
    all.extend((1..=SETS).map(set));
    all.extend((1..=COMPONENTS).map(pipeline));
    for cell in cells {
        all.extend([account(cell), endpoint("api", "api", cell), endpoint("web", "www", cell)]);
    }
    all.extend((1..=GRANTS).flat_map(|n| cells.iter().map(move |cell| assignment(n, cell))));
    all.extend((1..=COMPONENTS).flat_map(|n| cells.iter().map(move |cell| deployment(n, cell))));
    all.sort_by(|a, b| a.address.cmp(&b.address));
    all
}

fn resource(kind: &'static str, address: String, fields: Fields, source: String, span: Place) -> Resource {
    Resource { address, kind, fields, sources: [Source { address: source, span }] }
}

fn unit() -> Resource {
    resource("ou", "ou.cells".to_owned(), Fields::Ou { name: "cells" }, "ou.cells".to_owned(), Place::unit())
}

fn set(n: u32) -> Resource {
    let address = format!("permission_set.Set{n}");
    let fields = Fields::Set {
        name: format!("Set{n}"),
        description: format!("Set {n}"),
        session: "PT4H",
        managed: [READ_ONLY],
    };
    resource("permission_set", address.clone(), fields, address, Place::set(n))
}

fn pipeline(n: u32) -> Resource {
    let fields = Fields::Pipeline {
        component: format!("component.svc{n:02}"),
        name: format!("svc{n:02}"),
        repo: format!("acme/svc{n:02}"),
        build: "pipeline-build",
        bootstrap: Bootstrap::new(),
        rollout: ROLLOUT,
        tags: Tags::new(n),
    };
    let source = format!("component.svc{n:02}");
    resource("pipeline", format!("pipeline.svc{n:02}"), fields, source, Place::component(n))
}

fn account(cell: &Cell) -> Resource {
    let fields = Fields::Account {
        email: format!("aws+{}@acme.example", cell.name),
        name: cell.name.clone(),
        ou: "ou.cells",
        protect: cell.kind == "prod",
    };
    resource("account", cell.address.clone(), fields, cell.address.clone(), Place::cell(cell.n))
}

fn endpoint(endpoint: &'static str, host: &str, cell: &Cell) -> Resource {
    let fields =
        Fields::Endpoint { cell: cell.address.clone(), endpoint, name: format!("{host}.{}.acme.example", cell.name) };
    let address = format!("endpoint.{endpoint}/{}", cell.address);
    resource("endpoint", address, fields, cell.address.clone(), Place::endpoints(cell.n))
}

fn assignment(n: u32, cell: &Cell) -> Resource {
    let set = format!("Set{}", n % SETS + 1);
    let principal = format!("group.g{n:02}");
    let address = format!("assignment.{set}/{principal}/{}", cell.address);
    let fields = Fields::Assignment {
        permission_set: format!("permission_set.{set}"),
        principal,
        target: cell.address.clone(),
        account: Later { later: cell.account.clone() },
    };
    resource("assignment", address, fields, format!("grant.grant{n:02}"), Place::grant(n))
}

fn deployment(n: u32, cell: &Cell) -> Resource {
    let component = format!("component.svc{n:02}");
    let fields = Fields::Deployment {
        component: component.clone(),
        cell: cell.address.clone(),
        sort: "cloudformation",
        account: Later { later: cell.account.clone() },
        region: cell.region,
        stack: format!("svc{n:02}-{}", cell.name),
        template: TEMPLATE,
        capabilities: ["CAPABILITY_IAM"],
        rollout: ROLLOUT,
        wave: match cell.kind {
            "alpha" => "early",
            "preprod" => "half",
            _ => "all",
        },
        parameters: Parameters {
            cell_name: cell.name.clone(),
            region: cell.region,
            size: cell.size,
            api: format!("https://api.{}.acme.example/svc{n:02}", cell.name),
            replicas: if cell.size == "large" { 8 } else { n },
        },
        tags: Tags::new(n),
    };
    let address = format!("deployment.svc{n:02}/{}", cell.address);
    resource("deployment", address, fields, component, Place::deploy(n))
}
