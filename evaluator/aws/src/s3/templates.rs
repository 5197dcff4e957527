//! Templates that are larger than a request takes, in a bucket. Owns that one is put once, by the caller, and that what lies
//! there already is what is meant: accounts that may read the bucket need not be trusted with what they deploy.

use cell_eval::provider::{Answer, CloudError, Failure};
use cell_eval::registry::store::StoreError;
use cell_eval::stacks::{TemplateBucket, shelf};

use super::objects::{Bucket, If, Put};
use crate::cloud::AwsCloud;

const PUT: &str = "s3:PutObject";

impl AwsCloud {
    /// Puts a template into a bucket; its URL.
    pub(crate) async fn shelve_template(&self, bucket: &TemplateBucket, template: &str) -> Answer<String> {
        let called_in = self.region().unwrap_or_default();
        let (key, place) = (shelf::key(template), Bucket::of(&self.link, &bucket.name, bucket.region.as_deref()));
        let put =
            place.put(&key, template.as_bytes(), &If::Absent).await.map_err(|error| said(&bucket.name, &error))?;
        if put == Put::Moved && !lies(&place, &key, template).await? {
            let why = format!("s3://{}/{key} is another template than its name says; delete it", bucket.name);
            return Err(CloudError::own(PUT, Failure::Failed, why));
        }
        Ok(bucket.url(&called_in, &key))
    }
}

async fn lies(bucket: &Bucket, key: &str, template: &str) -> Answer<bool> {
    Ok(bucket.get(key).await?.is_some_and(|object| object.bytes == template.as_bytes()))
}

/// A write whose end is not known is asked for again: twice is once.
fn said(bucket: &str, error: &StoreError) -> CloudError {
    let failure = if matches!(error, StoreError::Unknown(_)) { Failure::Lost } else { Failure::Failed };
    CloudError::own(PUT, failure, format!("the bucket of templates {bucket}: {error}"))
}
