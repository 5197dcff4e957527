// Does the grammar cut files into the words that the compiler cuts them into? Reads, from standard input, an array of
// {path, text, tokens: [{kind, start, end}]}, with places in units of UTF-16.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

const GRAMMAR = path.join(__dirname, "..", "syntaxes", "cell.tmLanguage.json");

async function load() {
  const wasm = fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm);
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(GRAMMAR, "utf8"), GRAMMAR),
  });
  return registry.loadGrammar("source.cell");
}

// The scopes of each unit of the text, and where tokens of the grammar begin.
function colours(grammar, text) {
  const scopes = [];
  const starts = new Set();
  let stack = textmate.INITIAL;
  for (const line of text.split("\n")) {
    const offset = scopes.length;
    const done = grammar.tokenizeLine(line, stack);
    for (const token of done.tokens) {
      starts.add(offset + token.startIndex);
      for (let at = token.startIndex; at < Math.min(token.endIndex, line.length); at++) {
        scopes[offset + at] = token.scopes;
      }
    }
    scopes[offset + line.length] = ["source.cell"];
    stack = done.ruleStack;
  }
  return { scopes, starts };
}

// Is the unit in a string or a comment, not in what is interpolated in one?
const quoted = (scopes) => {
  const inside = scopes.lastIndexOf("meta.interpolation.cell");
  return scopes.slice(inside + 1).some((scope) => /^(string|comment)\./.test(scope));
};

const last = (scopes) => scopes[scopes.length - 1];

function fault(token, text, { scopes, starts }) {
  const all = Array.from({ length: token.end - token.start }, (_, at) => scopes[token.start + at]);
  const word = text.slice(token.start, token.end);
  const every = (test) => all.every((found, at) => /[\r\n]/.test(word[at]) || test(found));
  switch (token.kind) {
    case "Comment":
      return every((found) => last(found).startsWith("comment.line.number-sign")) ? null : "is no comment";
    case "Doc":
      return every((found) => last(found).startsWith("comment.line.documentation")) ? null : "is no documentation";
    case "String": {
      const ends = [all[0], all[all.length - 1]];
      const whole = every((found) => found.some((scope) => scope.startsWith("string.quoted")));
      return whole && ends.every(quoted) ? null : "is no string";
    }
    case "Regex":
      return every((found) => found.some((scope) => scope.startsWith("string.regexp"))) ? null : "is no regex";
    case "Number":
      return every((found) => found.some((scope) => scope.startsWith("constant."))) ? null : "is no number";
    case "Word": {
      const cut = [...starts].some((start) => start > token.start && start < token.end);
      const kind = /^(variable|keyword|constant\.language|storage|support|entity)\./;
      if (cut) return "is cut";
      return every((found) => kind.test(last(found))) ? null : "is no word";
    }
    case "Symbol":
      return every((found) => !quoted(found) && /^(keyword\.operator|punctuation)\./.test(last(found)))
        ? null
        : "is no symbol";
    default:
      return null;
  }
}

async function main() {
  const grammar = await load();
  const files = JSON.parse(fs.readFileSync(0, "utf8"));
  const faults = [];
  let words = 0;
  for (const { path, text, tokens } of files) {
    const found = colours(grammar, text);
    for (const token of tokens) {
      words += 1;
      const why = fault(token, text, found);
      if (why) {
        const line = text.slice(0, token.start).split("\n").length;
        const word = text.slice(token.start, Math.min(token.end, token.start + 60));
        const scopes = (found.scopes[token.start] || []).slice(1).join(" ");
        faults.push(`${path}:${line}: ${token.kind} ${JSON.stringify(word)} ${why}: ${scopes}`);
      }
    }
  }
  if (faults.length > 0) {
    console.error(`${faults.slice(0, 30).join("\n")}\n${faults.length} words differ`);
    process.exit(1);
  }
  console.log(JSON.stringify({ files: files.length, words }));
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
