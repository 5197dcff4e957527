"""Puts cases to a server by boto3: a JSON list of cases in, a JSON list of outcomes out.

A case is {"steps": [[service, operation, parameters, {variable: expression}?]…], "look": expression}. A text "$name"
in the parameters is a variable. The outcome is the code of the last step's error, else what `look` (JMESPath) finds
in its answer. A step before the last that fails is an outcome too: "setup: CODE".
"""

import json
import sys
import time
import uuid

import boto3
import jmespath
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

QUICK = Config(retries={"total_max_attempts": 1}, parameter_validation=False, s3={"addressing_style": "path"})
CLIENTS = {}


def client(service):
    if service not in CLIENTS:
        CLIENTS[service] = boto3.client(service, config=QUICK)
    return CLIENTS[service]


def filled(value, variables):
    if isinstance(value, dict):
        return {name: filled(item, variables) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, variables) for item in value]
    if isinstance(value, str):
        for name, known in variables.items():
            value = value.replace("$" + name, str(known))
    return value


def plain(value):
    return json.loads(json.dumps(value, default=str))


def sent(step, variables):
    service, operation, parameters = step[:3]
    if service == "wait":
        time.sleep(parameters)
        return {}
    answer = getattr(client(service), operation)(**filled(parameters, variables))
    if "Body" in answer:
        answer["Body"] = answer["Body"].read().decode()
    answer = plain(answer)
    for name, expression in (step[3] if len(step) > 3 else {}).items():
        variables[name] = jmespath.search(expression, answer)
    return answer


def outcome(case, known):
    variables = dict(known, new=uuid.uuid4().hex[:12])
    last = len(case["steps"]) - 1
    for at, step in enumerate(case["steps"]):
        try:
            answer = sent(step, variables)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if case.get("status"):
                code = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return code if at == last else "setup: " + str(code)
        except Exception as error:
            return "no answer: " + type(error).__name__
    return jmespath.search(filled(case.get("look", "`ok`"), variables), answer)


def known():
    """What every case may take for granted: an organization with one account, a group, a user, a set, a bucket."""
    variables = {}
    organizations = client("organizations")
    try:
        organizations.create_organization(FeatureSet="ALL")
    except ClientError:
        pass
    organization = organizations.describe_organization()["Organization"]
    variables["management"] = organization.get("MasterAccountId")
    variables["root"] = organizations.list_roots()["Roots"][0]["Id"]
    try:
        organizations.enable_policy_type(RootId=variables["root"], PolicyType="SERVICE_CONTROL_POLICY")
    except ClientError:
        pass
    request = organizations.create_account(Email="one@conformance.example", AccountName="one")["CreateAccountStatus"]
    while request["State"] == "IN_PROGRESS":
        time.sleep(0.05)
        request = organizations.describe_create_account_status(CreateAccountRequestId=request["Id"])["CreateAccountStatus"]
    variables["account"] = request["AccountId"]
    variables["request"] = request["Id"]
    instance = client("sso-admin").list_instances()["Instances"][0]
    variables["instance"], variables["store"] = instance["InstanceArn"], instance["IdentityStoreId"]
    store = client("identitystore")
    of = {"IdentityStoreId": variables["store"]}
    variables["group"] = store.create_group(DisplayName="people", **of)["GroupId"]
    variables["user"] = store.create_user(
        UserName="eve", DisplayName="eve", Name={"GivenName": "e", "FamilyName": "v"}, **of
    )["UserId"]
    made = client("sso-admin").create_permission_set(InstanceArn=variables["instance"], Name="Known")
    variables["set"] = made["PermissionSet"]["PermissionSetArn"]
    client("s3").create_bucket(
        Bucket="conformance", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    return variables


def main():
    variables = known()
    json.dump([outcome(case, variables) for case in json.load(sys.stdin)], sys.stdout)


main()
