//! Bakes of pipelines, really executed: event by event against `step` with answers that are made up, and against alarms of an
//! emulated CloudWatch.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use cell_eval::budget::Options;
use cell_eval::expand::expand;
use cell_eval::rollout::state::Why;
use cell_eval::rollout::{CellState, Course, Effect, Event, Phase, Signal, State, courses, step};
use cell_lang::check::check;
use cell_lang::files::{FileError, Files};
use cell_lang::load::load;
use cell_tests::ministack::{Ministack, Pair};
use cell_tests::{aws, repository, templates};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::pipelines::{PROGRAM, SERVICES, deployed, plain};

/// How long executions may take.
const PATIENCE: Duration = Duration::from_mins(4);
const ACCOUNT: &str = "999999999991";

struct One(String);

impl Files for One {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if path == "main.cell" { Ok(self.0.clone().into_bytes()) } else { Err(FileError::NotFound) }
    }
}

/// The course of a component.
fn course(program: &str, of: &str) -> Course {
    let files = One(program.to_owned());
    let checked = check(load(&files, "main.cell", &[], 1 << 20));
    let world = expand(checked.program.as_ref().unwrap(), &files, &Options::default());
    courses(&world).into_iter().find(|course| course.of == of).unwrap()
}

/// What a look sees: an alarm's state in a cell, and how many requests.
#[derive(Debug, Clone)]
struct Seen {
    signal: Option<Signal>,
    requests: u64,
}

/// An execution to be: what it is told, the answers that it gets, and what `step` made of the same.
#[derive(Debug)]
struct Case {
    name: String,
    wave: usize,
    input: Value,
    answers: Vec<Value>,
    waits: Vec<i64>,
    end: Option<String>,
}

/// A wave of which so many cells have the release, the others not; at the instant at which the last of them got it.
fn reached(course: &Course, wave: usize, has: usize, at: Timestamp) -> State {
    let mut state = State::new(course, "2", at, |_| Some("1".to_owned()));
    state.wave = wave;
    state.one_box = course.waves[wave].one_box && has == 1;
    state.approved.insert(wave);
    let own = &course.waves[wave].cells;
    for (name, cell) in &state.cells.clone() {
        let place = own.iter().position(|other| other == name);
        let now = match (cell.wave.cmp(&wave), place) {
            (std::cmp::Ordering::Less, _) => CellState::Done,
            (_, Some(place)) if place + 1 < has => CellState::Baking,
            (_, Some(place)) if place + 1 == has => CellState::Deploying,
            _ => CellState::Waiting,
        };
        state.cells.set(name, now);
    }
    state
}

/// What `step` makes of these looks, the last of them seen again for as long as it wants.
fn decided(course: &Course, mut state: State, gate: bool, looks: &[Seen]) -> (Vec<Value>, Vec<i64>, Option<String>) {
    let (mut answers, mut waits) = (Vec::new(), Vec::new());
    let mut last = state.now;
    let mut looks_left = looks.iter().chain(std::iter::repeat(looks.last().unwrap()));
    loop {
        let at = if gate && answers.is_empty() { state.now } else { state.wake.unwrap() };
        if !(gate && answers.is_empty()) {
            waits.push(at.duration_since(last).as_secs());
        }
        last = at;
        let ticked = step(course, state, at, &Event::Tick);
        let seen = looks_left.next().unwrap();
        let watched = ticked.effects.iter().find_map(|effect| match effect {
            Effect::Observe { cells, .. } => Some(cells.clone()),
            _ => None,
        });
        let cells = watched.unwrap_or_else(|| panic!("nothing is looked at: {ticked:?}"));
        let alarm = course.waves[ticked.state.wave].alarms[0].clone();
        let signals: Vec<(String, String, Signal)> =
            cells.iter().map(|cell| (alarm.clone(), cell.clone(), seen.signal.unwrap_or(Signal::Ok))).collect();
        let first = |of: Signal| {
            let found = signals.iter().find(|(.., signal)| *signal == of);
            found.map_or(Value::Null, |(alarm, cell, _)| json!({ "alarm": alarm, "cell": cell }))
        };
        let opens = course.window.as_ref().and_then(|window| window.next(at)).unwrap_or(at);
        answers.push(json!({ "Payload": {
            "at": at.as_millisecond(), "opens": opens.as_millisecond(), "requests": seen.requests,
            "alarm": first(Signal::Alarm), "no_data": first(Signal::NoData),
        } }));
        if gate && ticked.effects.iter().any(|effect| matches!(effect, Effect::Deploy { .. })) {
            return (answers, waits, None);
        }
        let after = step(course, ticked.state, at, &Event::Observed { signals, requests: seen.requests });
        state = after.state;
        let why = match &state.phase {
            Phase::RollingBack { why } | Phase::Stopped { why } => why.clone(),
            Phase::Baking { .. } | Phase::Shut { .. } => continue,
            _ => return (answers, waits, None),
        };
        let end = match why {
            Why::Alarm { alarm, cell } => format!("Alarm: {alarm} went off in {cell}"),
            Why::NoData { alarm, cell } => format!("NoData: {alarm} has no data in {cell}"),
            other => panic!("{other:?}"),
        };
        return (answers, waits, Some(end));
    }
}

/// A case of a bake, which `step` begins when the last cell has the release.
fn bake(course: &Course, name: &str, (wave, has): (usize, usize), looks: &[Seen]) -> Case {
    let at: Timestamp = "2026-06-02T08:00:00Z".parse().unwrap();
    let state = reached(course, wave, has, at);
    let cell = course.waves[wave].cells[has - 1].clone();
    let begun = step(course, state, at, &Event::Deployed { cell }).state;
    assert!(matches!(begun.phase, Phase::Baking { .. }), "{begun:?}");
    let one_box = begun.one_box;
    let before: usize = course.waves[..wave].iter().map(|wave| wave.cells.len()).sum();
    let (answers, waits, end) = decided(course, begun, false, looks);
    let input = json!({
        "phase": if one_box { "one_box" } else { "bake" }, "count": before + has,
        "seconds": course.waves[wave].bakes(one_box).as_secs(), "since": at.as_millisecond(),
    });
    Case { name: name.to_owned(), wave, input, answers, waits, end }
}

/// A case of a gate: the next cells wait, from this instant on.
fn gate(course: &Course, name: &str, at: &str, looks: &[Seen]) -> Case {
    let at: Timestamp = at.parse().unwrap();
    let (wave, has) = (1, 1);
    let mut state = reached(course, wave, has, at);
    state.one_box = false;
    let first = course.waves[wave].cells[0].clone();
    state.cells.set(&first, CellState::Baking);
    let (answers, waits, end) = decided(course, state, true, looks);
    let before: usize = course.waves[..wave].iter().map(|wave| wave.cells.len()).sum();
    let input = json!({ "phase": "gate", "count": before + has, "seconds": 0, "since": at.as_millisecond() });
    Case { name: name.to_owned(), wave, input, answers, waits, end }
}

fn seen(signal: Option<Signal>, requests: u64) -> Seen {
    Seen { signal, requests }
}

/// Looks that are made up, the same each time.
fn random(seed: u64) -> Vec<Seen> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % below
    };
    let mut requests = 0;
    let mut looks: Vec<Seen> = (0..next(90))
        .map(|_| {
            requests += next(4);
            let signal = match next(60) {
                0 => Some(Signal::Alarm),
                1..=20 => Some(Signal::NoData),
                _ => None,
            };
            seen(signal, requests)
        })
        .collect();
    let last = if next(3) == 0 { Some(Signal::NoData) } else { None };
    looks.push(seen(last, 1_000));
    looks
}

fn cases(course: &Course) -> Vec<Case> {
    let quiet = seen(None, 1_000);
    let prod = (1, 3);
    let mut all = vec![
        bake(course, "quiet", prod, std::slice::from_ref(&quiet)),
        bake(course, "one-box", (1, 1), std::slice::from_ref(&quiet)),
        bake(course, "first-wave", (0, 1), std::slice::from_ref(&quiet)),
        bake(course, "alarm-at-once", prod, &[seen(Some(Signal::Alarm), 0)]),
        bake(course, "alarm-later", prod, &[quiet.clone(), quiet.clone(), seen(Some(Signal::Alarm), 0)]),
        bake(course, "no-data-on-the-way", prod, &[seen(Some(Signal::NoData), 0), quiet.clone()]),
        bake(course, "no-data-at-the-end", prod, &[seen(Some(Signal::NoData), 1_000)]),
        gate(course, "gate-open", "2026-06-02T08:00:00Z", std::slice::from_ref(&quiet)),
        gate(course, "gate-shut", "2026-06-02T06:57:30Z", std::slice::from_ref(&quiet)),
        gate(course, "gate-alarm", "2026-06-02T06:50:00Z", &[quiet.clone(), seen(Some(Signal::Alarm), 0)]),
        gate(course, "gate-no-data", "2026-06-02T06:58:00Z", &[seen(Some(Signal::NoData), 0)]),
    ];
    // Traffic that comes late: so many looks without it, then enough, or an alarm.
    let looks = usize::try_from(course.waves[1].bake.as_mins()).unwrap() + 5;
    let mut late = vec![seen(None, 3); looks];
    late.push(quiet);
    all.push(bake(course, "traffic-late", prod, &late));
    late.pop();
    late.push(seen(Some(Signal::Alarm), 3));
    all.push(bake(course, "alarm-while-traffic-is-waited-for", prod, &late));
    all.extend((0..20).map(|seed| bake(course, &format!("random-{seed}"), prod, &random(seed))));
    all
}

/// The configuration by which ministack answers tasks as a case says.
fn mocks(cases: &[Case]) -> Value {
    let mut machines: BTreeMap<String, Value> = BTreeMap::new();
    let mut responses = json!({ "back": { "0": { "Return": {} } } });
    for case in cases {
        let machine = machines.entry(format!("wave-{}", case.wave)).or_insert_with(|| json!({ "TestCases": {} }));
        machine["TestCases"][&case.name] = json!({ "Look": case.name, "GoBack": "back" });
        let answers =
            case.answers.iter().enumerate().map(|(at, answer)| (at.to_string(), json!({ "Return": answer })));
        responses[&case.name] = Value::Object(answers.collect());
    }
    json!({ "StateMachines": machines, "MockedResponses": responses })
}

/// Waits until executions are over; what each came to, with its history.
fn over(ministack: &Ministack, executions: &[String]) -> Vec<(Value, Vec<Value>)> {
    let pair = Pair { id: ACCOUNT.to_owned(), secret: "test".to_owned() };
    let each = |what: &str| -> Vec<Value> {
        let command = |arn: &String| format!("stepfunctions {what} --region us-west-2 --execution-arn {arn}");
        ministack.commands(&pair, &executions.iter().map(command).collect::<Vec<_>>()).unwrap()
    };
    let until = Instant::now() + PATIENCE;
    let found = loop {
        let found = each("describe-execution");
        if found.iter().all(|one| one["status"] != "RUNNING") {
            break found;
        }
        assert!(Instant::now() < until, "executions do not end: {found:#?}");
        std::thread::sleep(Duration::from_millis(300));
    };
    let events = each("get-execution-history");
    let events =
        events.into_iter().map(|mut history| history["events"].take().as_array().cloned().unwrap_or_default());
    found.into_iter().zip(events).collect()
}

fn told(found: &Value) -> Option<String> {
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    (found["status"] != "SUCCEEDED").then(|| format!("{}: {}", text("error"), text("cause")))
}

/// Each case ends as `step` does, after as many looks, with the same pauses between.
#[test]
fn a_bake_decides_as_step_does() {
    for on_alarm in ["rollback", "stop"] {
        let program = PROGRAM
            .replace(
                "alarms = [alarm.errors]\n  window",
                &format!("on_alarm = \"{on_alarm}\"\n  alarms = [alarm.errors]\n  window"),
            )
            // Long enough to see traffic come late, short enough to be run often.
            .replace("bake = 12h", "bake = 30m");
        let course = course(&program, "component.shop");
        let cases = cases(&course);
        assert!(cases.iter().any(|case| case.end.is_none()) && cases.iter().any(|case| case.end.is_some()));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("main.cell"), &program).unwrap();
        let file = folder.path().join("mocks.json");
        repository::write(&file, &mocks(&cases).to_string()).unwrap();
        let document = templates::document(folder.path()).unwrap();
        let machines = templates::machines(templates::stack(&document, "stack.pipelines/shop").unwrap());
        let ministack = Ministack::open(
            ACCOUNT,
            SERVICES,
            &[("SFN_MOCK_CONFIG", file.to_str().unwrap()), ("SFN_WAIT_SCALE", "0")],
        )
        .unwrap();
        let mut commands = Vec::new();
        for (wave, (_, machine)) in machines.iter().enumerate() {
            let definition = folder.path().join(format!("wave-{wave}.json"));
            repository::write(&definition, &machine.to_string()).unwrap();
            commands.push(format!(
                "stepfunctions create-state-machine --region us-west-2 --name wave-{wave} --definition file://{} \
                 --role-arn arn:aws:iam::{ACCOUNT}:role/x",
                definition.display()
            ));
        }
        for case in &cases {
            let machine = format!("arn:aws:states:us-west-2:{ACCOUNT}:stateMachine:wave-{}#{}", case.wave, case.name);
            commands.push(format!(
                "stepfunctions start-execution --region us-west-2 --state-machine-arn {machine} --name {} --input '{}'",
                case.name, case.input
            ));
        }
        let answers = ministack.root(&commands).unwrap();
        let started: Vec<String> = answers[machines.len()..]
            .iter()
            .map(|answer| answer["executionArn"].as_str().unwrap().to_owned())
            .collect();
        for (case, (found, history)) in cases.iter().zip(over(&ministack, &started)) {
            judge(case, &found, &history, on_alarm);
        }
    }
}

fn judge(case: &Case, found: &Value, history: &[Value], on_alarm: &str) {
    let exits = |kind: &str, name: &str| -> Vec<Value> {
        let own =
            history.iter().filter(|event| event["type"] == kind && event["stateExitedEventDetails"]["name"] == name);
        own.map(|event| {
            let output = event["stateExitedEventDetails"]["output"].as_str().unwrap();
            serde_json::from_str(output).unwrap()
        })
        .collect()
    };
    assert_eq!(told(found), case.end, "{}", case.name);
    assert_eq!(exits("TaskStateExited", "Look").len(), case.answers.len(), "{}", case.name);
    // Whole seconds, in either spelling of a number.
    let whole = |output: &Value| output["waited"].as_f64().map(|seconds| seconds.to_string());
    let waits: Vec<String> = exits("WaitStateExited", "Wait").iter().filter_map(whole).collect();
    let expected: Vec<String> = case.waits.iter().map(i64::to_string).collect();
    assert_eq!(waits, expected, "{}", case.name);
    let back = exits("TaskStateExited", "GoBack").len();
    assert_eq!(back, usize::from(case.end.is_some() && on_alarm == "rollback"), "{}", case.name);
}

/// The function that looks says when a window opens as the core does, through changes of clocks too.
#[test]
fn the_window_of_a_gate_is_that_of_step() {
    let course = course(PROGRAM, "component.shop");
    let window = course.window.unwrap();
    let start: Timestamp = "2026-03-20T00:00:00Z".parse().unwrap();
    let zones = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"];
    let hours = [(540, 960), (0, 1_439), (120, 150), (1_380, 1_439)];
    let mut asked = Vec::new();
    let mut expected = Vec::new();
    for zone in zones {
        for (from, to) in hours {
            for step in 0..60 {
                let at = start + SignedDuration::from_mins(step * 6_007);
                let mut own = window.clone();
                (own.zone, own.from, own.to) = (zone.to_owned(), from, to);
                own.days.push("sun".to_owned());
                let one = json!({ "days": own.days, "from": from, "to": to, "zone": zone });
                asked.push(json!([one, at.as_millisecond()]));
                expected.push(own.next(at).unwrap().as_millisecond());
            }
        }
    }
    let script = repository::root().join("tests/states/windows.py");
    let env = [("PARTITION", "aws"), ("ROLE", "cellc-observer"), ("PYTHONDONTWRITEBYTECODE", "1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let observe = repository::root().join("evaluator/src/generated/pipelines");
    let found =
        aws::python(&script, &[observe.to_str().unwrap()], &env, &Value::Array(asked.clone()).to_string()).unwrap();
    let found: Vec<i64> = serde_json::from_str(&found).unwrap();
    assert_eq!(found.len(), expected.len());
    for ((asked, found), expected) in asked.iter().zip(found).zip(expected) {
        assert_eq!(found, expected, "{asked}");
    }
}

/// A cell's account and region.
fn home(cell: &str) -> (&'static str, &'static str) {
    match cell {
        "alpha" => ("222222222221", "us-west-2"),
        _ => ("222222222222", "eu-west-1"),
    }
}

/// The deployed machines, with alarms that the emulator evaluates from data: an alarm stops, one without data stops, and what
/// is quiet and has traffic goes on.
#[test]
fn deployed_bakes_watch_real_alarms() {
    let ministack = Ministack::open(ACCOUNT, SERVICES, &[("SFN_WAIT_SCALE", "0.02")]).unwrap();
    let program = plain(&ministack)
        .replace("rollout steady {", "rollout steady {\n  on_alarm = \"stop\"")
        .replace("min_requests = 100", "min_requests = 1");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.cell"), program).unwrap();
    let document = templates::document(folder.path()).unwrap();
    for stack in templates::stacks(&document) {
        deployed(&ministack, stack).unwrap();
    }
    let data = |cell: &str, value: u32| {
        let (account, region) = home(cell);
        let put = format!(
            "cloudwatch put-metric-data --region {region} --namespace shop --metric-name ErrorRate --value {value} \
             --dimensions cell={cell}"
        );
        ministack.account(account)(&put).unwrap();
    };
    let is = |cell: &str, wanted: &str| {
        let (account, region) = home(cell);
        let run = ministack.account(account);
        let command = format!("cloudwatch describe-alarms --region {region} --alarm-names errors-{cell}");
        let until = Instant::now() + PATIENCE;
        while run(&command).unwrap()["MetricAlarms"][0]["StateValue"] != wanted {
            assert!(Instant::now() < until, "errors-{cell} is never {wanted}");
            std::thread::sleep(Duration::from_millis(500));
        }
    };
    data("alpha", 0);
    data("one", 0);
    is("alpha", "OK");
    is("one", "OK");
    // Cells go by their addresses: one, three, two.
    let bake = |name: &str, count: usize| {
        let since = (Timestamp::now() - SignedDuration::from_mins(3)).as_millisecond();
        let input = json!({ "phase": "bake", "count": count, "seconds": 182, "since": since });
        let started = ministack.account(ACCOUNT)(&format!(
            "stepfunctions start-execution --region us-west-2 --name {name} --input '{input}' \
             --state-machine-arn arn:aws:states:us-west-2:{ACCOUNT}:stateMachine:cellc-shop-prod"
        ));
        let arn = started.unwrap()["executionArn"].as_str().unwrap().to_owned();
        let (found, _) = over(&ministack, &[arn]).pop().unwrap();
        told(&found)
    };
    assert_eq!(bake("quiet", 2), None);
    assert_eq!(bake("silent", 3), Some("NoData: alarm.errors has no data in cell.three".to_owned()));
    data("one", 100);
    is("one", "ALARM");
    assert_eq!(bake("alarm", 2), Some("Alarm: alarm.errors went off in cell.one".to_owned()));
}
