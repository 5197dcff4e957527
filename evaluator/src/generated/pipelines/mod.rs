//! Pipelines in the account of deployment: one that runs `cellc` itself and makes the others, and one for each component. Owns
//! what stands in which stack; one file a part.
//!
//! What decides is the same everywhere: [`steps`] puts the waves of a [`crate::rollout::Course`] into stages, and [`bake`] says
//! the rules of [`crate::rollout::step`] as a state machine. What is done to a cell is done by `cellc` in a project of CodeBuild.

pub(super) mod bake;
mod build;
mod meta;
mod roles;
mod stages;
pub(super) mod steps;

use cell_lang::schema::Kind;
use serde_json::json;

use super::ground::{Ground, Place};
use super::template::{Stack, Template};
use super::{Generation, LeftOut, Owner, names};
use crate::limits;
use crate::rollout::Course;
use crate::rules::read::Read as _;
use crate::value::EntityId;

/// The address of the stack with what all pipelines share.
pub const SHARED: &str = "stack.cellc";
/// The name of the role by which bakes read alarms and requests, in every account with a cell.
pub const OBSERVER_ROLE: &str = "cellc-observer";

/// The stack with what all pipelines share, when a component is there.
pub(super) fn shared(ground: &Ground<'_, '_>, out: &mut Generation) {
    if ground.fleet.components.is_empty() {
        return;
    }
    let place = match ground.deployment(SHARED) {
        Ok(place) => place,
        Err(left) => return out.left_out.push(left),
    };
    let owners = ground.owners();
    let mut template =
        Template::new("The pipeline that runs cellc, and what all pipelines share".to_owned(), &owners);
    meta::add(&mut template);
    let sources = ground.fleet.components.iter().map(|component| component.id).chain([place.id]).collect();
    out.stacks.push(template.finish(Stack {
        address: SHARED.to_owned(),
        name: "pipelines".to_owned(),
        account: place.owner,
        region: &place.region,
        after: Vec::new(),
        sources,
    }));
}

/// The stacks of all components.
pub(super) fn components(ground: &Ground<'_, '_>, out: &mut Generation) {
    // Why there is none was said of what they share.
    let Ok(place) = ground.deployment(SHARED) else { return };
    let owners = ground.owners();
    for component in &ground.fleet.components {
        let of = ground.world.address(component.id);
        if let Some(course) = ground.courses.iter().find(|course| course.of == of) {
            match pipeline(ground, component.id, course, &place, &owners) {
                Ok(made) => out.stacks.push(made),
                Err(left) => out.left_out.push(left),
            }
        }
    }
}

/// A component whose pipeline is made.
struct Line<'a, 'w, 'p> {
    ground: &'a Ground<'w, 'p>,
    course: &'a Course,
    id: EntityId,
    /// The component's label with those of its modules.
    label: String,
    /// Its stack's address.
    address: String,
}

impl Line<'_, '_, '_> {
    fn refused(&self, why: String, help: &str) -> LeftOut {
        let world = self.ground.world;
        LeftOut {
            address: self.address.clone(),
            span: Some(world.label_span(self.id)),
            why,
            help: help.to_owned(),
            refused: true,
        }
    }

    /// The entities that it comes from.
    fn sources(&self) -> Vec<EntityId> {
        let world = self.ground.world;
        let cells = self.course.waves.iter().flat_map(|wave| &wave.cells).filter_map(|cell| world.find(cell));
        let rollout = self.course.rollout.iter().filter_map(|rollout| world.find(rollout));
        let mut all: Vec<EntityId> = rollout.chain(cells).collect();
        world.sort_set(&mut all);
        all.insert(0, self.id);
        all
    }
}

fn pipeline(
    ground: &Ground<'_, '_>,
    id: EntityId,
    course: &Course,
    place: &Place,
    owners: &[Owner],
) -> Result<super::Generated, LeftOut> {
    let label = ground.label(id);
    let line = Line { ground, course, id, address: format!("stack.pipelines/{label}"), label };
    let mut template = Template::new(format!("The pipeline of the component {}", line.label), owners);
    let machines = bake::add(&line, &mut template)?;
    build::add(&line, &mut template);
    roles::add(&line, &machines, &mut template);
    let stages = stages::of(&line, &machines, &mut template)?;
    let properties = json!({
        "Name": names::bounded(&line.label, limits::PIPELINE_NAME.most, "-_.@"),
        "PipelineType": "V2",
        // A newer release takes the place of one that waits.
        "ExecutionMode": "SUPERSEDED",
        "RoleArn": { "Fn::GetAtt": ["PipelineRole", "Arn"] },
        "ArtifactStore": { "Type": "S3", "Location": bucket() },
        "Stages": stages,
        "Tags": [{ "Key": "cellc:component", "Value": ground.world.address(id) }],
    });
    template.add("Pipeline", "AWS::CodePipeline::Pipeline", properties);
    let stack = Stack {
        name: format!("pipeline-{}", line.label),
        account: place.owner.clone(),
        region: &place.region,
        after: vec![SHARED.to_owned()],
        sources: line.sources(),
        address: line.address,
    };
    Ok(template.finish(stack))
}

/// The name of the bucket for what pipelines hand on.
fn bucket() -> serde_json::Value {
    json!({ "Fn::Sub": "cellc-artifacts-${AWS::AccountId}-${AWS::Region}" })
}

/// The component's owner: who is told in descriptions.
fn owner(line: &Line<'_, '_, '_>) -> Option<String> {
    let world = line.ground.world;
    let owner = world.entity_at(line.id, "owner")?;
    matches!(world.kind(owner), Kind::Group | Kind::User).then(|| world.name(owner).to_owned())
}
