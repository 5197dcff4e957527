//! The files of a project on disk, and of the library. Owns where a project ends and what may be read of it:
//! regular files inside the project, links followed, up to a size. Knows nothing of what is in them.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use cell_lang::files::{FileError, Files, PACKAGE, STD, shown};

/// The folder of the packages, in the project's.
const PACKAGES: &str = "packages";
/// Folders in which no file of the program itself is looked for.
const FOREIGN: [&str; 3] = [PACKAGES, "target", "node_modules"];

/// A project on disk.
///
/// INVARIANT: `root` is canonical; `main` is relative to it, written with `/`.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder that nothing read lies outside of.
    pub(crate) root: PathBuf,
    /// The program's first file.
    pub(crate) main: String,
    limit: u64,
    /// The folder the program was named by, if it was named by one.
    folder: Option<PathBuf>,
}

impl Project {
    /// The project of the program at `path`: a file, or a folder with a `main.cell`. Files of more than `limit`
    /// bytes are refused.
    pub(crate) fn open(path: &Path, limit: u64) -> Result<Self, FileError> {
        let named = path.is_dir();
        let path = if named { path.join("main.cell") } else { path.to_owned() };
        let main = path.canonicalize().map_err(|error| refused(&error))?;
        if !main.metadata().map_err(|error| refused(&error))?.is_file() {
            return Err(FileError::NotAFile);
        }
        let folder = main.parent().ok_or(FileError::NotAFile)?;
        let root = root_of(folder).to_owned();
        let folder = named.then(|| folder.to_owned());
        let main = slashed(main.strip_prefix(&root).unwrap_or(&main))?;
        Ok(Self { root, main, limit, folder })
    }

    /// The largest file that is read, in bytes.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// The other files of the program's folder, below it too, by path: they are checked though nothing imports
    /// them. None if the program was named by its file. A folder with a `main.cell` or a lock is a program of its
    /// own; links are not followed.
    pub(crate) fn beside(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders: Vec<PathBuf> = self.folder.iter().cloned().collect();
        while let Some(folder) = folders.pop() {
            // A folder that cannot be read holds nothing the program could import.
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                let Ok(kind) = entry.file_type() else { continue };
                let name = name.to_string_lossy();
                if kind.is_dir() && !name.starts_with('.') && !FOREIGN.contains(&&*name) && !is_program(&path) {
                    folders.push(path);
                } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "cell") {
                    found.extend(path.strip_prefix(&self.root).ok().and_then(|path| slashed(path).ok()));
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// Is there a file of this name in the project's folder?
    pub(crate) fn has(&self, name: &str) -> bool {
        self.root.join(name).is_file()
    }

    /// As [`Self::write`], for a path with folders, which are made; a link that leads out of the project is not
    /// followed.
    pub(crate) fn write_below(&self, path: &str, text: &str) -> Result<(), String> {
        let path = self.root.join(path);
        let folder = path.parent().unwrap_or(&self.root);
        // Nothing is made beyond a link: what is there already must be inside.
        let there = folder.ancestors().find(|above| above.exists()).unwrap_or(&self.root);
        self.inside(there)?;
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        replace(&path, text.as_bytes()).map_err(|error| error.to_string())
    }

    /// Removes a file, and the folders that are empty then; one that is gone already is no error.
    pub(crate) fn remove(&self, path: &str) -> Result<(), String> {
        let path = self.root.join(path);
        let mut folder = path.parent().unwrap_or(&self.root);
        self.inside(folder)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.to_string()),
            _ => {}
        }
        // A folder with anything else in it stays: the system says so.
        while folder != self.root && fs::remove_dir(folder).is_ok() {
            folder = folder.parent().unwrap_or(&self.root);
        }
        Ok(())
    }

    fn inside(&self, folder: &Path) -> Result<(), String> {
        let real = folder.canonicalize().map_err(|error| error.to_string())?;
        if real.starts_with(&self.root) { Ok(()) } else { Err("it lies outside the project".to_owned()) }
    }

    /// Replaces a file of the project's folder: aside, then renamed, so that it is never half there.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), String> {
        replace(&self.root.join(name), text.as_bytes()).map_err(|error| error.to_string())
    }
}

/// Replaces a file: aside, then renamed, so that it is never half there.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_if(path, bytes, None, || Ok(()))
}

/// Writes what somebody named a place for: as [`replace`] does the file that a link leads to; a pipe or a device gets the bytes and
/// stays what it is.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&real) {
        Ok(found) if !found.is_file() => File::options().write(true).open(&real)?.write_all(bytes),
        _ => replace(&real, bytes),
    }
}

/// As [`replace`]. The new file gets these permissions, and takes the place of the old one only if `still` says so
/// once all of it is on disk.
pub(crate) fn replace_if(
    path: &Path,
    bytes: &[u8],
    permissions: Option<Permissions>,
    still: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = File::create(&aside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| permissions.map_or(Ok(()), |permissions| fs::set_permissions(&aside, permissions)))
        .and_then(|()| still())
        .and_then(|()| fs::rename(&aside, path));
    written.inspect_err(|_| {
        // The first failure is what is told; what stays behind is a file of a name of its own.
        let _ = fs::remove_file(&aside);
    })
}

impl Files for Project {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if path.starts_with(STD) {
            return cell_std::read(&shown(path)).map(|text| text.as_bytes().to_vec()).ok_or(FileError::NotFound);
        }
        let vendored = path.strip_prefix(PACKAGE).map(|inside| format!("{PACKAGES}/{inside}"));
        let path = vendored.as_deref().unwrap_or(path);
        if leaves(Path::new(path)) {
            return Err(FileError::Outside);
        }
        let real = self.root.join(path).canonicalize().map_err(|error| refused(&error))?;
        if !real.starts_with(&self.root) {
            return Err(FileError::Outside);
        }
        read_file(&real, self.limit)
    }
}

/// The `.cell` files in a folder and below it, by path. Hidden folders, packages, build output and links are left
/// out. An error names the folder that cannot be read.
pub(crate) fn cell_files(folder: &Path) -> Result<Vec<PathBuf>, (PathBuf, FileError)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error: io::Error| (folder.clone(), refused(&error));
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if kind.is_dir() && !name.starts_with('.') && !FOREIGN.contains(&&*name) {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "cell") {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The folders at or below `folder` that hold a program. Links are not followed.
pub(crate) fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if folder.join("main.cell").is_file() {
            found.push(folder.clone());
        }
        // What cannot be read holds no program that could be run.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !name.starts_with('.') && !FOREIGN.contains(&&*name) {
                folders.push(entry.path());
            }
        }
    }
    found.sort_unstable();
    found
}

fn is_program(folder: &Path) -> bool {
    folder.join("main.cell").exists() || folder.join("cell.lock").exists()
}

pub(crate) fn refused(error: &io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FileError::NotFound,
        io::ErrorKind::IsADirectory => FileError::NotAFile,
        _ => FileError::Unreadable(error.to_string()),
    }
}

/// The folder that a project with a file in `folder` lies in: the nearest upward with a `cell.lock`, else the git
/// work tree, else `folder`.
fn root_of(folder: &Path) -> &Path {
    let with = |name: &str| folder.ancestors().find(|above| above.join(name).exists());
    // In a work tree made by `git worktree`, `.git` is a file.
    with("cell.lock").or_else(|| with(".git")).unwrap_or(folder)
}

/// Does the path, taken by its words alone, climb out of where it starts?
fn leaves(path: &Path) -> bool {
    let mut depth = 0_usize;
    for component in path.components() {
        depth = match component {
            Component::Normal(_) => depth + 1,
            Component::CurDir => depth,
            Component::ParentDir if depth > 0 => depth - 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return true,
        };
    }
    false
}

fn slashed(path: &Path) -> Result<String, FileError> {
    let names: Option<Vec<&str>> = path.components().map(|component| component.as_os_str().to_str()).collect();
    let names = names.ok_or_else(|| FileError::Unreadable("its path is not UTF-8".to_owned()))?;
    Ok(names.join("/"))
}

/// Reads a regular file of at most `limit` bytes; anything else is refused before it is opened, since to open a
/// pipe waits and to read a device may never end.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let metadata = fs::metadata(path).map_err(|error| refused(&error))?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile);
    }
    if metadata.len() > limit {
        return Err(FileError::TooLarge(limit));
    }
    let file = File::open(path).map_err(|error| refused(&error))?;
    if !file.metadata().map_err(|error| refused(&error))?.is_file() {
        return Err(FileError::NotAFile);
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| refused(&error))?;
    if bytes.len() as u64 > limit { Err(FileError::TooLarge(limit)) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A folder with `project/.git`, `project/app/main.cell`, `project/lib.cell` and `secret.cell` beside it.
    fn project() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("project/app")).unwrap();
        fs::create_dir_all(root.join("project/.git")).unwrap();
        fs::write(root.join("project/app/main.cell"), "main").unwrap();
        fs::write(root.join("project/lib.cell"), "lib").unwrap();
        fs::write(root.join("secret.cell"), "secret").unwrap();
        (folder, root)
    }

    #[cfg(unix)]
    #[test]
    fn what_a_link_leads_to_is_written_and_a_device_stays_one() {
        let (_folder, root) = project();
        let link = root.join("link");
        std::os::unix::fs::symlink(root.join("secret.cell"), &link).unwrap();
        put(&link, b"plan").unwrap();
        assert_eq!(fs::read(root.join("secret.cell")).unwrap(), b"plan");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        put(Path::new("/dev/null"), b"plan").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_folder_means_its_main_file_and_git_makes_the_project() {
        let (_folder, root) = project();
        let opened = Project::open(&root.join("project/app"), 100).unwrap();
        assert_eq!((opened.root.as_path(), opened.main.as_str()), (root.join("project").as_path(), "app/main.cell"));
        assert_eq!(opened.read("lib.cell").unwrap(), b"lib");
        assert_eq!(opened.read("app/../lib.cell").unwrap(), b"lib");
    }

    #[test]
    fn a_lock_file_goes_before_git_and_a_lone_file_is_its_own_project() {
        let (_folder, root) = project();
        fs::write(root.join("project/app/cell.lock"), "").unwrap();
        let opened = Project::open(&root.join("project/app/main.cell"), 100).unwrap();
        assert_eq!((opened.root.as_path(), opened.main.as_str()), (root.join("project/app").as_path(), "main.cell"));
        let alone = Project::open(&root.join("secret.cell"), 100).unwrap();
        assert_eq!(alone.root, root);
    }

    #[test]
    fn nothing_outside_is_read() {
        let (_folder, root) = project();
        let opened = Project::open(&root.join("project/app"), 100).unwrap();
        let absolute = root.join("secret.cell");
        for path in ["../secret.cell", "app/../../secret.cell", "../../no/such", absolute.to_str().unwrap()] {
            assert_eq!(opened.read(path), Err(FileError::Outside), "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_only() {
        use std::os::unix::fs::symlink;
        let (_folder, root) = project();
        let opened = Project::open(&root.join("project/app"), 100).unwrap();
        symlink(root.join("secret.cell"), root.join("project/out.cell")).unwrap();
        symlink(&root, root.join("project/up")).unwrap();
        symlink("lib.cell", root.join("project/in.cell")).unwrap();
        symlink("loop.cell", root.join("project/loop.cell")).unwrap();
        assert_eq!(opened.read("out.cell"), Err(FileError::Outside));
        assert_eq!(opened.read("up/secret.cell"), Err(FileError::Outside));
        assert_eq!(opened.read("up/project/lib.cell").unwrap(), b"lib");
        assert_eq!(opened.read("in.cell").unwrap(), b"lib");
        assert!(matches!(opened.read("loop.cell"), Err(FileError::Unreadable(_))));
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_read() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;
        let (_folder, root) = project();
        let opened = Project::open(&root.join("project/app"), 100).unwrap();
        let _socket = UnixListener::bind(root.join("project/socket.cell")).unwrap();
        assert_eq!(opened.read("app"), Err(FileError::NotAFile));
        assert_eq!(opened.read("socket.cell"), Err(FileError::NotAFile));
        symlink("/dev/zero", root.join("project/zero.cell")).unwrap();
        assert_eq!(opened.read("zero.cell"), Err(FileError::Outside));
        assert_eq!(Project::open(Path::new("/dev/zero"), 100).err(), Some(FileError::NotAFile));
        assert_eq!(read_file(Path::new("/dev/zero"), 100), Err(FileError::NotAFile));
        assert_eq!(opened.read("none.cell"), Err(FileError::NotFound));
        assert_eq!(opened.read("std:none.cell"), Err(FileError::NotFound));
        assert_eq!(opened.read("lib.cell/none.cell"), Err(FileError::NotFound));
    }

    #[test]
    fn a_large_file_is_refused() {
        let (_folder, root) = project();
        fs::write(root.join("project/app/large.cell"), vec![b'#'; 101]).unwrap();
        fs::write(root.join("project/app/just.cell"), vec![b'#'; 100]).unwrap();
        let opened = Project::open(&root.join("project/app"), 100).unwrap();
        assert_eq!(opened.read("app/large.cell"), Err(FileError::TooLarge(100)));
        assert_eq!(opened.read("app/just.cell").unwrap().len(), 100);
    }
}
