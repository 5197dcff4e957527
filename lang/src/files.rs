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
    /// It is larger than the limit, in bytes.
    TooLarge(u64),
    /// Anything else, in the system's words.
    Unreadable(String),
}

/// Reads files of a project, of the standard library and of packages.
pub trait Files: Sync {
    /// The bytes of a file, by its path from the project's folder with `/`; `std/…` is the library's.
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError>;
}

/// Where a path in the program leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file of the project, by its path from the project's folder.
    Project(SmolStr),
    /// A file of the standard library: `std/…`.
    Std(SmolStr),
    /// A file of a package: `name@version/…`.
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
    if path.contains('\0') || path.contains('\\') {
        return Target::Malformed("a path is written with `/` and has no NUL and no `\\`");
    }
    if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
        return Target::Malformed("an absolute path means another file on every machine");
    }
    if let Some(rest) = path.strip_prefix("std/") {
        return join("", rest).map_or(Target::Outside, |inside| Target::Std(format!("std/{inside}").into()));
    }
    let first = path.split('/').next().unwrap_or("");
    if first.contains('@') {
        let rest = path.get(first.len() + 1..).unwrap_or("");
        return join("", rest).map_or(Target::Outside, |inside| Target::Package(format!("{first}/{inside}").into()));
    }
    if first != "." && first != ".." {
        return Target::Malformed("a path begins with `./`, `../`, `std/` or `name@version/`");
    }
    within(from, path)
}

/// As [`resolve`], for a file that imports by relative path: it stays in its own project, package or library.
fn within(from: &str, path: &str) -> Target {
    let (root, inside) = match from.split_once('/') {
        Some((first, inside)) if first == "std" || first.contains('@') => (first, inside),
        _ => ("", from),
    };
    let folder = inside.rsplit_once('/').map_or("", |(folder, _)| folder);
    match join(folder, path) {
        None => Target::Outside,
        Some(inside) if root.is_empty() => Target::Project(inside.into()),
        Some(inside) if root == "std" => Target::Std(format!("std/{inside}").into()),
        Some(inside) => Target::Package(format!("{root}/{inside}").into()),
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
        assert_eq!(resolve("main.cell", "std/regions.cell"), Target::Std("std/regions.cell".into()));
        assert_eq!(resolve("main.cell", "std/../x.cell"), Target::Outside);
        assert_eq!(resolve("std/a/b.cell", "../c.cell"), Target::Std("std/c.cell".into()));
        assert_eq!(resolve("std/a.cell", "../c.cell"), Target::Outside);
        assert_eq!(resolve("main.cell", "acme@1.2.0/x.cell"), Target::Package("acme@1.2.0/x.cell".into()));
        assert_eq!(resolve("acme@1.2.0/x.cell", "./y.cell"), Target::Package("acme@1.2.0/y.cell".into()));
        assert_eq!(resolve("acme@1.2.0/x.cell", "../y.cell"), Target::Outside);
        assert!(matches!(resolve("main.cell", "/etc/passwd"), Target::Malformed(_)));
        assert!(matches!(resolve("main.cell", "lib/x.cell"), Target::Malformed(_)));
        assert!(matches!(resolve("main.cell", "C:/x.cell"), Target::Malformed(_)));
    }
}
