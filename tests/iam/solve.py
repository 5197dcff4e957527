"""Asks the solver z3 whether one policy allows a request that another does not.

In: a JSON list of [old document, new document]. Out: a JSON list of "gain", "none", "open" (no answer in time), or
"unsaid" (a form that is not translated here: variables, several values, numbers, dates, addresses).

A request is a text for its action, in small letters, one for its resource, and for each condition key whether it is
there and its value. Meaning: the IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition
operators".
"""

import json
import sys

import z3

TIMEOUT_MS = 1000
ACCOUNT = "111122223333"
ANY = z3.Full(z3.ReSort(z3.StringSort()))
TEXTS = {"stringequals", "stringnotequals", "stringlike", "stringnotlike", "bool", "null"}


class Unsaid(Exception):
    pass


def listed(value):
    return value if isinstance(value, list) else [value]


def glob(pattern, text):
    if "${" in pattern:
        raise Unsaid
    if "*" not in pattern and "?" not in pattern:
        return text == z3.StringVal(pattern)
    if pattern == "*":
        return z3.BoolVal(True)
    if pattern.count("*") == 1 and pattern.endswith("*") and "?" not in pattern:
        return z3.PrefixOf(z3.StringVal(pattern[:-1]), text)
    parts, literal = [], ""
    for letter in pattern:
        if letter in "*?":
            if literal:
                parts.append(z3.Re(literal))
            literal = ""
            parts.append(ANY if letter == "*" else z3.AllChar(z3.ReSort(z3.StringSort())))
        else:
            literal += letter
    if literal:
        parts.append(z3.Re(literal))
    return z3.InRe(text, parts[0] if len(parts) == 1 else z3.Concat(*parts))


def any_of(patterns, text):
    return z3.Or([glob(pattern, text) for pattern in patterns])


class Request:
    def __init__(self):
        self.action, self.resource = z3.String("action"), z3.String("resource")
        self.keys = {}

    def key(self, name):
        name = name.lower()
        if name not in self.keys:
            self.keys[name] = (z3.Bool("there " + name), z3.String("value " + name))
        return self.keys[name]

    def condition(self, operator, key, values):
        there, value = self.key(key)
        name = operator.lower()
        absent_holds = name.endswith("ifexists")
        name = name.removesuffix("ifexists")
        if name not in TEXTS:
            raise Unsaid
        values = [str(one).lower() if isinstance(one, bool) else str(one) for one in listed(values)]
        if name == "null":
            return z3.Or([z3.Not(there) if one.lower() == "true" else there for one in values])
        if name == "bool":
            values = [one.lower() for one in values]
        if any("${" in one for one in values):
            raise Unsaid
        like = name in ("stringlike", "stringnotlike")
        one_of = any_of(values, value) if like else z3.Or([value == z3.StringVal(one) for one in values])
        if name in ("stringnotequals", "stringnotlike"):
            return z3.Or(z3.Not(there), z3.Not(one_of))
        return z3.Or(z3.Not(there), one_of) if absent_holds else z3.And(there, one_of)

    def statement(self, statement):
        parts = []
        for name, text, fold in [("Action", self.action, True), ("Resource", self.resource, False)]:
            written = [str(one).lower() if fold else one for one in listed(statement.get(name, []))]
            other = [str(one).lower() if fold else one for one in listed(statement.get("Not" + name, []))]
            parts.append(any_of(written, text) if written else z3.Not(any_of(other, text)))
        for operator, by_key in statement.get("Condition", {}).items():
            parts += [self.condition(operator, key, values) for key, values in by_key.items()]
        return z3.And(parts)

    def allowed(self, document):
        sides = {"Allow": [], "Deny": []}
        for statement in listed(document["Statement"]):
            sides[statement["Effect"]].append(self.statement(statement))
        return z3.And(z3.Or(sides["Allow"]), z3.Not(z3.Or(sides["Deny"])))


def verdict(old, new):
    request = Request()
    try:
        gain = z3.And(request.allowed(new), z3.Not(request.allowed(old)))
    except Unsaid:
        return "unsaid"
    solver = z3.Solver()
    solver.set("timeout", TIMEOUT_MS)
    small = z3.Union(z3.Range("a", "z"), z3.Range("0", "9"), z3.Re("-"))
    solver.add(z3.InRe(request.action, z3.Concat(z3.Plus(small), z3.Re(":"), z3.Plus(small))))
    for name in ("aws:principalaccount", "aws:resourceaccount"):
        there, value = request.key(name)
        solver.add(there, value == z3.StringVal(ACCOUNT))
    for name, (there, value) in request.keys.items():
        solver.add(z3.Implies(there, z3.Length(value) > 0))
    solver.add(gain)
    return {"sat": "gain", "unsat": "none"}.get(str(solver.check()), "open")


json.dump([verdict(old, new) for old, new in json.load(sys.stdin)], sys.stdout)
