//! The roles of permission sets on a cloud in memory: each call that brings one to a form fails, forward and on the way back.

use std::sync::Arc;

use super::super::sets::Roles;
use crate::apply::tests::cloud::{FakeCloud, Trouble};
use crate::apply::tests::time::{Life, StillClock};
use crate::plan::canonical;
use crate::plan::model::{Fields, Limits};
use crate::provider::{CloudError, Given, IdentityCenter as _, SetFields};

const LIMITS: Limits = Limits { tps: 10, organizations_tps: 8, lanes: 8, creations: 1 };
const REACHED: &str = "222222222201";
const BEYOND: &str = "222222222202";
const OLD: &str =
    r#"{"Statement":[{"Action":["s3:GetObject"],"Effect":"Allow","Resource":["*"]}],"Version":"2012-10-17"}"#;
const NEW: &str =
    r#"{"Statement":[{"Action":["s3:PutObject"],"Effect":"Allow","Resource":["*"]}],"Version":"2012-10-17"}"#;

/// Two accounts with the old form, and the set with the new one.
fn cloud() -> (FakeCloud, Arc<StillClock>, String) {
    let clock = Arc::new(StillClock::new(super::start()));
    let cloud = FakeCloud::new(clock.clone(), Arc::new(Life::default()), &["ops"]);
    let fields = SetFields { name: "Operate".into(), session: Some("PT1H".into()), ..SetFields::default() };
    let set = cloud.create_set(&fields, &crate::provider::Tags::new()).unwrap();
    cloud.put_inline_policy(&set, OLD).unwrap();
    cloud.edit(|state| {
        let principal = state.group("ops");
        for account in [REACHED, BEYOND] {
            state.give(&Given { set: set.clone(), principal: principal.clone(), account: account.into() });
        }
    });
    cloud.put_inline_policy(&set, NEW).unwrap();
    cloud.count_anew();
    (cloud, clock, set)
}

fn form(inline: &str) -> Fields {
    let form = serde_json::json!({ "session": "PT1H", "inline": canonical::parsed(inline) });
    form.as_object().unwrap().clone().into_iter().collect()
}

/// Brings the reached account to a form.
fn bring(cloud: &FakeCloud, clock: &StillClock, set: &str, inline: &str, back: bool) -> Result<String, CloudError> {
    Roles::new(cloud, clock, LIMITS, None).bring(set, REACHED, &form(inline), back)
}

fn has(cloud: &FakeCloud, set: &str, account: &str) -> Option<String> {
    cloud.state().roles[&(account.to_owned(), set.to_owned())].inline.clone()
}

/// A call that fails is told or survived; tried again it comes to the same end, and the other account is never touched.
#[test]
fn each_call_that_fails_once_comes_to_the_same_end_when_tried_again() {
    let troubles = [
        Trouble::Lost,
        Trouble::LostAfter,
        Trouble::UnavailableAfter,
        Trouble::Throttled,
        Trouble::Conflict,
        Trouble::Denied,
        Trouble::FailsLater,
    ];
    for (back, wanted) in [(false, NEW), (true, OLD)] {
        let reached = || {
            let (cloud, clock, set) = cloud();
            if back {
                bring(&cloud, &clock, &set, NEW, false).unwrap();
                cloud.count_anew();
            }
            (cloud, clock, set)
        };
        let (plain, clock, set) = reached();
        bring(&plain, &clock, &set, wanted, back).unwrap();
        assert_eq!(has(&plain, &set, REACHED).as_deref(), Some(wanted));
        let calls = plain.asked();
        let put = calls.contains_key("sso:PutInlinePolicyToPermissionSet");
        assert!(put == back && calls.contains_key("sso:ProvisionPermissionSet"), "{calls:?}");
        for (call, count) in &calls {
            for (nth, trouble) in (1..=*count).flat_map(|nth| troubles.map(|trouble| (nth, trouble))) {
                let (cloud, clock, set) = reached();
                cloud.script(call, nth, trouble);
                let first = bring(&cloud, &clock, &set, wanted, back);
                let at = format!("{call} {nth} {trouble:?}, back: {back}: {first:?}");
                // What it says is so: it is there, or it is told that it may not be.
                if first.is_ok() {
                    assert_eq!(has(&cloud, &set, REACHED).as_deref(), Some(wanted), "{at}");
                }
                if call == "sso:ProvisionPermissionSet" {
                    assert!(first.is_err(), "{at}");
                }
                cloud.mend();
                bring(&cloud, &clock, &set, wanted, back).unwrap();
                assert_eq!(has(&cloud, &set, REACHED).as_deref(), Some(wanted), "{at}");
                assert_eq!(has(&cloud, &set, BEYOND).as_deref(), Some(OLD), "{at}");
            }
        }
    }
}

/// Forward nothing is written into the set: another form in it is told.
#[test]
fn a_set_that_was_changed_meanwhile_is_told_and_left() {
    let (cloud, clock, set) = cloud();
    let error = bring(&cloud, &clock, &set, OLD, false).unwrap_err().to_string();
    assert!(error.contains("the permission set was changed meanwhile: inline"), "{error}");
    assert_eq!(cloud.asked().get("sso:ProvisionPermissionSet"), None);
    assert_eq!(cloud.state().sets[&set].detail.inline.as_deref(), Some(NEW));
}
