// Asks an independent simulator of IAM. Standard input: a line with the documents as a list, then a line for each
// request: {"document": N, "action", "resource", "context"}. Standard output: a line for each request:
// allowed | denied | error, and by which of its two interfaces: "checked" takes only the keys and resources that it
// knows for the action, "plain" evaluates what it is given.
//
// The simulator is AGPL: it is asked in this process of its own, at test time only.

import readline from "node:readline";
import { isConditionKeyArray, runSimulation, runUnsafeSimulation, typeForContextKey } from "@cloud-copilot/iam-simulate";

const ACCOUNT = "111122223333";

// A key of KMS needs a policy of its own that lets IAM decide; AWS makes each key with this one.
const KEY_POLICY = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: "*", Resource: "*" }],
};

// The simulator takes no key with a variable name; under the name of another key of KMS it evaluates the same.
const PLAIN_KEYS = ["kms:RequestAlias", "kms:WrappingAlgorithm", "kms:KeyOrigin", "kms:KeySpec", "kms:KeyUsage"];

function renamed(document, context) {
  let text = JSON.stringify(document);
  const out = {};
  const carried = Object.keys(context).map((key) => key.toLowerCase());
  const all = [...new Set([...text.matchAll(/"(kms:EncryptionContext:[^"]+)":/g)].map((found) => found[1]))];
  const names = all.filter((name) => carried.includes(name.toLowerCase()));
  const other = new Map([...new Set(names.map((name) => name.toLowerCase()))].map((name, at) => [name, PLAIN_KEYS[at]]));
  for (const name of names) {
    if (other.get(name.toLowerCase()) === undefined) return undefined;
    text = text.replaceAll(`"${name}":`, `"${other.get(name.toLowerCase())}":`);
  }
  for (const [key, value] of Object.entries(context)) out[other.get(key.toLowerCase()) ?? key] = value;
  return { document: JSON.parse(text), context: out };
}

// The simulator matches a resource's type, up to its first slash or colon, by itself, and no wildcard there reaches
// further: the wildcard is written out as the type that the request has.
function typed(document, resource) {
  const type = /^arn:[^:]*:[^:]*:[^:]*:[^:]*:([^:/]*[:/])/.exec(resource)?.[1];
  if (type === undefined) return document;
  const one = (pattern) => {
    const parts = /^(arn:[^:]*:[^:]*:[^:]*:[^:]*:)([^:/]*\*[^:/]*)([:/])(.*)$/.exec(pattern);
    if (parts === null || parts[3] !== type.at(-1)) return pattern;
    const glob = new RegExp(`^${parts[2].replace(/[.+^$(){}|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")}$`);
    return glob.test(type.slice(0, -1)) ? `${parts[1]}${type}${parts[4]}` : pattern;
  };
  const all = (patterns) => (Array.isArray(patterns) ? patterns.map(one) : one(patterns));
  const statement = (found) => {
    const out = { ...found };
    for (const field of ["Resource", "NotResource"]) if (out[field] !== undefined) out[field] = all(out[field]);
    return out;
  };
  const statements = [document.Statement].flat().map(statement);
  return { ...document, Statement: statements };
}

async function context(given) {
  const out = {};
  for (const [key, values] of Object.entries(given)) {
    let several = values.length > 1;
    try {
      several ||= isConditionKeyArray(await typeForContextKey(key));
    } catch {
      // A key that it does not know has one value.
    }
    out[key] = several ? values : values[0];
  }
  return out;
}

function simulation(document, request, given) {
  const carried = { ...given };
  const has = (key) => Object.keys(carried).some((own) => own.toLowerCase() === key.toLowerCase());
  for (const key of ["aws:PrincipalAccount", "aws:ResourceAccount"]) if (!has(key)) carried[key] = ACCOUNT;
  return {
    request: {
      principal: `arn:aws:iam::${ACCOUNT}:role/tester`,
      action: request.action,
      resource: { resource: request.resource, accountId: ACCOUNT },
      contextVariables: carried,
    },
    identityPolicies: [{ name: "policy", policy: document }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(request.action.toLowerCase().startsWith("kms:") ? { resourcePolicy: KEY_POLICY } : {}),
  };
}

const word = (result) => (result === "Allowed" ? "allowed" : "denied");

async function checked(document, request, given) {
  let result;
  try {
    result = await runSimulation(simulation(document, request, given), {});
  } catch {
    return undefined;
  }
  if (result.resultType !== "single") return result.resultType === "error" ? undefined : word(result.overallResult);
  const own = Object.keys(given).map((key) => key.toLowerCase());
  const ignored = (result.result.ignoredContextKeys ?? []).some((key) => own.includes(key.toLowerCase()));
  return ignored ? undefined : word(result.overallResult);
}

async function ask(document, request) {
  const given = await context(request.context);
  const first = await checked(document, request, given);
  if (first !== undefined) return `${first} checked`;
  const other = renamed(document, given);
  const second = other && (await checked(other.document, request, other.context));
  if (second !== undefined) return `${second} checked`;
  try {
    const plain = simulation(document, request, given);
    delete plain.resourcePolicy;
    return `${word(runUnsafeSimulation(plain, {}))} plain`;
  } catch (error) {
    return `error ${String(error.message).split("\n")[0]}`;
  }
}

let documents;
const spelt = process.argv.includes("--typed");
for await (const line of readline.createInterface({ input: process.stdin })) {
  if (documents === undefined) {
    documents = JSON.parse(line);
    continue;
  }
  const request = JSON.parse(line);
  const document = documents[request.document];
  console.log(await ask(spelt ? typed(document, request.resource) : document, request));
}
