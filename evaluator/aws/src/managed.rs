//! AWS's own managed policies, from IAM. Owns how a document is asked for and read.

use cell_eval::provider::{Answer, CloudError, Failure, ManagedPolicy};
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;

use crate::call::read;
use crate::cloud::AwsCloud;
use crate::convert::{found, need, timestamp};

impl AwsCloud {
    /// A managed policy at the version that is in force.
    pub(crate) async fn policy_in_force(&self, arn: &str) -> Answer<Option<ManagedPolicy>> {
        let call = read("iam:GetPolicy");
        let answer = self.road().send(call, || self.iam.get_policy().policy_arn(arn).send()).await;
        let Some(answer) = found(answer)? else { return Ok(None) };
        let policy = need(call.name, "Policy", answer.policy)?;
        let version = need(call.name, "DefaultVersionId", policy.default_version_id)?;
        let call = read("iam:GetPolicyVersion");
        let ask = || self.iam.get_policy_version().policy_arn(arn).version_id(&version).send();
        // A version that AWS replaced just now is there for a while: that it is not is no answer to go on with.
        let answer = self.road().send(call, ask).await?;
        let inner = need(call.name, "PolicyVersion", answer.policy_version)?;
        let document = decoded(call.name, &need(call.name, "Document", inner.document)?)?;
        let made = need(call.name, "CreateDate", inner.create_date.as_ref().and_then(timestamp))?;
        Ok(Some(ManagedPolicy { version, date: TimeZone::UTC.to_datetime(made).date(), document }))
    }
}

/// IAM gives documents in percent encoding, as RFC 3986 has it: a `+` is a plus.
fn decoded(call: &str, document: &str) -> Answer<String> {
    let text = percent_decode_str(document).decode_utf8();
    let text = text.map_err(|_| CloudError::own(call, Failure::Invalid, "the document is not UTF-8"))?;
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn documents_are_decoded() {
        assert_eq!(decoded("c", "%7B%22a%22%3A%20%22%C3%A9+%22%7D").unwrap(), r#"{"a": "é+"}"#);
        assert_eq!(decoded("c", r#"{"Version":"2012-10-17"}"#).unwrap(), r#"{"Version":"2012-10-17"}"#);
        assert_eq!(decoded("c", "%FF").unwrap_err().failure, Failure::Invalid);
    }
}
