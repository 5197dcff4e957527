//! What was built, as whoever begins a release says it: by digest, or by the file itself. Owns how that is read and held
//! against what the registry of images or the repository says.

use std::fs;
use std::path::Path;

use cell_eval::digest::sha256;
use cell_eval::releases::wishes::{Release, Wish};

/// The digest that is said: `file://PATH`, or a path at which there is a file, stands for the SHA-256 of its bytes; anything
/// else is the digest, or the version that a bucket gave, itself.
///
/// # Errors
/// Why the file cannot be read, or that it is no whole digest.
pub(crate) fn said(text: &str) -> Result<String, String> {
    let path = text.strip_prefix("file://").unwrap_or(text);
    if path == text && !Path::new(path).is_file() {
        let whole = |digits: &str| digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return match text.strip_prefix("sha256:") {
            Some(digits) if !whole(digits) => Err(format!(
                "`{text}` is no digest: `sha256:` has 64 hexadecimal digits behind it, and there is no file of that name"
            )),
            // S3 says of its versions that they can stand in a URL as they are (S3 User Guide, "Version IDs").
            _ if text.contains('/') || text.contains(char::is_whitespace) => {
                Err(format!("there is no file `{text}`, and a version that a bucket gave has no such name"))
            }
            _ => Ok(text.to_owned()),
        };
    }
    let bytes = fs::read(path).map_err(|error| format!("the archive {path} cannot be read: {error}"))?;
    Ok(format!("sha256:{}", sha256(bytes)))
}

/// Is the release what was built? What was built is known by the digest of its image, by its commit where it has no image,
/// or, of an archive, by a digest or the version that its bucket gave it, which is nothing that can be asked for here and is
/// taken.
///
/// # Errors
/// It is something else by now.
pub(crate) fn same(wish: &Wish, release: &mut Release, digest: &str) -> Result<(), String> {
    let what = if wish.artifact.is_some() { "artifact" } else { "commit" };
    match release.digests.get(what) {
        Some(found) if found != digest => Err(format!(
            "{} {} is {what} {found} by now, and {digest} was built: the tag was moved",
            wish.of, release.version
        )),
        Some(_) => Ok(()),
        None => {
            release.digests.insert(what.to_owned(), digest.to_owned());
            Ok(())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::said;

    #[test]
    fn a_file_stands_for_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("api.jar");
        std::fs::write(&file, "abc").unwrap();
        let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let path = file.display().to_string();
        assert_eq!(said(&path).as_deref(), Ok(digest));
        assert_eq!(said(&format!("file://{path}")).as_deref(), Ok(digest));
        assert_eq!(said(digest).as_deref(), Ok(digest));
        assert!(said("sha256:abc").unwrap_err().contains("64 hexadecimal digits"));
        assert_eq!(said("3HL4kqtJvjVBH40Nrjfkd").as_deref(), Ok("3HL4kqtJvjVBH40Nrjfkd"));
        assert!(said("../nope.jar").unwrap_err().contains("there is no file"));
        assert!(said(&format!("file://{path}.none")).unwrap_err().contains("cannot be read"));
    }
}
