//! Templates that lie in a bucket: `TemplateURL`. Owns which addresses name an object of S3, and what is said of one that is
//! not there.

use super::{template, wrong};
use crate::error::ApiError;
use crate::input::Input;
use crate::services::s3;
use crate::state::State;

/// What a request gives: the template itself, or the object it names; none where it gives neither.
pub(super) fn given(state: &State, input: Input<'_>) -> Result<Option<String>, ApiError> {
    match (input.optional("TemplateBody"), input.optional("TemplateURL")) {
        (Some(_), Some(_)) => Err(wrong("Only one of TemplateBody and TemplateURL may be specified.")),
        (Some(body), None) => {
            template::in_request(body)?;
            Ok(Some(body.to_owned()))
        }
        (None, Some(url)) => object(state, url).map(Some),
        (None, None) => Ok(None),
    }
}

fn object(state: &State, url: &str) -> Result<String, ApiError> {
    let (bucket, key) = place(url).ok_or_else(|| wrong("TemplateURL must be a supported URL."))?;
    let body = s3::body_of(state, &bucket, &key).map_err(|error| {
        let more = "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html";
        wrong(format!("S3 error: {}\n{more}", error.message))
    })?;
    if body.len() > template::LARGEST_OBJECT {
        return Err(wrong(format!("Template may not exceed {} bytes in size.", template::LARGEST_OBJECT)));
    }
    String::from_utf8(body).map_err(|_| wrong("Template format error: unsupported structure."))
}

/// The bucket and the key of an address of S3: by AWS's own names, with the bucket in the host or in the path; or by the
/// sandbox's, where it stands in the path.
pub(crate) fn place(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let (name, is_aws) = match host.strip_suffix(".amazonaws.com.cn").or_else(|| host.strip_suffix(".amazonaws.com"))
    {
        Some(name) if scheme == "https" => (name, true),
        Some(_) => return None,
        None => (host, false),
    };
    let in_host = name.split_once(".s3").filter(|(_, rest)| rest.is_empty() || rest.starts_with(['.', '-']));
    let (bucket, key) = match in_host {
        Some((bucket, _)) if is_aws => (bucket, path),
        _ if is_aws && !(name == "s3" || name.starts_with("s3.") || name.starts_with("s3-")) => return None,
        _ => path.split_once('/')?,
    };
    (!bucket.is_empty() && !key.is_empty()).then(|| (bucket.to_owned(), key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn an_address_names_an_object() {
        let object = Some(("acme".to_owned(), "a/b".to_owned()));
        for url in [
            "https://acme.s3.eu-west-1.amazonaws.com/a/b",
            "https://acme.s3.amazonaws.com/a/b",
            "https://acme.s3-us-west-2.amazonaws.com/a/b",
            "https://s3.eu-west-1.amazonaws.com/acme/a/b",
            "https://s3.amazonaws.com/acme/a/b",
            "https://acme.s3.cn-north-1.amazonaws.com.cn/a/b",
            "http://127.0.0.1:4000/acme/a/b",
        ] {
            assert_eq!(place(url), object, "{url}");
        }
        for url in [
            "http://acme.s3.amazonaws.com/a/b",
            "https://ec2.amazonaws.com/a/b",
            "acme/a",
            "https://s3.amazonaws.com/a",
        ] {
            assert_eq!(place(url), None, "{url}");
        }
    }
}
