//! Repository policies: ours among the statements of others, read at the moment of writing.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Context, Seen};
use crate::plan::later;
use crate::plan::model::Verb;
use crate::provider::{CloudError, Failure};
use crate::repositories::{Edited, Found, edited, ours, policy};

const READ: &str = "ecr:GetRepositoryPolicy";
const WRITE: &str = "ecr:SetRepositoryPolicy";

impl Context<'_> {
    /// Writes a repository's policy, and looks.
    pub(super) fn repository(&self, verb: &Verb) -> Result<Seen, CloudError> {
        match verb {
            Verb::SetRepositoryPolicy { account, region, repository, content } => {
                let content = self.filled(content);
                if later::has_later(&content) {
                    let message = "what the policy names is not known yet";
                    return Err(CloudError::own("record", Failure::NotFound, message));
                }
                let all = content.get("Statement").and_then(Json::as_array).into_iter().flatten();
                let named = all.filter_map(|one| Some((one.get("Sid")?.as_str()?.to_owned(), one.clone())));
                let seen = self.bring((account, region.as_deref(), repository), &named.collect())?;
                Ok(Seen { id: Some(format!("{account}/{repository}")), ..seen })
            }
            Verb::RemoveRepositoryPolicy { account, region, repository } => {
                self.bring((account, region.as_deref(), repository), &BTreeMap::new())
            }
            other => Err(CloudError::own(other.word(), Failure::Invalid, "it is not done to a repository")),
        }
    }

    /// Brings our statements in a policy to these. What others wrote since the plan was made stays, too.
    fn bring(
        &self,
        (account, region, repository): (&str, Option<&str>, &str),
        wanted: &BTreeMap<String, Json>,
    ) -> Result<Seen, CloudError> {
        let there = self.provider.repositories(account, region);
        let found = there.policy(repository)?;
        if found == Found::NoRepository && !wanted.is_empty() {
            let message = format!("account {account} has no repository `{repository}`");
            return Err(CloudError::own(READ, Failure::NotFound, message));
        }
        match edited(found.text(), wanted)
            .map_err(|refused| CloudError::own(WRITE, Failure::Invalid, refused.to_string()))?
        {
            Edited::Same => {}
            Edited::Write(text) => there.set_policy(repository, &text)?,
            Edited::Delete => there.delete_policy(repository)?,
        }
        let form = |all: &BTreeMap<String, Json>| -> BTreeMap<String, Json> {
            all.iter().map(|(sid, one)| (sid.clone(), policy::form(one))).collect()
        };
        let observed = self.observe(READ, "the policy has its former statements", || {
            let now = there.policy(repository)?;
            let is = now.text().map(ours).transpose();
            let is = is.map_err(|refused| CloudError::own(READ, Failure::Failed, refused.to_string()))?;
            let so = form(&is.unwrap_or_default()) == form(wanted);
            let said = if wanted.is_empty() { "no statement of ours" } else { "as written" };
            Ok(so.then(|| said.to_owned()))
        })?;
        Ok(Seen { observed, id: None })
    }
}
