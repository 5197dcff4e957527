//! Trusted services and delegated administrators.

use super::{constraint, invalid, reader, writer};
use crate::error::{Answer, ApiError};
use crate::input::{Cx, Input, seconds};
use crate::paging::{ORGANIZATIONS, page};
use crate::service::{Handler, Op};
use crate::state::{AccountState, State};
use serde_json::{Value, json};

pub(super) const OPERATIONS: &[Op] = &[
    ("ListDelegatedAdministrators", Handler::Read(list_administrators)),
    ("ListDelegatedServicesForAccount", Handler::Read(list_services)),
    ("RegisterDelegatedAdministrator", Handler::Write(register)),
    ("DeregisterDelegatedAdministrator", Handler::Write(deregister)),
    ("ListAWSServiceAccessForOrganization", Handler::Read(list_access)),
    ("EnableAWSServiceAccess", Handler::Write(enable)),
    ("DisableAWSServiceAccess", Handler::Write(disable)),
];

fn account_not_found() -> ApiError {
    ApiError::client("AccountNotFoundException", "You specified an account that doesn't exist.")
}

fn list_administrators(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let service = input.optional("ServicePrincipal");
    let mut accounts = std::collections::BTreeMap::new();
    for ((name, account), since) in org.delegated.iter() {
        if service.is_none_or(|wanted| wanted == name) {
            let first = accounts.entry(account.clone()).or_insert(*since);
            *first = (*first).min(*since);
        }
    }
    let items = accounts.into_iter().map(|(id, since)| (id.clone(), (id, since)));
    page(ORGANIZATIONS, cx, input, "DelegatedAdministrators", items, |(id, since)| {
        let mut shown = org.accounts.get(&id).map_or(Value::Null, |a| org.show(&state.management, &id, a));
        if let Some(members) = shown.as_object_mut() {
            members.remove("Paths");
            members.insert("DelegationEnabledDate".to_owned(), seconds(since));
        }
        shown
    })
}

fn list_services(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let id = input.owned("AccountId");
    if !org.accounts.contains(&id) {
        return Err(account_not_found());
    }
    let services: Vec<_> = org.delegated.iter().filter(|((_, account), _)| *account == id).collect();
    if services.is_empty() {
        let message = "The account is not a delegated administrator.";
        return Err(ApiError::client("AccountNotRegisteredException", message));
    }
    let items = services.into_iter().map(|((service, _), since)| (service.clone(), (service, *since)));
    page(
        ORGANIZATIONS,
        cx,
        input,
        "DelegatedServices",
        items,
        |(service, since)| json!({"ServicePrincipal": service, "DelegationEnabledDate": seconds(since)}),
    )
}

fn service_name(input: Input<'_>) -> Result<String, ApiError> {
    let name = input.owned("ServicePrincipal");
    if name.ends_with(".amazonaws.com") {
        return Ok(name);
    }
    let message = "You specified an unrecognized service principal.";
    Err(invalid("UNRECOGNIZED_SERVICE_PRINCIPAL", message))
}

fn register(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let management = state.management.clone();
    let org = writer(state, cx)?;
    let (service, id) = (service_name(input)?, input.owned("AccountId"));
    let account = org.accounts.get(&id).ok_or_else(account_not_found)?;
    if id == management {
        let message = "You can't register the management account.";
        return Err(constraint("CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR", message));
    }
    if account.state != AccountState::Active {
        let message = "You can't register an account that is not active.";
        return Err(constraint("CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR", message));
    }
    if !org.service_access.contains(&service) {
        return Err(constraint("SERVICE_ACCESS_NOT_ENABLED", "You must enable the service first."));
    }
    if org.delegated.contains(&(service.clone(), id.clone())) {
        let message = "The account is already a delegated administrator for the service.";
        return Err(ApiError::client("AccountAlreadyRegisteredException", message));
    }
    if service == "sso.amazonaws.com" && org.delegated.under(&service).next().is_some() {
        let message = "The service has a delegated administrator already.";
        return Err(constraint("MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED", message));
    }
    org.delegated.insert((service, id), cx.now);
    Ok(Value::Null)
}

fn deregister(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let (service, id) = (service_name(input)?, input.owned("AccountId"));
    if !org.accounts.contains(&id) {
        return Err(account_not_found());
    }
    if !org.delegated.remove(&(service, id)) {
        let message = "The account is not a delegated administrator for the service.";
        return Err(ApiError::client("AccountNotRegisteredException", message));
    }
    Ok(Value::Null)
}

fn list_access(state: &State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = reader(state, cx)?;
    let items = org.service_access.iter().map(|(service, since)| (service.clone(), (service, *since)));
    page(
        ORGANIZATIONS,
        cx,
        input,
        "EnabledServicePrincipals",
        items,
        |(service, since)| json!({"ServicePrincipal": service, "DateEnabled": seconds(since)}),
    )
}

fn enable(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let service = service_name(input)?;
    if !org.service_access.contains(&service) {
        org.service_access.insert(service, cx.now);
    }
    Ok(Value::Null)
}

fn disable(state: &mut State, cx: &Cx<'_>, input: Input<'_>) -> Answer {
    let org = writer(state, cx)?;
    let service = service_name(input)?;
    if org.delegated.under(&service).next().is_some() {
        let message = "The service has a delegated administrator.";
        return Err(constraint("DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE", message));
    }
    org.service_access.remove(&service);
    Ok(Value::Null)
}
