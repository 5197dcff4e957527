//! What the cloud takes at most: one table, with the date it was read and where each number comes from.
//!
//! Owns numbers, no rule: the rules that hold a program to them are in `rules`. A limit of a single value (a
//! label's length, a session) is its type's, in `cell_lang::types::builtin`.

/// When the table was read against its sources.
pub const READ_ON: &str = "2026-09-26";

/// A limit.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// What is counted, in words.
    pub what: &'static str,
    /// The most the cloud takes.
    pub most: usize,
    /// Where the number stands.
    pub source: &'static str,
    /// The field of `limits` in `org` that says another number, where AWS raises it on request.
    pub raised_by: Option<&'static str>,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $most:literal $what:literal, $source:literal $(, $raised_by:literal)?;)*) => {
        $($(#[$doc])* pub const $name: Limit = Limit {
            what: $what,
            most: $most,
            source: $source,
            raised_by: limits!(@ $($raised_by)?),
        };)*
    };
    (@ $raised_by:literal) => { Some($raised_by) };
    (@) => { None };
}

limits! {
    /// A service control policy, as minified JSON.
    SCP_CHARACTERS = 5_120 "characters of a service control policy", "AWS Organizations quotas";
    /// Service control policies on one root, unit or account.
    SCPS_A_TARGET = 5 "service control policies of one target", "AWS Organizations quotas";
    /// Levels of organizational units below the root.
    OU_LEVELS = 5 "levels of organizational units", "AWS Organizations quotas";
    /// Organizational units.
    OUS = 2_000 "organizational units", "AWS Organizations quotas";
    /// The inline policy of a permission set, all of it.
    INLINE_BYTES = 32_768 "bytes of an inline policy", "sso-admin model, PermissionSetPolicyDocument";
    /// The inline policy of a permission set, as IAM counts it for the role it becomes.
    INLINE_DENSE_BYTES = 10_240 "bytes of an inline policy without white space", "IAM quotas, inline policies of a role";
    /// AWS managed and customer managed policies of a permission set.
    POLICIES_A_SET = 20 "policies of a permission set", "IAM Identity Center quotas", "set_policies";
    /// Permission sets of an instance.
    SETS_AN_INSTANCE = 3_500 "permission sets of an instance", "IAM Identity Center quotas", "permission_sets";
    /// Permission sets provisioned in one account.
    SETS_AN_ACCOUNT = 500 "permission sets of an account", "IAM Identity Center quotas", "account_sets";
    /// Managed policies that IAM attaches to a role unless its quota is raised.
    POLICIES_A_ROLE = 10 "managed policies of a role", "IAM quotas", "role_policies";
    /// Tags of one resource.
    TAGS = 75 "tags", "sso-admin model, TagList";
    /// A tag's key.
    TAG_KEY = 128 "characters of a tag's key", "sso-admin model, TagKey";
    /// A repository policy of ECR.
    REPOSITORY_POLICY = 10_240 "characters of a repository policy", "ecr model, RepositoryPolicyText";
    /// Account principals named one by one before a repository policy asks for the organization's paths instead.
    ACCOUNT_PRINCIPALS = 300 "account principals of a repository policy", "own choice: 33 characters each";
    /// A stack's name.
    STACK_NAME = 128 "characters of a stack name", "cloudformation model, StackName";
    /// An alarm's name.
    ALARM_NAME = 255 "characters of an alarm name", "cloudwatch model, AlarmName";
    /// Seconds that an alarm looks back, if its periods are shorter than an hour.
    SHORT_PERIODS = 86_400 "seconds of all periods of an alarm, each less than an hour", "cloudwatch model, PutMetricAlarm, Period";
    /// Seconds that an alarm looks back.
    PERIODS = 604_800 "seconds of all periods of an alarm", "cloudwatch model, PutMetricAlarm, Period";
    /// A template that is handed to CloudFormation itself.
    TEMPLATE_BODY = 51_200 "bytes of a template in a request", "CloudFormation quotas";
    /// A template that lies in a bucket.
    TEMPLATE_OBJECT = 1_000_000 "bytes of a template in a bucket", "CloudFormation quotas, 1 MB";
    /// Resources of one template.
    STACK_RESOURCES = 500 "resources of a template", "CloudFormation quotas";
    /// Stages of a pipeline.
    PIPELINE_STAGES = 50 "stages of a pipeline", "CodePipeline quotas";
    /// Actions of one stage of a pipeline, beside each other or one after another.
    STAGE_ACTIONS = 50 "actions of a stage", "CodePipeline quotas";
    /// What one setting of an action may say.
    ACTION_SETTING = 1_000 "characters of an action's setting", "codepipeline model, ActionConfigurationValue";
    /// The definition of a state machine.
    MACHINE_DEFINITION = 1_048_576 "bytes of a state machine", "stepfunctions model, Definition";
    /// What a state hands on.
    STATE_PAYLOAD = 262_144 "bytes of a state's input", "Step Functions quotas";
    /// Metrics of a graph.
    GRAPH_METRICS = 500 "metrics of a graph", "CloudWatch quotas";
    /// Metrics of all graphs of a dashboard.
    DASHBOARD_METRICS = 2_500 "metrics of a dashboard", "CloudWatch quotas";
    /// A pipeline's name.
    PIPELINE_NAME = 100 "characters of a pipeline name", "codepipeline model, PipelineName";
    /// A budget's name.
    BUDGET_NAME = 100 "characters of a budget name", "budgets model, BudgetName";
    /// Notifications of one budget.
    BUDGET_NOTIFICATIONS = 10 "notifications", "AWS Budgets quotas";
    /// Addresses that one notification of a budget goes to.
    BUDGET_SUBSCRIBERS = 11 "subscribers of a notification", "budgets model, Subscribers";
}

/// `400_000` as people read it: `400,000`.
pub(crate) fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_grouped() {
        assert_eq!(super::grouped(5), "5");
        assert_eq!(super::grouped(5_120), "5,120");
        assert_eq!(super::grouped(1_234_567), "1,234,567");
    }
}
