//! The refined types that the language brings: what AWS, GCP and Kubernetes take, as rules on single values.
//!
//! Source of the rules, unless said otherwise: AWS's service models as botocore ships them, read 2026-09.
//! Owns no rule that needs more than the value itself.

use crate::types::Ty;
use crate::value::{Lit, write_duration};

macro_rules! builtins {
    ($($variant:ident $base:ident $rule:expr, $doc:literal;)*) => {
        /// A refined type of the language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Builtin { $(#[doc = $doc] $variant,)* }

        impl Builtin {
            /// Every one, by name.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As a program writes it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }

            /// What it is narrower than.
            pub fn base(self) -> &'static Ty {
                match self { $(Self::$variant => &Ty::$base,)* }
            }

            /// The rule, in words.
            pub fn describe(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }

            /// Does the type take this value? If not: why, as a clause. A value of another base is the type
            /// checker's affair and passes.
            pub fn check(self, value: &Lit) -> Result<(), String> {
                match (self, value) {
                    $((Self::$variant, value) => $rule(value, $doc),)*
                }
            }
        }
    };
}

builtins! {
    AccountId String digits12, "an account id is twelve digits";
    AccountName String printable::<1, 50>, "an account name has 1 to 50 printable ASCII characters";
    ActionPattern String action, "an action is `service:Action`, with `*` and `?` as wildcards, or `*`";
    AlarmName String length::<1, 255>, "an alarm name has at most 255 characters";
    AwsRegion String aws_region, "an AWS region reads like `us-west-2`";
    BlockLabel String block_label, "a block's label begins with a letter and has at most 50 letters, digits, `-` and `_`";
    Boundary String boundary, "a boundary is the ARN of an AWS managed policy or the name of a customer policy";
    BucketName String bucket, "a bucket name has 3 to 63 of a-z, 0-9, `.` and `-`, begins and ends with a letter or digit, and has no `..`";
    BudgetSubscriber String subscriber, "a budget notifies an e-mail address or the ARN of an SNS topic";
    Creations Int between::<1, 5>, "at most 5 accounts are created at once";
    CustomerPolicy String customer_policy, "a customer policy is a name of 1 to 128 characters, after a path such as `/teams/` if it has one";
    Description String prose::<1, 700>, "a description has 1 to 700 characters";
    DnsName String dns_name, "a DNS name has labels of at most 63 characters and at most 253 in all";
    EcrRepo String ecr_repo, "a repository name has 2 to 256 of a-z, 0-9, `.`, `_`, `-` and `/`";
    Email String email, "an e-mail address has 6 to 64 ASCII characters, one `@` and a domain";
    GcpProject String gcp_project, "a GCP project id has 6 to 30 of a-z, 0-9 and `-`, begins with a letter and does not end in `-`";
    GcpRegion String gcp_region, "a GCP region reads like `us-east1`";
    InstanceArn String instance_arn, "an Identity Center instance is `arn:aws:sso:::instance/ssoins-…`";
    KubernetesName String kubernetes_name, "a Kubernetes name has at most 63 of a-z, 0-9 and `-`";
    KubernetesWorkload String workload, "a workload is `deployment/…`, `statefulset/…` or `daemonset/…`";
    Label String label, "a label begins with a-z and has at most 50 of a-z, 0-9 and `-`";
    MakeTarget String make_target, "a make target has letters, digits, `.`, `_` and `-`";
    ManagedPolicyArn String managed_policy, "an AWS managed policy is `arn:aws:iam::aws:policy/…`";
    MetricName String length::<1, 255>, "a metric name has 1 to 255 characters";
    MetricNamespace String namespace, "a metric namespace has 1 to 255 characters and does not begin with `:`";
    Natural Int between::<0, { i64::MAX }>, "a count is not negative";
    OuId String ou_id, "an OU id reads like `ou-ab12-cdefgh34`";
    OuName String length::<1, 128>, "an organizational unit's name has 1 to 128 characters";
    Period Duration period, "a period is 10s, 20s, 30s or a multiple of 1m, up to 1d";
    PermissionSetLabel String set_label, "a permission set name has at most 32 characters";
    PermissionSetName String set_name, "a permission set name has at most 32 characters";
    PipelineName String pipeline, "a pipeline name has 1 to 100 letters, digits, `.`, `@`, `-` and `_`";
    PolicyName String length::<1, 128>, "a policy's name has 1 to 128 characters";
    Positive Int between::<1, { i64::MAX }>, "at least 1 is needed";
    PrincipalName String length::<1, 1024>, "a group's or user's name has 1 to 1024 characters";
    Reason String length::<1, 1000>, "a reason has 1 to 1000 characters";
    RegistryLocation String registry, "a registry is the path of a file, or `s3://bucket/key`, where the bucket has 3 to 63 of a-z, 0-9, `.` and `-`, and a letter or digit at both ends";
    RelayState String length::<1, 240>, "a relay state has 1 to 240 characters";
    Repository String length::<1, 2048>, "a repository is a URL or a path";
    RoleName String role_name, "a role's name has 1 to 64 letters, digits and `_+=,.@-`";
    RootId String root_id, "a root id reads like `r-ab12`";
    ScpDescription String prose::<0, 512>, "a policy's description has at most 512 characters";
    Session Duration session, "a session lasts 1h to 12h";
    StackName String stack, "a stack name begins with a letter and has at most 128 letters, digits and `-`";
    TagValue String tag_value, "a tag's value has at most 256 letters, digits, spaces and `_.:/=+-@`";
    TemplateBucket String template_bucket, "a template bucket has 3 to 63 of a-z, 0-9 and `-`, a letter or digit at both ends, and `{region}` where it is one for each region";
    TimeZone String time_zone, "a time zone is a name of the IANA database in its own case, such as `Europe/Berlin`";
    Wait Duration wait, "a wait is longer than 0s";
}

type Verdict = Result<(), String>;

fn judge(holds: bool, value: &Lit, rule: &str) -> Verdict {
    if holds { Ok(()) } else { Err(format!("{rule}; this is {}", shown(value))) }
}

/// The value as a message shows it: a long one is cut.
fn shown(value: &Lit) -> String {
    let text = value.quoted();
    if text.chars().count() <= 60 {
        return text;
    }
    let head: String = text.chars().take(57).collect();
    format!("{head}…")
}

fn string(value: &Lit) -> Option<&str> {
    if let Lit::Str(text) = value { Some(text) } else { None }
}

fn on_text(value: &Lit, rule: &str, test: impl Fn(&str) -> bool) -> Verdict {
    string(value).map_or(Ok(()), |text| judge(test(text), value, rule))
}

fn within(value: &Lit, rule: &str, test: impl Fn(&str) -> bool, least: usize, most: usize) -> Verdict {
    let Some(text) = string(value) else { return Ok(()) };
    let count = text.chars().count();
    if count < least || count > most {
        return Err(format!("{rule}; this has {count}"));
    }
    judge(test(text), value, rule)
}

fn length<const LEAST: usize, const MOST: usize>(value: &Lit, rule: &str) -> Verdict {
    within(value, rule, |_| true, LEAST, MOST)?;
    on_text(value, &format!("{rule}, and no control character"), |text| !text.chars().any(char::is_control))
}

/// As [`length`], of ASCII alone.
fn printable<const LEAST: usize, const MOST: usize>(value: &Lit, rule: &str) -> Verdict {
    within(value, rule, |text| text.chars().all(|c| matches!(c, ' '..='~')), LEAST, MOST)
}

/// As [`length`], over several lines.
fn prose<const LEAST: usize, const MOST: usize>(value: &Lit, rule: &str) -> Verdict {
    within(value, rule, |_| true, LEAST, MOST)?;
    let plain = |text: &str| !text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c));
    on_text(value, &format!("{rule}, and of control characters only line breaks and tabs"), plain)
}

fn tag_value(value: &Lit, rule: &str) -> Verdict {
    let plain = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    within(value, rule, |text| text.chars().all(plain), 0, 256)
}

fn between<const LEAST: i64, const MOST: i64>(value: &Lit, rule: &str) -> Verdict {
    let Lit::Int(number) = value else { return Ok(()) };
    judge((LEAST..=MOST).contains(number), value, rule)
}

fn all(text: &str, test: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(test)
}

fn lower_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn digits12(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, |text| text.len() == 12 && all(text, |b| b.is_ascii_digit()))
}

fn label(value: &Lit, rule: &str) -> Verdict {
    let plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase()) && all(text, |b| lower_or_digit(b) || b == b'-')
    };
    within(value, rule, plain, 1, 50)
}

fn block_label(value: &Lit, rule: &str) -> Verdict {
    let plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && all(text, |b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    within(value, rule, plain, 1, 50)
}

fn set_label(value: &Lit, rule: &str) -> Verdict {
    let plain = |text: &str| all(text, |b| b.is_ascii_alphanumeric() || b"_+=@-".contains(&b));
    named_of(value, rule, plain, "letters, digits and `_+=@-`")
}

fn set_name(value: &Lit, rule: &str) -> Verdict {
    let plain = |text: &str| all(text, |b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
    named_of(value, rule, plain, "letters, digits and `_+=,.@-`")
}

fn named_of(value: &Lit, rule: &str, plain: impl Fn(&str) -> bool, of: &str) -> Verdict {
    within(value, rule, |_| true, 1, 32)?;
    on_text(value, &format!("a permission set name is made of {of}"), plain)
}

fn email(value: &Lit, rule: &str) -> Verdict {
    let shaped = |text: &str| {
        let Some((local, domain)) = text.split_once('@') else { return false };
        let dotted = domain.split_once('.').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
        !local.is_empty() && !domain.contains('@') && dotted && all(text, |b| b.is_ascii_graphic())
    };
    within(value, rule, shaped, 6, 64)
}

fn aws_region(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, is_aws_region)
}

/// Reads it like a region of AWS: two letters, words, a number (`us-gov-west-1`)?
pub fn is_aws_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    (2..=3).contains(&words.len())
        && words[0].len() == 2
        && words.iter().all(|word| !word.is_empty() && all(word, |b| b.is_ascii_lowercase()))
        && (1..=2).contains(&number.len())
        && all(number, |b| b.is_ascii_digit())
}

fn gcp_region(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, is_gcp_region)
}

/// Reads it like a region of GCP: `europe-west4`?
pub fn is_gcp_region(text: &str) -> bool {
    let Some((continent, rest)) = text.split_once('-') else { return false };
    let place = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    let letters = |text: &str| !text.is_empty() && all(text, |b| b.is_ascii_lowercase());
    letters(continent) && letters(place) && place.len() < rest.len()
}

fn gcp_project(value: &Lit, rule: &str) -> Verdict {
    let shaped = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && all(text, |b| lower_or_digit(b) || b == b'-')
    };
    within(value, rule, shaped, 6, 30)
}

fn ou_id(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, |text| {
        let mut parts = text.split('-');
        let head = parts.next() == Some("ou");
        let sized = |part: Option<&str>, least: usize| {
            part.is_some_and(|p| (least..=32).contains(&p.len()) && all(p, lower_or_digit))
        };
        head && sized(parts.next(), 4) && sized(parts.next(), 8) && parts.next().is_none()
    })
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html>, `RoleName`
fn role_name(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, |text| {
        (1..=64).contains(&text.len()) && all(text, |b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
    })
}

fn root_id(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, |text| {
        text.strip_prefix("r-").is_some_and(|id| (4..=32).contains(&id.len()) && all(id, lower_or_digit))
    })
}

fn instance_arn(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, |text| {
        let id = text.strip_prefix("arn:aws").and_then(|rest| rest.split_once(":sso:::instance/"));
        id.is_some_and(|(partition, id)| {
            let id = id.strip_prefix("ssoins-").or_else(|| id.strip_prefix("ins-"));
            matches!(partition, "" | "-cn" | "-us-gov")
                && id.is_some_and(|id| id.len() == 16 && all(id, |b| b.is_ascii_alphanumeric() || b".-".contains(&b)))
        })
    })
}

fn managed_policy(value: &Lit, rule: &str) -> Verdict {
    within(value, rule, is_managed_policy, 20, 2048)
}

fn is_managed_policy(text: &str) -> bool {
    let name = text.strip_prefix("arn:aws").and_then(|rest| rest.split_once(":iam::aws:policy/"));
    name.is_some_and(|(partition, name)| {
        matches!(partition, "" | "-cn" | "-us-gov")
            && !name.is_empty()
            && all(name, |b| b.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&b))
    })
}

fn customer_policy(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, is_customer_policy)
}

fn is_customer_policy(text: &str) -> bool {
    let (path, name) = text.rsplit_once('/').map_or(("", text), |(_, name)| text.split_at(text.len() - name.len()));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (1..=128).contains(&name.len())
        && all(name, plain)
        && (path.is_empty() || path.starts_with('/'))
        && path.len() <= 512
        && all(path, |b| b.is_ascii_graphic())
}

fn boundary(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, |text| is_managed_policy(text) || is_customer_policy(text))
}

fn action(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, |text| {
        let of = |text: &str, more: &[u8]| {
            !text.is_empty() && all(text, |b| b.is_ascii_alphanumeric() || b"*?".contains(&b) || more.contains(&b))
        };
        text == "*" || text.split_once(':').is_some_and(|(service, name)| of(service, b"-") && of(name, b""))
    })
}

fn dns_name(value: &Lit, rule: &str) -> Verdict {
    let part = |part: &str| {
        (1..=63).contains(&part.len())
            && all(part, |b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    within(value, rule, |text| text.split('.').all(part), 1, 253)
}

fn ecr_repo(value: &Lit, rule: &str) -> Verdict {
    let part = |part: &str| {
        !part.is_empty()
            && all(part, |b| lower_or_digit(b) || b"._-".contains(&b))
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    within(value, rule, |text| text.split('/').all(part), 2, 256)
}

fn bucket(value: &Lit, rule: &str) -> Verdict {
    within(value, rule, is_bucket, 3, 63)
}

/// (Amazon S3 User Guide, "General purpose bucket naming rules")
fn is_bucket(text: &str) -> bool {
    all(text, |b| lower_or_digit(b) || b".-".contains(&b))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && !text.contains("..")
        && (3..=63).contains(&text.len())
}

/// A dot would not do: the bucket is a part of a host's name, for which there is one certificate.
fn template_bucket(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, |text| {
        let longest = text.replacen("{region}", "ap-southeast-1", 1);
        is_bucket(&longest) && !longest.contains('.')
    })
}

fn registry(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, |text| match text.split_once("://") {
        Some(("s3", place)) => place.split_once('/').is_some_and(|(b, key)| is_bucket(b) && !key.is_empty()),
        Some(_) => false,
        None => !text.is_empty(),
    })
}

fn subscriber(value: &Lit, rule: &str) -> Verdict {
    let topic = |text: &str| text.starts_with("arn:aws") && text.contains(":sns:");
    if string(value).is_some_and(topic) { Ok(()) } else { email(value, rule) }
}

fn pipeline(value: &Lit, rule: &str) -> Verdict {
    within(value, rule, |text| all(text, |b| b.is_ascii_alphanumeric() || b".@-_".contains(&b)), 1, 100)
}

fn stack(value: &Lit, rule: &str) -> Verdict {
    let shaped = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && all(text, |b| b.is_ascii_alphanumeric() || b == b'-')
    };
    within(value, rule, shaped, 1, 128)
}

fn make_target(value: &Lit, rule: &str) -> Verdict {
    let shaped =
        |text: &str| !text.starts_with('-') && all(text, |b| b.is_ascii_alphanumeric() || b"._-/".contains(&b));
    within(value, rule, shaped, 1, 255)
}

fn is_kubernetes_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && all(text, |b| lower_or_digit(b) || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn kubernetes_name(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, is_kubernetes_name)
}

fn workload(value: &Lit, rule: &str) -> Verdict {
    on_text(value, rule, |text| {
        text.split_once('/').is_some_and(|(kind, name)| {
            ["deployment", "statefulset", "daemonset"].contains(&kind) && name.split('.').all(is_kubernetes_name)
        })
    })
}

fn namespace(value: &Lit, rule: &str) -> Verdict {
    within(value, rule, |text| !text.starts_with(':') && text.is_ascii(), 1, 255)
}

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

fn on_duration(value: &Lit, rule: &str, test: impl Fn(i64) -> bool) -> Verdict {
    match value {
        Lit::Duration(ms) if !test(*ms) => Err(format!("{rule}; this is {}", write_duration(*ms))),
        _ => Ok(()),
    }
}

fn session(value: &Lit, rule: &str) -> Verdict {
    on_duration(value, rule, |ms| (HOUR..=12 * HOUR).contains(&ms) && ms % SECOND == 0)
}

fn wait(value: &Lit, rule: &str) -> Verdict {
    on_duration(value, rule, |ms| ms > 0)
}

fn period(value: &Lit, rule: &str) -> Verdict {
    on_duration(value, rule, |ms| {
        [10, 20, 30].contains(&(ms / SECOND)) && ms % SECOND == 0
            || (ms % MINUTE == 0 && (MINUTE..=24 * HOUR).contains(&ms))
    })
}

fn time_zone(value: &Lit, rule: &str) -> Verdict {
    // The database is the one this program was built with, so that every machine judges alike.
    // So is the case of its letters: not everything that reads the name is as lenient as the database.
    on_text(value, rule, |text| {
        let found = jiff::tz::TimeZoneDatabase::bundled().get(text);
        found.is_ok_and(|zone| zone.iana_name() == Some(text))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_control_character_is_said_to_be_one() {
        let check = |ty: Builtin, text: &str| ty.check(&Lit::Str(text.into())).unwrap_err();
        let told = check(Builtin::PrincipalName, "a\u{1b}[31mb");
        assert!(told.contains("1024 characters, and no control character; this is "), "{told}");
        let told = check(Builtin::Description, "a\u{1b}[31mb");
        assert!(told.contains("700 characters, and of control characters only line breaks and tabs; "), "{told}");
        assert!(check(Builtin::AccountName, "caf\u{e9}").contains("printable ASCII characters; this is "));
        assert!(check(Builtin::PrincipalName, "").ends_with("1024 characters; this has 0"));
        assert_eq!(Builtin::Description.check(&Lit::Str("two\nlines".into())), Ok(()));
    }

    #[test]
    fn every_zone_of_the_database_is_one_in_its_own_case_and_no_other() {
        let check = |name: &str| Builtin::TimeZone.check(&Lit::Str(name.into()));
        let all: Vec<String> =
            jiff::tz::TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
        assert!(all.len() > 300, "{}", all.len());
        for name in &all {
            check(name).unwrap();
        }
        for other in ["europe/berlin", "EUROPE/BERLIN", "Berlin", ""] {
            assert!(check(other).is_err(), "{other}");
        }
    }
}
