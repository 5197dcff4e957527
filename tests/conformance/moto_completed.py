"""moto's server with what it lacks and a second plan of cellc needs.

moto has no ListTagsForResource of sso-admin (it answers 500 with HTML), and its
ListAccountsForProvisionedPermissionSet knows neither the assignments nor ProvisioningStatus. Its CloudFormation leaves
a stack's tags and the parameters that it compares as they were when a change set updates it, and says no time of that. All the rest is moto's.
"""

import json
import sys

from moto.cloudformation.models import ChangeSet
from moto.core.utils import utcnow
from moto.server import main
from moto.ssoadmin.responses import SSOAdminResponse


def list_tags_for_resource(self):
    arn = json.loads(self.body)["ResourceArn"]
    sets = self.ssoadmin_backend.permission_sets
    return json.dumps({"Tags": next(held.tags or [] for held in sets if held.permission_set_arn == arn)})


def tag_resource(self):
    arn = self._get_param("ResourceArn")
    sets = self.ssoadmin_backend.permission_sets
    held = next(held for held in sets if held.permission_set_arn == arn)
    new = {tag["Key"]: tag["Value"] for tag in self._get_param("Tags")}
    kept = [tag for tag in held.tags or [] if tag["Key"] not in new]
    held.tags = kept + [{"Key": key, "Value": value} for key, value in new.items()]
    return json.dumps({})


def list_accounts_for_provisioned_permission_set(self):
    params = json.loads(self.body)
    given = self.ssoadmin_backend.account_assignments
    accounts = {one.target_id for one in given if one.permission_set_arn == params["PermissionSetArn"]}
    behind = params.get("ProvisioningStatus") == "LATEST_PERMISSION_SET_NOT_PROVISIONED"
    return json.dumps({"AccountIds": [] if behind else sorted(accounts)})


apply = ChangeSet.apply


def apply_with_tags(self):
    apply(self)
    self.stack.tags = self.tags or self.stack.tags
    self.stack.parameters = self.parameters
    if self.change_set_type == "UPDATE":
        self.stack.last_updated_time = utcnow()


ChangeSet.apply = apply_with_tags
SSOAdminResponse.list_tags_for_resource = list_tags_for_resource
SSOAdminResponse.tag_resource = tag_resource
SSOAdminResponse.list_accounts_for_provisioned_permission_set = list_accounts_for_provisioned_permission_set
main(sys.argv[1:])
