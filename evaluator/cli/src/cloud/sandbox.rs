//! The embedded sandbox: a server of this process, on loopback, for one program. Owns what an empty one is seeded
//! with; how it behaves is `cell_sandbox`'s.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use cell_eval::limits::{self, Limit};
use cell_eval::plan::desired::Desired;
use cell_eval::provider::PrincipalKind;
use cell_eval::resources::ResourceKind;
use cell_eval::words::counted;
use cell_sandbox::{Config, Running, Sandbox, Seed, SeedAccount};

/// Who manages a sandbox's organization, when the program does not say.
const MANAGEMENT: &str = "111111111111";
/// Accounts that a sandbox's organization takes when neither the program nor the settings say that its quota was raised: more than
/// AWS's ten, so that a first try of a larger program does not end there.
const ACCOUNTS: usize = 5_000;

/// A sandbox that is open.
pub(crate) struct Opened {
    /// The server.
    pub(crate) running: Running,
    /// What it serves.
    pub(crate) sandbox: std::sync::Arc<Sandbox>,
    /// What has to be said first.
    pub(crate) remarks: Vec<String>,
}

/// Opens the sandbox of a folder, and seeds it from the program when it is empty.
pub(crate) fn embedded(folder: &Path, desired: &Desired) -> Result<Opened, String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let mut config = config(folder)?;
    // Nobody emits metrics there: a rollout would stop at its first alarm.
    config.healthy |= !folder.join("config.json").exists();
    if let Some(region) = &desired.org.home_region {
        config.region.clone_from(region);
    }
    raise(&mut config, desired);
    let sandbox = Sandbox::open(Some(folder), config).map_err(|error| {
        format!("the sandbox in {} cannot be opened: {error}\n\n  help: one process at a time works on it; to share it, `cellc sandbox serve` and AWS_ENDPOINT_URL", folder.display())
    })?;
    let mut remarks = vec!["sandbox: an emulated AWS in this process; nothing real is touched".to_owned()];
    if sandbox.is_empty() {
        let seed = seed(desired);
        sandbox.seed(&seed).map_err(|error| format!("the sandbox cannot be seeded: {error}"))?;
        remarks.push(format!(
            "sandbox: seeded from the program: an organization, an Identity Center instance, {}, {}, {} to adopt",
            counted(seed.groups.len(), "group"),
            counted(seed.users.len(), "user"),
            counted(seed.accounts.len(), "account")
        ));
    }
    // The program may name them later, and its cells may come to other regions.
    let buckets: Vec<String> = template_buckets(desired).into_iter().collect();
    if !buckets.is_empty() {
        let more = Seed { buckets, ..Seed::default() };
        sandbox.seed(&more).map_err(|error| format!("the sandbox cannot be seeded: {error}"))?;
    }
    let running = Running::start(std::sync::Arc::clone(&sandbox), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .map_err(|error| format!("the sandbox cannot listen on loopback: {error}"))?;
    Ok(Opened { running, sandbox, remarks })
}

/// The quotas of a program's organization. Of accounts: as the program says it, else as the settings do. Others are raised
/// where the program says that AWS has raised them.
pub(crate) fn raise(config: &mut Config, desired: &Desired) {
    let said = desired.org.accounts.and_then(|accounts| usize::try_from(accounts).ok());
    let is_plain = config.quotas.accounts == Config::default().quotas.accounts;
    config.quotas.accounts = said.unwrap_or(if is_plain { ACCOUNTS } else { config.quotas.accounts });
    let raised = |quota: &mut usize, said: u64, usual: Limit| {
        let said = usize::try_from(said).unwrap_or(usize::MAX);
        *quota = if said > usual.most { said.max(*quota) } else { *quota };
    };
    raised(&mut config.quotas.permission_sets, desired.org.permission_sets, limits::SETS_AN_INSTANCE);
    raised(&mut config.quotas.provisioned_per_account, desired.org.account_sets, limits::SETS_AN_ACCOUNT);
    raised(&mut config.quotas.policies_per_set, desired.org.set_policies, limits::POLICIES_A_SET);
}

/// The settings that the folder's `config.json` says; AWS's own without one.
pub(crate) fn config(folder: &Path) -> Result<Config, String> {
    let path = folder.join("config.json");
    match std::fs::read(&path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|error| format!("{} cannot be read: {error}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

/// What a program takes for granted: its organization and instance, its groups and users, the accounts it adopts, the
/// buckets of its registry and of its templates.
pub(crate) fn seed(desired: &Desired) -> Seed {
    let of = |kind: PrincipalKind| {
        let all = desired.principals.values().filter(move |principal| principal.kind == kind);
        all.map(|principal| principal.name.clone()).collect::<Vec<_>>()
    };
    let accounts = desired.resources.iter().filter(|(_, wanted)| wanted.kind == ResourceKind::Account);
    let adopted = accounts.filter_map(|(address, wanted)| {
        let id = wanted.account.as_ref()?.id.clone()?;
        let text = |name: &str| wanted.fields.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let name = text("name").unwrap_or_else(|| address.clone());
        let email = text("email").unwrap_or_else(|| format!("aws+{id}@sandbox.example"));
        Some(SeedAccount { id: Some(id), name, email, ..SeedAccount::default() })
    });
    let mut accounts: Vec<SeedAccount> = adopted.collect();
    // Who administers Identity Center for the organization is an account of it, whether the program has it or not.
    if let Some(delegate) = &desired.org.delegated_admin
        && accounts.iter().all(|account| account.id.as_ref() != Some(delegate))
    {
        let email = format!("aws+{delegate}@sandbox.example");
        let name = "delegated-administrator".to_owned();
        accounts.push(SeedAccount { id: Some(delegate.clone()), name, email, ..SeedAccount::default() });
    }
    let registry = desired.org.registry.as_deref().and_then(|url| url.strip_prefix("s3://"));
    let bucket = registry.and_then(|rest| rest.split_once('/')).map(|(bucket, _)| bucket.to_owned());
    Seed {
        management_account: Some(desired.org.management_account.clone().unwrap_or_else(|| MANAGEMENT.to_owned())),
        instance_arn: desired.org.identity_center.clone(),
        home_region: desired.org.home_region.clone(),
        groups: of(PrincipalKind::Group),
        users: of(PrincipalKind::User),
        accounts,
        buckets: bucket.into_iter().chain(template_buckets(desired)).collect(),
        delegated_admin: desired.org.delegated_admin.clone(),
        ..Seed::default()
    }
}

/// Those of the regions where the program has stacks.
fn template_buckets(desired: &Desired) -> BTreeSet<String> {
    let cells = desired.releases.values().flat_map(|wish| wish.cells.values());
    let released = cells.filter_map(|place| place.fields.get("region")?.as_str());
    let regions = desired.stacks.values().map(|stack| stack.region.as_str()).chain(released);
    regions.filter_map(|region| desired.org.templates(region)).map(|bucket| bucket.name).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails so")]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_as_the_program_says_it_or_else_as_the_settings_do() {
        let accounts = |said: Option<u64>, settings: &str| {
            let mut desired = Desired::default();
            desired.org.accounts = said;
            let mut config: Config = serde_json::from_str(settings).unwrap();
            raise(&mut config, &desired);
            config.quotas.accounts
        };
        let three = r#"{"quotas": {"accounts": 3}}"#;
        assert_eq!([accounts(None, "{}"), accounts(None, three), accounts(Some(20), three)], [ACCOUNTS, 3, 20]);
        let mut desired = Desired::default();
        desired.org.account_sets = 600;
        let mut config: Config = serde_json::from_str(r#"{"quotas": {"permission_sets": 7}}"#).unwrap();
        raise(&mut config, &desired);
        assert_eq!((config.quotas.provisioned_per_account, config.quotas.permission_sets), (600, 7));
    }
}
