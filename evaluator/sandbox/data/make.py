"""Makes models.json, managed-policies.txt and managed-documents.json.

    python3 -m venv venv && venv/bin/pip install botocore==1.44.8 moto==5.2.5
    venv/bin/python make.py

models.json holds, of the service models that botocore ships (Apache-2.0), the inputs of the operations that the
sandbox knows: members, types, lengths, patterns, enumerations. Patterns with look-around are left out, since the
regular expressions of the sandbox have none. managed-policies.txt holds paths and names of AWS's managed policies,
as moto ships them (Apache-2.0). managed-documents.json holds the documents of a few of them: of the longest two only
the actions of some services, each statement in its place, and "reduced" says so.
"""
import gzip
import glob
import json
import os

import botocore
from moto.iam.aws_managed_policies import aws_managed_policies_data

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(os.path.dirname(botocore.__file__), "data")

OPERATIONS = {
    "organizations": """
        DescribeOrganization ListRoots ListOrganizationalUnitsForParent DescribeOrganizationalUnit
        CreateOrganizationalUnit UpdateOrganizationalUnit DeleteOrganizationalUnit ListAccounts
        ListAccountsForParent DescribeAccount ListParents ListChildren CreateAccount
        DescribeCreateAccountStatus ListCreateAccountStatus MoveAccount CloseAccount
        RemoveAccountFromOrganization CreatePolicy UpdatePolicy DeletePolicy DescribePolicy ListPolicies
        AttachPolicy DetachPolicy ListTargetsForPolicy ListPoliciesForTarget EnablePolicyType
        DisablePolicyType TagResource UntagResource ListTagsForResource ListDelegatedAdministrators
        ListDelegatedServicesForAccount RegisterDelegatedAdministrator DeregisterDelegatedAdministrator
        ListAWSServiceAccessForOrganization EnableAWSServiceAccess DisableAWSServiceAccess
    """,
    "sso-admin": """
        ListInstances DescribeInstance CreatePermissionSet DescribePermissionSet UpdatePermissionSet
        DeletePermissionSet ListPermissionSets PutInlinePolicyToPermissionSet GetInlinePolicyForPermissionSet
        DeleteInlinePolicyFromPermissionSet AttachManagedPolicyToPermissionSet
        DetachManagedPolicyFromPermissionSet ListManagedPoliciesInPermissionSet
        AttachCustomerManagedPolicyReferenceToPermissionSet
        DetachCustomerManagedPolicyReferenceFromPermissionSet
        ListCustomerManagedPolicyReferencesInPermissionSet PutPermissionsBoundaryToPermissionSet
        GetPermissionsBoundaryForPermissionSet DeletePermissionsBoundaryFromPermissionSet TagResource
        UntagResource ListTagsForResource CreateAccountAssignment DeleteAccountAssignment
        DescribeAccountAssignmentCreationStatus DescribeAccountAssignmentDeletionStatus
        ListAccountAssignmentCreationStatus ListAccountAssignmentDeletionStatus ProvisionPermissionSet
        DescribePermissionSetProvisioningStatus ListPermissionSetProvisioningStatus ListAccountAssignments
        ListAccountAssignmentsForPrincipal ListAccountsForProvisionedPermissionSet
        ListPermissionSetsProvisionedToAccount
    """,
    "identitystore": """
        GetGroupId GetUserId DescribeGroup DescribeUser ListGroups ListUsers CreateGroup CreateUser
        DeleteGroup DeleteUser CreateGroupMembership DeleteGroupMembership ListGroupMemberships
        ListGroupMembershipsForMember
    """,
    "account": """
        PutAccountName GetAccountInformation
    """,
    "iam": """
        GetRole ListRoles ListAttachedRolePolicies ListRolePolicies GetRolePolicy CreateRole DeleteRole
        AttachRolePolicy DetachRolePolicy PutRolePolicy DeleteRolePolicy CreatePolicy DeletePolicy GetPolicy
        GetPolicyVersion ListPolicies
    """,
    "sts": """
        GetCallerIdentity AssumeRole
    """,
    "cloudformation": """
        CreateStack UpdateStack DeleteStack ContinueUpdateRollback DescribeStacks DescribeStackEvents GetTemplate
        GetTemplateSummary
        CreateChangeSet DescribeChangeSet ExecuteChangeSet DeleteChangeSet
    """,
    "cloudwatch": """
        PutMetricAlarm PutCompositeAlarm DescribeAlarms DeleteAlarms SetAlarmState PutMetricData GetMetricData
        GetMetricStatistics ListMetrics PutDashboard GetDashboard ListDashboards DeleteDashboards TagResource
        UntagResource ListTagsForResource
    """,
    "ecr": """
        CreateRepository DescribeRepositories DeleteRepository GetRepositoryPolicy SetRepositoryPolicy
        DeleteRepositoryPolicy DescribeImages PutImage BatchGetImage ListTagsForResource TagResource
    """,
    "ce": """
        GetCostAndUsage
    """,
}

# Policies whose documents are taken whole.
WHOLE = """
    AWSBillingReadOnlyAccess AWSSupportAccess AdministratorAccess AmazonEC2ReadOnlyAccess AmazonS3ReadOnlyAccess
    IAMFullAccess IAMReadOnlyAccess PowerUserAccess job-function/Billing job-function/DatabaseAdministrator
    job-function/SupportUser job-function/ViewOnlyAccess
"""
# Policies of which only the actions of these services are taken.
REDUCED = "ReadOnlyAccess SecurityAudit"
SERVICES = """
    account cloudformation cloudtrail cloudwatch config dynamodb ec2 ecs eks iam kms lambda logs organizations rds s3
    secretsmanager sns sqs sso sts tag
"""

SOURCE = "botocore 1.44.8 service models, 2026-11: members, types, lengths, patterns and enumerations of the inputs"


def shape_of(shape):
    """The part of a shape that inputs are checked against."""
    kind = shape["type"]
    if shape.get("document"):
        return {"type": "document"}
    out = {"type": {"long": "integer", "float": "number", "double": "number"}.get(kind, kind)}
    for key in ("min", "max", "enum"):
        if key in shape:
            out[key] = shape[key]
    pattern = shape.get("pattern", "")
    if kind == "string" and pattern and "enum" not in out and "(?=" not in pattern and "(?!" not in pattern:
        out["pattern"] = pattern
    if kind == "structure":
        out["members"] = {name: member["shape"] for name, member in shape["members"].items()}
        if shape.get("required"):
            out["required"] = shape["required"]
        if shape.get("union"):
            out["union"] = True
    elif kind == "list":
        out["element"] = shape["member"]["shape"]
    elif kind == "map":
        out["element"] = shape["value"]["shape"]
    return out


def below(shape):
    """The shapes that a shape names."""
    members = [member["shape"] for member in shape.get("members", {}).values()]
    return members + [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]


def service(name, operations):
    """Operations and shapes of a service."""
    path = sorted(glob.glob(os.path.join(DATA, name, "*", "service-2.json*")))[-1]
    with (gzip.open(path) if path.endswith("gz") else open(path, "rb")) as file:
        model = json.load(file)
    inputs, shapes = {}, {}

    def add(shape):
        if shape not in shapes:
            shapes[shape] = shape_of(model["shapes"][shape])
            for other in below(model["shapes"][shape]):
                add(other)

    for operation in operations.split():
        shape = model["operations"][operation].get("input")
        inputs[operation] = shape["shape"] if shape else None
        if shape:
            add(shape["shape"])
    return {"operations": inputs, "shapes": shapes}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def write_models():
    with open(os.path.join(HERE, "models.json"), "w") as file:
        file.write('{"source":' + json.dumps(SOURCE) + ',\n"services":{\n')
        parts = []
        for name, operations in OPERATIONS.items():
            found = service(name, operations)
            shapes = ",\n".join(json.dumps(key) + ":" + compact(shape) for key, shape in found["shapes"].items())
            parts.append(f'{json.dumps(name)}:{{"operations":{compact(found["operations"])},\n"shapes":{{\n{shapes}}}}}')
        file.write(",\n".join(parts) + "\n}}\n")


def write_policies():
    policies = json.loads(aws_managed_policies_data)
    paths = sorted(policy.get("Path", "/").lstrip("/") + name for name, policy in policies.items())
    with open(os.path.join(HERE, "managed-policies.txt"), "w") as file:
        file.write("# AWS managed policies by path and name, from moto 5.2.5 (2026-11)\n")
        file.writelines(path + "\n" for path in paths)


def reduced(document):
    """The document with the actions of SERVICES only; a statement that has none of them is left out."""
    kept = []
    for statement in document["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        actions = [action for action in actions if action.split(":")[0] in SERVICES.split()]
        if actions:
            kept.append({**statement, "Action": actions})
    return {**document, "Statement": kept}


def write_documents():
    policies = json.loads(aws_managed_policies_data)
    lines = []
    for path in sorted(WHOLE.split() + REDUCED.split()):
        policy = policies[path.rsplit("/", 1)[-1]]
        assert policy.get("Path", "/").lstrip("/") + path.rsplit("/", 1)[-1] == path
        shown = {"version": policy["DefaultVersionId"], "created": policy["CreateDate"], "updated": policy["UpdateDate"]}
        for name in ("created", "updated"):
            shown[name] = shown[name].replace("+00:00", "Z")
        document = policy["Document"]
        if path in REDUCED.split():
            shown["reduced"], document = True, reduced(document)
        lines.append(f"{json.dumps(path)}:{compact({**shown, 'document': document})}")
    with open(os.path.join(HERE, "managed-documents.json"), "w") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    write_models()
    write_policies()
    write_documents()
