//! The identity store on the SDK: groups and users by id and by name.

use aws_sdk_identitystore::types::{AlternateIdentifier, MemberId, UniqueAttribute};
use aws_smithy_types::Document;
use cell_eval::provider::{Answer, CloudError, Failure, Principal, PrincipalKind};

use crate::call::read;
use crate::cloud::AwsCloud;
use crate::convert::{found, need};
use crate::paging::{ALL, pages};

/// The most that the identity store puts on a page.
const PAGE: i32 = 100;

impl AwsCloud {
    /// The id of who has the name.
    pub(crate) fn id_of(&self, kind: PrincipalKind, name: &str) -> Answer<Option<String>> {
        match kind {
            PrincipalKind::Group => {
                let call = read("identitystore:GetGroupId");
                let (store, by) = (self.instance(call.name)?.store, attribute(call.name, "displayName", name)?);
                let request =
                    || self.store.get_group_id().identity_store_id(&store).alternate_identifier(by.clone()).send();
                Ok(found(self.block(self.road().send(call, request)))?.map(|answer| answer.group_id))
            }
            PrincipalKind::User => {
                let call = read("identitystore:GetUserId");
                let (store, by) = (self.instance(call.name)?.store, attribute(call.name, "userName", name)?);
                let request =
                    || self.store.get_user_id().identity_store_id(&store).alternate_identifier(by.clone()).send();
                Ok(found(self.block(self.road().send(call, request)))?.map(|answer| answer.user_id))
            }
        }
    }

    /// The name of who has the id.
    pub(crate) fn name_of(&self, principal: &Principal) -> Answer<Option<String>> {
        let id = &principal.id;
        match principal.kind {
            PrincipalKind::Group => {
                let call = read("identitystore:DescribeGroup");
                let store = self.instance(call.name)?.store;
                let request = || self.store.describe_group().identity_store_id(&store).group_id(id).send();
                let answer = found(self.block(self.road().send(call, request)))?;
                answer.map(|group| need(call.name, "DisplayName", group.display_name)).transpose()
            }
            PrincipalKind::User => {
                let call = read("identitystore:DescribeUser");
                let store = self.instance(call.name)?.store;
                let request = || self.store.describe_user().identity_store_id(&store).user_id(id).send();
                let answer = found(self.block(self.road().send(call, request)))?;
                answer.map(|user| need(call.name, "UserName", user.user_name)).transpose()
            }
        }
    }

    /// The groups that a user is in.
    pub(crate) fn memberships(&self, user: &str) -> Answer<Vec<String>> {
        let call = read("identitystore:ListGroupMembershipsForMember");
        let store = &self.instance(call.name)?.store;
        let member = &MemberId::UserId(user.to_owned());
        self.block(pages(call.name, ALL, |token| async move {
            let request = || {
                let request = self.store.list_group_memberships_for_member().identity_store_id(store);
                let request = request.member_id(member.clone()).max_results(PAGE);
                request.set_next_token(token.clone()).send()
            };
            let answer = self.road().send(call, request).await?;
            let groups = answer.group_memberships.into_iter().filter_map(|membership| membership.group_id);
            Ok((groups.collect(), answer.next_token))
        }))
    }

    /// Id and name of each.
    pub(crate) fn everybody(&self, kind: PrincipalKind) -> Answer<Vec<(String, String)>> {
        let store = &self.instance("identitystore:List")?.store;
        match kind {
            PrincipalKind::Group => {
                let call = read("identitystore:ListGroups");
                self.block(pages(call.name, ALL, |token| async move {
                    let request = || {
                        let request = self.store.list_groups().identity_store_id(store).max_results(PAGE);
                        request.set_next_token(token.clone()).send()
                    };
                    let answer = self.road().send(call, request).await?;
                    let groups = answer.groups.into_iter();
                    Ok((
                        groups.map(|g| (g.group_id, g.display_name.unwrap_or_default())).collect(),
                        answer.next_token,
                    ))
                }))
            }
            PrincipalKind::User => {
                let call = read("identitystore:ListUsers");
                self.block(pages(call.name, ALL, |token| async move {
                    let request = || {
                        let request = self.store.list_users().identity_store_id(store).max_results(PAGE);
                        request.set_next_token(token.clone()).send()
                    };
                    let answer = self.road().send(call, request).await?;
                    let users = answer.users.into_iter();
                    Ok((users.map(|u| (u.user_id, u.user_name.unwrap_or_default())).collect(), answer.next_token))
                }))
            }
        }
    }
}

/// Who has this value of an attribute that is of one alone.
fn attribute(call: &str, path: &str, value: &str) -> Answer<AlternateIdentifier> {
    let attribute =
        UniqueAttribute::builder().attribute_path(path).attribute_value(Document::String(value.to_owned())).build();
    let attribute = attribute.map_err(|error| CloudError::own(call, Failure::Invalid, error.to_string()))?;
    Ok(AlternateIdentifier::UniqueAttribute(attribute))
}
