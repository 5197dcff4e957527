//! The one table of codes. By phase: E01 syntax, E02 names, E03 types, E04 expansion and rules, E05 plan,
//! E06 apply, E07 permissions, E08 bootstraps, E09 rollouts; W… warnings and N… notes by the same phases. A code is never
//! used for another thing later. Each has a page in `spec/errors`.

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The run fails.
    Error,
    /// Worth a look; the run goes on.
    Warning,
    /// Said for completeness.
    Note,
}

impl Severity {
    /// `error`, `warning`, `note`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($name:ident $code:literal $title:literal;)*) => {
        /// A code of a finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $title] $name,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As it is written: `E0301`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it is about, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    UnexpectedToken "E0101" "something else was expected here";
    UnclosedDelimiter "E0102" "a bracket is never closed";
    UnclosedString "E0103" "a string is never closed";
    StrayDelimiter "E0104" "a closing bracket without its opening one";
    MissingComma "E0105" "a comma is missing between two list items";
    ForeignSyntax "E0106" "the spelling of another language";
    InvalidLiteral "E0107" "a literal that stands for no value";
    InvalidEscape "E0108" "an escape that strings do not know";
    InvalidText "E0109" "bytes that are not text";
    ChainedComparison "E0110" "comparisons do not chain";
    TooDeep "E0111" "nested too deep";
    FileTooLarge "E0112" "a file too large";
    UnknownEdition "E0113" "an edition this version does not know";
    Misplaced "E0114" "a declaration where it cannot stand";

    NotDeclared "E0201" "a name that is not declared";
    AlreadyDeclared "E0202" "a name that is already declared";
    UnknownKind "E0203" "no kind of this name";
    EntityNotDeclared "E0204" "an entity that is not declared";
    Circle "E0205" "functions or lets that need each other";
    ImportCycle "E0206" "files that import each other";
    FileNotFound "E0207" "a file that cannot be read";
    LeavesProject "E0208" "a path that leaves the project";
    NotExported "E0209" "a name that is not exported";
    NotPinned "E0210" "a package that is not as `cell.lock` pins it";
    ModuleDeclaresNone "E0211" "a set of what this module does not declare";
    NoSuchFunction "E0212" "no function of this name";
    NoSubject "E0213" "`.field` where nothing is the subject";
    NotAValue "E0214" "a name that is not a value";
    OnlyByLabel "E0215" "an entity that is reached only by its label";
    NeedsInstance "E0216" "an import that needs what only a module has";
    UnknownParameter "E0217" "a parameter the module does not have";
    BadImportPath "E0218" "an import path of no known form";
    OnlyInTests "E0219" "a question that only a test may ask";
    PolicyNotPinned "E0220" "a policy that is not as `cell.lock` pins it";

    TypeMismatch "E0301" "a value of another type than expected";
    RefusedLiteral "E0302" "a literal that its type refuses";
    NoSuchField "E0303" "no field of this name";
    MissingField "E0304" "a required field is missing";
    SetTwice "E0305" "a field is set twice";
    OverrideOfNothing "E0306" "`override` of what no defaults set";
    DuplicateKey "E0307" "a key stands twice in one map";
    MayBeAbsent "E0308" "a value that may be absent where one is needed";
    KnownAfterApply "E0309" "a value known only after apply where one is needed now";
    SecretMisused "E0310" "a secret where it could be seen";
    WrongArguments "E0311" "another number of arguments than the function takes";
    SilentOverride "E0312" "a field that defaults already set";
    WrongOperands "E0313" "operands that the operator does not take";
    NoIndex "E0314" "what has no index";
    NotInEnum "E0315" "a value that the enumeration does not have";
    WrongSpelling "E0316" "a block written as a value, or a value as a block";
    UnknownType "E0317" "no type of this name";
    NeedsType "E0318" "a value whose type cannot be told";
    WrongBlockLabel "E0319" "a block with a wrong label";
    WrongCondition "E0320" "a condition that IAM cannot ask";
    WrongDefaults "E0321" "defaults of another kind";
    BadRegex "E0322" "a regular expression that cannot be read";
    WrongItem "E0323" "an item that cannot stand in this body";
    NotIterable "E0324" "a loop over what is no collection";

    IgnoresLoopName "E0401" "a label that ignores the loop's name";
    SealedLayer "E0402" "a layer read before it is complete";
    MissingKey "E0403" "a key the map does not have";
    ParameterCheck "E0404" "a parameter that fails its check";
    RefusedValue "E0405" "a computed value that its type refuses";
    BudgetSpent "E0406" "a budget is spent";
    SameAddress "E0407" "two declarations with one address";
    Arithmetic "E0408" "a number out of range";
    FieldCircle "E0409" "fields that need each other";
    InNoWave "E0410" "a production cell in no wave";
    InTwoWaves "E0411" "a production cell in two waves";
    NoExpiry "E0412" "a dev cell without `expires`";
    SameEmail "E0413" "two accounts with one e-mail";
    SameAccountName "E0414" "two accounts with one name";
    GrantOnGcp "E0415" "a grant on a cell that is not on AWS";
    DeployFit "E0416" "not exactly one deploy fits a cell";
    OutboundToCell "E0417" "an outbound that reaches a cell";
    NoOwner "E0418" "a grant to an owner that is not set";
    NeededHere "E0419" "a field that something in the program needs";
    NoSuchEntity "E0420" "no entity of this label";
    MixedWave "E0421" "a wave that mixes dev and prod";
    NameTooLong "E0422" "a name the cloud does not take";
    PolicyTooLarge "E0423" "a policy larger than the cloud takes";
    TenantStays "E0424" "a tenant that moves to where it is";
    AfterCircle "E0425" "components that come after each other";
    AssertionFailed "E0426" "an assertion does not hold";
    WrongCloud "E0427" "a field of the other cloud";
    OnlyOne "E0428" "a second of what there is one of";
    UnitTree "E0429" "organizational units that form no tree";
    BadFile "E0430" "a file read by `file()` that cannot be";
    BadRemoval "E0431" "a `moved`, `removed` or `accept` that says nothing sound";
    QuotaExceeded "E0432" "more than the cloud takes";
    EmptyCollection "E0433" "the least or greatest of nothing";
    SameAccountId "E0434" "two cells or accounts that stand for one account";
    SameName "E0435" "two things with one name in the cloud";
    NeverOpens "E0436" "a window that never opens";
    WrongPeriods "E0437" "periods that an alarm cannot have";
    OtherRegion "E0438" "a private endpoint to a service of another region";

    RemovalNotSaid "E0501" "an account whose block is gone";
    AccountNotThere "E0502" "an account that is not in the organization";
    PrincipalMissing "E0503" "a group or user that does not exist";
    NotOwned "E0504" "something of this name that cellc does not own";
    WrongOrganization "E0505" "another organization than the one meant";
    AccountEnded "E0506" "an account that is closed or has left";
    NotEmpty "E0507" "a unit that is not empty";
    NoCenter "E0508" "no instance of IAM Identity Center";
    OverQuota "E0509" "more than AWS takes";
    ReadFailed "E0510" "the cloud cannot be read";
    NoCredentials "E0511" "no credentials";
    RecordUnreadable "E0512" "a record that cannot be used";
    Locked "E0513" "a record that another run holds";
    UnknownAddress "E0514" "an address that nothing has";
    BadPlanFile "E0515" "a plan file that cannot be used";
    PolicyMissing "E0516" "a managed policy that does not exist";
    EmailTaken "E0517" "an e-mail that another account has";
    Protected "E0518" "a protected thing that would be torn down";
    StillInUse "E0519" "a policy or permission set that stays in use";
    RecordThere "E0520" "a record that is there already";
    StillTaken "E0521" "what another address has until the plan is through";
    ReliedChanged "E0522" "a change outside in what a part of a program relies on";

    StalePlan "E0601" "a plan that the cloud has moved away from";
    Braked "E0602" "a plan that a brake holds";
    NotConfirmed "E0603" "a plan that nobody said yes to";
    OperationFailed "E0604" "an operation that failed";
    RecordNotWritten "E0605" "a record that was not written";
    Interrupted "E0606" "a run that was interrupted";
    ReceiptNotKept "E0607" "a receipt that was not kept";

    BrokenGuard "E0701" "a guard that is broken";
    StarOnStar "E0702" "an allow of everything without a reason";
    EmptyGuard "E0703" "a guard over nothing";
    NotApproved "E0704" "a change of access that nobody approved";

    NotInRegistry "E0801" "a cell that the registry does not have";
    RepositoryRefused "E0802" "a repository that is not fetched from";
    NoVersion "E0803" "a version that a repository does not have";
    RepositoryUnreadable "E0804" "a repository that cannot be read";
    NoTarget "E0805" "a make target that is not there";
    TargetFailed "E0806" "a make target that failed";
    ProgramMissing "E0807" "a program that is not there";
    BootstrapHeld "E0808" "a bootstrap that another run holds";
    NotesUnusable "E0809" "notes of a bootstrap that cannot be used";

    RolloutFailed "E0901" "a rollout that cannot go on as it was told to";

    ReachesNothing "W0401" "something that reaches nothing";
    NoCellOwner "W0402" "a production cell without owner";
    ShortFirstBake "W0403" "a first production wave that bakes less than a later one";
    ShrinkingWaves "W0404" "waves that shrink";
    NoAlarms "W0405" "a rollout without alarms";
    OneProductionCell "W0406" "production in one cell only";
    UnknownRegion "W0407" "a region this version does not know";
    ManyPolicies "W0408" "more managed policies than IAM attaches by default";
    NeverInSession "W0701" "a condition that can never hold in an Identity Center session";

    RedundantStatement "W0702" "a statement that another already says";
    ShadowedAllow "W0703" "an allow that a deny takes away";
    NeverMatches "W0704" "a statement that can never match";
    UnknownAction "W0705" "an action that AWS does not list";
    ForeignKey "W0706" "a condition key that the action does not carry";
    GlobInEquals "W0707" "a wildcard where none is read";
    AllOfNothing "W0708" "`every` on a key that may be absent";
    VariableTooEarly "W0709" "a policy variable where IAM does not expand it";
    MissingRegion "W0710" "a list of regions that misses one the cells have";
    Unheard "W0901" "an alarm that waits for what nothing emits";
    Unwell "W0902" "an alarm that is off or not there before a release comes";

    // N0701 said that guards were not proven; they are now.
    DeniesNothing "N0702" "a deny that denies nothing";
    GuardMay "N0703" "a guard that is not decided";
    GuardOverNobody "N0704" "a guard over nobody who has anything";
}

impl Code {
    /// Error, warning or note, by its first letter.
    pub fn severity(self) -> Severity {
        match self.as_str().as_bytes().first() {
            Some(b'W') => Severity::Warning,
            Some(b'N') => Severity::Note,
            _ => Severity::Error,
        }
    }

    /// The code written so, in either case of its letter.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text))
    }
}
