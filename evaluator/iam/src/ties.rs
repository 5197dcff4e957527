//! Keys whose value a request's resource, or its service, settles, as far as they are there: a queue of one account is never
//! asked for with another as `aws:ResourceAccount`. Owns which keys these are; what follows from their value is the formulas'
//! affair.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::classes::Treatment;
use crate::ground::{Ground, bodies};
use crate::places::Place;
use crate::tables::{Question, Tables};

/// The owner of the resource: "the requested resource owner's AWS account ID"
/// ([AWS's page on global keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html)), which
/// also lists actions that do not carry it.
pub(crate) const ACCOUNT: &str = "aws:resourceaccount";

/// The region that is called.
const REGION: &str = "aws:requestedregion";

/// Where calls of IAM go, whichever region somebody works in: the same page says so, of the partition `aws`.
pub const REGION_OF_IAM: &str = "us-east-1";

/// The digits of an account's number.
const DIGITS: usize = 12;

/// A key that has one value in all requests for a place that carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tie {
    /// The key, in lower case.
    pub(crate) key: &'static str,
    /// Its value.
    pub(crate) text: SmolStr,
    /// The variable of the key, and which of its values fares like this one.
    at: (usize, usize),
}

/// Whether a class has conditions on such keys.
pub(crate) fn matter(tables: &Tables, question: &Question, class: &Treatment) -> bool {
    let mut tests = bodies(question, class).into_iter().flat_map(|(_, body)| body.tests.iter());
    tests.any(|at| tables.test(*at).is_some_and(|test| [ACCOUNT, REGION].contains(&test.key.as_str())))
}

/// The variables that are settled, with their values.
pub(crate) fn settled(ties: &[Tie]) -> BTreeMap<usize, usize> {
    ties.iter().map(|tie| tie.at).collect()
}

/// Whether a text is an account's number.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The account of the resources that an ARN, or a pattern of ARNs, names: what their `aws:ResourceAccount` is, where they
/// carry it. None where it names none. The bucket behind an access point of S3 may be another's.
pub fn owner(text: &str) -> Option<&str> {
    let mut parts = text.split(':').skip(2);
    let (service, account) = (parts.next()?, parts.nth(1)?);
    let other = service.starts_with("s3") || service.contains(['*', '?']);
    (is_account(account) && !other).then_some(account)
}

impl Ground<'_> {
    /// The keys that are settled at a place, as far as they are there; `iam` says that the actions are calls of IAM, in the
    /// partition `aws`.
    pub(crate) fn ties(&self, place: &Place, iam: bool) -> Vec<Tie> {
        let region = iam.then(|| REGION_OF_IAM.into());
        let region = region.and_then(|text: SmolStr| Some(Tie { key: REGION, at: self.value(REGION, &text)?, text }));
        self.account(place).into_iter().chain(region).collect()
    }

    /// The account that the patterns of a place name; of several, one, where all fare alike.
    fn account(&self, place: &Place) -> Option<Tie> {
        let matching = self.patterns.iter().enumerate().filter(|(column, _)| place.within.has(*column));
        matching.into_iter().find_map(|(_, group)| {
            let mut named = group.iter().map(|number| {
                let text = self.named_account(*number)?;
                Some(Tie { key: ACCOUNT, at: self.value(ACCOUNT, &text)?, text })
            });
            let first = named.next()??;
            named.all(|other| other.is_some_and(|other| other.at == first.at)).then_some(first)
        })
    }

    /// The account of the resources that a pattern names.
    fn named_account(&self, pattern: u32) -> Option<SmolStr> {
        let (text, _) = self.pattern(pattern)?;
        owner(text).map(Into::into)
    }
}
