//! Where a component's repository may be: a path, `file://`, `ssh://`, `user@host:path`, `https://`. Owns what is refused:
//! whatever git would take for an option, for a program to run, or for a way that nothing protects.

use std::fmt;
use std::path::Path;

/// A repository that may be fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As git takes it.
    url: String,
    /// As people see it: without the name and password of a URL.
    shown: String,
}

/// Why a repository is not fetched from; each says what to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It could be taken for an option.
    #[error("it begins with `-`, and would be taken for an option")]
    Option,
    /// It has characters that no address has.
    #[error("it has characters that no URL and no path has")]
    Characters,
    /// It names a helper to run.
    #[error("it names a program to be run (`…::`), not a repository")]
    Helper,
    /// Another scheme.
    #[error("only `https://`, `ssh://`, `user@host:path`, `file://` and paths are fetched from")]
    Scheme,
    /// Nothing protects what is fetched.
    #[error("nothing protects what comes that way; write `https://` or `ssh://`")]
    Unprotected,
}

impl Source {
    /// Reads what a program says. A path is one from `beside`.
    ///
    /// # Errors
    /// When it is refused.
    pub fn parse(repo: &str, beside: &Path) -> Result<Self, Refused> {
        if repo.starts_with('-') {
            return Err(Refused::Option);
        }
        if repo.is_empty() || repo.chars().any(char::is_control) {
            return Err(Refused::Characters);
        }
        let before_slash = repo.split('/').next().unwrap_or_default();
        if before_slash.contains("::") {
            return Err(Refused::Helper);
        }
        if let Some((scheme, rest)) = repo.split_once("://") {
            return Self::of_scheme(repo, scheme, rest);
        }
        if let Some((host, _)) = before_slash.split_once(':') {
            let (user, host) = host.split_once('@').ok_or(Refused::Scheme)?;
            return if user.is_empty() || host.is_empty() || host.starts_with('-') || user.starts_with('-') {
                Err(Refused::Option)
            } else {
                Ok(Self { url: repo.to_owned(), shown: repo.to_owned() })
            };
        }
        let path = beside.join(repo);
        let url = path.to_str().ok_or(Refused::Characters)?.to_owned();
        Ok(Self { url, shown: repo.to_owned() })
    }

    fn of_scheme(repo: &str, scheme: &str, rest: &str) -> Result<Self, Refused> {
        match scheme {
            "https" | "ssh" | "file" => {}
            "http" | "git" => return Err(Refused::Unprotected),
            _ => return Err(Refused::Scheme),
        }
        if repo.contains(char::is_whitespace) && scheme != "file" {
            return Err(Refused::Characters);
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        // git would hand such a host to ssh, which takes it for an option.
        if host.starts_with('-') || user.starts_with('-') {
            return Err(Refused::Option);
        }
        // The name of a user is no secret, unless it is a token: only ssh's is shown.
        let user = if scheme == "ssh" { user.split(':').next().unwrap_or_default() } else { "" };
        let at = if user.is_empty() { String::new() } else { format!("{user}@") };
        Ok(Self { url: repo.to_owned(), shown: format!("{scheme}://{at}{host}/{path}") })
    }

    /// As git takes it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What git said, with the URL as people see it.
    pub(crate) fn cleaned(&self, said: &str) -> String {
        said.replace(&self.url, &self.shown)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Can this be the name of a branch, a tag or a commit? By the rules of `git check-ref-format`, as far as they keep out what
/// means something else to git.
pub fn is_reference(name: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    !name.is_empty()
        && !name.starts_with(['-', '/'])
        && !name.ends_with(['/', '.'])
        && !name.contains(odd)
        && ["..", "@{", "//"].iter().all(|part| !name.contains(part))
        && name != "@"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn of(repo: &str) -> Result<(String, String), Refused> {
        Source::parse(repo, Path::new("/program")).map(|source| (source.url().to_owned(), source.to_string()))
    }

    #[test]
    fn what_may_be_fetched_from() {
        let same = |text: &str| Ok((text.to_owned(), text.to_owned()));
        for plain in
            ["https://git.example/a/b", "ssh://git@git.example:22/a", "git@git.example:a/b.git", "file:///a b"]
        {
            assert_eq!(of(plain), same(plain));
        }
        assert_eq!(of("../cache"), Ok(("/program/../cache".to_owned(), "../cache".to_owned())));
        assert_eq!(of("/srv/cache").unwrap().0, "/srv/cache");
        // A colon behind a slash is one of a path.
        assert_eq!(of("./a:b").unwrap().0, "/program/./a:b");
    }

    #[test]
    fn what_is_refused() {
        for (repo, why) in [
            ("-oProxyCommand=x", Refused::Option),
            ("--upload-pack=touch x", Refused::Option),
            ("ssh://-oProxyCommand=x/a", Refused::Option),
            ("ssh://git@-oProxyCommand=x/a", Refused::Option),
            ("git@-oProxyCommand=x:a", Refused::Option),
            ("ext::sh -c touch% x", Refused::Helper),
            ("file::x", Refused::Helper),
            ("ext+ssh://x", Refused::Scheme),
            ("ftp://git.example/a", Refused::Scheme),
            ("git.example:a", Refused::Scheme),
            ("http://git.example/a", Refused::Unprotected),
            ("git://git.example/a", Refused::Unprotected),
            ("HTTPS://git.example/a", Refused::Scheme),
            ("a\nb", Refused::Characters),
            ("", Refused::Characters),
        ] {
            assert_eq!(of(repo), Err(why), "{repo}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let source = Source::parse("https://ana:s3cret@git.example/a", Path::new("/")).unwrap();
        assert_eq!(source.to_string(), "https://git.example/a");
        assert_eq!(source.cleaned("fatal: 'https://ana:s3cret@git.example/a'"), "fatal: 'https://git.example/a'");
        assert_eq!(of("ssh://ana:s3cret@git.example/a").unwrap().1, "ssh://ana@git.example/a");
    }

    #[test]
    fn names_of_versions() {
        for name in ["main", "v1.2.3", "release/7", "refs/tags/v1", "c0ffee", "a@b"] {
            assert!(is_reference(name), "{name}");
        }
        for name in ["", "-b", "--exec", "a..b", "a:b", "v*", "a b", "a^{}", "@{-1}", "/a", "a\n"] {
            assert!(!is_reference(name), "{name}");
        }
    }

    proptest! {
        /// Nothing that is taken begins like an option, has a helper in front, or breaks a line.
        #[test]
        fn what_is_taken_is_no_option_and_no_helper(repo in "(|-|ext::|https://|ssh://|git@)[-a-z:@/ .\n]{0,24}") {
            if let Ok((url, shown)) = of(&repo) {
                prop_assert!(!url.starts_with('-') && !url.contains('\n') && !shown.contains('\n'));
                prop_assert!(!url.split('/').next().unwrap().contains("::"));
            }
        }
    }
}
