//! A pod's life: its image is pulled or not, its program runs or ends. Owns what its status and events say of it.

use super::desk::{Desk, condition, millis};
use crate::input::Millis;
use crate::kubernetes::store::{list, text};
use serde_json::{Value, json};

/// What becomes of an image's containers.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Runs,
    IsMissing,
    Crashes,
}

fn fate(desk: &Desk<'_>, image: &str) -> Fate {
    let settings = &desk.cx.config.kubernetes;
    let is_in = |images: &[String]| images.iter().any(|part| image.contains(part.as_str()));
    if is_in(&settings.missing_images) {
        Fate::IsMissing
    } else if is_in(&settings.crashing_images) {
        Fate::Crashes
    } else {
        Fate::Runs
    }
}

/// One step of a pod.
pub(super) fn advance(desk: &mut Desk<'_>, pod: &Value) {
    let mut new = pod.clone();
    let mut events: Vec<(bool, &str, String)> = Vec::new();
    for status in new.pointer_mut("/status/containerStatuses").and_then(Value::as_array_mut).into_iter().flatten() {
        let image = text(status, "/image").to_owned();
        let fate = fate(desk, &image);
        container(pod, status, fate, &image, &desk.now(), &mut events);
    }
    let statuses = list(&new, "/status/containerStatuses");
    let ready = !statuses.is_empty() && statuses.iter().all(|status| status["ready"] == json!(true));
    let began =
        statuses.iter().all(|status| status["state"].get("running").is_some() || status["restartCount"] != json!(0));
    if began && !statuses.is_empty() {
        new["status"]["phase"] = json!("Running");
    }
    let now = desk.now();
    for condition in new.pointer_mut("/status/conditions").and_then(Value::as_array_mut).into_iter().flatten() {
        let is_of_readiness = ["Ready", "ContainersReady"].contains(&text(condition, "/type"));
        let status = if ready { "True" } else { "False" };
        if is_of_readiness && text(condition, "/status") != status {
            condition["status"] = json!(status);
            condition["lastTransitionTime"] = json!(now);
        }
    }
    if new != *pod {
        let kept = desk.put(new);
        for (warning, reason, message) in events {
            desk.event(&kept, warning, reason, &message, "kubelet");
        }
    }
}

fn container(
    pod: &Value,
    status: &mut Value,
    fate: Fate,
    image: &str,
    now: &str,
    events: &mut Vec<(bool, &'static str, String)>,
) {
    let name = text(status, "/name").to_owned();
    let waiting = text(status, "/state/waiting/reason").to_owned();
    let wait = |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
    let gone = format!(
        "failed to pull and unpack image {image:?}: failed to resolve reference {image:?}: {image}: not found"
    );
    match (waiting.as_str(), fate) {
        ("ContainerCreating", Fate::IsMissing) => {
            events.push((false, "Pulling", format!("Pulling image {image:?}")));
            events.push((true, "Failed", format!("Failed to pull image {image:?}: {gone}")));
            events.push((true, "Failed", "Error: ErrImagePull".to_owned()));
            status["state"] = wait("ErrImagePull", &gone);
        }
        ("ErrImagePull", Fate::IsMissing) => {
            events.push((false, "BackOff", format!("Back-off pulling image {image:?}")));
            events.push((true, "Failed", "Error: ImagePullBackOff".to_owned()));
            status["state"] =
                wait("ImagePullBackOff", &format!("Back-off pulling image {image:?}: ErrImagePull: {gone}"));
        }
        ("ContainerCreating", Fate::Crashes) => {
            let place = format!("{}_{}", text(pod, "/metadata/name"), text(pod, "/metadata/namespace"));
            events.push((false, "Pulled", format!("Successfully pulled image {image:?}")));
            events.push((false, "Started", format!("Started container {name}")));
            events.push((true, "BackOff", format!("Back-off restarting failed container {name} in pod {place}")));
            status["restartCount"] = json!(1);
            status["lastState"] =
                json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": now, "finishedAt": now}});
            let message = format!("back-off 10s restarting failed container={name} pod={place}");
            status["state"] = wait("CrashLoopBackOff", &message);
        }
        ("ContainerCreating" | "ErrImagePull" | "ImagePullBackOff" | "CrashLoopBackOff", Fate::Runs) => {
            events.push((false, "Pulled", format!("Successfully pulled image {image:?}")));
            events.push((false, "Created", format!("Created container: {name}")));
            events.push((false, "Started", format!("Started container {name}")));
            status["ready"] = json!(true);
            status["started"] = json!(true);
            status["state"] = json!({"running": {"startedAt": now}});
        }
        _ => {}
    }
}

/// Is a pod ready?
pub(super) fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|ready| text(ready, "/status") == "True")
}

/// When a ready pod counts as available, after so many seconds.
pub(super) fn available_at(pod: &Value, seconds: i64) -> Option<Millis> {
    let ready = condition(pod, "Ready").filter(|ready| text(ready, "/status") == "True")?;
    let since = millis(text(ready, "/lastTransitionTime"))?;
    // Times are written to the second: a little late is right, a little early is not.
    Some(if seconds == 0 { since } else { since + (seconds + 1) * 1000 })
}
