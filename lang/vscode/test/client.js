// A client of the language server: the one that Visual Studio Code uses, without the editor around it.
// Usage: node client.js path/of/cellc folder, where the folder may be written to.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const { spawn } = require("node:child_process");
const { pathToFileURL, fileURLToPath } = require("node:url");
const lsp = require("vscode-languageserver-protocol/node");

const [, , cellc, folder] = process.argv;

const MAIN = `edition "2026"
import "./lib/names.cell" as names
org acme { accounts { email = "aws+\\(.name)@acme.example", ou = ou.work } }
ou work {}
## Everything — 日本 — begins here.
cell alpha { kind = "alpha", region = names.region }
let first = cell.alpha
`;
const NAMES = `## Where cells are.
export let region = "us-west-2"
`;

class Client {
  constructor() {
    this.process = spawn(cellc, ["lsp"], { cwd: folder, stdio: ["pipe", "pipe", "inherit"] });
    this.ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.connection = lsp.createProtocolConnection(
      new lsp.StreamMessageReader(this.process.stdout),
      new lsp.StreamMessageWriter(this.process.stdin)
    );
    this.findings = new Map();
    this.waiting = [];
    this.texts = new Map();
    this.connection.onNotification(lsp.PublishDiagnosticsNotification.type, (params) => {
      this.findings.set(params.uri, params);
      this.waiting = this.waiting.filter((wait) => !wait());
    });
    this.connection.onRequest(lsp.RegistrationRequest.type, () => {});
    this.connection.listen();
  }

  async start() {
    const root = pathToFileURL(folder).href;
    const result = await this.connection.sendRequest(lsp.InitializeRequest.type, {
      processId: process.pid,
      rootUri: root,
      workspaceFolders: [{ uri: root, name: "project" }],
      capabilities: {
        general: { positionEncodings: ["utf-16"] },
        textDocument: { completion: { completionItem: { snippetSupport: true } } },
        workspace: { didChangeWatchedFiles: { dynamicRegistration: true } },
      },
    });
    await this.connection.sendNotification(lsp.InitializedNotification.type, {});
    return result;
  }

  open(file, text) {
    const uri = this.uri(file);
    this.texts.set(uri, { version: 1, text });
    return this.connection.sendNotification(lsp.DidOpenTextDocumentNotification.type, {
      textDocument: { uri, languageId: "cell", version: 1, text },
    });
  }

  replace(file, from, to) {
    const uri = this.uri(file);
    const { version, text } = this.texts.get(uri);
    const start = text.indexOf(from);
    assert.ok(start >= 0, from);
    const range = { start: position(text, start), end: position(text, start + from.length) };
    this.texts.set(uri, { version: version + 1, text: text.slice(0, start) + to + text.slice(start + from.length) });
    return this.connection.sendNotification(lsp.DidChangeTextDocumentNotification.type, {
      textDocument: { uri, version: version + 1 },
      contentChanges: [{ range, text: to }],
    });
  }

  uri(file) {
    return pathToFileURL(path.join(folder, file)).href;
  }

  // The findings of the text as it is now.
  async found(file) {
    const uri = this.uri(file);
    const now = () => {
      const last = this.findings.get(uri);
      return last && last.version === this.texts.get(uri).version ? last.diagnostics : undefined;
    };
    if (!now()) {
      await new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no findings of ${file}`)), 60000);
        this.waiting.push(() => now() && (clearTimeout(timer), resolve(), true));
      });
    }
    return now();
  }

  at(file, word) {
    const uri = this.uri(file);
    const { text } = this.texts.get(uri);
    const offset = text.indexOf(word);
    assert.ok(offset >= 0, word);
    return { textDocument: { uri }, position: position(text, offset) };
  }

  ask(request, params) {
    return this.connection.sendRequest(request.type, params);
  }

  async end() {
    await this.connection.sendRequest(lsp.ShutdownRequest.type);
    await this.connection.sendNotification(lsp.ExitNotification.type);
    assert.strictEqual(await this.ended, 0);
    this.connection.dispose();
  }
}

function position(text, offset) {
  const before = text.slice(0, offset);
  const line = before.split("\n").length - 1;
  return { line, character: offset - (before.lastIndexOf("\n") + 1) };
}

function offsetOf(text, { line, character }) {
  return text.split("\n").slice(0, line).reduce((sum, text) => sum + text.length + 1, 0) + character;
}

// The text after edits.
function applied(text, edits) {
  const sorted = [...edits].sort((a, b) => offsetOf(text, b.range.start) - offsetOf(text, a.range.start));
  return sorted.reduce(
    (text, { range, newText }) =>
      text.slice(0, offsetOf(text, range.start)) + newText + text.slice(offsetOf(text, range.end)),
    text
  );
}

async function main() {
  fs.mkdirSync(path.join(folder, "lib"), { recursive: true });
  fs.writeFileSync(path.join(folder, "main.cell"), MAIN);
  fs.writeFileSync(path.join(folder, "lib", "names.cell"), NAMES);
  const client = new Client();
  const { capabilities, serverInfo } = await client.start();
  assert.strictEqual(serverInfo.name, "cellc");
  assert.strictEqual(capabilities.positionEncoding, "utf-16");
  await client.open("main.cell", MAIN);
  assert.deepStrictEqual(await client.found("main.cell"), []);

  // Findings while typing, with a place in the middle of a line of wide characters.
  await client.replace("main.cell", "cell.alpha", "cell.alhpa");
  const [finding] = await client.found("main.cell");
  assert.match(finding.message, /did you mean `alpha`/);
  assert.deepStrictEqual(finding.range.start, { line: 6, character: 17 });
  await client.replace("main.cell", "cell.alhpa", "cell.alpha");
  assert.deepStrictEqual(await client.found("main.cell"), []);

  const hover = await client.ask(lsp.HoverRequest, client.at("main.cell", "region = names"));
  assert.match(hover.contents.value, /region: String/);
  assert.match(hover.contents.value, /cell\.alpha\.region = "us-west-2"/);
  const documented = await client.ask(lsp.HoverRequest, client.at("main.cell", "region }"));
  assert.match(documented.contents.value, /Where cells are\./);

  const [definition] = await client.ask(lsp.DefinitionRequest, client.at("main.cell", "region }"));
  assert.strictEqual(fileURLToPath(definition.uri), fs.realpathSync(path.join(folder, "lib", "names.cell")));
  assert.strictEqual(definition.range.start.line, 1);

  const references = await client.ask(lsp.ReferencesRequest, {
    ...client.at("main.cell", "alpha {"),
    context: { includeDeclaration: true },
  });
  assert.strictEqual(references.length, 2);

  const rename = await client.ask(lsp.RenameRequest, { ...client.at("main.cell", "alpha {"), newName: "first-cell" });
  const [{ edits, textDocument }] = rename.documentChanges;
  assert.strictEqual(textDocument.uri, client.uri("main.cell"));
  const renamed = applied(client.texts.get(textDocument.uri).text, edits);
  assert.match(renamed, /cell first-cell \{/);
  assert.match(renamed, /let first = cell\.first-cell/);
  assert.match(renamed, /\nmoved \{ from = "cell\.alpha", to = "cell\.first-cell" \}\n/);
  await assert.rejects(
    client.ask(lsp.RenameRequest, { ...client.at("main.cell", "cell alpha"), newName: "zelle" }),
    /a word of the language/
  );

  await client.replace("main.cell", 'kind = "alpha"', 'kind = ""');
  const inside = client.at("main.cell", '"", region');
  inside.position.character += 1;
  const values = await client.ask(lsp.CompletionRequest, inside);
  assert.deepStrictEqual(values.map((item) => item.label), ["dev", "alpha", "staging", "preprod", "prod"]);
  await client.replace("main.cell", 'kind = ""', 'kind = "alpha"');

  const symbols = await client.ask(lsp.DocumentSymbolRequest, { textDocument: { uri: client.uri("main.cell") } });
  assert.deepStrictEqual(symbols.map((symbol) => symbol.name), ["names", "acme", "work", "alpha", "first"]);

  // A file on disk changes behind the editor's back.
  fs.writeFileSync(path.join(folder, "lib", "names.cell"), 'export let place = "us-west-2"\n');
  await client.connection.sendNotification(lsp.DidChangeWatchedFilesNotification.type, {
    changes: [{ uri: client.uri("lib/names.cell"), type: lsp.FileChangeType.Changed }],
  });
  await client.replace("main.cell", "let first", "let one");
  const [gone] = await client.found("main.cell");
  assert.match(gone.message, /`names` exports no `region`/);

  await client.end();
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
