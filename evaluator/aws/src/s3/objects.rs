//! Objects of a bucket, written by condition. Owns what is known after a write whose answer was lost; what the objects
//! mean, it does not know.

use std::sync::Arc;
use std::time::Instant;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::BucketVersioningStatus;
use cell_eval::provider::{Answer, CloudError, Failure};
use cell_eval::registry::store::StoreError;
use tokio::task::JoinSet;

use crate::call::{creation, read, write};
use crate::cloud::Link;
use crate::convert::{found, need};
use crate::fault;
use crate::paging::{ALL, pages};

use super::time::{Dates, Time};

/// How many objects are read or deleted at once.
const LANES: usize = 16;

/// A bucket.
pub(super) struct Bucket {
    pub(super) link: Arc<Link>,
    pub(super) client: Client,
    pub(super) name: String,
}

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    pub(super) etag: String,
}

/// What must be so for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum If {
    /// There is no such object.
    Absent,
    /// It is the one with this ETag.
    Is(String),
}

impl If {
    fn holds(&self, now: Option<&Object>) -> bool {
        match (self, now) {
            (Self::Absent, None) => true,
            (Self::Is(etag), Some(object)) => object.etag == *etag,
            _ => false,
        }
    }
}

/// What a write came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Put {
    /// It was done; the new ETag.
    Done(String),
    /// What must be so is not: somebody else wrote.
    Moved,
}

/// What a failure means to the registry.
pub(super) fn failed(error: &CloudError) -> StoreError {
    StoreError::Failed(error.to_string())
}

fn config(link: &Link, region: Option<&str>) -> aws_sdk_s3::config::Builder {
    let config = &link.config;
    // The endpoint of a server that is not AWS answers to one name only, so the bucket stands in the path.
    let other = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    let builder = aws_sdk_s3::config::Builder::from(config).force_path_style(other);
    match region {
        Some(region) => builder.region(aws_config::Region::new(region.to_owned())),
        None => builder,
    }
}

impl Bucket {
    /// A bucket, reached as the cloud is; in the region of the connection unless it says another. Sends nothing.
    pub(super) fn of(link: &Arc<Link>, name: &str, region: Option<&str>) -> Self {
        Self {
            link: Arc::clone(link),
            client: Client::from_conf(config(link, region).build()),
            name: name.to_owned(),
        }
    }

    /// The same, whose answers say what time it is.
    pub(super) fn timed(link: &Arc<Link>, name: &str, region: Option<&str>, time: &Arc<Time>) -> Self {
        let config = config(link, region).interceptor(Dates(Arc::clone(time))).build();
        Self { link: Arc::clone(link), client: Client::from_conf(config), name: name.to_owned() }
    }

    /// An object; none when there is none.
    pub(super) async fn get(&self, key: &str) -> Answer<Option<Object>> {
        let call = read("s3:GetObject");
        let answer = self.link.road.repeat(call, || async {
            let request = self.client.get_object().bucket(&self.name).key(key);
            let answer = Box::pin(request.send()).await.map_err(|error| fault::of_sdk(call.name, &error))?;
            let etag = need(call.name, "ETag", answer.e_tag)?;
            let body = answer.body.collect().await;
            let body = body.map_err(|error| fault::of_silence(call.name, &error, Failure::Lost))?;
            Ok(Object { bytes: body.to_vec(), etag })
        });
        match answer.await {
            // A bucket that is missing is no empty bucket.
            Err(error) if error.code == "NoSuchBucket" => Err(error),
            answer => found(answer),
        }
    }

    /// Writes an object if the condition holds. After a lost answer it is read back before anything is decided.
    pub(super) async fn put(&self, key: &str, bytes: &[u8], condition: &If) -> Result<Put, StoreError> {
        let started = Instant::now();
        let mut lost = 0;
        loop {
            let error = match self.put_once(key, bytes, condition).await {
                Ok(etag) => return Ok(Put::Done(etag)),
                Err(error) => error,
            };
            match error.failure {
                Failure::Unavailable | Failure::Lost if lost == 0 && fault::never_left(&error) => {
                    return Err(failed(&error));
                }
                Failure::Unavailable | Failure::Lost => {}
                // The write that was refused may have been preceded by our own.
                Failure::Exists if lost > 0 => {}
                Failure::Exists | Failure::Conflict => return Ok(Put::Moved),
                Failure::NotFound if error.code != "NoSuchBucket" => return Ok(Put::Moved),
                _ => return Err(failed(&error)),
            }
            let Ok(now) = self.get(key).await else { return Err(StoreError::Unknown(error.to_string())) };
            match now {
                Some(object) if object.bytes == bytes => return Ok(Put::Done(object.etag)),
                now if !condition.holds(now.as_ref()) => return Ok(Put::Moved),
                _ => {}
            }
            lost += 1;
            if !self.link.road.wait(lost, started).await {
                return Err(StoreError::Unknown(error.to_string()));
            }
        }
    }

    async fn put_once(&self, key: &str, bytes: &[u8], condition: &If) -> Answer<String> {
        let call = creation("s3:PutObject");
        let request = || {
            let request = self.client.put_object().bucket(&self.name).key(key);
            let request = match condition {
                If::Absent => request.if_none_match("*"),
                If::Is(etag) => request.if_match(etag),
            };
            request.body(ByteStream::from(bytes.to_vec())).send()
        };
        let answer = self.link.road.send(call, request).await?;
        need(call.name, "ETag", answer.e_tag)
    }

    /// Does the bucket keep former versions of its objects?
    pub(super) async fn is_versioned(&self) -> Answer<bool> {
        let call = read("s3:GetBucketVersioning");
        let request = || self.client.get_bucket_versioning().bucket(&self.name).send();
        let answer = self.link.road.send(call, request).await?;
        Ok(answer.status == Some(BucketVersioningStatus::Enabled))
    }

    /// The keys that begin so, in order.
    pub(super) async fn list(&self, prefix: &str) -> Answer<Vec<String>> {
        let call = read("s3:ListObjectsV2");
        let mut keys = pages(call.name, ALL, |token| async move {
            let request = || {
                let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
                request.set_continuation_token(token.clone()).send()
            };
            let answer = self.link.road.send(call, request).await?;
            let keys = answer.contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
            Ok((keys.collect(), answer.next_continuation_token))
        })
        .await?;
        keys.sort_unstable();
        Ok(keys)
    }

    /// These objects in this order, without those that are gone.
    pub(super) async fn get_all(self: &Arc<Self>, keys: &[String]) -> Answer<Vec<Vec<u8>>> {
        let mut all = Vec::with_capacity(keys.len());
        for some in keys.chunks(LANES) {
            let mut reads = JoinSet::new();
            for (place, key) in some.iter().cloned().enumerate() {
                let bucket = Arc::clone(self);
                reads.spawn(async move { (place, bucket.get(&key).await) });
            }
            let mut read = Vec::new();
            while let Some(joined) = reads.join_next().await {
                let (place, object) = joined.map_err(|error| died("s3:GetObject", &error))?;
                read.push((place, object?));
            }
            read.sort_unstable_by_key(|(place, _)| *place);
            all.extend(read.into_iter().filter_map(|(_, object)| object).map(|object| object.bytes));
        }
        Ok(all)
    }

    /// Deletes these objects, the first ones first.
    pub(super) async fn delete_all(self: &Arc<Self>, keys: &[String]) -> Answer<()> {
        for some in keys.chunks(LANES) {
            let mut deletions = JoinSet::new();
            for key in some {
                let (bucket, key) = (Arc::clone(self), key.clone());
                deletions.spawn(async move { bucket.delete(&key).await });
            }
            while let Some(joined) = deletions.join_next().await {
                joined.map_err(|error| died("s3:DeleteObject", &error))??;
            }
        }
        Ok(())
    }

    async fn delete(&self, key: &str) -> Answer<()> {
        let call = write("s3:DeleteObject");
        let request = || self.client.delete_object().bucket(&self.name).key(key).send();
        self.link.road.send(call, request).await.map(drop)
    }
}

fn died(call: &str, error: &tokio::task::JoinError) -> CloudError {
    CloudError::own(call, Failure::Lost, error.to_string())
}
