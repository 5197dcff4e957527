//! The registry in a bucket of S3, by conditional writes. Owns where its objects lie and the order of reads and writes
//! that keeps two runs apart; what is in the record, it does not know.
//!
//! The snapshot lies at the key, the lock at `KEY.lock`, the journal at `KEY.journal/FENCE-NUMBER`.

mod lease;
mod objects;
mod templates;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod time;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cell_eval::provider::Clock;
use cell_eval::registry::store::{Lease, Owner, Published, Shelf, Store, StoreError, Stored};
use jiff::Timestamp;

use crate::call::hold;
use crate::cloud::AwsCloud;
use lease::{Record, later};
use objects::{Bucket, If, Put, failed};
use time::Time;

/// How often a lock is tried for when somebody else is faster, and a number of the journal when it is taken.
const TRIES: u32 = 5;

/// Where a registry lies, and how long its locks last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `s3://bucket/key`
    pub url: String,
    /// The bucket's region, when it is not that of the connection.
    pub region: Option<String>,
    /// How long a lock is held without being renewed.
    pub lease: Duration,
}

impl Place {
    /// The place of this URL, in the region of the connection, with locks of a minute.
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), region: None, lease: Duration::from_mins(1) }
    }

    fn parts(&self) -> Result<(&str, &str), StoreError> {
        let parts = self.url.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        parts.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty() && !key.ends_with('/')).ok_or_else(|| {
            StoreError::Failed(format!("`{}` is no place for a registry; expected `s3://bucket/key`", self.url))
        })
    }
}

/// The registry in a bucket. Whoever holds its lock renews it well within its time.
pub struct S3Store {
    bucket: Arc<Bucket>,
    key: String,
    url: String,
    /// By which leases begin and end.
    time: Arc<Time>,
    lease: Duration,
    mine: Mutex<Option<Mine>>,
    journal: Mutex<Option<Next>>,
    /// Held while a segment is added: they lie in the order in which they were added.
    appending: tokio::sync::Mutex<()>,
}

/// Our lock object as it was last seen.
#[derive(Debug, Clone)]
struct Mine {
    fence: u64,
    etag: String,
    deadline: Timestamp,
}

/// The next number of a lock's journal.
#[derive(Debug, Clone, Copy)]
struct Next {
    fence: u64,
    number: u64,
}

impl S3Store {
    /// The registry at a place, reached as the cloud is. Sends nothing.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the URL is none of S3.
    pub fn new(cloud: &AwsCloud, place: &Place, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let (bucket, key) = place.parts()?;
        let time = Time::new(clock);
        let bucket = Bucket::timed(&cloud.link, bucket, place.region.as_deref(), &time);
        Ok(Self {
            bucket: Arc::new(bucket),
            key: key.to_owned(),
            url: place.url.clone(),
            time,
            lease: place.lease,
            mine: Mutex::default(),
            journal: Mutex::default(),
            appending: tokio::sync::Mutex::new(()),
        })
    }

    /// What is to be said of the bucket before anything is written to it: a record that is lost or overwritten by
    /// mistake comes back only where former versions are kept.
    pub fn doubt(&self) -> Option<String> {
        let advice = "a lost record could not be brought back (`aws s3api put-bucket-versioning` turns it on)";
        match self.bucket.link.block(self.bucket.is_versioned()) {
            Ok(true) => None,
            Ok(false) => Some(format!("the registry's bucket {} has no versioning: {advice}", self.bucket.name)),
            // A bucket that is not there is told by the first read of the record.
            Err(error) if error.code == "NoSuchBucket" => None,
            Err(error) => Some(format!(
                "whether the registry's bucket {} has versioning is not known: {error}",
                self.bucket.name
            )),
        }
    }

    fn lock_key(&self) -> String {
        format!("{}.lock", self.key)
    }

    fn prefix(&self) -> String {
        format!("{}.journal/", self.key)
    }

    async fn read_lock(&self) -> Result<Option<(Record, String)>, StoreError> {
        self.lock_object().await?.map(|(lock, etag)| Ok((lock?, etag))).transpose()
    }

    /// What lies in the lock's place, be it a lock or not, and its ETag.
    async fn lock_object(&self) -> Result<Option<(Result<Record, StoreError>, String)>, StoreError> {
        let object = self.bucket.get(&self.lock_key()).await.map_err(|error| failed(&error))?;
        let place = format!("{}.lock", self.url);
        Ok(object.map(|object| (Record::parse(&object.bytes, &place), object.etag)))
    }

    async fn write_lock(&self, record: &Record, condition: &If) -> Result<Put, StoreError> {
        let put = self.bucket.put(&self.lock_key(), &record.bytes()?, condition).await?;
        *hold(&self.mine) = match (&put, &record.owner) {
            (Put::Done(etag), Some(_)) => {
                Some(Mine { fence: record.fence, etag: etag.clone(), deadline: record.deadline })
            }
            _ => None,
        };
        Ok(put)
    }

    async fn take(&self, owner: &Owner) -> Result<Lease, StoreError> {
        for _ in 0..TRIES {
            let (before, condition) = match self.read_lock().await? {
                None => (self.last_fence().await?, If::Absent),
                Some((record, etag)) => match record.holder(self.time.now()) {
                    // A lock of our own is left by an earlier call whose answer was lost.
                    Some(holder) if holder != owner => return Err(StoreError::Locked(Box::new(holder.clone()))),
                    _ => (record.fence, If::Is(etag)),
                },
            };
            let lease = Lease { owner: owner.clone(), fence: before + 1 };
            let record = Record::held(&lease, self.time.now(), self.lease);
            if let Put::Done(_) = self.write_lock(&record, &condition).await? {
                return Ok(lease);
            }
        }
        Err(StoreError::Failed(format!("the lock of {} changes all the time", self.url)))
    }

    /// The highest number in the journal, for a lock object that somebody deleted.
    async fn last_fence(&self) -> Result<u64, StoreError> {
        let keys = self.keys().await?;
        Ok(keys.iter().filter_map(|key| numbers(key)).map(|(fence, _)| fence).max().unwrap_or_default())
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.bucket.list(&self.prefix()).await.map_err(|error| failed(&error))
    }

    /// The lock object's ETag, if it is still ours.
    async fn confirm(&self, lease: &Lease) -> Result<String, StoreError> {
        match self.read_lock().await? {
            Some((record, etag)) if record.is(lease) => {
                let mine = Mine { fence: lease.fence, etag: etag.clone(), deadline: record.deadline };
                *hold(&self.mine) = Some(mine);
                Ok(etag)
            }
            Some((record, _)) => Err(record.lost()),
            None => Err(StoreError::LockLost("the lock object is gone".to_owned())),
        }
    }

    /// Like [`Self::confirm`], but without asking while nobody may have taken it.
    async fn confirm_lately(&self, lease: &Lease) -> Result<(), StoreError> {
        if self.is_fresh(lease) { Ok(()) } else { self.confirm(lease).await.map(drop) }
    }

    /// Is half its time left? Then what follows ends well before the deadline.
    fn is_fresh(&self, lease: &Lease) -> bool {
        let known = hold(&self.mine).clone().filter(|mine| mine.fence == lease.fence);
        known.is_some_and(|mine| later(self.time.now(), self.lease / 2) < mine.deadline)
    }

    async fn write_ours(&self, lease: &Lease, record: &Record) -> Result<(), StoreError> {
        let known = hold(&self.mine).clone().filter(|mine| mine.fence == lease.fence).map(|mine| mine.etag);
        let mut etag = match known {
            Some(etag) => etag,
            None => self.confirm(lease).await?,
        };
        for _ in 0..TRIES {
            match self.write_lock(record, &If::Is(etag)).await? {
                Put::Done(_) => return Ok(()),
                Put::Moved => etag = self.confirm(lease).await?,
            }
        }
        Err(StoreError::Failed(format!("the lock of {} changes all the time", self.url)))
    }

    async fn add(&self, lease: &Lease, segment: &[u8]) -> Result<(), StoreError> {
        let mut next = self.next(lease).await?;
        for _ in 0..TRIES {
            let key = format!("{}{:020}-{:010}", self.prefix(), next.fence, next.number);
            let put = self.bucket.put(&key, segment, &If::Absent).await?;
            let ours = match put {
                Put::Done(_) => true,
                // What lies there may be this segment, of an append whose answer was lost.
                Put::Moved => {
                    let there = self.bucket.get(&key).await.map_err(|error| failed(&error))?;
                    there.is_some_and(|object| object.bytes == segment)
                }
            };
            next.number += 1;
            *hold(&self.journal) = Some(next);
            if ours {
                return Ok(());
            }
        }
        Err(StoreError::LockLost("another run writes to its journal".to_owned()))
    }

    async fn next(&self, lease: &Lease) -> Result<Next, StoreError> {
        let known = *hold(&self.journal);
        if let Some(next) = known.filter(|next| next.fence == lease.fence) {
            return Ok(next);
        }
        let keys = self.keys().await?;
        let of_lease = keys.iter().filter_map(|key| numbers(key)).filter(|(fence, _)| *fence == lease.fence);
        let number = of_lease.map(|(_, number)| number + 1).max().unwrap_or_default();
        Ok(Next { fence: lease.fence, number })
    }
}

/// The numbers in the key of a segment: its lock's, and its own.
fn numbers(key: &str) -> Option<(u64, u64)> {
    let (fence, number) = key.rsplit('/').next()?.split_once('-')?;
    Some((fence.parse().ok()?, number.parse().ok()?))
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store").field("url", &self.url).field("lease", &self.lease).finish_non_exhaustive()
    }
}

impl Store for S3Store {
    fn place(&self) -> String {
        self.url.clone()
    }

    fn lock(&self, owner: &Owner) -> Result<Lease, StoreError> {
        self.bucket.link.block(self.take(owner))
    }

    fn renew(&self, lease: &Lease) -> Result<(), StoreError> {
        self.bucket.link.block(async {
            // Its answer says what time it is: this machine's clock may have been set since the last one.
            self.confirm(lease).await?;
            self.write_ours(lease, &Record::held(lease, self.time.now(), self.lease)).await
        })
    }

    fn assure(&self, lease: &Lease) -> Result<(), StoreError> {
        if self.is_fresh(lease) { Ok(()) } else { self.renew(lease) }
    }

    fn unlock(&self, lease: &Lease) -> Result<(), StoreError> {
        let record = Record::released(lease.fence, self.time.now());
        self.bucket.link.block(self.write_ours(lease, &record))
    }

    fn holder(&self) -> Result<Option<Owner>, StoreError> {
        let lock = self.bucket.link.block(self.read_lock())?;
        Ok(lock.and_then(|(record, _)| record.holder(self.time.now()).cloned()))
    }

    fn break_lock(&self) -> Result<Option<Owner>, StoreError> {
        self.bucket.link.block(async {
            for _ in 0..TRIES {
                let Some((lock, etag)) = self.lock_object().await? else { return Ok(None) };
                let (owner, fence) = match lock {
                    Ok(Record { owner: None, .. }) => return Ok(None),
                    Ok(Record { owner, fence, .. }) => (owner, fence),
                    Err(_) => (None, self.last_fence().await?),
                };
                let released = Record::released(fence, self.time.now());
                if let Put::Done(_) = self.write_lock(&released, &If::Is(etag)).await? {
                    return Ok(owner);
                }
            }
            Err(StoreError::Failed(format!("the lock of {} changes all the time", self.url)))
        })
    }

    fn load(&self) -> Result<Option<Stored>, StoreError> {
        let object = self.bucket.link.block(self.bucket.get(&self.key)).map_err(|error| failed(&error))?;
        Ok(object.map(|object| Stored { bytes: object.bytes, version: object.etag }))
    }

    fn save(&self, lease: &Lease, bytes: &[u8], version: Option<&str>) -> Result<String, StoreError> {
        let condition = version.map_or(If::Absent, |etag| If::Is(etag.to_owned()));
        self.bucket.link.block(async {
            self.confirm(lease).await?;
            match self.bucket.put(&self.key, bytes, &condition).await? {
                Put::Done(etag) => Ok(etag),
                Put::Moved => Err(StoreError::Moved),
            }
        })
    }

    fn append(&self, lease: &Lease, segment: &[u8]) -> Result<(), StoreError> {
        self.bucket.link.block(async {
            let _one = self.appending.lock().await;
            self.confirm_lately(lease).await?;
            self.add(lease, segment).await
        })
    }

    fn segments(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.bucket.link.block(async {
            let keys = self.keys().await?;
            self.bucket.get_all(&keys).await.map_err(|error| failed(&error))
        })
    }

    fn clear(&self, lease: &Lease) -> Result<(), StoreError> {
        self.bucket.link.block(async {
            self.confirm(lease).await?;
            let keys = self.keys().await?;
            self.bucket.delete_all(&keys).await.map_err(|error| failed(&error))
        })
    }
}

impl Shelf for S3Store {
    fn time(&self, own: Timestamp) -> Timestamp {
        self.time.of(own)
    }

    fn published_place(&self, which: Published) -> String {
        which.name(&self.url)
    }

    fn published(&self, which: Published) -> Result<Option<Stored>, StoreError> {
        let key = which.name(&self.key);
        let object = self.bucket.link.block(self.bucket.get(&key)).map_err(|error| failed(&error))?;
        Ok(object.map(|object| Stored { bytes: object.bytes, version: object.etag }))
    }

    fn publish(&self, which: Published, bytes: &[u8], version: Option<&str>) -> Result<(), StoreError> {
        let condition = version.map_or(If::Absent, |etag| If::Is(etag.to_owned()));
        match self.bucket.link.block(self.bucket.put(&which.name(&self.key), bytes, &condition))? {
            Put::Done(_) => Ok(()),
            Put::Moved => Err(StoreError::Moved),
        }
    }

    fn object_place(&self, name: &str) -> String {
        format!("{}.releases/{name}", self.url)
    }

    fn objects(&self) -> Result<Vec<String>, StoreError> {
        let prefix = format!("{}.releases/", self.key);
        let keys = self.bucket.link.block(self.bucket.list(&prefix)).map_err(|error| failed(&error))?;
        let names = keys.iter().filter_map(|key| key.strip_prefix(&prefix));
        Ok(names.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }

    fn object(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        let key = format!("{}.releases/{name}", self.key);
        let object = self.bucket.link.block(self.bucket.get(&key)).map_err(|error| failed(&error))?;
        Ok(object.map(|object| Stored { bytes: object.bytes, version: object.etag }))
    }

    fn put_object(&self, name: &str, bytes: &[u8], version: Option<&str>) -> Result<String, StoreError> {
        let condition = version.map_or(If::Absent, |etag| If::Is(etag.to_owned()));
        let key = format!("{}.releases/{name}", self.key);
        match self.bucket.link.block(self.bucket.put(&key, bytes, &condition))? {
            Put::Done(etag) => Ok(etag),
            Put::Moved => Err(StoreError::Moved),
        }
    }
}
