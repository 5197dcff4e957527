"""Checks requests against AWS's own models (botocore's data): members, required members, types, lengths, ranges,
enumerations, and the patterns that botocore itself does not check.

In: a JSON list of {"service", "operation", "input"}. Out: a JSON object with `checked` and `faults`.
"""

import json
import re
import sys

import botocore.session
from botocore.model import ServiceModel

SESSION = botocore.session.get_session()
NAMES = {"organizations", "sso-admin", "identitystore", "sts", "iam", "s3", "account", "cloudformation"} | {"cloudwatch", "ecr", "ce"}
MODELS = {}


def model(service):
    if service not in MODELS:
        MODELS[service] = ServiceModel(SESSION.get_service_model(service)._service_description, service)
    return MODELS[service]


def spelt(pattern):
    """Java's classes as Python spells them; a pattern that Python cannot read is left out."""
    pattern = pattern.replace(r"\p{L}\p{M}\p{S}\p{N}\p{P}", r"\w\W").replace(r"\p{L}\p{Z}\p{N}", r"\w\s")
    pattern = re.sub(r"\\u\{?([0-9a-fA-F]{4,5})\}?", lambda found: "\\U" + found[1].rjust(8, "0"), pattern)
    try:
        return re.compile(r"(?:%s)\Z" % pattern)
    except re.error:
        return None


def check(shape, value, where):
    kind, limits = shape.type_name, shape.metadata
    if getattr(shape, "is_document_type", False):
        return
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{where}: a structure is needed, found {value!r}"
            return
        for name in shape.required_members:
            if name not in value:
                yield f"{where}.{name} is required"
        for name, item in value.items():
            if name not in shape.members:
                yield f"{where}.{name} is no member of {shape.name}"
            elif item is not None:
                yield from check(shape.members[name], item, f"{where}.{name}")
    elif kind in ("list", "map", "string", "blob"):
        length = len(value)
        if not limits.get("min", 0) <= length <= limits.get("max", float("inf")):
            yield f"{where}: a length of {length} is not within {limits.get('min', 0)} to {limits.get('max', 'any')}"
        if kind == "list":
            for at, item in enumerate(value):
                yield from check(shape.member, item, f"{where}[{at}]")
        if kind == "map":
            for key, item in value.items():
                yield from check(shape.key, key, f"{where} key")
                yield from check(shape.value, item, f"{where}[{key}]")
        if kind == "string":
            if shape.enum and value not in shape.enum:
                yield f"{where}: {value!r} is none of {shape.enum}"
            pattern = spelt(limits["pattern"]) if limits.get("pattern") else None
            if pattern and not pattern.match(value):
                yield f"{where}: {value!r} does not match {limits['pattern']}"
    elif kind in ("integer", "long"):
        if not limits.get("min", value) <= value <= limits.get("max", value):
            yield f"{where}: {value} is out of range"


def main():
    faults, seen = [], set()
    for request in json.load(sys.stdin):
        service, operation, given = request["service"], request["operation"], request["input"]
        if service in ("cloudformation", "cloudwatch", "ecr"):
            # The sandbox notes the region of the signature beside the members.
            given = {name: value for name, value in given.items() if name != "Region"}
        key = json.dumps([service, operation, given], sort_keys=True)
        if key in seen or service not in NAMES:
            continue
        seen.add(key)
        if operation not in model(service).operation_names:
            faults.append(f"{service} has no operation {operation}")
            continue
        shape = model(service).operation_model(operation).input_shape
        if shape is not None and service != "s3":
            faults.extend(check(shape, given, f"{service}:{operation}"))
    json.dump({"checked": len(seen), "faults": faults}, sys.stdout)


main()
