//! One cluster. Owns the client and its life, and how each method is sent; which call follows which is the core's.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cell_eval::provider::{Answer, CloudError, Failure};
use cell_eval::workloads::{Applied, Around, Change, Place, Sort, Workload, Workloads};
use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::access::{Access, client};
use crate::{fault, read};

/// As which field manager everything is applied.
const MANAGER: &str = "cellc";
/// Objects that are asked for at a time.
const PAGE: usize = 500;

/// One cluster, entered in one way.
pub struct Cluster {
    access: Access,
    runtime: Runtime,
    /// The client, and until when it is good.
    open: Mutex<Option<(Client, Option<Instant>)>>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("access", &self.access).finish_non_exhaustive()
    }
}

impl Cluster {
    /// The cluster that is entered so. Sends nothing yet.
    ///
    /// # Errors
    /// When this process can begin no threads.
    pub fn new(access: Access) -> Answer<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime =
            runtime.map_err(|error| CloudError::own("kubernetes:Connect", Failure::Failed, error.to_string()))?;
        Ok(Self { access, runtime, open: Mutex::new(None) })
    }

    /// The client, made anew when its token is about to end. Two threads at once may make two, which is harmless.
    fn client(&self) -> Answer<Client> {
        let held = self.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((client, ends)) = held
            && ends.is_none_or(|ends| Instant::now() < ends)
        {
            return Ok(client);
        }
        let (config, options, lasts) = self.access.prepare()?;
        let made = self.runtime.block_on(client(config, options))?;
        let ends = lasts.and_then(|lasts: Duration| Instant::now().checked_add(lasts));
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some((made.clone(), ends));
        Ok(made)
    }

    /// Sends a request; the answer is JSON. One that is refused for its token is sent once more with a new one: whoever
    /// is not let in has changed nothing.
    fn send(
        &self,
        call: &str,
        method: &Method,
        uri: &str,
        body: Option<&Value>,
    ) -> Answer<Result<Value, kube::Error>> {
        let answer = self.send_once(call, method, uri, body)?;
        if !matches!(&answer, Err(kube::Error::Api(status)) if status.code == 401) {
            return Ok(answer);
        }
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.send_once(call, method, uri, body)
    }

    fn send_once(
        &self,
        call: &str,
        method: &Method,
        uri: &str,
        body: Option<&Value>,
    ) -> Answer<Result<Value, kube::Error>> {
        let client = self.client()?;
        let mut request = Request::builder().method(method).uri(uri).header("accept", "application/json");
        if body.is_some() {
            // JSON is YAML.
            request = request.header("content-type", "application/apply-patch+yaml");
        }
        let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
        let invalid = |error: http::Error| CloudError::own(call, Failure::Invalid, error.to_string());
        let request = request.body(body).map_err(invalid)?;
        let answer = self.runtime.block_on(client.request_text(request));
        let lost = |error: &dyn std::error::Error| CloudError::own(call, Failure::Lost, fault::chain(error));
        match answer {
            Ok(text) => serde_json::from_str(&text).map(Ok).map_err(|error| lost(&error)),
            Err(error) => Ok(Err(error)),
        }
    }

    /// All objects of a list, over its pages.
    fn list(&self, call: &str, path: &str, selector: &str) -> Answer<Vec<Value>> {
        let mut all = Vec::new();
        let mut next = String::new();
        loop {
            let mut query = vec![("limit", PAGE.to_string())];
            if !selector.is_empty() {
                query.push(("labelSelector", selector.to_owned()));
            }
            if !next.is_empty() {
                query.push(("continue", next.clone()));
            }
            let page = self.send(call, &Method::GET, &format!("{path}?{}", encoded(&query)), None)?;
            let page = page.map_err(|error| fault::of(call, &error))?;
            all.extend(read::list(&page, "/items").iter().cloned());
            read::text(&page, "/metadata/continue").clone_into(&mut next);
            if next.is_empty() {
                return Ok(all);
            }
        }
    }
}

/// A query; everything but letters, digits and `-._~` is escaped.
fn encoded(query: &[(&str, String)]) -> String {
    let escape = |text: &str| {
        text.bytes().fold(String::new(), |mut escaped, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                escaped.push(char::from(byte));
            } else {
                escaped.push_str(&format!("%{byte:02X}"));
            }
            escaped
        })
    };
    query.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

fn path(place: &Place) -> String {
    format!("/apis/apps/v1/namespaces/{}/{}/{}", place.namespace, place.sort.plural(), place.name)
}

fn manifest(place: &Place, change: &Change<'_>) -> Value {
    let variable = |(name, value): (&String, &String)| json!({"name": name, "value": value});
    let mut container = json!({"name": change.container, "image": change.image});
    // An empty list would be a field of its own.
    if !change.env.is_empty() {
        container["env"] = change.env.iter().map(variable).collect();
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": place.sort.kind(),
        "metadata": {
            "name": place.name, "namespace": place.namespace, "uid": change.uid, "annotations": change.annotations,
        },
        "spec": {"template": {"spec": {"containers": [container]}}},
    })
}

impl Workloads for Cluster {
    fn workload(&self, place: &Place) -> Answer<Option<Workload>> {
        let call = "kubernetes:Get";
        match self.send(call, &Method::GET, &path(place), None)? {
            Ok(object) => Ok(Some(read::workload(place, &object))),
            Err(error) if fault::is_missing(&error) => Ok(None),
            Err(error) => Err(fault::of(call, &error)),
        }
    }

    fn apply(&self, place: &Place, change: &Change<'_>) -> Answer<Applied> {
        let call = "kubernetes:Apply";
        let force = change.force;
        let uri = format!("{}?fieldManager={MANAGER}&force={force}&fieldValidation=Strict", path(place));
        match self.send(call, &Method::PATCH, &uri, Some(&manifest(place, change)))? {
            Ok(object) => Ok(Applied::Done(Box::new(read::workload(place, &object)))),
            Err(error) => match fault::conflicts(&error) {
                Some(conflicts) => Ok(Applied::Conflicts(conflicts)),
                None => Err(fault::of(call, &error)),
            },
        }
    }

    fn around(&self, place: &Place, workload: &Workload) -> Answer<Around> {
        let call = "kubernetes:List";
        let namespace = &place.namespace;
        let mut owners = vec![workload.uid.clone()];
        if place.sort == Sort::Deployment {
            let sets = format!("/apis/apps/v1/namespaces/{namespace}/replicasets");
            let sets = self.list(call, &sets, &workload.selector)?;
            let own = sets.iter().filter(|set| read::is_owned(set, &owners));
            let own: Vec<String> = own.map(|set| read::text(set, "/metadata/uid").to_owned()).collect();
            owners.extend(own);
        }
        let pods = self.list(call, &format!("/api/v1/namespaces/{namespace}/pods"), &workload.selector)?;
        let pods: Vec<&Value> = pods.iter().filter(|pod| read::is_owned(pod, &owners)).collect();
        let about: BTreeSet<&str> = owners
            .iter()
            .map(String::as_str)
            .chain(pods.iter().map(|pod| read::text(pod, "/metadata/uid")))
            .collect();
        let mut events = self.list(call, &format!("/api/v1/namespaces/{namespace}/events"), "")?;
        events.retain(|event| about.contains(read::text(event, "/involvedObject/uid")));
        events.sort_by_key(read::at);
        Ok(Around {
            pods: pods.into_iter().map(read::pod).collect(),
            events: events.iter().map(read::event).collect(),
        })
    }
}
