//! What goes on in Identity Center after its call was answered. Owns the three pairs of calls that tell how far it is.

use std::collections::BTreeSet;

use aws_sdk_ssoadmin::types::{OperationStatusFilter, StatusValues};
use cell_eval::provider::{Answer, Progress, State};

use crate::call::read;
use crate::center_convert::{self as convert};
use crate::cloud::AwsCloud;
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

    /// The requests that go on, of at most so many pages. A server may not look at the filter, so the answer is
    /// filtered too.
    pub(crate) fn ask_going_on(&self, what: State, most: usize) -> Answer<BTreeSet<String>> {
        const CREATIONS: &str = "sso-admin:ListAccountAssignmentCreationStatus";
        const DELETIONS: &str = "sso-admin:ListAccountAssignmentDeletionStatus";
        const PROVISIONINGS: &str = "sso-admin:ListPermissionSetProvisioningStatus";
        let arn = &self.instance(CREATIONS)?.arn;
        let client = &self.center;
        let filter = OperationStatusFilter::builder().status(StatusValues::InProgress).build();
        let filter = &filter;
        self.block(async {
            let all: Vec<(Option<String>, Option<StatusValues>)> = match what {
                State::Assigning => {
                    let list = client.list_account_assignment_creation_status().instance_arn(arn).max_results(PAGE);
                    let list = &list.filter(filter.clone());
                    let all = listed!(self, CREATIONS, most, list.clone(), account_assignments_creation_status)?;
                    all.into_iter().map(|one| (one.request_id, one.status)).collect()
                }
                State::Unassigning => {
                    let list = client.list_account_assignment_deletion_status().instance_arn(arn).max_results(PAGE);
                    let list = &list.filter(filter.clone());
                    let all = listed!(self, DELETIONS, most, list.clone(), account_assignments_deletion_status)?;
                    all.into_iter().map(|one| (one.request_id, one.status)).collect()
                }
                State::Provisioning => {
                    let list = client.list_permission_set_provisioning_status().instance_arn(arn).max_results(PAGE);
                    let list = &list.filter(filter.clone());
                    let all = listed!(self, PROVISIONINGS, most, list.clone(), permission_sets_provisioning_status)?;
                    all.into_iter().map(|one| (one.request_id, one.status)).collect()
                }
            };
            let going = all.into_iter().filter(|(_, status)| *status == Some(StatusValues::InProgress));
            Ok(going.filter_map(|(id, _)| id).collect())
        })
    }
}
