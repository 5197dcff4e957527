//! All that is said of a checked program without a cloud, and how far it could be followed.
//!
//! Owns the order of the steps after the check: expand, hold to the rules; each only when those
//! before it found no error. What `cellc check` prints and what an editor shows is this.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use cell_lang::check::Checked;
use cell_lang::diagnostics::{self, Code, Diagnostic, has_errors};
use cell_lang::files::Files;
use cell_lang::hir::{Decl, Entity, Node, Param, Program, Unit, UnitId};
use cell_lang::schema::Kind;
use cell_lang::value::Lit;

use crate::budget::Options;
use crate::world::World;
use crate::{expand, rules};

/// How far a program could be followed.
#[derive(Debug)]
pub enum Reach<'p, R> {
    /// It has errors, or its first file could not be read: nothing was expanded.
    Faulty,
    /// Its first file is a module: this parameter has no value.
    Module(&'p Param),
    /// It was expanded; with what was made of that.
    Expanded(R),
}

/// What becomes of an expansion: it is given what was found.
pub type Then<'t, R> = Box<dyn FnOnce(&World<'_>, &mut Vec<Diagnostic>) -> R + 't>;

/// Follows a checked program as far as it goes. `found`, sorted, takes in what is found on the way.
pub fn follow<'p, R>(
    program: Option<&'p Program>,
    found: &mut Vec<Diagnostic>,
    files: &dyn Files,
    options: &Options,
    then: Then<'_, R>,
) -> Reach<'p, R> {
    let Some(program) = program else { return Reach::Faulty };
    if has_errors(found) {
        found.extend(expand::check_literals(program, files, options));
        diagnostics::sort(found);
        return Reach::Faulty;
    }
    if let Some(param) = without_value(program) {
        found.extend(program.units.iter().flat_map(same_addresses));
        diagnostics::sort(found);
        return Reach::Module(param);
    }
    let world = expand::expand(program, files, options);
    rules::check(&world);
    found.extend(world.take_findings());
    found.extend(unused(&world).flat_map(same_addresses));
    diagnostics::sort(found);
    Reach::Expanded(then(&world, found))
}

/// All that is found in a program.
pub fn of(checked: &mut Checked, files: &dyn Files, options: &Options) {
    let Checked { program, diagnostics, .. } = checked;
    follow(program.as_ref(), diagnostics, files, options, Box::new(|_, _| ()));
}

/// The files whose declarations came to nothing, since nobody makes a module of them.
fn unused<'w>(world: &'w World<'_>) -> impl Iterator<Item = &'w Unit> + 'w {
    let used: HashSet<UnitId> = world.instances().map(|(_, instance)| instance.unit).collect();
    let units = world.program().units.iter().enumerate();
    units.filter(move |(at, _)| !used.contains(&UnitId(*at as u32))).map(|(_, unit)| unit)
}

/// The addresses that a file declares twice, wherever it is used.
fn same_addresses(unit: &Unit) -> Vec<Diagnostic> {
    let mut first: HashMap<(Kind, &str), &Entity> = HashMap::new();
    let mut found = Vec::new();
    for entity in unit.decls.iter().filter_map(entity) {
        let Node::Lit(Lit::Str(label)) = &entity.label.node else { continue };
        match first.entry((entity.kind, label)) {
            Entry::Vacant(place) => _ = place.insert(entity),
            Entry::Occupied(first) => {
                let message = format!("two {} are both `{}.{label}`", entity.kind.plural(), entity.kind.name());
                let finding = Diagnostic::new(Code::SameAddress, entity.label.span, message).here("the second");
                found.push(finding.also(first.get().label.span, "the first"));
            }
        }
    }
    found
}

fn entity(decl: &Decl) -> Option<&Entity> {
    match decl {
        Decl::Entity(entity) => Some(entity),
        _ => None,
    }
}

/// The first parameter of the root file that has no value, if there is one: the file is a module then.
fn without_value(program: &Program) -> Option<&Param> {
    let root = program.units.get(program.root.index())?;
    root.params.iter().find(|param| param.default.is_none())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use cell_lang::files::{FileError, Files};
    use cell_lang::{check, load};

    use super::of;
    use crate::budget::Options;

    /// The files of a folder.
    struct Folder(HashMap<&'static str, &'static str>);

    impl Files for Folder {
        fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
            self.0.get(path).map(|text| text.as_bytes().to_vec()).ok_or(FileError::NotFound)
        }
    }

    /// What is found in `main.cell`, with these files beside it: `file:line CODE message`.
    fn found(main: &'static str, beside: &[(&'static str, &'static str)]) -> Vec<String> {
        let files = Folder(beside.iter().copied().chain([("main.cell", main)]).collect());
        let more: Vec<String> = beside.iter().map(|(path, _)| (*path).to_owned()).collect();
        let mut checked = check::check(load::load(&files, "main.cell", &more, 1 << 20));
        of(&mut checked, &files, &Options::default());
        let sources = &checked.sources;
        let line = |found: &cell_lang::diagnostics::Diagnostic| {
            let place = found.span().map(|span| sources.place(span)).unwrap_or_default();
            format!("{place} {} {}", found.code.as_str(), found.message)
        };
        checked.diagnostics.iter().map(line).collect()
    }

    #[test]
    fn an_address_that_is_declared_twice_is_found_in_files_that_nothing_uses() {
        let twice = "group q {}\nuser q {}\ngroup q {}\n";
        let says = |file: &str| vec![format!("{file}:3:7 E0407 two groups are both `group.q`")];
        assert_eq!(found("group q {}\n", &[("fresh.cell", twice)]), says("fresh.cell"));
        assert_eq!(
            found("group q {}\n", &[("lib.cell", "param n: Int\ngroup q {}\ngroup q {}\n")]),
            says("lib.cell")
        );
        // A module on its own.
        assert_eq!(found("param n: Int\ngroup q {}\ngroup q {}\n", &[]), says("main.cell"));
        // What is made of a file is told once, with the address that it comes to.
        let used = found("module a = \"./fresh.cell\" {}\n", &[("fresh.cell", twice)]);
        assert_eq!(used, ["fresh.cell:3:7 E0407 two groups are both `a.group.q`"]);
    }

    #[test]
    fn what_depends_on_whoever_uses_a_file_is_not_judged_in_one_that_nothing_uses() {
        let needs = "cell c { kind = \"alpha\", region = \"us-west-2\" }\n";
        assert_eq!(found("group q {}\n", &[("fresh.cell", needs)]), Vec::<String>::new());
    }
}
