//! `cellc pipelines`: the templates of the stacks that a program comes to. Owns the command and its files; what stands in them is
//! [`cell_eval::generated`]'s.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use cell_eval::generated::{Generation, stacks, text};

use crate::args::{Format, PipelinesArgs};
use crate::exit::Status;
use crate::output::Output;
use crate::progress::visible;

/// Runs the command.
pub(crate) fn run(args: &PipelinesArgs, output: &Output) -> Status {
    output.run(&args.program, |run| {
        let refused = Cell::new(false);
        let status = run.result(&|world, _, out| {
            let generation = stacks(world);
            for line in text::left_out(&generation) {
                output.remark(&format!("left out: {line}"));
            }
            refused.set(generation.left_out.iter().any(|left| left.refused));
            let written = match &args.out {
                Some(folder) => write(folder, &generation, output)?,
                None => text::text(&generation),
            };
            match output.format {
                Format::Json => out.write_all(text::json(world, &generation).as_bytes()),
                Format::Text => out.write_all(written.as_bytes()),
            }
        });
        if status == Status::Done && refused.get() { Status::Failed } else { status }
    })
}

/// Writes a file for each template, and says which; what else lies there is left, and told.
fn write(folder: &Path, generation: &Generation, output: &Output) -> io::Result<String> {
    let named = |path: &Path, error: &io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    std::fs::create_dir_all(folder).map_err(|error| named(folder, &error))?;
    let mut said = String::new();
    for stack in &generation.stacks {
        let path = folder.join(text::file(stack));
        std::fs::write(&path, &stack.template).map_err(|error| named(&path, &error))?;
        said.push_str(&format!("{}: {} bytes\n", path.display(), stack.template.len()));
    }
    let written: BTreeSet<OsString> = generation.stacks.iter().map(|stack| text::file(stack).into()).collect();
    for entry in std::fs::read_dir(folder).map_err(|error| named(folder, &error))? {
        let entry = entry.map_err(|error| named(folder, &error))?;
        if !written.contains(&entry.file_name()) {
            output.remark(&format!(
                "{}: of no stack of the program, and left as it is",
                visible(&entry.path().display().to_string())
            ));
        }
    }
    Ok(said)
}
