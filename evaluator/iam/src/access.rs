//! What decides a principal's access: its policies, by layer, and what is known of the principal itself. Owns these
//! types; what they come to is not its affair.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use smol_str::SmolStr;

use crate::policy::Document;

/// All that decides what one principal may do in one account. Equal cases are equal values, cheaply: a caller folds
/// them before it asks anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Access {
    /// What every request of the principal carries.
    pub facts: Facts,
    /// The ways in which the principal can act: its permission sets or roles. Its power is the union over them;
    /// without one it may do nothing.
    pub ways: Vec<Way>,
    /// Service control policies: all levels must allow, from the root down.
    pub scps: Vec<Level>,
    /// Resource control policies: likewise.
    pub rcps: Vec<Level>,
    /// Whether the account is the organization's management account, which neither binds.
    pub management_account: bool,
    /// Where the principal works.
    pub home: Home,
}

/// Where a principal works, as far as it is known: witnesses are of there, and IAM acts on no other account's
/// resources.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Home {
    /// The account's id.
    pub account: Option<SmolStr>,
    /// A region that is used there.
    pub region: Option<SmolStr>,
    /// The partition, if it is another than the engine's: `aws-cn`.
    pub partition: Option<SmolStr>,
}

/// One way in which a principal acts: a role with its policies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Way {
    /// Its name, for reports.
    pub name: SmolStr,
    /// Policies of the identity: managed by AWS, by the customer, inline. Their union is allowed.
    pub identity: Vec<Part>,
    /// The permissions boundary; none is no bound.
    pub boundary: Option<Vec<Part>>,
    /// The policies of the session; none is no bound.
    pub session: Option<Vec<Part>>,
    /// What requests made this way carry; it goes before [`Access::facts`].
    pub facts: Facts,
}

/// The policies of one level of the organization; their union is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Level {
    /// The root, the unit or the account, for reports.
    pub name: SmolStr,
    /// Its policies.
    pub parts: Vec<Part>,
}

/// One policy of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// A policy whose document is known.
    Known(Arc<Named>),
    /// A policy of which only the name is known. It may allow and deny anything.
    Unknown {
        /// Its name; the same name is the same policy.
        name: SmolStr,
    },
}

/// A document with its name. Two are equal when name, text and places are.
#[derive(Debug)]
pub struct Named {
    name: SmolStr,
    document: Document,
    digest: [u8; 32],
}

/// What is known of the context of every request, by condition key in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Facts(BTreeMap<SmolStr, Fact>);

/// The shape of which only is known that there is a value.
pub(crate) const ANYTHING: &str = "*";

/// What is known of one condition key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Fact {
    /// It has these values.
    Is(Vec<SmolStr>),
    /// It has one value of this shape: a glob, or several with `|` between them. In it `${Account}` is twelve digits,
    /// `${Region}` the name of a region, `${Suffix}` sixteen hexadecimal digits, and `${Name}` a part of a path. `*`
    /// says only that the key is there; one of several values has then one or more.
    Like(SmolStr),
    /// No request carries it.
    Absent,
}

impl Named {
    /// A document by a name.
    pub fn new(name: impl Into<SmolStr>, document: Document) -> Arc<Self> {
        let mut hasher = Sha(Sha256::new());
        let name = name.into();
        name.hash(&mut hasher);
        document.hash(&mut hasher);
        Arc::new(Self { name, document, digest: hasher.0.finalize().into() })
    }

    /// The name.
    pub fn name(&self) -> &SmolStr {
        &self.name
    }

    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Named {}

impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

/// The standard hash of a value, carried by SHA-256: no two documents are taken for one.
struct Sha(Sha256);

impl Hasher for Sha {
    fn finish(&self) -> u64 {
        // Only the whole digest is asked for.
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

impl Facts {
    /// Says what is known of a key.
    pub fn set(&mut self, key: &str, fact: Fact) {
        self.0.insert(key.to_ascii_lowercase().into(), fact);
    }

    /// Says the one value of a key.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<SmolStr>) -> Self {
        self.set(key, Fact::Is(vec![value.into()]));
        self
    }

    /// What is known of a key (in lower case).
    pub fn get(&self, key: &str) -> Option<&Fact> {
        self.0.get(key)
    }

    /// These, and those of `below` that these say nothing of.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        let mut all = below.clone();
        all.0.extend(self.0.iter().map(|(key, fact)| (key.clone(), fact.clone())));
        all
    }
}

impl Access {
    /// What a principal with these identity policies may do, where nothing else binds it.
    pub fn of(identity: Vec<Part>, facts: Facts) -> Self {
        let way = Way { identity, ..Way::default() };
        Self { facts, ways: vec![way], ..Self::default() }
    }
}

impl Part {
    /// A known document.
    pub fn known(name: impl Into<SmolStr>, document: Document) -> Self {
        Self::Known(Named::new(name, document))
    }

    /// Its name.
    pub fn name(&self) -> &SmolStr {
        match self {
            Self::Known(named) => &named.name,
            Self::Unknown { name } => name,
        }
    }
}
