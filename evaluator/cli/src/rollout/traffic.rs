//! What tells how cells are, joined to the engine: CloudWatch in each cell's account and region, or for a cell on another cloud in that
//! of monitoring. Owns which alarms are asked, and telling why one is not well; what follows from it is the core's.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use cell_aws::AwsCloud;
use cell_eval::provider::{Answer, CloudError, Failure};
use cell_eval::registry::record::Record;
use cell_eval::releases::wishes::Wish;
use cell_eval::releases::{Look, Looked, Signals};
use cell_eval::rollout::{Event, Signal};
use cell_eval::signals::{self, Heard, Observation, Place, Unheard, Unwell, Watched};
use cell_eval::terminal::visible::line;
use cell_eval::words::counted;
use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::source::SourceMap;

use crate::output::Output;
use crate::session::{Session, finding};

/// Places that are read at once.
const LANES: usize = 8;
/// What is said of an alarm that has no account to be in.
const NOWHERE: &str =
    "there is no account that has it: `cellc apply` makes `account.monitoring`, where the program declares it";

/// What tells how cells are.
pub(crate) struct Eyes<'a> {
    provider: &'a AwsCloud,
    watched: &'a [Watched],
    output: &'a Output,
    /// The accounts that have alarms of cells on other clouds, by address.
    homes: BTreeMap<&'a str, String>,
    /// What was told already.
    told: Mutex<BTreeSet<String>>,
}

impl<'a> Eyes<'a> {
    /// With the alarms of a program, and the record of its accounts.
    pub(crate) fn new(provider: &'a AwsCloud, watched: &'a [Watched], record: &Record, output: &'a Output) -> Self {
        let elsewhere = watched.iter().filter(|one| one.place.owner != one.place.cell);
        let home = |one: &'a Watched| Some((one.place.owner.as_str(), recorded(record, &one.place)?.to_owned()));
        Self { provider, watched, output, homes: elsewhere.filter_map(home).collect(), told: Mutex::default() }
    }

    /// The account that has a cell's alarms: the cell's as the release has it, or that of others.
    fn account<'l>(&'l self, look: &'l Look<'_>, place: &Place) -> Option<&'l str> {
        if place.owner != place.cell {
            return self.homes.get(place.owner.as_str()).map(String::as_str);
        }
        let account = look.of.cells.get(&place.cell)?.spec.account.as_str();
        (!account.is_empty()).then_some(account)
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
            .filter(|one| self.account(look, &one.place).is_some())
            .collect();
        let open = |place: &Place| -> Answer<Box<dyn signals::Signals + '_>> {
            let account = self.account(look, place).ok_or_else(|| {
                CloudError::own("cloudwatch", Failure::NotFound, format!("{} has no account", place.cell))
            })?;
            Ok(Box::new(self.provider.signals(account, &place.region)))
        };
        let serving = look.serving.iter().map(String::as_str).collect();
        let observation = signals::look(&asked, &serving, (look.since, look.until), LANES, &open);
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

/// Tells of the alarms of these releases that are off, are not there, or wait for what nothing emits, before a rollout does.
pub(crate) fn tell_beforehand(session: &Session<'_>, record: &Record, all: &[String]) {
    let (desired, provider) = (&session.subject.desired, &session.connection.provider);
    if session.connection.healthy {
        return;
    }
    let wishes: Vec<_> = all.iter().filter_map(|of| desired.releases.get(of)).collect();
    let of_one = |one: &&Watched| {
        let here = |wish: &&Wish| Some(wish.cells.get(&one.place.cell)?.alarms.contains_key(&one.alarm));
        recorded(record, &one.place).is_some() && wishes.iter().any(|wish| here(wish) == Some(true))
    };
    let asked: Vec<&Watched> = desired.watched.iter().filter(of_one).collect();
    let open = |place: &Place| -> Answer<Box<dyn signals::Signals + '_>> {
        Ok(Box::new(provider.signals(recorded(record, place).unwrap_or_default(), &place.region)))
    };
    let mut heard = signals::hear(&asked, LANES, &open);
    heard.unwell.extend(nowhere(record, &desired.watched, &wishes));
    let warnings: Vec<Diagnostic> = unwell(&heard).chain(unheard(&heard)).collect();
    if !warnings.is_empty() {
        session.output.diagnostics(&SourceMap::default(), &warnings);
    }
    if let Some((place, error)) = heard.unread.first() {
        let cells = counted(heard.unread.len(), "cell");
        session.output.remark(&format!(
            "how the alarms of {cells} are, and what they emit, is not known: {}: {}",
            place.cell,
            line(error.to_string().as_bytes())
        ));
    }
}

/// The alarms of these releases that are in no account: that of monitoring, where those of other clouds are, is not there.
fn nowhere(record: &Record, watched: &[Watched], wishes: &[&Wish]) -> Vec<Unwell> {
    let there: HashSet<(&str, &str)> = watched
        .iter()
        .filter(|one| recorded(record, &one.place).is_some())
        .map(|one| (one.alarm.as_str(), one.place.cell.as_str()))
        .collect();
    let missing = |wish: &&Wish| {
        // A cell that no apply has brought up is left out as a whole.
        let unmade = wish.unmade(record);
        let cells: Vec<_> = wish.cells.iter().filter(|(cell, _)| !unmade.contains(*cell)).collect();
        let pairs = cells.into_iter().flat_map(|(cell, place)| place.alarms.keys().map(move |alarm| (alarm, cell)));
        let pairs = pairs.filter(|(alarm, cell)| !there.contains(&(alarm.as_str(), cell.as_str())));
        let unwell = |(alarm, cell): (&String, &String)| {
            let (alarm, cell, what) = (alarm.clone(), cell.clone(), NOWHERE.to_owned());
            Unwell { alarm, cell, what, is_off: false }
        };
        pairs.map(unwell).collect::<Vec<_>>()
    };
    wishes.iter().flat_map(missing).collect()
}

/// One warning for each alarm that is off and for each that is not there.
fn unwell(heard: &Heard) -> impl Iterator<Item = Diagnostic> {
    let mut found: BTreeMap<(&str, bool), Vec<&Unwell>> = BTreeMap::new();
    for one in &heard.unwell {
        found.entry((&one.alarm, one.is_off)).or_default().push(one);
    }
    found.into_iter().filter_map(|((_, is_off), cells)| {
        let Unwell { alarm, cell, what, .. } = cells.first()?;
        let warning = finding(Code::Unwell, format!("{alarm} in {cell}: {}{}", line(what.as_bytes()), more(cells.len())));
        Some(if is_off {
            warning
                .help("it is asked as soon as the release is in the cell: while it is off then, `on_alarm` takes the release back or stops it")
                .help("see to it first; a release that is to mend it goes through with `on_alarm = \"stop\"`, and `cellc rollout resume` when it is well")
        } else {
            warning.help("without it the bake does not pass; `cellc apply` makes what is new in the program (`cellc explain W0902` for the rest)")
        })
    })
}

/// One warning for each alarm and metric that nothing emits.
fn unheard(heard: &Heard) -> impl Iterator<Item = Diagnostic> {
    let mut found: BTreeMap<(&str, &str), Vec<&Unheard>> = BTreeMap::new();
    for one in &heard.unheard {
        found.entry((&one.alarm, &one.waits.name)).or_default().push(one);
    }
    found.into_values().filter_map(|cells| {
        let warning = finding(Code::Unheard, format!("{}{}", cells.first()?, more(cells.len())));
        Some(
            warning
                .help("the component is told the name of its cell as `CELL_NAME`; the dimension is `cell`, unless `metrics` says another")
                .help("new metrics take some minutes to be listed, and what is released for the first time has emitted nothing yet"),
        )
    })
}

/// How many cells have the same, beside the first.
fn more(cells: usize) -> String {
    match cells.saturating_sub(1) {
        0 => String::new(),
        more => format!("; and so in {}", counted(more, "more cell")),
    }
}

/// The account that has a cell's alarms, by the record.
fn recorded<'r>(record: &'r Record, place: &Place) -> Option<&'r str> {
    Some(record.entry(&place.owner)?.id.as_str()).filter(|id| !id.is_empty())
}
