//! What a program says of releases: which cells take a component or a permission set, by what, and in which waves. Owns reading
//! that from an expansion, and making a dossier of it once a version and the ids of accounts are known.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::bootstrap::{Step, Versioned, told};
use crate::emit;
use crate::plan::desired::ADDRESS_TAG;
use crate::plan::desired::place;
use crate::plan::later;
use crate::plan::model::{Fields, Place};
use crate::provider::Tags;
use crate::registry::record::Record;
use crate::resources::{Resource, ResourceKind};
use crate::rollout::{Course, courses};
use crate::stacks::template;
use crate::stacks::wish::{SHELVED_BYTES, TEMPLATE_BYTES};
use crate::world::World;

use super::dossier::{self, Cell, Dossier, Spec, Target};

/// The tag of a stack that says which release it has.
pub const VERSION_TAG: &str = "cellc:version";
/// The parameters that a template may declare to be told of its release: the version, and what it is by digest.
pub const VERSION: &str = "CellcVersion";
/// The commit of the component's repository.
pub const COMMIT: &str = "CellcCommit";
/// The image or archive, by digest.
pub const ARTIFACT: &str = "CellcArtifact";

/// What a program says of the releases of a component or a permission set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// What is released.
    pub of: String,
    /// The waves.
    pub course: Course,
    /// The component's repository; empty of a permission set.
    pub repo: String,
    /// Where its image or archive lies.
    pub artifact: Option<Json>,
    /// The components it comes after.
    pub after: Vec<String>,
    /// Its cells, by address.
    pub cells: BTreeMap<String, Placed>,
    /// The bucket of templates that are larger than a request takes, as `org` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_bucket: Option<String>,
    /// Where the program says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A cell of a wish.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// The fields of its deployment; empty of a permission set.
    pub fields: Fields,
    /// The cell's alarms, by the address of the alarm: the name in the cloud.
    pub alarms: BTreeMap<String, String>,
    /// Of what is brought by a target of make: the cell as other tools read it, by the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Json>,
}

impl Placed {
    /// Is it brought by a target of make?
    pub fn is_made(&self) -> bool {
        text(&self.fields, "sort") == Some("make")
    }
}

/// A release as it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// The version.
    pub version: String,
    /// What it is, by digest: `commit`, `artifact`.
    pub digests: BTreeMap<String, String>,
    /// Templates of the repository at that version, by path.
    pub templates: BTreeMap<String, String>,
    /// The image by digest, for what takes one.
    pub image: String,
}

/// Why no dossier can be made of a wish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    /// The cell's account is not made yet.
    #[error("the registry has no account of {cell}: it is not made yet")]
    Account {
        /// The cell.
        cell: String,
    },
    /// A parameter waits for something that is not made yet.
    #[error("the registry does not say what the parameter `{parameter}` of {cell} needs")]
    Parameter {
        /// The cell.
        cell: String,
        /// The parameter.
        parameter: String,
    },
    /// When the version was released no cell was to have it in this way.
    #[error(
        "nobody asked which {what} {version} is when it was released; `cellc rollout start {label} {version}` does"
    )]
    Unasked {
        /// What: the commit, the image.
        what: &'static str,
        /// The component's label.
        label: String,
        /// The version.
        version: String,
    },
    /// The template was not read.
    #[error("the template `{0}` was not read")]
    Template(String),
    /// The template is none.
    #[error("the template `{template}` cannot be read: {why}")]
    Malformed {
        /// Its path, or its beginning.
        template: String,
        /// Why.
        why: String,
    },
    /// CloudFormation takes no template of that size.
    #[error("the template `{template}` has {bytes} bytes; CloudFormation takes {most}")]
    Large {
        /// Its path.
        template: String,
        /// Its size.
        bytes: usize,
        /// What is taken: by a request, or out of a bucket where the program names one.
        most: usize,
    },
    /// The template takes no such parameters.
    #[error("the template `{template}` declares no parameter {}", .parameters.join(", "))]
    Undeclared {
        /// Its path.
        template: String,
        /// Those that the program gives.
        parameters: Vec<String>,
    },
    /// Nothing gives these parameters.
    #[error("the template `{template}` needs {}, and the program does not give it", .parameters.join(", "))]
    Open {
        /// Its path.
        template: String,
        /// Those without a default.
        parameters: Vec<String>,
    },
}

/// The parameters of templates, by the digests of their texts: each is read once.
type Declared = BTreeMap<String, Result<BTreeMap<String, bool>, String>>;

/// What a program says of releases, by what is released.
pub fn wishes(world: &World<'_>, resources: &[Resource]) -> BTreeMap<String, Wish> {
    let json = |resource: &Resource| -> Fields {
        resource.fields().map(|(name, value)| (name.to_owned(), emit::to_json(world, value))).collect()
    };
    let bucket = world.org().and_then(|org| world.str_field(org, "template_bucket")).map(str::to_owned);
    let mut all: BTreeMap<String, Wish> = courses(world)
        .into_iter()
        .map(|course| {
            let cells = course.waves.iter().flat_map(|wave| &wave.cells);
            let cells = cells.map(|cell| (cell.clone(), Placed::default())).collect();
            let (of, repo) = (course.of.clone(), String::new());
            let template_bucket = bucket.clone();
            let wish =
                Wish { of, course, repo, artifact: None, after: Vec::new(), cells, template_bucket, place: None };
            (wish.of.clone(), wish)
        })
        .collect();
    let mut alarms: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for resource in resources {
        match resource.kind {
            ResourceKind::Deployment => {
                let fields = json(resource);
                let wish = text(&fields, "component").and_then(|of| all.get_mut(of));
                let place = wish.zip(text(&fields, "cell")).and_then(|(wish, cell)| wish.cells.get_mut(cell));
                if let Some(place) = place {
                    place.fields = fields;
                }
            }
            ResourceKind::Pipeline => {
                let fields = json(resource);
                let Some(wish) = text(&fields, "component").and_then(|of| all.get_mut(of)) else { continue };
                wish.place = resource.sources.first().map(|source| place(world, *source));
                text(&fields, "repo").unwrap_or_default().clone_into(&mut wish.repo);
                wish.artifact = fields.get("artifact").cloned();
                let after = fields.get("after").and_then(Json::as_array).into_iter().flatten();
                wish.after = after.filter_map(Json::as_str).map(str::to_owned).collect();
            }
            ResourceKind::Alarm => {
                let fields = json(resource);
                let said = ["alarm", "cell", "name"].map(|name| text(&fields, name).unwrap_or_default().to_owned());
                let [alarm, cell, name] = said;
                alarms.entry(cell).or_default().insert(alarm, name);
            }
            _ => {}
        }
    }
    for (cell, place) in all.values_mut().flat_map(|wish| &mut wish.cells) {
        place.alarms = alarms.get(cell).cloned().unwrap_or_default();
    }
    all
}

impl Wish {
    /// Is it of a component, and no permission set?
    pub fn is_component(&self) -> bool {
        !self.repo.is_empty()
    }

    /// The templates that lie in the repository, by path.
    pub fn templates(&self) -> Vec<&str> {
        let paths = self.cells.values().filter_map(|place| text(&place.fields, "template"));
        let mut paths: Vec<&str> = paths.filter(|template| is_path(template)).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// Is something of the repository needed to deploy it?
    pub fn needs_repository(&self) -> bool {
        let makes = |place: &Placed| text(&place.fields, "sort") == Some("make");
        !self.templates().is_empty() || self.cells.values().any(makes)
    }

    /// What a release brings to the cells that are taken.
    ///
    /// # Errors
    /// All that keeps it from being known.
    pub fn dossier(
        &self,
        release: &Release,
        record: &Record,
        takes: &dyn Fn(&str) -> bool,
    ) -> Result<Dossier, Vec<Unready>> {
        let (dossier, unready) = self.dossier_and_rest(release, record, takes);
        let mut faults: Vec<Unready> = Vec::new();
        for fault in unready.into_values() {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        if faults.is_empty() { Ok(dossier) } else { Err(faults) }
    }

    /// The cells that no apply has brought up: their account is not made yet or, on another cloud, none took them in.
    pub fn unmade(&self, record: &Record) -> BTreeSet<String> {
        let is_made = |(cell, place): &(&String, &Placed)| {
            if place.fields.contains_key("account") {
                record.entry(cell).is_some_and(|entry| !entry.id.is_empty())
            } else {
                record.cells.contains_key(*cell)
            }
        };
        self.cells.iter().filter(|one| !is_made(one)).map(|(cell, _)| cell.clone()).collect()
    }

    /// What a release brings to the cells that are taken, and why it is not known of the others of them.
    pub fn dossier_and_rest(
        &self,
        release: &Release,
        record: &Record,
        takes: &dyn Fn(&str) -> bool,
    ) -> (Dossier, BTreeMap<String, Unready>) {
        let mut course = self.course.clone();
        for wave in &mut course.waves {
            wave.cells.retain(|cell| takes(cell));
        }
        course.waves.retain(|wave| !wave.cells.is_empty());
        let mut dossier = Dossier {
            format_version: dossier::FORMAT_VERSION.to_owned(),
            of: self.of.clone(),
            version: release.version.clone(),
            digests: release.digests.clone(),
            image: release.image.clone(),
            templates: BTreeMap::new(),
            course,
            cells: BTreeMap::new(),
            texts: BTreeMap::new(),
        };
        for (path, text) in &release.templates {
            let digest = dossier.keep(text);
            dossier.templates.insert(path.clone(), digest);
        }
        let (mut unready, mut declared) = (BTreeMap::new(), Declared::new());
        for (cell, place) in self.cells.iter().filter(|(cell, _)| takes(cell)) {
            match self.spec((&mut dossier, &mut declared), release, record, (cell, place)) {
                Ok(spec) => {
                    dossier.cells.insert(cell.clone(), Cell { spec, alarms: place.alarms.clone() });
                }
                Err(why) => _ = unready.insert(cell.clone(), why),
            }
        }
        (dossier, unready)
    }

    fn spec(
        &self,
        made: (&mut Dossier, &mut Declared),
        release: &Release,
        record: &Record,
        (cell, place): (&str, &Placed),
    ) -> Result<Spec, Unready> {
        let fields = &place.fields;
        let of = |name: &str| text(fields, name).unwrap_or_default().to_owned();
        let known = |place: &str| known(record, place);
        let account = account(fields, &known).ok_or_else(|| Unready::Account { cell: cell.to_owned() })?;
        let given = parameters(fields, &known)
            .map_err(|parameter| Unready::Parameter { cell: cell.to_owned(), parameter })?;
        let texts = || given.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
        let target = match of("sort").as_str() {
            "kubernetes" if release.image.is_empty() && self.has_image() => {
                return Err(self.unasked("image", release));
            }
            "kubernetes" => Target::Kubernetes {
                cluster: of("cluster"),
                namespace: of("namespace"),
                workload: of("workload"),
                container: of("container"),
                image: release.image.clone(),
                parameters: texts(),
            },
            "make" => self.make(release, record, (cell, &of("target"), place.published.as_ref()), given)?,
            _ => self.stack(made, release, fields, texts())?,
        };
        Ok(Spec { account, region: of("region"), target })
    }

    fn has_image(&self) -> bool {
        self.artifact.as_ref().and_then(|artifact| artifact.get("sort")).is_some_and(|sort| sort == "ecr")
    }

    fn unasked(&self, what: &'static str, release: &Release) -> Unready {
        let label = self.of.strip_prefix("component.").unwrap_or(&self.of).to_owned();
        Unready::Unasked { what, label, version: release.version.clone() }
    }

    /// Does CloudFormation take the template, by a request or out of a bucket?
    fn fits(&self, body: &str, name: &str) -> Result<(), Unready> {
        let most = if self.template_bucket.is_some() { SHELVED_BYTES } else { TEMPLATE_BYTES };
        if body.len() <= most {
            return Ok(());
        }
        Err(Unready::Large { template: name.to_owned(), bytes: body.len(), most })
    }

    fn make(
        &self,
        release: &Release,
        record: &Record,
        (cell, target, said): (&str, &str, Option<&Json>),
        parameters: Map<String, Json>,
    ) -> Result<Target, Unready> {
        let commit = release.digests.get("commit").ok_or_else(|| self.unasked("commit", release))?;
        let step = Step {
            component: self.of.clone(),
            name: self.of.strip_prefix("component.").unwrap_or(&self.of).to_owned(),
            repo: self.repo.clone(),
            target: Some(target.to_owned()),
            after: Vec::new(),
            parameters,
        };
        let id = record.entry(cell).map(|entry| entry.id.as_str());
        let mut cell_now = with_account(said.cloned().unwrap_or_else(|| Json::Object(Map::new())), id);
        // What is drained takes no release, and one that it had before is no other one for it.
        if let Json::Object(fields) = &mut cell_now {
            fields.remove("state");
        }
        let told = told(record, cell, &cell_now, Versioned { step: &step, commit })
            .map_err(|parameter| Unready::Parameter { cell: cell.to_owned(), parameter })?;
        let (repo, target) = (self.repo.clone(), target.to_owned());
        Ok(Target::Make { repo, target, variables: told.variables, document: told.document })
    }

    fn stack(
        &self,
        (dossier, all): (&mut Dossier, &mut Declared),
        release: &Release,
        fields: &Fields,
        mut parameters: BTreeMap<String, String>,
    ) -> Result<Target, Unready> {
        let of = |name: &str| text(fields, name).unwrap_or_default().to_owned();
        let said = of("template");
        let (body, name) = if is_path(&said) {
            let body = release.templates.get(&said).ok_or_else(|| Unready::Template(said.clone()))?;
            (body.clone(), said)
        } else {
            (said, "file(…)".to_owned())
        };
        self.fits(&body, &name)?;
        let digest = dossier.keep(&body);
        let declared = all.entry(digest.clone()).or_insert_with(|| template::parameters(&body));
        let declared =
            declared.as_ref().map_err(|why| Unready::Malformed { template: name.clone(), why: why.clone() })?;
        let own = [
            (VERSION, Some(&release.version)),
            (COMMIT, release.digests.get("commit")),
            (ARTIFACT, release.digests.get("artifact")),
        ];
        for (parameter, value) in own {
            if let (true, Some(value)) = (declared.contains_key(parameter), value) {
                parameters.entry(parameter.to_owned()).or_insert_with(|| value.clone());
            }
        }
        let (unknown, open) = template::unmatched(declared, &parameters);
        if !unknown.is_empty() {
            return Err(Unready::Undeclared { template: name, parameters: unknown.into_iter().collect() });
        }
        if !open.is_empty() {
            return Err(Unready::Open { template: name, parameters: open.into_iter().collect() });
        }
        let mut tags: Tags = fields.get("tags").and_then(Json::as_object).map(strings).unwrap_or_default();
        tags.insert(ADDRESS_TAG.to_owned(), self.address(&of("cell")));
        tags.insert(VERSION_TAG.to_owned(), release.version.clone());
        let capabilities = fields.get("capabilities").and_then(Json::as_array).into_iter().flatten();
        Ok(Target::Cloudformation {
            stack: of("stack"),
            template: digest,
            parameters,
            tags,
            capabilities: capabilities.filter_map(Json::as_str).map(str::to_owned).collect(),
        })
    }

    /// What it says of one cell; `waves` are those of its course, by cell. Many are made of a large one: nothing of its
    /// other cells is gone through.
    #[must_use]
    pub fn only(&self, cell: &str, waves: &BTreeMap<String, usize>) -> Self {
        let wave = waves.get(cell).and_then(|at| self.course.waves.get(*at));
        Self {
            of: self.of.clone(),
            course: Course {
                of: self.course.of.clone(),
                rollout: self.course.rollout.clone(),
                waves: wave.map(|wave| wave.only(cell)).into_iter().collect(),
                window: self.course.window.clone(),
                on_alarm: self.course.on_alarm,
            },
            repo: self.repo.clone(),
            artifact: self.artifact.clone(),
            after: self.after.clone(),
            cells: self.cells.get(cell).map(|placed| (cell.to_owned(), placed.clone())).into_iter().collect(),
            template_bucket: self.template_bucket.clone(),
            place: self.place.clone(),
        }
    }

    /// The address of the deployment in a cell.
    pub fn address(&self, cell: &str) -> String {
        dossier::address(&self.of, cell)
    }
}

/// Is it the address of a component, and of no permission set?
pub fn is_of_component(of: &str) -> bool {
    of.rsplit('.').nth(1) == Some("component")
}

/// A template is a path in the repository, or the text that `file("…")` has read: a path is one line, and no JSON.
pub(crate) fn is_path(template: &str) -> bool {
    !template.contains('\n') && !template.trim_start().starts_with('{')
}

fn text<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    fields.get(name).and_then(Json::as_str)
}

fn strings(fields: &Map<String, Json>) -> Tags {
    fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
}

fn parameters(fields: &Fields, known: &dyn Fn(&str) -> Option<String>) -> Result<Map<String, Json>, String> {
    let mut all = Map::new();
    for (name, value) in fields.get("parameters").and_then(Json::as_object).into_iter().flatten() {
        let value = later::resolve(value, known);
        if later::has_later(&value) {
            return Err(name.clone());
        }
        all.insert(name.clone(), value);
    }
    Ok(all)
}

/// The account that a deployment is in, empty where it is in none of AWS; none when it is not made yet.
fn account(fields: &Fields, known: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let Some(account) = fields.get("account") else { return Some(String::new()) };
    later::resolve(account, known).as_str().map(str::to_owned)
}

/// A cell as other tools read it, with the id of its account.
pub(crate) fn with_account(mut cell: Json, id: Option<&str>) -> Json {
    if let (Some(id), Json::Object(fields)) = (id, &mut cell) {
        fields.insert("account_id".to_owned(), id.into());
    }
    cell
}

/// The value of an address with a field, as the record says it.
fn known(record: &Record, place: &str) -> Option<String> {
    let (address, field) = place.rsplit_once('.')?;
    let published = record.cells.get(address).and_then(|cell| cell.get(field)?.as_str().map(str::to_owned));
    let account = || record.entry(address).map(|entry| entry.id.clone()).filter(|id| !id.is_empty());
    match field {
        "account_id" => account().or(published),
        _ => published,
    }
}

/// A value as a parameter of a stack or a variable has it: text as it is, a list with commas, anything else as JSON.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
