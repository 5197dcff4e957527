//! `cellc init`: a program to begin with, and CI for it. Owns which files there are and that either all are written or
//! none; what stands in them lies in `init/`, and the tests run it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use cell_eval::emit::FORMAT_VERSION;
use serde_json::json;

use crate::args::{Ci, Format, InitArgs};
use crate::exit::Status;
use crate::output::{self, Output};

/// The organization that the files speak of.
const NAME: &str = "acme";

/// A file: its path, its text, and for which CI it is.
type Template = (&'static str, &'static str, Option<Ci>);

const FILES: [Template; 5] = [
    ("main.cell", include_str!("init/main.cell"), None),
    ("README.md", include_str!("init/README.md"), None),
    (".gitignore", include_str!("init/gitignore"), None),
    (".github/workflows/cellc.yml", include_str!("init/github.yml"), Some(Ci::Github)),
    (".gitlab-ci.yml", include_str!("init/gitlab.yml"), Some(Ci::Gitlab)),
];

/// Runs the command.
pub(crate) fn run(args: &InitArgs, output: &Output) -> Status {
    if args.from_live {
        return crate::from_live::run(args, output);
    }
    let files = templates(args, args.name.as_deref().unwrap_or(NAME));
    match put(&args.folder, &files) {
        Ok(()) => report(&args.folder, &files, output),
        Err(status) => status,
    }
}

/// The files of a program to begin with.
pub(crate) fn templates(args: &InitArgs, name: &str) -> Vec<(PathBuf, String)> {
    let wanted = |of: &Option<Ci>| of.is_none_or(|of| args.ci == Ci::All || args.ci == of);
    let wanted = FILES.iter().filter(|(_, _, of)| wanted(of));
    wanted.map(|(path, text, _)| (PathBuf::from(path), text.replace(NAME, name))).collect()
}

/// Writes files where none of them is, or says why not.
pub(crate) fn put(folder: &Path, files: &[(PathBuf, String)]) -> Result<(), Status> {
    free(folder, files.iter().map(|(path, _)| path.as_path()))?;
    write(folder, files).map_err(|(path, error)| {
        output::fail(&format!("{} cannot be written: {error}; nothing was written", path.display()))
    })
}

/// Refuses to write over what is there.
pub(crate) fn free<'p>(folder: &Path, paths: impl Iterator<Item = &'p Path>) -> Result<(), Status> {
    let there: Vec<String> = paths
        .map(|path| placed(folder, path))
        // A link that leads nowhere is there, too.
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| path.display().to_string())
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    let message = format!("{}: there already; nothing was written", there.join(", "));
    Err(output::fail(&format!("{message}\n\n  help: begin in another folder, or move the file away")))
}

/// Where a file lies; in the current folder it is named by its path alone.
pub(crate) fn placed(folder: &Path, path: &Path) -> PathBuf {
    if folder == Path::new(".") { path.to_owned() } else { folder.join(path) }
}

/// Writes every file, or none: what was made is taken away again when one cannot be.
fn write(folder: &Path, files: &[(PathBuf, String)]) -> Result<(), (PathBuf, io::Error)> {
    let mut made = Vec::new();
    for (path, text) in files {
        let path = placed(folder, path);
        if let Err(error) = one(&path, text, &mut made) {
            for path in made.iter().rev() {
                // What cannot be taken away is not worth more than the failure that is told.
                let _ = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
            }
            return Err((path, error));
        }
    }
    Ok(())
}

/// Writes a file that is not there yet; `made` gets it, and the folders made for it.
fn one(path: &Path, text: &str, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut folders: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| !is_there(folder)).collect();
    folders.reverse();
    for folder in folders {
        fs::create_dir(folder)?;
        made.push(folder.to_owned());
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    made.push(path.to_owned());
    file.write_all(text.as_bytes())
}

/// Is it a folder that is there? The empty path is the current one.
fn is_there(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || folder.exists()
}

fn report(folder: &Path, files: &[(PathBuf, String)], output: &Output) -> Status {
    let paths: Vec<String> = files.iter().map(|(path, _)| placed(folder, path).display().to_string()).collect();
    output::result(
        output.format,
        &match output.format {
            Format::Json => format!("{}\n", json!({ "format_version": FORMAT_VERSION, "written": paths })),
            Format::Text => {
                let shown = if folder == Path::new(".") { String::new() } else { format!(" {}", folder.display()) };
                format!(
                    "{}\n\ncellc apply{shown} --cloud sandbox --yes  tries it on an emulated AWS; README.md says how to go on\n",
                    paths.join("\n")
                )
            }
        },
    )
}
