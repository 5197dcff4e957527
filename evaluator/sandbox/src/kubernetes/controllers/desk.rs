//! What all controllers do: find what they own, make pods, write events. It decides nothing.

use crate::error::ApiError;
use crate::input::{Cx, Millis, iso};
use crate::kubernetes::admission;
use crate::kubernetes::kinds::{self, Kind};
use crate::kubernetes::store::{list, number, text};
use crate::state::State;
use serde_json::{Value, json};

/// A controller's view of its cluster at one moment.
pub(super) struct Desk<'a> {
    pub(super) state: &'a mut State,
    pub(super) cx: &'a Cx<'a>,
    pub(super) cluster: &'a str,
}

/// What a pod is made of.
pub(super) struct NewPod<'a> {
    pub(super) owner: &'a Value,
    pub(super) template: &'a Value,
    pub(super) name: String,
    /// A label beside the template's: its key and value.
    pub(super) label: (&'a str, &'a str),
    pub(super) node: usize,
}

/// What tells one template of pods from another: ten letters that spell no word, as in Kubernetes.
pub(super) fn hash(template: &Value) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut number = 0xcbf2_9ce4_8422_2325_u64;
    for byte in sorted(template).bytes() {
        number = (number ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut name = String::new();
    for _ in 0..10 {
        name.push(char::from(LETTERS[(number % 27) as usize]));
        number /= 27;
    }
    name
}

/// JSON with its members in order, however they are kept.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut all: Vec<String> =
                members.iter().map(|(name, value)| format!("{name:?}:{}", sorted(value))).collect();
            all.sort_unstable();
            format!("{{{}}}", all.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// A number or a share of `whole`, rounded up or down.
pub(super) fn share(value: &Value, whole: i64, up: bool) -> i64 {
    if let Some(number) = value.as_i64() {
        return number;
    }
    let text = value.as_str().unwrap_or_default();
    let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
    let hundredths = percent * whole;
    if up { (hundredths + 99) / 100 } else { hundredths / 100 }
}

/// Milliseconds of a time in RFC 3339.
pub(super) fn millis(time: &str) -> Option<Millis> {
    time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// A reference to an object, from one that it owns.
pub(super) fn owned_by(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }])
}

impl<'a> Desk<'a> {
    pub(super) fn new(state: &'a mut State, cx: &'a Cx<'a>, cluster: &'a str) -> Self {
        Self { state, cx, cluster }
    }

    pub(super) fn now(&self) -> String {
        iso(self.cx.now, false)
    }

    /// What an object owns, the oldest first.
    pub(super) fn owned(&self, kind: &Kind, namespace: &str, uid: &str) -> Vec<Value> {
        let head = kind.key(namespace, "");
        let all = self.state.kubernetes.list(self.cluster, &head);
        let is_owned = |object: &&Value| {
            list(object, "/metadata/ownerReferences").iter().any(|owner| text(owner, "/uid") == uid)
        };
        let mut owned: Vec<Value> = all.filter(is_owned).cloned().collect();
        owned.sort_by_key(|object| number(object, "/metadata/annotations/order").unwrap_or(0));
        owned
    }

    pub(super) fn pods_of(&self, owner: &Value) -> Vec<Value> {
        self.owned(kinds::named("pods"), text(owner, "/metadata/namespace"), text(owner, "/metadata/uid"))
    }

    pub(super) fn put(&mut self, object: Value) -> Value {
        let kind = kinds::KINDS.iter().find(|kind| kind.kind == text(&object, "/kind"));
        match kind {
            Some(kind) => self.state.kubernetes.put(self.cluster, kind, object),
            None => object,
        }
    }

    /// Makes an object that a controller makes: with an identity, and without an owner of fields.
    pub(super) fn make(&mut self, mut object: Value) -> Value {
        let uid = self.state.ids.guid();
        object["metadata"]["uid"] = json!(uid);
        object["metadata"]["creationTimestamp"] = json!(self.now());
        self.put(object)
    }

    pub(super) fn delete(&mut self, object: &Value) {
        let Some(kind) = kinds::KINDS.iter().find(|kind| kind.kind == text(object, "/kind")) else { return };
        let key = kind.key(text(object, "/metadata/namespace"), text(object, "/metadata/name"));
        self.state.kubernetes.delete(self.cluster, &key);
    }

    /// Makes a pod, if the quotas allow it.
    pub(super) fn make_pod(&mut self, new: &NewPod<'_>) -> Result<Value, ApiError> {
        let namespace = text(new.owner, "/metadata/namespace");
        let mut labels = new.template["metadata"]["labels"].clone();
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(new.label.0.to_owned(), json!(new.label.1));
        }
        let node = format!("node-{}", 1 + new.node % self.cx.config.kubernetes.nodes.max(1));
        let mut spec = new.template["spec"].clone();
        spec["nodeName"] = json!(node);
        let waiting = |container: &Value| {
            json!({
                "name": container["name"], "image": container["image"], "imageID": "", "ready": false,
                "started": false, "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}},
            })
        };
        let statuses: Vec<Value> = list(&spec, "/containers").iter().map(waiting).collect();
        let now = self.now();
        let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastTransitionTime": now});
        let mut metadata = json!({
            "name": new.name, "namespace": namespace, "labels": labels, "ownerReferences": owned_by(new.owner),
        });
        if new.template["metadata"]["annotations"].is_object() {
            metadata["annotations"] = new.template["metadata"]["annotations"].clone();
        }
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec,
            "status": {
                "phase": "Pending", "startTime": now, "containerStatuses": statuses, "qosClass": "BestEffort",
                "conditions": [condition("PodScheduled", "True"), condition("Initialized", "True"),
                               condition("ContainersReady", "False"), condition("Ready", "False")],
            },
        });
        admission::quota(self.state, self.cluster, kinds::named("pods"), &pod)?;
        let pod = self.make(pod);
        let placed = format!("Successfully assigned {namespace}/{} to {node}", new.name);
        self.event(&pod, false, "Scheduled", &placed, "default-scheduler");
        Ok(pod)
    }

    /// Was this told of an object already? What fails each time is told once: again would be a change without end.
    pub(super) fn has_told(&self, about: &Value, reason: &str) -> bool {
        let head = kinds::named("events").key(text(about, "/metadata/namespace"), "");
        self.state.kubernetes.list(self.cluster, &head).any(|event| {
            event["involvedObject"]["uid"] == about["metadata"]["uid"] && text(event, "/reason") == reason
        })
    }

    /// Tells something of an object; the same again is counted.
    pub(super) fn event(&mut self, about: &Value, warning: bool, reason: &str, message: &str, component: &str) {
        let namespace = text(about, "/metadata/namespace").to_owned();
        let kind = kinds::named("events");
        let now = self.now();
        let same = |event: &&Value| {
            event["involvedObject"]["uid"] == about["metadata"]["uid"]
                && text(event, "/reason") == reason
                && text(event, "/message") == message
        };
        let found = self.state.kubernetes.list(self.cluster, &kind.key(&namespace, "")).find(same).cloned();
        if let Some(mut event) = found {
            event["count"] = json!(number(&event, "/count").unwrap_or(1) + 1);
            event["lastTimestamp"] = json!(now);
            self.put(event);
            return;
        }
        let name = format!("{}.{}", text(about, "/metadata/name"), self.state.ids.hex(16));
        self.make(json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": about["apiVersion"], "kind": about["kind"], "name": about["metadata"]["name"],
                "namespace": namespace, "uid": about["metadata"]["uid"],
            },
            "type": if warning { "Warning" } else { "Normal" }, "reason": reason, "message": message, "count": 1,
            "firstTimestamp": now, "lastTimestamp": now, "eventTime": null,
            "source": {"component": component}, "reportingComponent": component, "reportingInstance": "",
        }));
    }
}

/// A condition of an object.
pub(super) fn condition<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    list(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
}
