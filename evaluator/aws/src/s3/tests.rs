//! The store against a bucket in memory whose answers are lost and refused on demand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cell_eval::provider::Clock;
use cell_eval::registry::store::{Lease, Owner, Store, StoreError};
use jiff::{SignedDuration, Timestamp};

use super::{Place, S3Store};
use crate::AwsCloud;
use crate::tests::server::{Reply, Request, Server};

/// What befalls a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It is done, and its answer is lost.
    DoneAndLost,
    /// It is lost before it is done.
    Lost,
    /// It is refused with this status and code.
    Refused(u16, &'static str),
}

/// Faults for requests whose method and path are these, in turn.
type Faults = Arc<Mutex<Vec<(&'static str, &'static str, Fault)>>>;

#[derive(Debug, Clone, Default)]
struct Time(Arc<Mutex<i64>>);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(*self.0.lock().unwrap()).unwrap()
    }

    fn sleep(&self, time: Duration) {
        *self.0.lock().unwrap() += i64::try_from(time.as_secs()).unwrap();
    }
}

/// A clock that is ahead of another, or behind it, by so many seconds.
#[derive(Debug)]
struct Off(Time, Arc<AtomicI64>);

impl Clock for Off {
    fn now(&self) -> Timestamp {
        self.0.now() + SignedDuration::from_secs(self.1.load(Ordering::Relaxed))
    }

    fn sleep(&self, time: Duration) {
        self.0.sleep(time);
    }
}

/// A bucket, and what is needed to reach it. Its answers are dated.
struct World {
    server: Server,
    cloud: AwsCloud,
    faults: Faults,
    objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    time: Time,
}

impl World {
    fn new() -> Self {
        let (faults, objects) = (Faults::default(), Arc::<Mutex<BTreeMap<String, Vec<u8>>>>::default());
        let (planned, bucket) = (Arc::clone(&faults), Arc::clone(&objects));
        let time = Time::default();
        let dating = time.clone();
        let server = Server::start(move |request, _| {
            let fault = due(&planned, request);
            match fault {
                Some(Fault::Lost) => return Reply::Nothing,
                Some(Fault::Refused(status, code)) => return refusal(status, code),
                _ => {}
            }
            let mut reply = answer(&mut bucket.lock().unwrap(), request);
            if let Reply::Says(_, headers, _) = &mut reply {
                headers.push(("Date".to_owned(), dating.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
            }
            if fault.is_some() { Reply::Nothing } else { reply }
        });
        let cloud = server.cloud();
        Self { server, cloud, faults, objects, time }
    }

    fn store(&self) -> S3Store {
        S3Store::new(&self.cloud, &Place::new("s3://b/dir/r.json"), Arc::new(self.time.clone())).unwrap()
    }

    /// On a machine whose clock is so many seconds off.
    fn store_off(&self, seconds: i64) -> S3Store {
        self.store_set(&Arc::new(AtomicI64::new(seconds)))
    }

    fn store_set(&self, seconds: &Arc<AtomicI64>) -> S3Store {
        let clock = Arc::new(Off(self.time.clone(), Arc::clone(seconds)));
        S3Store::new(&self.cloud, &Place::new("s3://b/dir/r.json"), clock).unwrap()
    }

    fn fault(&self, method: &'static str, path: &'static str, fault: Fault) {
        self.faults.lock().unwrap().push((method, path, fault));
    }

    fn puts(&self, path: &str) -> usize {
        self.server.seen().iter().filter(|r| r.method == "PUT" && r.path.starts_with(path)).count()
    }
}

fn due(faults: &Faults, request: &Request) -> Option<Fault> {
    let mut faults = faults.lock().unwrap();
    let fits = |method: &str, path: &str| request.method == method && request.path.split('?').next() == Some(path);
    let place = faults.iter().position(|(method, path, _)| fits(method, path))?;
    Some(faults.remove(place).2)
}

fn refusal(status: u16, code: &str) -> Reply {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
    Reply::Says(status, vec![("Content-Type".to_owned(), "application/xml".to_owned())], body.into_bytes())
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}-{}\"", bytes.len(), bytes.iter().fold(7_u64, |sum, b| sum.wrapping_mul(31) + u64::from(*b)))
}

fn answer(bucket: &mut BTreeMap<String, Vec<u8>>, request: &Request) -> Reply {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let there = bucket.get(path);
    match request.method.as_str() {
        "GET" if query.contains("list-type=2") => list(bucket),
        "GET" => match there {
            Some(bytes) => Reply::Says(200, vec![("ETag".to_owned(), etag(bytes))], bytes.clone()),
            None => refusal(404, "NoSuchKey"),
        },
        "PUT" => {
            let holds = match (request.header("if-none-match"), request.header("if-match")) {
                (Some("*"), None) => there.is_none(),
                (None, Some(wanted)) => there.is_some_and(|bytes| etag(bytes) == wanted),
                _ => false,
            };
            if !holds {
                return refusal(412, "PreconditionFailed");
            }
            bucket.insert(path.to_owned(), request.body.clone());
            Reply::Says(200, vec![("ETag".to_owned(), etag(&request.body))], Vec::new())
        }
        _ => {
            bucket.remove(path);
            Reply::Says(204, Vec::new(), Vec::new())
        }
    }
}

fn list(bucket: &BTreeMap<String, Vec<u8>>) -> Reply {
    let keys = bucket.keys().filter_map(|path| path.strip_prefix("/b/")).filter(|key| key.contains(".journal/"));
    let items: Vec<_> = keys.rev().map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
    let body = format!("<?xml version=\"1.0\"?><ListBucketResult>{}</ListBucketResult>", items.concat());
    Reply::Says(200, Vec::new(), body.into_bytes())
}

fn owner(run: &str) -> Owner {
    let (who, command) = ("ana@laptop".to_owned(), "apply".to_owned());
    Owner { run: run.to_owned(), who, process: 7, command, since: Timestamp::UNIX_EPOCH }
}

fn locked(store: &S3Store) -> Lease {
    store.lock(&owner("a")).unwrap()
}

#[test]
fn one_run_holds_the_lock_until_its_time_is_over() {
    let world = World::new();
    let (first, second) = (world.store(), world.store());
    let lease = locked(&first);
    assert_eq!(second.lock(&owner("b")), Err(StoreError::Locked(Box::new(owner("a")))));
    world.time.sleep(Duration::from_secs(50));
    first.renew(&lease).unwrap();
    world.time.sleep(Duration::from_secs(50));
    assert_eq!(second.holder(), Ok(Some(owner("a"))));
    world.time.sleep(Duration::from_secs(10));
    assert_eq!(second.holder(), Ok(None));
    assert_eq!(second.lock(&owner("b")).unwrap().fence, 2);
    assert!(matches!(first.append(&lease, b"late"), Err(StoreError::LockLost(_))));
    assert!(matches!(first.renew(&lease), Err(StoreError::LockLost(_))));
    assert!(matches!(first.save(&lease, b"late", None), Err(StoreError::LockLost(_))));
    assert!(matches!(first.clear(&lease), Err(StoreError::LockLost(_))));
    assert!(matches!(first.unlock(&lease), Err(StoreError::LockLost(_))));
}

/// AWS takes what is signed within five minutes of its own time, so clocks may differ by that and nobody hears of it.
#[test]
fn a_lock_that_lives_is_not_taken_by_a_machine_whose_clock_is_off() {
    for (one, other) in [(0, 75), (0, -75), (290, -290), (-290, 290)] {
        let world = World::new();
        let (first, second) = (world.store_off(one), world.store_off(other));
        let lease = locked(&first);
        for _ in 0..5 {
            assert_eq!(second.lock(&owner("b")), Err(StoreError::Locked(Box::new(owner("a")))), "{one} {other}");
            assert_eq!(second.holder(), Ok(Some(owner("a"))));
            world.time.sleep(Duration::from_secs(50));
            first.assure(&lease).unwrap();
        }
        world.time.sleep(Duration::from_secs(59));
        assert!(second.lock(&owner("b")).is_err());
        world.time.sleep(Duration::from_secs(1));
        assert_eq!(second.lock(&owner("b")).map(|lease| lease.fence), Ok(2));
        assert!(matches!(first.append(&lease, b"late"), Err(StoreError::LockLost(_))));
    }
}

/// A clock that was off is set while a run holds the lock.
#[test]
fn a_clock_may_be_set_while_a_lock_is_held() {
    for (was, becomes) in [(90, 0), (-90, 0), (0, 200), (0, -200)] {
        let world = World::new();
        let clock = Arc::new(AtomicI64::new(was));
        let (first, second) = (world.store_set(&clock), world.store());
        let lease = locked(&first);
        world.time.sleep(Duration::from_secs(10));
        clock.store(becomes, Ordering::Relaxed);
        first.renew(&lease).unwrap();
        for seconds in [30, 29] {
            world.time.sleep(Duration::from_secs(seconds));
            assert!(matches!(second.lock(&owner("b")), Err(StoreError::Locked(_))), "{was} {becomes}");
        }
        world.time.sleep(Duration::from_secs(1));
        assert_eq!(second.lock(&owner("b")).map(|lease| lease.fence), Ok(2), "{was} {becomes}");
    }
}

#[test]
fn the_number_of_a_lock_never_goes_back() {
    let world = World::new();
    let store = world.store();
    for fence in 1..4 {
        let lease = locked(&store);
        assert_eq!(lease.fence, fence);
        store.append(&lease, b"x").unwrap();
        store.unlock(&lease).unwrap();
        assert_eq!(store.holder(), Ok(None));
    }
    assert_eq!(store.break_lock(), Ok(None));
    locked(&store);
    assert_eq!(world.store().break_lock(), Ok(Some(owner("a"))));
    world.objects.lock().unwrap().remove("/b/dir/r.json.lock");
    assert_eq!(locked(&store).fence, 4, "one more than what the journal shows");
}

#[test]
fn a_lock_that_was_broken_is_lost() {
    let world = World::new();
    let store = world.store();
    let lease = locked(&store);
    world.store().break_lock().unwrap();
    assert!(matches!(store.save(&lease, b"x", None), Err(StoreError::LockLost(_))));
    assert!(matches!(store.renew(&lease), Err(StoreError::LockLost(_))));
}

#[test]
fn a_snapshot_is_replaced_only_by_who_read_it() {
    let world = World::new();
    let store = world.store();
    assert_eq!(store.load(), Ok(None));
    let lease = locked(&store);
    let first = store.save(&lease, b"one", None).unwrap();
    assert_eq!(store.save(&lease, b"two", None), Err(StoreError::Moved));
    store.save(&lease, b"two", Some(&first)).unwrap();
    assert_eq!(store.save(&lease, b"three", Some(&first)), Err(StoreError::Moved));
    assert_eq!(store.load().unwrap().map(|stored| stored.bytes), Some(b"two".to_vec()));
}

#[test]
fn a_write_whose_answer_is_lost_is_read_back() {
    let world = World::new();
    let store = world.store();
    let lease = locked(&store);
    world.fault("PUT", "/b/dir/r.json", Fault::DoneAndLost);
    let version = store.save(&lease, b"one", None).unwrap();
    assert_eq!((version, world.puts("/b/dir/r.json?")), (etag(b"one"), 1));

    world.fault("PUT", "/b/dir/r.json", Fault::Lost);
    store.save(&lease, b"two", Some(&etag(b"one"))).unwrap();
    assert_eq!(world.puts("/b/dir/r.json?"), 3);

    world.fault("PUT", "/b/dir/r.json", Fault::DoneAndLost);
    (0..5).for_each(|_| world.fault("GET", "/b/dir/r.json", Fault::Lost));
    assert!(matches!(store.save(&lease, b"three", Some(&etag(b"two"))), Err(StoreError::Unknown(_))));
}

#[test]
fn a_write_that_is_refused_for_now_is_sent_again() {
    let world = World::new();
    let store = world.store();
    let lease = locked(&store);
    world.fault("PUT", "/b/dir/r.json", Fault::Refused(503, "SlowDown"));
    world.fault("PUT", "/b/dir/r.json", Fault::Refused(503, "ServiceUnavailable"));
    world.fault("PUT", "/b/dir/r.json", Fault::Refused(409, "ConditionalRequestConflict"));
    store.save(&lease, b"one", None).unwrap();
    assert_eq!(world.puts("/b/dir/r.json?"), 4);
    (0..5).for_each(|_| world.fault("PUT", "/b/dir/r.json", Fault::Refused(409, "ConditionalRequestConflict")));
    assert_eq!(store.save(&lease, b"two", Some(&etag(b"one"))), Err(StoreError::Moved));
    world.fault("PUT", "/b/dir/r.json", Fault::Refused(403, "AccessDenied"));
    assert!(matches!(store.save(&lease, b"two", Some(&etag(b"one"))), Err(StoreError::Failed(_))));
}

#[test]
fn a_lock_whose_answer_is_lost_is_ours() {
    let world = World::new();
    let store = world.store();
    world.fault("PUT", "/b/dir/r.json.lock", Fault::DoneAndLost);
    let lease = locked(&store);
    assert_eq!(lease.fence, 1);
    world.fault("PUT", "/b/dir/r.json.lock", Fault::DoneAndLost);
    world.time.sleep(Duration::from_secs(1));
    store.renew(&lease).unwrap();
    store.unlock(&lease).unwrap();
}

/// Who was asleep past the deadline has its lock if nobody took it, and knows at once if somebody did.
#[test]
fn who_was_asleep_makes_sure_of_its_lock() {
    let world = World::new();
    let (store, other) = (world.store(), world.store());
    let lease = locked(&store);
    let writes = world.puts("/b/dir/r.json.lock");
    store.assure(&lease).unwrap();
    assert_eq!(world.puts("/b/dir/r.json.lock"), writes, "nobody is asked while it is fresh");
    world.time.sleep(Duration::from_mins(5));
    store.assure(&lease).unwrap();
    assert!(matches!(other.lock(&owner("b")), Err(StoreError::Locked(_))), "it is renewed");
    world.time.sleep(Duration::from_mins(5));
    other.lock(&owner("b")).unwrap();
    assert!(matches!(store.assure(&lease), Err(StoreError::LockLost(_))));
}

/// What somebody has put there, or cut short, is no end: it is taken away as a lock of a lost run is, and the number goes on.
#[test]
fn what_is_no_lock_is_taken_away() {
    let world = World::new();
    let store = world.store();
    let lease = locked(&store);
    store.append(&lease, &[1]).unwrap();
    world.objects.lock().unwrap().insert("/b/dir/r.json.lock".to_owned(), b"{\"owner\":".to_vec());
    assert!(matches!(store.holder(), Err(StoreError::NoLock(_))));
    assert!(matches!(store.lock(&owner("b")), Err(StoreError::NoLock(_))));
    assert_eq!(store.break_lock(), Ok(None));
    assert_eq!(store.lock(&owner("b")).map(|lease| lease.fence), Ok(lease.fence + 1));
    assert!(matches!(store.save(&lease, b"late", None), Err(StoreError::LockLost(_))));
}

#[test]
fn the_journal_keeps_its_order_and_a_lost_segment_is_there_once() {
    let world = World::new();
    let store = world.store();
    let lease = locked(&store);
    for number in 0..12_u8 {
        store.append(&lease, &[number]).unwrap();
    }
    world.fault("PUT", "/b/dir/r.json.journal/00000000000000000001-0000000012", Fault::DoneAndLost);
    store.append(&lease, &[12]).unwrap();
    store.unlock(&lease).unwrap();
    let next = store.lock(&owner("b")).unwrap();
    store.append(&next, &[13]).unwrap();
    let resumed = world.store();
    resumed.append(&next, &[14]).unwrap();
    let numbers: Vec<_> = store.segments().unwrap().concat();
    assert_eq!(numbers, (0..15).collect::<Vec<u8>>());
    resumed.clear(&next).unwrap();
    assert_eq!(store.segments(), Ok(Vec::new()));
}

#[test]
fn a_place_is_a_bucket_and_a_key() {
    let world = World::new();
    for url in ["s3://b", "s3://b/", "s3:///k", "s3://b/dir/", "file://x/y", "b/k"] {
        let store = S3Store::new(&world.cloud, &Place::new(url), Arc::new(world.time.clone()));
        assert!(matches!(store, Err(StoreError::Failed(_))), "{url}");
    }
    assert_eq!(world.store().place(), "s3://b/dir/r.json");
}
