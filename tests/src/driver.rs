//! Our own client as suites drive it: connected to a server of the tests, with little patience, and on real time.

use std::time::Duration;

use cell_aws::{AwsCloud, Keys, Settings};
use cell_eval::provider::Clock;
use cell_eval::provider::pace::Patience;

/// Time as it is.
#[derive(Debug)]
pub struct Wall;

impl Clock for Wall {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// The client of the server at `url`, which tries everything twice.
///
/// # Panics
/// When it cannot be made.
#[allow(clippy::panic, reason = "a test fails so")]
pub fn cloud(url: &str) -> AwsCloud {
    let base = Duration::from_millis(5);
    let settings = Settings {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(url.to_owned()),
        credentials: Some(Keys::test()),
        patience: Patience { attempts: 2, base, cap: base, total: Duration::from_secs(1) },
        ..Settings::default()
    };
    AwsCloud::connect(&settings).unwrap_or_else(|error| panic!("no client for {url}: {error}"))
}
