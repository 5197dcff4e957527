//! Policy variables where IAM does not expand them. Owns that lint.

use smol_str::{SmolStr, format_smolstr};

use super::{Found, Kind};
use crate::policy::{Document, Statement};

/// Each resource with a policy variable before the fifth colon of its ARN, where IAM takes it as it is written.
pub(super) fn early_variables(document: &Document, statement: &Statement, found: &mut Found<'_>) {
    let Some(resources) = &statement.resources else { return };
    if !document.has_variables() {
        return;
    }
    for item in &resources.items {
        let Some(variable) = early(&item.value) else { continue };
        let fact = format!("IAM does not expand `{variable}` before the fifth colon of an ARN");
        let finding = found.add(Kind::VariableTooEarly, &item.source, fact);
        finding.help =
            Some("write the account or region there, or `*` with a condition on `aws:ResourceAccount`".to_owned());
    }
}

/// The first variable in the first five parts of an ARN. `${*}`, `${?}` and `${$}` are characters, no variables.
fn early(arn: &str) -> Option<SmolStr> {
    let (mut colons, mut rest) = (0, arn);
    while colons < 5 {
        let at = rest.find([':', '$'])?;
        if rest[at..].starts_with(':') {
            colons += 1;
            rest = &rest[at + 1..];
            continue;
        }
        let inner = rest[at..].strip_prefix("${").and_then(|inner| inner.split_once('}'));
        match inner {
            Some((name, _)) if !["*", "?", "$"].contains(&name) => return Some(format_smolstr!("${{{name}}}")),
            Some((_, after)) => rest = after,
            None => rest = &rest[at + 1..],
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::early;

    #[test]
    fn only_the_first_five_parts_count() {
        for (arn, variable) in [
            ("arn:aws:iam::${aws:PrincipalAccount}:role/x", Some("${aws:PrincipalAccount}")),
            ("arn:aws:s3:::home/${aws:username}", None),
            ("arn:aws:iam::*:user/${aws:username}", None),
            ("${aws:x}", Some("${aws:x}")),
            ("arn:aws:s3:${*}::${?}a", None),
            ("*", None),
        ] {
            assert_eq!(early(arn).as_deref(), variable, "{arn}");
        }
    }
}
