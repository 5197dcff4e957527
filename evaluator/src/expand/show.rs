//! Values and names as messages show them. Owns how much is shown; what is said is the caller's.

use cell_lang::value::quote;

use super::tasks::Task;
use crate::value::Value;
use crate::world::{Binding, World};

/// Characters of a value that a message shows.
const SHOWN: usize = 60;

/// A value as a message shows it: on one line, a long one cut.
pub fn value(world: &World<'_>, value: &Value) -> String {
    let text = match value {
        Value::Str(text) => quote(&text.chars().take(SHOWN + 1).collect::<String>()),
        Value::None => "none".to_owned(),
        Value::Ref(id) => world.address(*id).to_owned(),
        Value::List(list) => {
            let head: Vec<_> = list.iter().take(4).map(|item| self::value(world, item)).collect();
            format!("[{}{}]", head.join(", "), if list.len() > 4 { ", …" } else { "" })
        }
        Value::Range(first, last) => format!("{first}..={last}"),
        Value::Set(set) => {
            let head: Vec<_> = set.iter().take(4).map(|id| world.address(*id)).collect();
            format!("[{}{}]", head.join(", "), if set.len() > 4 { ", …" } else { "" })
        }
        Value::Map(map) => format!("a map of {}", map.len()),
        Value::Record(record) => {
            let both = record.names.iter().zip(&record.values).take(4);
            let head: Vec<_> = both.map(|(name, item)| format!("{name} = {}", self::value(world, item))).collect();
            format!("{{ {} }}", head.join(", "))
        }
        Value::Block(block) => format!("the block `{}`", block.spec.name),
        Value::Secret(_) => "a secret".to_owned(),
        Value::Later(_) => "a value known after apply".to_owned(),
        other => other.to_lit().map_or_else(|| "…".to_owned(), |lit| lit.to_string()),
    };
    if text.chars().count() <= SHOWN {
        return text;
    }
    let head: String = text.chars().take(SHOWN - 1).collect();
    format!("{head}…")
}

/// What the names of loops stood for: `with region = "us-east-1" (item 1)`. Names of one loop share its item.
pub(crate) fn bindings(world: &World<'_>, bindings: &[Binding]) -> String {
    let mut parts = Vec::new();
    let mut rest = bindings.iter().peekable();
    while let Some(binding) = rest.next() {
        let shown = format!("{} = {}", binding.name, value(world, &binding.value));
        let same = rest.peek().is_some_and(|next| next.item == binding.item && next.second);
        parts.push(if same { shown } else { format!("{shown} (item {})", binding.item) });
    }
    if parts.is_empty() { String::new() } else { format!("with {}", parts.join(", ")) }
}

/// The name of a task: `cell.a.size`, or that of a let.
pub(crate) fn task(world: &World<'_>, task: Task) -> String {
    match task {
        Task::Field(id, at) => {
            let field = world.kind(id).spec().fields.get(at).map_or("", |field| field.name);
            format!("{}.{field}", world.address(id))
        }
        Task::Let(instance, at) => {
            let name = world.let_at(instance, at).map_or("", |declared| declared.name.as_str());
            format!("{}{name}", world.instance(instance).prefix)
        }
        Task::Free => String::new(),
    }
}
