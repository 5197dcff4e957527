//! What a connection is made with. Owns the settings and their defaults; reads no environment.

use std::fmt;
use std::time::Duration;

use cell_eval::provider::ACCESS_ROLE;
use cell_eval::provider::pace::Patience;

/// How to reach the cloud, and how hard to press it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The profile of the shared configuration; otherwise `AWS_PROFILE`, otherwise `default`.
    pub profile: Option<String>,
    /// The home region of Identity Center; otherwise what the environment and the profile say.
    pub region: Option<String>,
    /// Where every service is reached, such as a sandbox; otherwise `AWS_ENDPOINT_URL` and AWS's own endpoints.
    pub endpoint: Option<String>,
    /// Keys to use in place of the chain of credentials.
    pub credentials: Option<Keys>,
    /// Requests a second to Identity Center and its identity store together.
    pub tps: f64,
    /// How many of these at once after a pause.
    pub burst: u32,
    /// Requests a second to Organizations.
    pub organizations_tps: f64,
    /// How often and how long one call is tried.
    pub patience: Patience,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long one attempt may take, its answer included.
    pub attempt_timeout: Duration,
    /// The role by which member accounts are entered, and with which new ones are made.
    pub member_role: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: None,
            region: None,
            endpoint: None,
            credentials: None,
            tps: 15.0,
            burst: 5,
            organizations_tps: 8.0,
            patience: Patience::default(),
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(30),
            member_role: ACCESS_ROLE.to_owned(),
        }
    }
}

/// A pair of keys, for a server that takes any.
#[derive(Clone)]
pub struct Keys {
    /// Which pair.
    pub id: String,
    /// Its secret half.
    pub secret: String,
}

impl Keys {
    /// The pair that sandboxes take.
    pub fn test() -> Self {
        Self { id: "test".to_owned(), secret: "test".to_owned() }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.id)
    }
}
