//! What entities and fields came to, for a hover: asks the expansion, and `explain` for where a value came from.
//! Nothing is told of a program with errors: it has no values.

use cell_eval::budget::Options;
use cell_eval::emit::text::printed;
use cell_eval::expand;
use cell_eval::explain::explain;
use cell_eval::value::EntityId;
use cell_eval::world::World;
use cell_lang::diagnostics::has_errors;
use cell_lang::schema::FieldSpec;
use cell_lang::source::Span;

use crate::view::View;

/// Entities that are named.
const MOST: usize = 3;
/// Characters of a value that are shown.
const WIDTH: usize = 80;

/// Expands the program, if it has no error so far.
fn expanded<R>(view: &View, then: impl FnOnce(&World<'_>) -> R) -> Option<R> {
    let checked = &view.analysis.checked;
    let program = checked.program.as_ref().filter(|_| !has_errors(&checked.diagnostics))?;
    let root = program.units.get(program.root.index())?;
    if root.params.iter().any(|param| param.default.is_none()) {
        return None;
    }
    let files = view.analysis.pinned();
    let world = expand::expand(program, &files, &Options::default());
    Some(then(&world))
}

/// The entities that a declaration makes: how many, and the first few.
pub(crate) fn addresses(view: &View, declaration: Span) -> Option<String> {
    expanded(view, |world| {
        let all: Vec<EntityId> =
            world.entities().filter(|(_, entity)| entity.decl.span == declaration).map(|(id, _)| id).collect();
        match all.as_slice() {
            [] => "makes no entity".to_owned(),
            [one] => format!("`{}`", world.address(*one)),
            many => {
                let shown: Vec<String> =
                    many.iter().take(MOST).map(|id| format!("`{}`", world.address(*id))).collect();
                let more = many.len().saturating_sub(MOST);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("{} entities: {}{more}", many.len(), shown.join(", "))
            }
        }
    })
}

/// What the field whose name stands at `name` came to, and where that came from: of the entities whose item it is,
/// or that take it from these defaults.
pub(crate) fn of_field(view: &View, name: Span, field: &'static FieldSpec) -> Option<String> {
    expanded(view, |world| {
        let all: Vec<EntityId> =
            world.entities().map(|(id, _)| id).filter(|id| says(world, *id, name, field)).collect();
        let first = all.first()?;
        let lines = all.iter().take(MOST).filter_map(|id| {
            let value = world.field(*id, field.name)?;
            Some(format!("{}.{} = {}", world.address(*id), field.name, printed(world, value, WIDTH)))
        });
        let mut lines: Vec<String> = lines.collect();
        if all.len() > MOST {
            lines.push(format!("… and {} more", all.len() - MOST));
        }
        let subject = format!("{}.{}", world.address(*first), field.name);
        let why = explain(world, &[], &subject).map(|explanation| explanation.text(world)).unwrap_or_default();
        let why = why.trim_end();
        let text = if all.len() == 1 { why.to_owned() } else { format!("{}\n\n{why}", lines.join("\n")) };
        Some(format!("```text\n{text}\n```"))
    })
    .flatten()
}

/// Does an entity take the field from the item whose name stands there?
fn says(world: &World<'_>, id: EntityId, name: Span, field: &FieldSpec) -> bool {
    let holds = |span: Span| span.file == name.file && span.start <= name.start && name.end <= span.end;
    world.kind(id).spec().field(field.name).is_some_and(|own| std::ptr::eq(own, field))
        && world.setting(id, field.name).is_some_and(|setting| holds(setting.span))
}
