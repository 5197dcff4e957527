//! What time it is by a bucket's own clock, as its answers are dated. Owns what is known of that clock; what the time is
//! needed for is not its affair.
//!
//! Machines that share a bucket need not agree on the time: AWS takes requests that were signed within five minutes of its own.
//! A lease that one of them judged by its own clock could be over for it and go on for the other.

use std::fmt;
use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use aws_smithy_types::date_time::Format;
use cell_eval::provider::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::call::hold;

/// An answer that came later than this after its request says too little of the time.
const PROMPT: SignedDuration = SignedDuration::from_secs(5);

/// The time by the clock of a bucket.
pub(super) struct Time {
    clock: Arc<dyn Clock>,
    /// How far the bucket's clock is ahead of this machine's, by the last prompt answer; it may be up to a second and the answer's way
    /// further. None at first.
    ahead: Mutex<SignedDuration>,
}

impl Time {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, ahead: Mutex::default() })
    }

    /// Now: by this machine's clock as long as the bucket has not said another time.
    pub(super) fn now(&self) -> Timestamp {
        self.of(self.clock.now())
    }

    /// What a moment of this machine's clock is by the bucket's.
    pub(super) fn of(&self, own: Timestamp) -> Timestamp {
        own.checked_add(*hold(&self.ahead)).unwrap_or(own)
    }

    /// An answer to a request that was sent then is dated so.
    fn dated(&self, sent: Timestamp, date: &str) {
        let now = self.clock.now();
        let date =
            DateTime::from_str(date, Format::HttpDate).ok().and_then(|date| Timestamp::from_second(date.secs()).ok());
        if let Some(date) = date.filter(|_| now.duration_since(sent) <= PROMPT) {
            *hold(&self.ahead) = date.duration_since(now);
        }
    }
}

/// Reads the date of each answer.
pub(super) struct Dates(pub(super) Arc<Time>);

/// When a request was sent, by this machine's clock.
#[derive(Debug)]
struct Sent(Timestamp);

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

impl fmt::Debug for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dates")
    }
}

impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "Dates"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        bag.interceptor_state().store_put(Sent(self.0.clock.now()));
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        answer: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(Sent(sent)), Some(date)) = (bag.load::<Sent>(), answer.response().headers().get("date")) {
            self.0.dated(*sent, date);
        }
        Ok(())
    }
}
