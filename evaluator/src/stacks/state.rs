//! The states of a stack. Owns the one table of what each means and of what is done with a stack in it before it can
//! take a release; it calls nothing.
//!
//! The states are those of `StackStatus` in CloudFormation's service model; what they mean is AWS's:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-console-view-stack-data-resources-status-codes>,
//! what a stack that was kept after a failure takes:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html>.

use std::fmt;

/// What a state says of the last operation on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// It is over and did what it was to do.
    Well,
    /// It is over and did not.
    Badly,
    /// It goes on.
    UnderWay,
}

impl Meaning {
    /// The words of the table in `spec/stacks.md`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Well => "settled well",
            Self::Badly => "settled badly",
            Self::UnderWay => "under way",
        }
    }
}

/// What comes next for one who wants to deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A change set that creates.
    Create,
    /// A change set that updates.
    Update,
    /// Nothing until it has settled.
    Wait,
    /// The rollback of an update that got stuck is gone on with.
    ContinueRollback,
    /// The stack is deleted and created again: it never was whole.
    Recreate,
    /// Nothing: a person has to look, for this reason.
    Refuse(&'static str),
}

impl Step {
    /// The words of the table in `spec/stacks.md`.
    pub fn words(self) -> String {
        match self {
            Self::Create => "create, by change set".to_owned(),
            Self::Update => "update, by change set".to_owned(),
            Self::Wait => "wait".to_owned(),
            Self::ContinueRollback => "continue the rollback, then look again".to_owned(),
            Self::Recreate => "delete, then create".to_owned(),
            Self::Refuse(reason) => format!("refuse: {reason}"),
        }
    }
}

macro_rules! states {
    ($($variant:ident = $name:literal, $doc:literal: $meaning:ident, $step:expr;)*) => {
        /// A state of a stack, as CloudFormation names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum StackState {
            $(#[doc = $doc] $variant,)*
        }

        impl StackState {
            /// Every state, in the order of the service model.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// CloudFormation's name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, in a sentence.
            pub fn says(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }

            /// What it says of the last operation.
            pub fn means(self) -> Meaning {
                match self { $(Self::$variant => Meaning::$meaning,)* }
            }

            /// What comes next for one who wants to deploy.
            pub fn step(self) -> Step {
                match self { $(Self::$variant => $step,)* }
            }
        }
    };
}

/// CloudFormation updates such a stack only without a rollback, which would give up what a rollout relies on.
const KEPT: &str = "it failed with its rollback switched off, and what there is of it was kept; \
                    roll it back with `aws cloudformation rollback-stack`, or delete it";
const STUCK: &str = "some of its resources could not be deleted; delete it again, \
                     keeping them with `--retain-resources` if need be";
const HALF_IMPORTED: &str = "resources that were imported could not be let go again; \
                             delete it, keeping its resources, or ask AWS";

states! {
    CreateInProgress = "CREATE_IN_PROGRESS", "It is being created.": UnderWay, Step::Wait;
    CreateFailed = "CREATE_FAILED", "Its creation failed, and what was made is kept.": Badly, Step::Refuse(KEPT);
    CreateComplete = "CREATE_COMPLETE", "It was created.": Well, Step::Update;
    RollbackInProgress = "ROLLBACK_IN_PROGRESS", "Its creation failed, and what was made is being deleted.": UnderWay, Step::Wait;
    RollbackFailed = "ROLLBACK_FAILED", "Its creation failed, and not all that was made could be deleted.": Badly, Step::Recreate;
    RollbackComplete = "ROLLBACK_COMPLETE", "Its creation failed, and what was made is deleted.": Badly, Step::Recreate;
    DeleteInProgress = "DELETE_IN_PROGRESS", "It is being deleted.": UnderWay, Step::Wait;
    DeleteFailed = "DELETE_FAILED", "Not all of it could be deleted.": Badly, Step::Refuse(STUCK);
    DeleteComplete = "DELETE_COMPLETE", "It is deleted.": Well, Step::Create;
    UpdateInProgress = "UPDATE_IN_PROGRESS", "It is being updated.": UnderWay, Step::Wait;
    UpdateCompleteCleanupInProgress = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "It was updated, and what is no longer of it is being deleted.": UnderWay, Step::Wait;
    UpdateComplete = "UPDATE_COMPLETE", "It was updated.": Well, Step::Update;
    UpdateFailed = "UPDATE_FAILED", "Its update failed, and what was changed is kept.": Badly, Step::Refuse(KEPT);
    UpdateRollbackInProgress = "UPDATE_ROLLBACK_IN_PROGRESS", "Its update failed and is being taken back.": UnderWay, Step::Wait;
    UpdateRollbackFailed = "UPDATE_ROLLBACK_FAILED", "Its update failed and could not be taken back.": Badly, Step::ContinueRollback;
    UpdateRollbackCompleteCleanupInProgress = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "Its update was taken back, and what was made for it is being deleted.": UnderWay, Step::Wait;
    UpdateRollbackComplete = "UPDATE_ROLLBACK_COMPLETE", "Its update failed and was taken back.": Badly, Step::Update;
    ReviewInProgress = "REVIEW_IN_PROGRESS", "It is a name without resources, for a change set that would create it.": Well, Step::Create;
    ImportInProgress = "IMPORT_IN_PROGRESS", "Resources are being imported.": UnderWay, Step::Wait;
    ImportComplete = "IMPORT_COMPLETE", "Resources were imported.": Well, Step::Update;
    ImportRollbackInProgress = "IMPORT_ROLLBACK_IN_PROGRESS", "An import failed and is being taken back.": UnderWay, Step::Wait;
    ImportRollbackFailed = "IMPORT_ROLLBACK_FAILED", "An import failed and could not be taken back.": Badly, Step::Refuse(HALF_IMPORTED);
    ImportRollbackComplete = "IMPORT_ROLLBACK_COMPLETE", "An import failed and was taken back.": Badly, Step::Update;
}

impl StackState {
    /// By CloudFormation's name; none for one that is not in the table.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.name() == name)
    }
}

impl fmt::Display for StackState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The table as `spec/stacks.md` has it.
pub fn table() -> String {
    let mut text = "| State | What it is | It has | To deploy |\n|---|---|---|---|\n".to_owned();
    for state in StackState::ALL {
        let (means, step) = (state.means().words(), state.step().words());
        text.push_str(&format!("| `{state}` | {} | {means} | {step} |\n", state.says().trim_end_matches('.')));
    }
    text
}
