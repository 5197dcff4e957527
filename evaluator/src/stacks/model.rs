//! Stacks as the core sees them: the trait that a provider implements for one account and region, and the records it
//! speaks of. It decides nothing.

use std::collections::BTreeMap;
use std::fmt;

use crate::provider::{Answer, Tags};

use super::shelf::TemplateBucket;
use super::state::StackState;

/// CloudFormation in one account and region. Calls block, and are tried again by the provider where that is harmless:
/// every write carries a token, so that the same one does nothing twice.
pub trait Stacks: Send + Sync + fmt::Debug {
    /// DescribeStacks of a name or an ARN; none when there is no such stack. A deleted one is seen by its ARN only.
    fn stack(&self, stack: &str) -> Answer<Option<Stack>>;
    /// GetTemplate: as it was given, of a stack that has resources; none when there is no such stack.
    fn template(&self, stack: &str) -> Answer<Option<String>>;
    /// The id of the newest of DescribeStackEvents; none without events.
    fn newest_event(&self, stack: &str) -> Answer<Option<String>>;
    /// DescribeStackEvents back to the one with this id, or all there are: the oldest first, without that one.
    fn events(&self, stack: &str, since: Option<&str>) -> Answer<Vec<StackEvent>>;
    /// DescribeChangeSet with all its pages; none when there is no such change set, or no such stack.
    fn change_set(&self, stack: &str, name: &str) -> Answer<Option<ChangeSet>>;

    /// Puts a template into a bucket by [`super::shelf::key`], as the caller and not as whoever acts in the account: its
    /// URL. One that lies there already is read, and left.
    fn shelve(&self, bucket: &TemplateBucket, template: &str) -> Answer<String>;
    /// CreateChangeSet. It goes on after the answer.
    fn create_change_set(&self, wanted: &NewChangeSet<'_>) -> Answer<Made>;
    /// ExecuteChangeSet. It goes on after the answer.
    fn execute_change_set(&self, change_set: &Made, token: &str) -> Answer<()>;
    /// DeleteChangeSet; one that is gone counts as deleted.
    fn delete_change_set(&self, change_set: &Made) -> Answer<()>;
    /// DeleteStack by its ARN. It goes on after the answer; a stack that is gone counts as deleted.
    fn delete_stack(&self, id: &str, token: &str) -> Answer<()>;
    /// ContinueUpdateRollback, leaving out nothing. It goes on after the answer.
    fn continue_rollback(&self, id: &str, token: &str) -> Answer<()>;
}

/// A stack as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN, which no other stack ever has.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its state, by CloudFormation's name: [`Self::state`].
    pub status: String,
    /// Why it is in that state, when that is said.
    pub reason: Option<String>,
    /// When its last update began, in the provider's own words: it tells two of them apart.
    pub updated: Option<String>,
    /// The change set that was executed last, by its ARN, when that is said.
    pub change_set: Option<String>,
    /// Parameters by name; a secret one is shown as `****`.
    pub parameters: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Tags,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
}

impl Stack {
    /// Its state; none for one that is not in the table.
    pub fn state(&self) -> Option<StackState> {
        StackState::named(&self.status)
    }
}

/// Does a change set create its stack?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// Yes.
    Create,
    /// No, the stack is there.
    Update,
}

/// What a change set is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewChangeSet<'a> {
    /// The stack, by name.
    pub stack: &'a str,
    /// Its own name, which is its token too: letters, digits and hyphens, at most 128, a letter first.
    pub name: &'a str,
    /// Whether it creates.
    pub kind: ChangeKind,
    /// The template, JSON or YAML.
    pub template: &'a str,
    /// Where it lies, if it is larger than the 51,200 bytes that a request takes: then it is not sent itself.
    pub url: Option<&'a str>,
    /// Every parameter by name.
    pub parameters: &'a BTreeMap<String, String>,
    /// Every tag of the stack.
    pub tags: &'a Tags,
    /// What the template may do beside the ordinary: `CAPABILITY_NAMED_IAM`.
    pub capabilities: &'a [String],
}

/// A change set by the ARNs of itself and of its stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The change set.
    pub change_set: String,
    /// The stack.
    pub stack: String,
}

/// Where the making of a change set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Making {
    /// It goes on.
    UnderWay,
    /// It is made.
    Complete,
    /// It could not be made, or there was nothing to change.
    Failed,
    /// It is gone, or about to be.
    Deleted,
}

/// Where the execution of a change set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Execution {
    /// It cannot be executed yet, or ever.
    Unavailable,
    /// It can be executed.
    Available,
    /// It has begun, and may be over.
    Begun,
    /// The stack has changed since it was made.
    Obsolete,
}

/// A change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// The ARNs.
    pub made: Made,
    /// How far it is made.
    pub making: Making,
    /// How far it is executed.
    pub execution: Execution,
    /// Why it failed; empty when that is not said.
    pub reason: String,
    /// What it would change, in CloudFormation's order.
    pub changes: Vec<ResourceChange>,
}

impl ChangeSet {
    /// Did it fail since there is nothing to change? CloudFormation has no code for that, only these words.
    pub fn is_empty(&self) -> bool {
        let words = ["didn't contain changes", "No updates are to be performed"];
        self.making == Making::Failed && words.iter().any(|part| self.reason.contains(part))
    }
}

/// A change of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceChange {
    /// `Add`, `Modify`, `Remove`, `Import` or `Dynamic`.
    pub action: String,
    /// Its name in the template.
    pub logical: String,
    /// Its id in the cloud, when it has one.
    pub physical: Option<String>,
    /// `AWS::S3::Bucket`.
    pub kind: String,
    /// Is it made anew: `True`, `False`, `Conditional`; empty when that is not said.
    pub replacement: String,
}

/// An event of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEvent {
    /// Its id.
    pub id: String,
    /// When, by CloudFormation's clock: RFC 3339.
    pub at: String,
    /// The resource's name in the template; the stack's own for events of the stack.
    pub logical: String,
    /// Its kind: `AWS::CloudFormation::Stack` for events of the stack.
    pub kind: String,
    /// `CREATE_FAILED`.
    pub status: String,
    /// Why; empty when that is not said.
    pub reason: String,
    /// The token of the operation it belongs to.
    pub token: Option<String>,
}

impl StackEvent {
    /// Does it say that something failed of itself, rather than since something else did?
    pub fn is_cause(&self) -> bool {
        let follows = ["Resource creation cancelled", "Resource update cancelled"];
        self.status.ends_with("_FAILED")
            && self.kind != "AWS::CloudFormation::Stack"
            && !follows.iter().any(|words| self.reason.starts_with(words))
    }
}
