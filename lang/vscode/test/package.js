// Is everything in the package that has to be, and nothing that must not? Usage: node package.js cell.vsix
"use strict";

const assert = require("node:assert");
const yauzl = require("yauzl");

const HOLDS = [
  "extension/package.json",
  "extension/LICENSE.txt",
  "extension/readme.md",
  "extension/language-configuration.json",
  "extension/syntaxes/cell.tmLanguage.json",
  "extension/snippets/cell.json",
  "extension/dist/extension.js",
  "extension.vsixmanifest",
  "[Content_Types].xml",
];

function entries(path) {
  return new Promise((resolve, reject) => {
    const found = new Map();
    yauzl.open(path, { lazyEntries: true, autoClose: false }, (error, zip) => {
      if (error) return reject(error);
      zip.on("error", reject);
      zip.on("end", () => resolve(found));
      zip.on("entry", (entry) => {
        zip.openReadStream(entry, (error, stream) => {
          if (error) return reject(error);
          const parts = [];
          stream.on("data", (part) => parts.push(part));
          stream.on("error", reject);
          stream.on("end", () => {
            found.set(entry.fileName, Buffer.concat(parts).toString("utf8"));
            zip.readEntry();
          });
        });
      });
      zip.readEntry();
    });
  });
}

async function main() {
  const found = await entries(process.argv[2]);
  assert.deepStrictEqual([...found.keys()].sort(), [...HOLDS].sort());
  const manifest = JSON.parse(found.get("extension/package.json"));
  const contributed = [
    manifest.main,
    ...manifest.contributes.languages.map((language) => language.configuration),
    ...manifest.contributes.grammars.map((grammar) => grammar.path),
    ...manifest.contributes.snippets.map((snippets) => snippets.path),
  ];
  for (const path of contributed) {
    assert.ok(found.has(`extension/${path.replace("./", "")}`), `${path} is named and not there`);
  }
  for (const path of HOLDS.filter((path) => path.endsWith(".json"))) {
    JSON.parse(found.get(path));
  }
  // All that it needs is in the one file: there is no folder of modules to look into.
  const outside = [...found.get("extension/dist/extension.js").matchAll(/require\("([^"]+)"\)/g)]
    .map((match) => match[1])
    .filter((name) => name !== "vscode" && !require("node:module").isBuiltin(name));
  assert.deepStrictEqual(outside, []);
}

// Node ends in peace when it waits for what never comes: only the end of the work is a success.
process.exitCode = 1;
main().then(
  () => {
    process.exitCode = 0;
  },
  (error) => {
    console.error(error);
    process.exit(1);
  }
);
