//! The pane as text: what is released, a table of the cells, what somebody has to know. Fits the width that it is given: where
//! not all columns have room, the table goes on in another one. Many cells that are alike are one line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use indexmap::IndexMap;

use crate::releases::Apart;
use crate::terminal::Look;
use crate::terminal::page::{Page, Row, Sign, Tone};
use crate::terminal::{address, visible};
use crate::words::counted;

use super::bill_text;
use super::model::{Cell, Compared, Pane, PipelineRun, Release, Rollout, Sound, Standing, Version};
use super::times::{day, moment};

/// As many cells have a line each; of more, those that are alike have one together.
const EACH: usize = 40;
/// Letters of a cell's name that the table has room for.
const NAME: usize = 36;
/// Between two columns.
const GAP: usize = 2;

/// A text with its tone.
type Piece = (String, Option<Tone>);

/// Cells that are alike.
type Group<'p> = Vec<&'p Cell>;

/// Writes the pane.
pub fn write(pane: &Pane, look: &Look, out: &mut impl fmt::Write) -> fmt::Result {
    let mut page = Page::new(*look);
    head(pane, &mut page);
    releases(pane, &mut page);
    table(pane, &mut page);
    notes(pane, &mut page);
    parked(pane, &mut page);
    if let Some(bill) = &pane.cost {
        page.blank();
        bill_text::onto(bill, &mut page);
    }
    page.write(out)
}

fn head(pane: &Pane, page: &mut Page) {
    let of = pane.organization.as_ref().map(|id| format!(" of {}", visible::name(id))).unwrap_or_default();
    page.plain(0, &format!("Cells{of} at {} UTC, by {}", moment(pane.at), visible::text(&pane.registry)));
    page.plain(0, &sum(pane));
    if let Some(why) = pane.alarms_unread.as_ref().filter(|_| pane.cells.iter().any(|cell| cell.alarms.count > 0)) {
        page.plain(0, &format!("alarms were not read: {}", visible::text(why)));
    }
}

/// What all comes to, in numbers.
pub(super) fn sum(pane: &Pane) -> String {
    let count = |what: &dyn Fn(&Cell) -> bool| pane.cells.iter().filter(|cell| what(cell)).count();
    let mut parts = vec![counted(pane.cells.len(), "cell")];
    let words: [(&str, usize); 9] = [
        ("not applied yet", count(&|cell| cell.standing == Standing::NotApplied)),
        ("being made", count(&|cell| cell.standing == Standing::BeingMade)),
        ("torn down", count(&|cell| cell.standing == Standing::TornDown)),
        ("not in the program any more", count(&|cell| cell.standing == Standing::NotInProgram)),
        ("draining", count(&|cell| cell.state == "draining")),
        ("retired", count(&|cell| cell.state == "retired")),
        ("expired", count(&|cell| cell.expired)),
        ("with an alarm", count(&|cell| cell.alarms.state == Sound::Alarm)),
        ("behind or ahead of what is released", count(&differs)),
    ];
    parts.extend(words.iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!("{count} {word}")));
    if pane.left_out > 0 {
        parts.push(format!("{} not shown", pane.left_out));
    }
    parts.join(", ")
}

fn differs(cell: &Cell) -> bool {
    cell.versions.values().any(|version| matches!(version.compared, Compared::Differs | Compared::Coming))
}

fn releases(pane: &Pane, page: &mut Page) {
    let told: Vec<&Release> =
        pane.releases.iter().filter(|release| release.component || is_worth_telling(release)).collect();
    if told.is_empty() {
        return;
    }
    page.title("Releases");
    for release in told {
        let released = match &release.released {
            Some(released) => format!("{} since {}", visible::name(&released.version), day(released.since)),
            None => "nothing released yet".to_owned(),
        };
        page.plain(1, &format!("{}: {released}", visible::name(&release.of)));
        if let Some(rollout) = release.rollout.as_ref().filter(|rollout| is_told(rollout)) {
            let tone = if rollout.open { Tone::Notice } else { Tone::Warning };
            page.labelled("", tone, &Row::plain(2, of_rollout(rollout)));
        }
        release.runs.iter().for_each(|run| page.plain(2, &visible::text(&of_run(run))));
        for apart in &release.apart {
            page.labelled("", Tone::Warning, &Row::plain(2, of_apart(apart)));
        }
        if let Some(next) = &release.next {
            let (version, by) = (visible::name(&next.version), visible::text(&next.by));
            page.plain(2, &format!("queued: {version}, by {by} since {}", moment(next.since)));
        }
    }
}

fn is_worth_telling(release: &Release) -> bool {
    release.next.is_some()
        || !release.runs.is_empty()
        || !release.apart.is_empty()
        || release.rollout.as_ref().is_some_and(is_told)
}

/// `run e-2 of v2 is under way: 3 cells reached, 1 failed; begun … by …`
pub(super) fn of_run(run: &PipelineRun) -> String {
    let failed = if run.failed == 0 { String::new() } else { format!(", {} failed", run.failed) };
    let (reached, since) = (counted(run.reached, "cell"), moment(run.since));
    let head = format!("run {} of {} is under way: {reached} reached{failed}", run.run, run.version);
    format!("{head}; begun {since} by {}", run.by)
}

/// `v2 is in 1 cell: cell.alpha; …` and the command that mends it.
pub(super) fn of_apart(apart: &Apart) -> String {
    format!("{}; {}", apart.told(), visible::text(&apart.mend))
}

/// One that went through is told by its version.
pub(super) fn is_told(rollout: &Rollout) -> bool {
    rollout.open || rollout.phase != "done"
}

/// `rollout 7 to v1.5.0: baking in wave prod-small until …; 10 done, 2 baking; begun … by …`
pub(super) fn of_rollout(rollout: &Rollout) -> String {
    let mut text = format!("rollout {} to {}: {}", rollout.number, visible::name(&rollout.version), rollout.phase);
    // One that all cells have left is in no wave.
    if !rollout.cells.is_empty() {
        text.push_str(&format!(" in wave {}", visible::name(&rollout.wave)));
    }
    if let Some(until) = rollout.until {
        text.push_str(&format!(" until {} at least", moment(until)));
    }
    if rollout.paused {
        text.push_str(", paused");
    }
    if let Some(why) = &rollout.why {
        text.push_str(&format!(" ({})", visible::text(why)));
    }
    let cells: Vec<String> = rollout.cells.iter().map(|(state, count)| format!("{count} {state}")).collect();
    if !cells.is_empty() {
        text.push_str(&format!("; {}", cells.join(", ")));
    }
    text.push_str(&format!("; begun {} by {}", moment(rollout.begun), visible::text(&rollout.by)));
    match &rollout.runner {
        Some(runner) => text.push_str(&format!(", carried out by {}", visible::text(runner))),
        None if rollout.open => text.push_str(", and nobody carries it out now: `cellc rollout run`"),
        None => {}
    }
    text
}

/// The columns of the table, each with its head.
struct Columns {
    heads: Vec<String>,
    /// By line.
    lines: Vec<Vec<Piece>>,
    widths: Vec<usize>,
}

fn table(pane: &Pane, page: &mut Page) {
    if pane.cells.is_empty() {
        return;
    }
    page.title("Cells");
    let components: Vec<&str> =
        pane.releases.iter().filter(|release| release.component).map(|release| release.of.as_str()).collect();
    let groups = groups(pane, page.look.verbose);
    let columns = columns(&components, &groups);
    for (at, shown) in parts(&columns, components.len(), page.look.width.saturating_sub(2)).into_iter().enumerate() {
        if at > 0 {
            page.blank();
        }
        let head = shown.iter().map(|at| {
            (columns.heads.get(*at).cloned().unwrap_or_default(), Some(Tone::Strong), width(&columns, *at))
        });
        page.cells(1, &head.collect::<Vec<_>>());
        for line in &columns.lines {
            let cells = shown.iter().map(|at| {
                let (text, tone) = line.get(*at).cloned().unwrap_or_default();
                (text, tone, width(&columns, *at))
            });
            page.cells(1, &cells.collect::<Vec<_>>());
        }
    }
    legend(pane, page);
}

fn width(columns: &Columns, at: usize) -> usize {
    columns.widths.get(at).copied().unwrap_or_default()
}

/// Which columns stand beside each other: as many components as have room, and the others in tables of their own behind the
/// cell's name.
fn parts(columns: &Columns, components: usize, room: usize) -> Vec<Vec<usize>> {
    const BEFORE: usize = 4;
    let last = columns.heads.len();
    let ends: Vec<usize> = (BEFORE + components..last).collect();
    let taken = |shown: &[usize]| shown.iter().map(|at| width(columns, *at) + GAP).sum::<usize>();
    let mut rest = (BEFORE..BEFORE + components).peekable();
    let mut parts = Vec::new();
    let mut first: Vec<usize> = (0..BEFORE).collect();
    let fixed = taken(&first) + taken(&ends);
    let mut used = fixed;
    while let Some(at) = rest.next_if(|at| used + width(columns, *at) <= room) {
        used += width(columns, at) + GAP;
        first.push(at);
    }
    first.extend(ends);
    parts.push(first);
    while rest.peek().is_some() {
        let mut more = vec![0];
        let mut used = width(columns, 0) + GAP;
        while let Some(at) = rest.next_if(|at| more_fits(&more, used + width(columns, *at), room)) {
            used += width(columns, at) + GAP;
            more.push(at);
        }
        parts.push(more);
    }
    parts
}

/// A table has one component at least.
fn more_fits(shown: &[usize], used: usize, room: usize) -> bool {
    shown.len() < 2 || used <= room
}

/// Cells that have one line together.
fn groups(pane: &Pane, verbose: bool) -> Vec<Group<'_>> {
    if verbose || pane.cells.len() <= EACH {
        return pane.cells.iter().map(|cell| vec![cell]).collect();
    }
    let mut groups: IndexMap<Vec<String>, Group<'_>> = IndexMap::new();
    for cell in &pane.cells {
        let versions = cell.versions.iter().map(|(of, version)| format!("{of} {}", version_piece(version).0));
        let own = [kind(cell), waves(cell), cell.alarms.state.word().to_owned(), format!("{:?}", cell.standing)];
        let alarms = cell.alarms.off.iter().chain(&cell.alarms.no_data).cloned();
        let key = own.into_iter().chain(versions).chain(alarms).collect();
        groups.entry(key).or_default().push(cell);
    }
    groups.into_values().collect()
}

fn columns(components: &[&str], groups: &[Group<'_>]) -> Columns {
    let names = components.iter().map(|of| address::label(of));
    let fixed = ["CELL", "KIND", "ACCOUNT", "WAVE"].map(str::to_owned).into_iter();
    let heads: Vec<String> = fixed.chain(names).chain(["ALARMS", "LAST APPLY"].map(str::to_owned)).collect();
    let lines: Vec<Vec<Piece>> = groups.iter().map(|group| line(components, group)).collect();
    let widths = heads
        .iter()
        .enumerate()
        .map(|(at, head)| {
            let texts = lines.iter().filter_map(|line| line.get(at)).map(|(text, _)| text.chars().count());
            texts.chain([head.chars().count()]).max().unwrap_or_default()
        })
        .collect();
    Columns { heads, lines, widths }
}

fn line(components: &[&str], group: &Group<'_>) -> Vec<Piece> {
    let Some(first) = group.first() else { return Vec::new() };
    let plain = |text: String| (text, None);
    let mut name = cut(&address::label(&first.cell), NAME);
    if group.len() > 1 {
        name.push_str(&format!(" and {} more", group.len() - 1));
    }
    let grave = group.iter().any(|cell| cell.notes.iter().any(|note| note.grave));
    let mut line =
        vec![(name, grave.then_some(Tone::Alarm)), plain(kind(first)), plain(accounts(group)), plain(waves(first))];
    line.extend(components.iter().map(|of| first.versions.get(*of).map_or_else(absent, version_piece)));
    line.push(alarms(first));
    line.push(plain(applied(group)));
    line
}

/// `text`, cut where it has more letters than there is room.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(room.saturating_sub(1)).collect::<String>())
}

/// `prod`, `prod draining`.
pub(super) fn kind(cell: &Cell) -> String {
    let mut words = vec![cell.kind.as_str()];
    words.extend((cell.cloud != "aws").then_some(cell.cloud.as_str()));
    words.extend((cell.state != "active").then_some(cell.state.as_str()));
    words.extend(cell.expired.then_some("expired"));
    visible::whole(&words.join(" "))
}

fn accounts(group: &Group<'_>) -> String {
    let ids: BTreeSet<&str> = group.iter().filter_map(|cell| account(cell)).collect();
    match (ids.len(), ids.first()) {
        (0, _) | (_, None) => "-".to_owned(),
        (1, Some(one)) => visible::whole(one),
        (many, _) => counted(many, "account"),
    }
}

/// The account's id, or the project.
pub(super) fn account(cell: &Cell) -> Option<&str> {
    cell.account.as_deref().or(cell.project.as_deref())
}

/// The waves of a cell; one in none says how it follows.
pub(super) fn waves(cell: &Cell) -> String {
    let words: Vec<String> = cell
        .waves
        .iter()
        .map(|wave| if wave.follows { format!("no wave ({})", wave.wave) } else { visible::name(&wave.wave) })
        .collect();
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

fn absent() -> Piece {
    ("-".to_owned(), Some(Tone::Quiet))
}

/// The version, and how it is with it.
pub(super) fn version_piece(version: &Version) -> Piece {
    let name = version.version.as_deref().map_or_else(|| "none".to_owned(), |name| cut(&visible::name(name), NAME));
    if let Some(place) = &version.rollout {
        let tone = match place.state.as_str() {
            "failed" | "stuck" => Tone::Alarm,
            "waiting" | "done" | "skipped" => Tone::Quiet,
            _ => Tone::Notice,
        };
        return (format!("{name} {}", place.state), Some(tone));
    }
    match version.compared {
        Compared::Released | Compared::Unreleased => (name, None),
        Compared::Coming => (format!("{name} ↑"), Some(Tone::Notice)),
        Compared::Differs => (format!("{name} ≠"), Some(Tone::Warning)),
        Compared::Missing => (name, Some(Tone::Quiet)),
    }
}

fn alarms(cell: &Cell) -> Piece {
    let told = &cell.alarms;
    let text = match told.state {
        Sound::Alarm => format!("{} of {} off", told.off.len(), told.count),
        Sound::NoData => format!("{} of {} without data", told.no_data.len(), told.count),
        Sound::Ok => format!("{} ok", told.count),
        Sound::None | Sound::Unknown => told.state.word().to_owned(),
    };
    let tone = match told.state {
        Sound::Alarm => Some(Tone::Alarm),
        Sound::NoData => Some(Tone::Warning),
        Sound::Ok => Some(Tone::Good),
        Sound::None | Sound::Unknown => Some(Tone::Quiet),
    };
    (text, tone)
}

fn applied(group: &Group<'_>) -> String {
    let times: BTreeSet<_> =
        group.iter().filter_map(|cell| cell.applied.as_ref().map(|applied| applied.at)).collect();
    match (times.first(), times.last()) {
        (Some(first), Some(last)) if moment(*first) == moment(*last) => moment(*last),
        (Some(first), Some(last)) if day(*first) == day(*last) => day(*last),
        (Some(first), Some(last)) => format!("{} to {}", day(*first), day(*last)),
        _ => "-".to_owned(),
    }
}

fn legend(pane: &Pane, page: &mut Page) {
    let versions = || pane.cells.iter().flat_map(|cell| cell.versions.values());
    let bare = |wanted| versions().any(|version| version.compared == wanted && version.rollout.is_none());
    let mut parts = Vec::new();
    parts.extend(bare(Compared::Differs).then_some("≠ another version than the released one"));
    parts.extend(bare(Compared::Coming).then_some("↑ the version that a rollout brings"));
    if !parts.is_empty() {
        page.plain(1, &parts.join("; "));
    }
}

/// What somebody has to know, the grave first; the same of many cells once.
fn notes(pane: &Pane, page: &mut Page) {
    let mut all: BTreeMap<(bool, &str), Vec<String>> = BTreeMap::new();
    for cell in &pane.cells {
        for note in &cell.notes {
            // What names the cell is its own.
            all.entry((!note.grave, note.text.as_str())).or_default().push(address::label(&cell.cell));
        }
    }
    if all.is_empty() {
        return;
    }
    page.title("To know");
    for ((light, text), cells) in all {
        let lead = if cells.len() > 1 { format!("{}: ", counted(cells.len(), "cell")) } else { String::new() };
        let names = page.names(&lead, &cells, 1);
        let row = format!("{names}: {}", visible::text(text));
        if light {
            page.plain(1, &row);
        } else {
            page.row(&Row::signed(1, Sign::Stop, row));
        }
    }
}

fn parked(pane: &Pane, page: &mut Page) {
    if pane.parked.is_empty() {
        return;
    }
    page.title("Parked accounts");
    for parked in &pane.parked {
        let (name, from) = (visible::name(&parked.name), visible::name(&parked.from));
        page.plain(
            1,
            &format!("{} {name}, which was {from}, since {}", visible::whole(&parked.account), day(parked.since)),
        );
    }
}
