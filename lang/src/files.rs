//! The one door to files, and the paths that go through it. Owns path arithmetic; opens nothing itself.

use smol_str::SmolStr;

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileError {
    /// There is none.
    NotFound,
    /// It is a folder, a device, a pipe.
    NotAFile,
    /// Its real place, after links, is outside the project.
    Outside,
    /// It is larger than this limit, in bytes.
    TooLarge(u64),
    /// It is of a package that `cell.lock` does not pin.
    NotPinned,
    /// It is of a package, and not as `cell.lock` pins it: the digest there, and the file's.
    Changed {
        /// What the lock says.
        pinned: String,
        /// What the file is.
        found: String,
    },
    /// Anything else, in the system's words.
    Unreadable(String),
}

impl FileError {
    /// Why the file was not read, as a clause.
    pub fn clause(&self) -> String {
        match self {
            Self::NotFound => "there is no such file".to_owned(),
            Self::NotAFile => "it is not a regular file".to_owned(),
            Self::Outside => "it lies outside the project".to_owned(),
            Self::TooLarge(limit) => format!("it has more than {limit} bytes"),
            Self::NotPinned => "`cell.lock` does not pin its package".to_owned(),
            Self::Changed { .. } => "it is not as `cell.lock` pins it".to_owned(),
            Self::Unreadable(reason) => reason.clone(),
        }
    }
}

/// Before the path of a file of the standard library.
pub const STD: &str = "std:";
/// Before the path of a file of a package: `name@version/…`.
pub const PACKAGE: &str = "pkg:";

/// Reads files of a project, of the standard library and of packages.
///
/// A file of the project is named by its path from the project's folder, with `/`; one of the library by
/// [`STD`] and its path there; one of a package by [`PACKAGE`], `name@version` and its path there. No path of a
/// project holds a `:`, so the three never meet.
pub trait Files: Sync {
    /// The bytes of a file.
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError>;
}

/// Where a path in the program leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file of the project, by its path from the project's folder.
    Project(SmolStr),
    /// A file of the standard library: [`STD`] and its path there.
    Std(SmolStr),
    /// A file of a package: [`PACKAGE`], `name@version` and its path there.
    Package(SmolStr),
    /// Up and out of the project.
    Outside,
    /// Of no known form: the reason, as a clause.
    Malformed(&'static str),
}

/// Where `path`, written in the file `from` (a path from the project's folder), leads. Looks at no file.
pub fn resolve(from: &str, path: &str) -> Target {
    if path.is_empty() {
        return Target::Malformed("the path is empty");
    }
    if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
        return Target::Malformed("an absolute path means another file on every machine");
    }
    if path.contains(['\0', '\\', ':']) {
        return Target::Malformed("a path is written with `/`, and has no NUL, no `\\` and no `:`");
    }
    if let Some(rest) = path.strip_prefix("std/") {
        return join("", rest).map_or(Target::Outside, |inside| Target::Std(format!("{STD}{inside}").into()));
    }
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    if first.contains('@') {
        let package = |inside| Target::Package(format!("{PACKAGE}{first}/{inside}").into());
        return join("", rest).map_or(Target::Outside, package);
    }
    if first != "." && first != ".." {
        return Target::Malformed("a path begins with `./`, `../`, `std/` or `name@version/`");
    }
    within(from, path)
}

/// As [`resolve`], for a relative path: it stays in its own project, package or library.
fn within(from: &str, path: &str) -> Target {
    let package = from.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('/'));
    let inside = package.map(|(_, inside)| inside).or_else(|| from.strip_prefix(STD)).unwrap_or(from);
    let folder = inside.rsplit_once('/').map_or("", |(folder, _)| folder);
    match (join(folder, path), package) {
        (None, _) => Target::Outside,
        (Some(inside), Some((name, _))) => Target::Package(format!("{PACKAGE}{name}/{inside}").into()),
        (Some(inside), None) if from.starts_with(STD) => Target::Std(format!("{STD}{inside}").into()),
        (Some(inside), None) => Target::Project(inside.into()),
    }
}

/// A file as diagnostics and imports name it: `std/regions.cell` for `std:regions.cell`.
pub fn shown(path: &str) -> SmolStr {
    match (path.strip_prefix(STD), path.strip_prefix(PACKAGE)) {
        (Some(inside), _) => format!("std/{inside}").into(),
        (None, Some(inside)) => inside.into(),
        (None, None) => path.into(),
    }
}

/// `path` from `folder`, without `.` and `..`; none when it goes above the top.
fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(path: &str) -> Target {
        Target::Project(path.into())
    }

    #[test]
    fn paths_stay_where_they_are_written() {
        assert_eq!(resolve("a/main.cell", "./lib/x.cell"), project("a/lib/x.cell"));
        assert_eq!(resolve("a/main.cell", "../x.cell"), project("x.cell"));
        assert_eq!(resolve("a/main.cell", "../../x.cell"), Target::Outside);
        assert_eq!(resolve("main.cell", "./a/../../x.cell"), Target::Outside);
        assert_eq!(resolve("main.cell", "std/regions.cell"), Target::Std("std:regions.cell".into()));
        assert_eq!(resolve("main.cell", "std/../x.cell"), Target::Outside);
        assert_eq!(resolve("std:a/b.cell", "../c.cell"), Target::Std("std:c.cell".into()));
        assert_eq!(resolve("std:a.cell", "../c.cell"), Target::Outside);
        assert_eq!(resolve("main.cell", "acme@1.2.0/x.cell"), Target::Package("pkg:acme@1.2.0/x.cell".into()));
        assert_eq!(resolve("pkg:acme@1.2.0/x.cell", "./y.cell"), Target::Package("pkg:acme@1.2.0/y.cell".into()));
        assert_eq!(resolve("pkg:acme@1.2.0/x.cell", "../y.cell"), Target::Outside);
        assert!(matches!(resolve("main.cell", "/etc/passwd"), Target::Malformed(_)));
        assert!(matches!(resolve("main.cell", "lib/x.cell"), Target::Malformed(_)));
        assert!(matches!(resolve("main.cell", "C:/x.cell"), Target::Malformed(_)));
    }
}
