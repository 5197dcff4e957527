//! Releases in an apply: the released version for a cell that has none, the end of what is in one, a place in the queue. Owns how
//! they are joined to a run; what they are is [`crate::releases`]'s.

use serde_json::Value as Json;

use super::Context;
use crate::plan::model::Verb;
use crate::provider::{CloudError, Failure};
use crate::releases::clerk::{Clerk, Errand};
use crate::releases::wishes::Release;
use crate::stacks::token;

impl Context<'_> {
    /// Does it; what was seen.
    pub(super) fn release(&self, address: &str, verb: &Verb, tell: &dyn Fn(&str)) -> Result<String, CloudError> {
        let missing = || CloudError::own("release", Failure::Unsupported, "nothing here takes releases");
        let clerk: &Clerk<'_> = self.clerk.ok_or_else(missing)?;
        let token = token(&self.plan_id, &format!("{} {address}", verb.word()));
        let mut see = |text: &str| tell(text);
        match verb {
            Verb::Deploy(order) => {
                let text = |name: &str| order.field(name).and_then(Json::as_str).unwrap_or_default();
                if order.is_stack() && self.young.contains(&order.cell) {
                    let account = self.id(&order.cell)?;
                    let there = self.provider.stacks(&account, text("region"));
                    self.let_in(there.as_ref(), text("stack"), tell)?;
                }
                let wish = &order.wish;
                let made = |release: &Release| {
                    self.journal.with(|record| wish.dossier(release, record, &|other| other == order.cell))
                };
                let errand = Errand { cell: &order.cell, token: &token };
                clerk.deploy(&wish.of, &order.released, &made, errand, &mut see)
            }
            Verb::Undeploy { of, cell, behind: true } => clerk.clear(of, Errand { cell, token: &token }, &mut see),
            Verb::Undeploy { of, cell, .. } => clerk.undeploy(of, Errand { cell, token: &token }, &mut see),
            Verb::PassBy { of, cell } => clerk.pass_by(of, cell),
            Verb::Queue(order) => clerk.queue(&order.dossier),
            Verb::KeepForm { former } => clerk.keep(former),
            other => Err(CloudError::own(other.word(), Failure::Invalid, "it is no release")),
        }
    }
}
