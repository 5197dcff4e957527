//! The kinds of entities, their layers, and the table of their fields.

use std::fmt;
use std::sync::LazyLock;

use super::{Computed, FieldSpec, Need, RecordSpec, Shape, SortSpec, Subject};
use crate::types::{Builtin as B, Ty};
use crate::value::{Decimal, Lit};

/// A layer: what is declared in one may be counted and looped over only in those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Organization, units, policies, accounts, groups, users.
    Foundation,
    /// Cells.
    Cells,
    /// Components, alarms, metrics, permission sets.
    Services,
    /// Rollouts, grants, guards, outbounds, routers, tenants.
    Relations,
}

impl Layer {
    /// From the lowest up.
    pub const ALL: [Self; 4] = [Self::Foundation, Self::Cells, Self::Services, Self::Relations];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Foundation => "foundation",
            Self::Cells => "cells",
            Self::Services => "services",
            Self::Relations => "relations",
        }
    }
}

macro_rules! kinds {
    ($($variant:ident $name:literal $plural:literal $layer:ident $make:ident;)*) => {
        /// A kind of entity.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $(#[doc = $name] $variant,)* }

        impl Kind {
            /// Every kind, by layer.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As a program writes it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The set of all of them, as a program writes it.
            pub fn plural(self) -> &'static str {
                match self { $(Self::$variant => $plural,)* }
            }

            /// Its layer.
            pub fn layer(self) -> Layer {
                match self { $(Self::$variant => Layer::$layer,)* }
            }
        }

        static SPECS: LazyLock<Vec<RecordSpec>> = LazyLock::new(|| vec![$($make(),)*]);
    };
}

kinds! {
    Org "org" "orgs" Foundation org;
    Ou "ou" "ous" Foundation ou;
    Scp "scp" "scps" Foundation scp;
    Account "account" "accounts" Foundation account;
    Group "group" "groups" Foundation group;
    User "user" "users" Foundation user;
    Cell "cell" "cells" Cells cell;
    Component "component" "components" Services component;
    Alarm "alarm" "alarms" Services alarm;
    Metrics "metrics" "metrics" Services metrics;
    PermissionSet "permission_set" "permission_sets" Services permission_set;
    Rollout "rollout" "rollouts" Relations rollout;
    Grant "grant" "grants" Relations grant;
    Guard "guard" "guards" Relations guard;
    Outbound "outbound" "outbounds" Relations outbound;
    Router "router" "routers" Relations router;
    Tenant "tenant" "tenants" Relations tenant;
}

impl Kind {
    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The kind whose set has this name.
    pub fn parse_plural(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.plural() == name)
    }

    /// Its fields.
    pub fn spec(self) -> &'static RecordSpec {
        &SPECS[self as usize]
    }

    /// The type that its labels are of.
    pub fn label_type(self) -> B {
        if self == Self::PermissionSet { B::PermissionSetLabel } else { B::Label }
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KindSet(u32);

impl KindSet {
    /// Of these kinds.
    pub const fn of(kinds: &[Kind]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < kinds.len() {
            bits |= 1 << kinds[at] as u32;
            at += 1;
        }
        Self(bits)
    }

    /// All of either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Is every kind of it one of `other`?
    pub fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Have both a kind in common?
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Is `kind` one of it?
    pub fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }

    /// Its kinds, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| self.contains(*kind))
    }

    /// The kind, if it is one.
    pub fn single(self) -> Option<Kind> {
        let mut kinds = self.iter();
        let first = kinds.next()?;
        if kinds.next().is_none() { Some(first) } else { None }
    }

    /// The highest layer of its kinds.
    pub fn layer(self) -> Layer {
        self.iter().map(Kind::layer).max().unwrap_or(Layer::Foundation)
    }
}

impl From<Kind> for KindSet {
    fn from(kind: Kind) -> Self {
        Self(1 << kind as u32)
    }
}

impl fmt::Display for KindSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Kind::name).collect();
        f.write_str(&names.join(" or "))
    }
}

/// A group or a user.
pub const PRINCIPALS: KindSet = KindSet::of(&[Kind::Group, Kind::User]);
/// What permissions are granted on.
pub const GRANTABLE: KindSet = KindSet::of(&[Kind::Cell, Kind::Account]);

fn field(name: &'static str, shape: Shape, need: Need) -> FieldSpec {
    FieldSpec { name, shape, need, later: false, read_later: false, subject: Subject::Itself }
}

fn required(name: &'static str, ty: impl Into<Ty>) -> FieldSpec {
    field(name, Shape::Value(ty.into()), Need::Required)
}

fn optional(name: &'static str, ty: impl Into<Ty>) -> FieldSpec {
    field(name, Shape::Value(ty.into()), Need::Optional)
}

fn many(name: &'static str, ty: impl Into<Ty>) -> FieldSpec {
    field(name, Shape::Value(ty.into()), Need::Empty)
}

fn default(name: &'static str, ty: impl Into<Ty>, value: Lit) -> FieldSpec {
    field(name, Shape::Value(ty.into()), Need::Default(value))
}

fn computed(name: &'static str, ty: impl Into<Ty>, value: Computed) -> FieldSpec {
    field(name, Shape::Value(ty.into()), Need::Computed(value))
}

fn map(name: &'static str, ty: impl Into<Ty>) -> FieldSpec {
    field(name, Shape::Map(ty.into()), Need::Empty)
}

fn tags() -> FieldSpec {
    map("tags", B::TagValue).later()
}

impl FieldSpec {
    fn later(mut self) -> Self {
        self.later = true;
        self
    }

    fn per(mut self, subject: Subject) -> Self {
        self.subject = subject;
        self
    }
}

impl From<B> for Ty {
    fn from(builtin: B) -> Self {
        Self::Builtin(builtin)
    }
}

fn text(value: &str) -> Lit {
    Lit::Str(value.into())
}

fn set(kind: impl Into<KindSet>) -> Ty {
    Ty::Set(kind.into())
}

fn reference(kind: impl Into<KindSet>) -> Ty {
    Ty::Ref(kind.into())
}

fn one(values: &[&str]) -> Ty {
    Ty::enumeration(values)
}

fn org() -> RecordSpec {
    RecordSpec::new(
        "org",
        vec![
            optional("management_account", B::AccountId),
            optional("identity_center", B::InstanceArn),
            optional("home_region", B::AwsRegion),
            default("partition", one(&["aws", "aws-cn", "aws-us-gov"]), text("aws")),
            default("engine", one(&["local", "aws"]), text("local")),
            default("access_role", B::RoleName, text("OrganizationAccountAccessRole")),
            optional("reader_role", B::RoleName),
            optional("delegated_admin", B::AccountId),
            optional("registry", B::RegistryLocation),
            optional("template_bucket", B::TemplateBucket),
            default("parking", B::OuName, text("cellc-parked")),
            field("limits", Shape::Block(&LIMITS), Need::Optional),
            many("scps", set(Kind::Scp)),
            field("accounts", Shape::Block(&ACCOUNTS), Need::Optional).per(Subject::EachAccount),
            tags(),
        ],
    )
}

static LIMITS: LazyLock<RecordSpec> = LazyLock::new(|| {
    RecordSpec::new(
        "limits",
        vec![
            default("revoke_share", Ty::Percent, Lit::Percent(Decimal(10 * Decimal::ONE))),
            default("revoke_count", B::Natural, Lit::Int(5)),
            default("tps", B::Positive, Lit::Int(15)),
            default("organizations_tps", B::Positive, Lit::Int(8)),
            default("lanes", B::Positive, Lit::Int(8)),
            default("creations", B::Creations, Lit::Int(1)),
            // Quotas that AWS raises on request: their defaults are AWS's own.
            default("set_policies", B::Positive, Lit::Int(20)),
            default("role_policies", B::Positive, Lit::Int(10)),
            default("account_sets", B::Positive, Lit::Int(500)),
            default("permission_sets", B::Positive, Lit::Int(3_500)),
            optional("accounts", B::Positive),
        ],
    )
});

static ACCOUNTS: LazyLock<RecordSpec> = LazyLock::new(|| {
    RecordSpec::new(
        "accounts",
        vec![optional("email", B::Email), optional("ou", reference(Kind::Ou)), many("scps", set(Kind::Scp))],
    )
});

fn ou() -> RecordSpec {
    RecordSpec::new(
        "ou",
        vec![
            optional("parent", reference(Kind::Ou)),
            computed("name", B::OuName, Computed::Label),
            many("scps", set(Kind::Scp)),
            tags(),
        ],
    )
}

fn scp() -> RecordSpec {
    RecordSpec::new(
        "scp",
        vec![
            // In a module its name is the label behind the module's: no default that one entity could compute.
            optional("name", B::PolicyName),
            optional("description", B::ScpDescription),
            field("allow", Shape::Named(&STATEMENT), Need::Empty),
            field("deny", Shape::Named(&STATEMENT), Need::Empty),
            optional("file", Ty::String),
            tags(),
        ],
    )
}

static STATEMENT: LazyLock<RecordSpec> = LazyLock::new(|| {
    RecordSpec::new(
        "statement",
        vec![
            optional("actions", Ty::from(B::ActionPattern).list()),
            optional("not_actions", Ty::from(B::ActionPattern).list()),
            optional("resources", Ty::String.list()).later(),
            optional("not_resources", Ty::String.list()).later(),
            field("when", Shape::Conditions, Need::Optional).later(),
            optional("reason", B::Reason),
        ],
    )
    .one_of(&["actions", "not_actions"])
    .one_of(&["resources", "not_resources"])
});

fn account() -> RecordSpec {
    RecordSpec::new("account", {
        let mut fields = aws_account();
        fields.extend([many("scps", set(Kind::Scp)), default("protect", Ty::Bool, Lit::Bool(true)), tags()]);
        fields
    })
}

/// What an account and an AWS cell have in common.
fn aws_account() -> Vec<FieldSpec> {
    let mut account_id = optional("account_id", B::AccountId);
    account_id.read_later = true;
    vec![
        account_id,
        optional("email", B::Email),
        optional("ou", reference(Kind::Ou)),
        computed("name", B::AccountName, Computed::Label),
    ]
}

fn group() -> RecordSpec {
    RecordSpec::new("group", vec![computed("name", B::PrincipalName, Computed::Label), tags()])
}

fn user() -> RecordSpec {
    RecordSpec::new("user", vec![computed("name", B::PrincipalName, Computed::Label), tags()])
}

fn cell() -> RecordSpec {
    RecordSpec::new("cell", {
        let mut fields = vec![
            required("kind", one(&["dev", "alpha", "staging", "preprod", "prod"])),
            default("cloud", one(&["aws", "gcp"]), text("aws")),
            required("region", Ty::String),
        ];
        fields.extend(aws_account());
        fields.extend([
            optional("project", B::GcpProject),
            optional("owner", reference(PRINCIPALS)),
            default("size", Ty::String, text("small")),
            optional("capacity", B::Natural),
            map("labels", Ty::String),
            map("endpoints", B::DnsName),
            default("state", one(&["active", "draining", "retired"]), text("active")),
            optional("expires", Ty::Date),
            computed("protect", Ty::Bool, Computed::ProductionIsProtected),
            field("budget", Shape::Block(&BUDGET), Need::Optional),
            many("scps", set(Kind::Scp)),
            default("track", one(&["released", "latest"]), text("released")),
            default("zero", Ty::Bool, Lit::Bool(false)),
            tags(),
        ]);
        fields
    })
}

static BUDGET: LazyLock<RecordSpec> = LazyLock::new(|| {
    RecordSpec::new(
        "budget",
        vec![
            required("monthly", Ty::Usd),
            many("alert_at", Ty::Percent.list()),
            many("notify", Ty::from(B::BudgetSubscriber).list()),
        ],
    )
});

fn component() -> RecordSpec {
    RecordSpec::new(
        "component",
        vec![
            required("repo", B::Repository),
            optional("language", Ty::String),
            optional("owner", reference(PRINCIPALS)),
            default("build", B::MakeTarget, text("pipeline-build")),
            computed("bootstrap", Ty::map(one(&["aws", "gcp"]), B::MakeTarget.into()), Computed::Bootstrap),
            field("artifact", Shape::Sort(&ARTIFACT), Need::Optional),
            field("deploy", Shape::Sort(&DEPLOY), Need::Required),
            many("after", set(Kind::Component)),
            map("parameters", Ty::Scalar).later().per(Subject::EachCell),
            optional("only", set(Kind::Cell)),
            optional("rollout", reference(Kind::Rollout)),
            tags(),
        ],
    )
}

static ARTIFACT: LazyLock<SortSpec> = LazyLock::new(|| {
    let stored = |name| {
        RecordSpec::new(
            name,
            vec![
                required("bucket", B::BucketName),
                required("key", Ty::String),
                required("account", reference(Kind::Account)),
            ],
        )
    };
    let ecr = vec![required("repository", B::EcrRepo), required("account", reference(Kind::Account))];
    SortSpec { name: "artifact", sorts: vec![RecordSpec::new("ecr", ecr), stored("jar"), stored("zip")], many: false }
});

static DEPLOY: LazyLock<SortSpec> = LazyLock::new(|| {
    let clouds = || computed("clouds", one(&["aws", "gcp"]).list(), Computed::Clouds);
    let capabilities = one(&["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]).list();
    SortSpec {
        name: "deploy",
        sorts: vec![
            RecordSpec::new(
                "cloudformation",
                vec![
                    required("template", Ty::String),
                    computed("stack", B::StackName, Computed::Stack),
                    many("capabilities", capabilities),
                    clouds(),
                ],
            ),
            RecordSpec::new(
                "kubernetes",
                vec![
                    required("namespace", B::KubernetesName),
                    required("workload", B::KubernetesWorkload),
                    optional("container", B::KubernetesName),
                    optional("cluster", Ty::String),
                    clouds(),
                ],
            ),
            RecordSpec::new("make", vec![required("target", B::MakeTarget), clouds()]),
        ],
        many: true,
    }
});

fn alarm() -> RecordSpec {
    let statistics = ["Average", "Sum", "Minimum", "Maximum", "SampleCount", "p50", "p90", "p95", "p99", "p99.9"];
    RecordSpec::new(
        "alarm",
        vec![
            required("namespace", B::MetricNamespace),
            optional("metric", B::MetricName),
            field("ratio", Shape::Block(&RATIO), Need::Optional),
            computed("statistic", one(&statistics), Computed::Statistic),
            default("period", B::Period, Lit::Duration(60_000)),
            optional("above", Ty::Number),
            optional("below", Ty::Number),
            required("over", B::Wait),
            optional("min_requests", B::Natural),
            default("missing", one(&["breaching", "notBreaching", "ignore", "missing"]), text("breaching")),
            tags(),
        ],
    )
    .one_of(&["metric", "ratio"])
    .one_of(&["above", "below"])
}

static RATIO: LazyLock<RecordSpec> = LazyLock::new(|| {
    RecordSpec::new("ratio", vec![required("errors", B::MetricName), required("requests", B::MetricName)])
});

fn metrics() -> RecordSpec {
    RecordSpec::new(
        "metrics",
        vec![
            field("sink", Shape::Sort(&SINK), Need::Required),
            default("dimension", B::MetricName, text("cell")),
            tags(),
        ],
    )
}

static SINK: LazyLock<SortSpec> = LazyLock::new(|| SortSpec {
    name: "sink",
    sorts: vec![
        RecordSpec::new("cloudwatch", vec![]),
        RecordSpec::new("datadog", vec![optional("token", Ty::Secret)]),
        RecordSpec::new("lightstep", vec![required("token", Ty::Secret)]),
        RecordSpec::new("otlp", vec![required("endpoint", Ty::String), optional("token", Ty::Secret)]),
    ],
    many: true,
});

fn permission_set() -> RecordSpec {
    RecordSpec::new(
        "permission_set",
        vec![
            optional("name", B::PermissionSetName),
            optional("description", B::Description),
            default("session", B::Session, Lit::Duration(3_600_000)),
            many("managed", Ty::from(B::ManagedPolicyArn).list()),
            many("customer_managed", Ty::from(B::CustomerPolicy).list()),
            field("allow", Shape::Named(&STATEMENT), Need::Empty),
            field("deny", Shape::Named(&STATEMENT), Need::Empty),
            optional("file", Ty::String),
            optional("boundary", B::Boundary),
            optional("relay_state", B::RelayState),
            optional("rollout", reference(Kind::Rollout)),
            tags(),
        ],
    )
}

fn rollout() -> RecordSpec {
    RecordSpec::new(
        "rollout",
        vec![
            many("alarms", set(Kind::Alarm)),
            default("on_alarm", one(&["rollback", "stop"]), text("rollback")),
            field("window", Shape::Block(&WINDOW), Need::Optional),
            field("wave", Shape::Named(&WAVE), Need::Required),
            tags(),
        ],
    )
}

static WINDOW: LazyLock<RecordSpec> = LazyLock::new(|| {
    RecordSpec::new(
        "window",
        vec![
            required("days", one(&["mon", "tue", "wed", "thu", "fri", "sat", "sun"]).list()),
            required("from", Ty::Time),
            required("to", Ty::Time),
            required("zone", B::TimeZone),
        ],
    )
});

static WAVE: LazyLock<RecordSpec> = LazyLock::new(|| {
    RecordSpec::new(
        "wave",
        vec![
            required("on", set(Kind::Cell)),
            required("bake", B::Wait),
            default("parallel", B::Positive, Lit::Int(1)),
            default("tolerate", B::Natural, Lit::Int(0)),
            optional("min_requests", B::Natural),
            default("one_box", Ty::Bool, Lit::Bool(false)),
            many("alarms", set(Kind::Alarm)),
            default("approval", Ty::Bool, Lit::Bool(false)),
        ],
    )
});

fn grant() -> RecordSpec {
    RecordSpec::new(
        "grant",
        vec![
            required("to", Ty::OneOrMany(PRINCIPALS)).per(Subject::EachAccount),
            required("can", reference(Kind::PermissionSet)),
            required("on", set(GRANTABLE)),
            optional("expires", Ty::Date),
            optional("reason", B::Reason),
            tags(),
        ],
    )
}

fn guard() -> RecordSpec {
    RecordSpec::new(
        "guard",
        vec![
            required("on", set(Kind::Cell)),
            field("forbid", Shape::Named(&FORBID), Need::Required),
            field("unless", Shape::Conditions, Need::Optional).later(),
            optional("principals", set(PRINCIPALS)),
            many("except", set(PRINCIPALS)),
            tags(),
        ],
    )
}

static FORBID: LazyLock<RecordSpec> = LazyLock::new(|| {
    RecordSpec::new(
        "forbid",
        vec![
            required("actions", Ty::from(B::ActionPattern).list()),
            required("resources", Ty::String.list()).later(),
        ],
    )
});

fn outbound() -> RecordSpec {
    RecordSpec::new(
        "outbound",
        vec![required("from", set(Kind::Cell)), field("to", Shape::Sort(&OUTBOUND_TO), Need::Required), tags()],
    )
}

static OUTBOUND_TO: LazyLock<SortSpec> = LazyLock::new(|| SortSpec {
    name: "to",
    sorts: vec![
        RecordSpec::new("ecr_pull", vec![required("components", set(Kind::Component))]),
        RecordSpec::new("vpc_endpoint", vec![required("service", Ty::String)]),
        RecordSpec::new(
            "assume_role",
            vec![required("arn", Ty::String).later(), optional("external_id", Ty::String)],
        ),
    ],
    many: true,
});

fn router() -> RecordSpec {
    RecordSpec::new(
        "router",
        vec![
            required("key", Ty::String),
            default("mode", one(&["token-claim", "dns", "redirect", "proxy"]), text("token-claim")),
            default("map", one(&["table", "range", "hash"]), text("table")),
            map("overrides", reference(Kind::Cell)),
            required("on", set(Kind::Cell)),
            tags(),
        ],
    )
}

fn tenant() -> RecordSpec {
    RecordSpec::new(
        "tenant",
        vec![
            required("home", reference(Kind::Cell)),
            optional("moving_to", reference(Kind::Cell)),
            optional("phase", one(&["clone", "flip", "redirect", "forget"])),
            tags(),
        ],
    )
}

/// What a `moved` block holds.
pub static MOVED: LazyLock<RecordSpec> =
    LazyLock::new(|| RecordSpec::new("moved", vec![required("from", Ty::String), required("to", Ty::String)]));

/// What a `removed` block holds.
pub static REMOVED: LazyLock<RecordSpec> = LazyLock::new(|| {
    RecordSpec::new(
        "removed",
        vec![required("from", Ty::String), optional("account", one(&["keep", "park", "close"]))],
    )
});

/// What an `accept` block holds.
pub static ACCEPT: LazyLock<RecordSpec> = LazyLock::new(|| {
    RecordSpec::new(
        "accept",
        vec![
            required("change", Ty::String),
            required("reason", B::Reason),
            required("owner", reference(PRINCIPALS)),
            required("expires", Ty::Date),
        ],
    )
});
