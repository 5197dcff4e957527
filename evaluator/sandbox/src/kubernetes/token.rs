//! Tokens of EKS: a signed request to STS that says for which cluster it is. Owns whether one has the right form, as
//! `aws-iam-authenticator` asks for it; the signature itself is not verified here.
//!
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/master/pkg/token/token.go>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const PREFIX: &str = "k8s-aws-v1.";

/// What is wrong with a bearer token; none for one that is no token of EKS, which anybody may have.
pub(super) fn refusal(token: &str) -> Option<String> {
    let encoded = token.strip_prefix(PREFIX)?;
    let decoded = URL_SAFE_NO_PAD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(url) = decoded else { return Some("the token is not in base64url without padding".to_owned()) };
    let Some((place, query)) = url.split_once('?') else { return Some("the token is no signed request".to_owned()) };
    let pairs = crate::http::pairs(query.as_bytes());
    let get = |name: &str| {
        pairs.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    let is_sts = place.starts_with("http") && ["", "/"].contains(&place.splitn(4, '/').nth(3).unwrap_or_default());
    if !is_sts || get("Action") != Some("GetCallerIdentity") {
        return Some("the token is no request to STS for the caller's identity".to_owned());
    }
    let signed = get("X-Amz-SignedHeaders").unwrap_or_default();
    if !signed.split(';').any(|header| header == "x-k8s-aws-id") {
        return Some("the token does not say for which cluster it is".to_owned());
    }
    let expires: u32 = get("X-Amz-Expires").and_then(|text| text.parse().ok()).unwrap_or(0);
    if expires == 0 || expires > 900 {
        return Some("the token has no expiry of at most 15 minutes".to_owned());
    }
    if get("X-Amz-Signature").is_none() || get("X-Amz-Credential").is_none() {
        return Some("the token is not signed".to_owned());
    }
    None
}
