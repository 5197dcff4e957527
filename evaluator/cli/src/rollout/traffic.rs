//! What tells how cells are, joined to the engine: CloudWatch in each cell's account and region. Owns which alarms are asked,
//! and telling why one is not well; what follows from it is the core's.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use cell_aws::AwsCloud;
use cell_eval::provider::{Answer, CloudError, Failure};
use cell_eval::releases::{Look, Looked, Signals};
use cell_eval::rollout::{Event, Signal};
use cell_eval::signals::{self, Observation, Place, Watched};
use cell_eval::terminal::visible::line;

use crate::output::Output;

/// Places that are read at once.
const LANES: usize = 8;

/// What tells how cells are.
pub(crate) struct Eyes<'a> {
    provider: &'a AwsCloud,
    watched: &'a [Watched],
    output: &'a Output,
    /// What was told already.
    told: Mutex<BTreeSet<String>>,
}

impl<'a> Eyes<'a> {
    /// With the alarms of a program.
    pub(crate) fn new(provider: &'a AwsCloud, watched: &'a [Watched], output: &'a Output) -> Self {
        Self { provider, watched, output, told: Mutex::default() }
    }

    fn tell(&self, observation: &Observation) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for ((alarm, cell), reason) in &observation.reasons {
            let text = format!("{alarm} in {cell}: {}", line(reason.as_bytes()));
            if told.insert(text.clone()) {
                self.output.remark(&text);
            }
        }
    }
}

impl Signals for Eyes<'_> {
    fn look(&self, look: &Look<'_>) -> Result<Looked, String> {
        let (alarms, cells): (HashSet<&String>, HashSet<&String>) =
            (look.alarms.iter().collect(), look.cells.iter().collect());
        let asked: Vec<&Watched> = self
            .watched
            .iter()
            .filter(|one| alarms.contains(&one.alarm) && cells.contains(&one.place.cell))
            .filter(|one| account(look, &one.place).is_some())
            .collect();
        let open = |place: &Place| -> Answer<Box<dyn signals::Signals + '_>> {
            let account = account(look, place).ok_or_else(|| {
                CloudError::own("cloudwatch", Failure::NotFound, format!("{} has no account", place.cell))
            })?;
            Ok(Box::new(self.provider.signals(account, &place.region)))
        };
        let observation = signals::look(&asked, (look.since, look.until), LANES, &open);
        let observation = observation.map_err(|error| error.to_string())?;
        self.tell(&observation);
        let Event::Observed { mut signals, requests } = observation.event else {
            return Err("nothing was observed".to_owned());
        };
        // What the program does not have any more, or cannot be read there, is no pass.
        let known: HashSet<(&String, &String)> = signals.iter().map(|(alarm, cell, _)| (alarm, cell)).collect();
        let pairs = look.cells.iter().flat_map(|cell| look.alarms.iter().map(move |alarm| (alarm, cell)));
        let silent: Vec<_> = pairs.filter(|pair| !known.contains(pair)).collect();
        signals.extend(silent.into_iter().map(|(alarm, cell)| (alarm.clone(), cell.clone(), Signal::NoData)));
        Ok((signals, requests))
    }
}

/// The account of a cell.
fn account<'l>(look: &'l Look<'_>, place: &Place) -> Option<&'l str> {
    let account = look.of.cells.get(&place.cell)?.spec.account.as_str();
    (!account.is_empty()).then_some(account)
}
