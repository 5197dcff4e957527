//! What goes on in Identity Center after its call was answered. Owns the three pairs of calls that tell how far it is.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ssoadmin::types::{OperationStatusFilter, StatusValues};
use aws_smithy_types::DateTime;
use cell_eval::provider::{Answer, Progress, State};
use jiff::Timestamp;

use crate::call::read;
use crate::center_convert::{self as convert};
use crate::cloud::AwsCloud;
use crate::convert::timestamp;
use crate::paging::listed;

/// The most that Identity Center puts on a page.
const PAGE: i32 = 100;

impl AwsCloud {
    /// How far one request is.
    pub(crate) fn ask_progress(&self, what: State, request: &str) -> Answer<Progress> {
        let call = read(match what {
            State::Assigning => "sso-admin:DescribeAccountAssignmentCreationStatus",
            State::Unassigning => "sso-admin:DescribeAccountAssignmentDeletionStatus",
            State::Provisioning => "sso-admin:DescribePermissionSetProvisioningStatus",
        });
        let arn = &self.instance(call.name)?.arn;
        let client = &self.center;
        self.block(async {
            match what {
                State::Assigning => {
                    let one = client.describe_account_assignment_creation_status().instance_arn(arn);
                    let one = one.account_assignment_creation_request_id(request);
                    let answer = self.road().send(call, || one.clone().send()).await?;
                    convert::assignment(call.name, answer.account_assignment_creation_status)
                }
                State::Unassigning => {
                    let one = client.describe_account_assignment_deletion_status().instance_arn(arn);
                    let one = one.account_assignment_deletion_request_id(request);
                    let answer = self.road().send(call, || one.clone().send()).await?;
                    convert::assignment(call.name, answer.account_assignment_deletion_status)
                }
                State::Provisioning => {
                    let one = client.describe_permission_set_provisioning_status().instance_arn(arn);
                    let one = one.provision_permission_set_request_id(request);
                    let answer = self.road().send(call, || one.clone().send()).await?;
                    convert::provisioning(call.name, answer.permission_set_provisioning_status)
                }
            }
        })
    }

    /// The requests that go on, of at most so many pages.
    pub(crate) fn ask_going_on(&self, what: State, most: usize) -> Answer<BTreeSet<String>> {
        Ok(self.ask_requests(what, &StatusValues::InProgress, most)?.into_iter().map(|(id, _)| id).collect())
    }

    /// The requests that ended well and were begun since then, of at most so many pages.
    pub(crate) fn ask_ended_well(
        &self,
        what: State,
        since: Timestamp,
        most: usize,
    ) -> Answer<BTreeMap<String, Timestamp>> {
        let all = self.ask_requests(what, &StatusValues::Succeeded, most)?;
        let begun = |(id, begun): (String, Option<DateTime>)| Some((id, timestamp(&begun?)?));
        Ok(all.into_iter().filter_map(begun).filter(|(_, begun)| *begun >= since).collect())
    }

    /// The requests that stand so, and when they were begun. A server may not look at the filter, so the answer is filtered
    /// too.
    fn ask_requests(
        &self,
        what: State,
        status: &StatusValues,
        most: usize,
    ) -> Answer<Vec<(String, Option<DateTime>)>> {
        const CREATIONS: &str = "sso-admin:ListAccountAssignmentCreationStatus";
        const DELETIONS: &str = "sso-admin:ListAccountAssignmentDeletionStatus";
        const PROVISIONINGS: &str = "sso-admin:ListPermissionSetProvisioningStatus";
        let arn = &self.instance(CREATIONS)?.arn;
        let client = &self.center;
        let filter = OperationStatusFilter::builder().status(status.clone()).build();
        let filter = &filter;
        macro_rules! stands {
            ($name:expr, $operation:ident, $field:ident) => {{
                let list = client.$operation().instance_arn(arn).max_results(PAGE).filter(filter.clone());
                let list = &list;
                let all = listed!(self, $name, most, list.clone(), $field)?;
                all.into_iter().map(|one| (one.request_id, one.status, one.created_date)).collect()
            }};
        }
        self.block(async {
            let all: Vec<(Option<String>, Option<StatusValues>, Option<DateTime>)> = match what {
                State::Assigning => {
                    stands!(CREATIONS, list_account_assignment_creation_status, account_assignments_creation_status)
                }
                State::Unassigning => {
                    stands!(DELETIONS, list_account_assignment_deletion_status, account_assignments_deletion_status)
                }
                State::Provisioning => stands!(
                    PROVISIONINGS,
                    list_permission_set_provisioning_status,
                    permission_sets_provisioning_status
                ),
            };
            let all = all.into_iter().filter(|(_, is, _)| is.as_ref() == Some(status));
            Ok(all.filter_map(|(id, _, begun)| Some((id?, begun))).collect())
        })
    }
}
