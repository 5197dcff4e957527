"""Makes on an empty server what the example takes for granted, and prints the ids that the server gave."""

import json
import sys

import boto3


def main():
    client = lambda service: boto3.client(service)
    organizations, center, store = client("organizations"), client("sso-admin"), client("identitystore")
    management = organizations.create_organization(FeatureSet="ALL")["Organization"]["MasterAccountId"]
    alpha = organizations.create_account(Email="aws+alpha@momento.example", AccountName="alpha")
    instance = center.list_instances()["Instances"][0]
    of = {"IdentityStoreId": instance["IdentityStoreId"]}
    for name in ["developers", "cell-operators"]:
        store.create_group(DisplayName=name, **of)
    for name in ["ana", "raj"]:
        store.create_user(UserName=name, DisplayName=name, Name={"GivenName": name, "FamilyName": name}, **of)
    place = {"LocationConstraint": "us-west-2"}
    client("s3").create_bucket(Bucket="momento-cell-registry", CreateBucketConfiguration=place)
    made = {
        "management": management,
        "alpha": alpha["CreateAccountStatus"]["AccountId"],
        "instance": instance["InstanceArn"],
        "store": instance["IdentityStoreId"],
    }
    json.dump(made, sys.stdout)


main()
