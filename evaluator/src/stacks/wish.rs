//! What a program wants of a stack, where one is, and templates as they are compared. Owns these forms; where wishes
//! come from is the generators' affair, and what is done about them the plan's.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::digest::sha256;
use crate::limits;
use crate::plan::model::{Fields, Place};
use crate::plan::scope::Scope;
use crate::provider::Tags;
use crate::registry::record::{Record, base_of};

/// Bytes of a template that a request takes.
pub const TEMPLATE_BYTES: usize = limits::TEMPLATE_BODY.most;
/// Bytes of a template that lies in a bucket.
pub const SHELVED_BYTES: usize = limits::TEMPLATE_OBJECT.most;
/// Resources of a template. (AWS CloudFormation quotas)
pub const TEMPLATE_RESOURCES: usize = 500;

/// What the digest of a template begins with.
const DIGEST: &str = "sha256:";

/// In which account a stack is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountOf {
    /// The one of this id.
    Id(String),
    /// That of the cell or account of this address, whose id may be known only after apply.
    Of(String),
}

impl AccountOf {
    /// As fields write it: the id, or the address.
    pub fn word(&self) -> &str {
        match self {
            Self::Id(text) | Self::Of(text) => text,
        }
    }

    /// From what [`Self::word`] wrote: ids are twelve digits, and no address is.
    pub fn of_word(word: &str) -> Self {
        let is_id = word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit());
        if is_id { Self::Id(word.to_owned()) } else { Self::Of(word.to_owned()) }
    }

    /// The address, if it is named by one.
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Of(address) => Some(address),
            Self::Id(_) => None,
        }
    }
}

/// A stack that a program wants.
#[derive(Debug, Clone, PartialEq)]
pub struct StackWish {
    /// Its address: `stack.cell/alpha`.
    pub address: String,
    /// Its name, unique in its account and region.
    pub name: String,
    /// Its account.
    pub account: AccountOf,
    /// Its region.
    pub region: String,
    /// The template: JSON, in which a value may be known only after apply ([`crate::plan::later`]); or text of another
    /// form, which is compared whole.
    pub template: String,
    /// Parameters by name: text, or a value that is known only after apply.
    pub parameters: BTreeMap<String, Json>,
    /// Tags beside the one of the address.
    pub tags: Tags,
    /// What the template may do beside the ordinary: `CAPABILITY_NAMED_IAM`.
    pub capabilities: Vec<String>,
    /// The addresses of stacks that have to be there before.
    pub after: Vec<String>,
    /// Where the program says so.
    pub sources: Vec<Place>,
}

impl StackWish {
    /// Where it is to be, its account by these ids; none while the account has none.
    pub fn place(&self, ids: &BTreeMap<String, String>) -> Option<StackPlace> {
        let account = match &self.account {
            AccountOf::Id(id) => id,
            AccountOf::Of(address) => ids.get(address)?,
        };
        Some(StackPlace { account: account.clone(), region: self.region.clone(), name: self.name.clone() })
    }
}

/// Where a stack is: in no account and region are there two of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackPlace {
    /// The account's id.
    pub account: String,
    /// The region.
    pub region: String,
    /// The stack's name.
    pub name: String,
}

impl StackPlace {
    /// Of a stack's ARN: `arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/…`.
    pub fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':').skip(2);
        let (service, region, account) = (parts.next()?, parts.next()?, parts.next()?);
        let (name, _) = parts.next()?.strip_prefix("stack/")?.split_once('/')?;
        let whole = service == "cloudformation" && ![region, account, name].contains(&"");
        whole.then(|| Self { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() })
    }
}

/// Does a part of a program take the stack of this address? One is of its account: with a cell goes all that lies in it.
pub(crate) fn takes(scope: &Scope, wish: Option<&StackWish>, record: &Record, address: &str) -> bool {
    let recorded = record.entry(address).and_then(|entry| entry.fields.get("account")).and_then(Json::as_str);
    let mut sources = wish.map(|wish| wish.sources.clone()).unwrap_or_default();
    let accounts = wish.map(|wish| wish.account.word()).into_iter().chain(recorded);
    let place = |account: &str| Place { entity: account.to_owned(), file: String::new(), line: 1, column: 1 };
    sources.extend(accounts.map(place));
    // The former one of a stack is its stack's.
    scope.takes(base_of(address), &sources)
}

/// A template as it is compared: the tree of one in JSON, any other as text.
pub fn template(text: &str) -> Json {
    match serde_json::from_str::<Json>(text) {
        Ok(tree @ Json::Object(_)) => tree,
        _ => Json::from(text),
    }
}

/// A template as it is sent.
pub fn template_text(template: &Json) -> String {
    match template {
        Json::String(text) => text.clone(),
        tree => sorted(tree).to_string(),
    }
}

/// What stands for a template in the record: the same for those that say the same.
pub fn digest(template: &Json) -> String {
    format!("{DIGEST}{}", sha256(template_text(template)))
}

/// Is it what [`digest`] makes, and no template?
pub fn is_digest(template: &Json) -> bool {
    let digits = template.as_str().and_then(|text| text.strip_prefix(DIGEST));
    digits.is_some_and(|digits| digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Do two say the same? Of one of them only the digest may be known.
pub fn same_template(one: &Json, other: &Json) -> bool {
    match (is_digest(one), is_digest(other)) {
        (true, false) => one.as_str() == Some(digest(other).as_str()),
        (false, true) => other.as_str() == Some(digest(one).as_str()),
        _ => one == other,
    }
}

/// Fields as the record keeps them: of the template the digest.
pub fn recorded(fields: &Fields) -> Fields {
    let one = |(name, value): (&String, &Json)| {
        let kept = name == "template" && !is_digest(value);
        (name.clone(), if kept { Json::from(digest(value)) } else { value.clone() })
    };
    fields.iter().map(one).collect()
}

/// With the keys of each object in order, whatever order a parser keeps.
fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let fields: BTreeMap<&String, Json> = fields.iter().map(|(key, value)| (key, sorted(value))).collect();
            Json::Object(fields.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_where_a_stack_is() {
        let arn = "arn:aws:cloudformation:eu-west-1:222222222222:stack/cellc-a/0f";
        let place = StackPlace { account: "222222222222".into(), region: "eu-west-1".into(), name: "cellc-a".into() };
        assert_eq!(StackPlace::of_arn(arn), Some(place));
        for other in
            ["", "cellc-a", "arn:aws:sqs:eu-west-1:222222222222:stack/a/0", "arn:aws:cloudformation:::stack//"]
        {
            assert_eq!(StackPlace::of_arn(other), None, "{other}");
        }
    }

    #[test]
    fn templates_that_say_the_same_have_one_digest() {
        let (one, other) =
            (template(r#"{"B": 1, "A": {"d": 2, "c": 3}}"#), template(r#"{ "A":{"c":3,"d":2},"B":1}"#));
        assert_eq!(digest(&one), digest(&other));
        let known = Json::from(digest(&one));
        assert!(same_template(&known, &other) && same_template(&other, &known) && is_digest(&known));
        assert!(!same_template(&known, &template("{}")) && !is_digest(&template("Resources: {}")));
        assert_eq!(template_text(&template("A: 1")), "A: 1");
    }

    #[test]
    fn an_account_is_named_by_id_or_address() {
        for word in ["222222222222", "cell.a", "west.account.b"] {
            assert_eq!(AccountOf::of_word(word).word(), word);
        }
        assert_eq!(AccountOf::of_word("222222222222").address(), None);
        assert_eq!(AccountOf::of_word("cell.a").address(), Some("cell.a"));
    }
}
