// The client of `cellc lsp`: starts it, and starts it again when it is asked to or its path changes.
// All that is known of the language is the server's.
"use strict";

const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

async function start() {
  const settings = vscode.workspace.getConfiguration("cell");
  const command = settings.get("server.path") || "cellc";
  const run = { command, args: ["lsp"], transport: TransportKind.stdio };
  client = new LanguageClient(
    "cell",
    "Cell",
    { run, debug: run },
    { documentSelector: [{ language: "cell", scheme: "file" }] }
  );
  try {
    await client.start();
  } catch (error) {
    const said = await vscode.window.showErrorMessage(
      `\`${command} lsp\` cannot be started: ${error.message}. Install cellc, or say where it is.`,
      "Open settings"
    );
    if (said) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "cell.server.path");
    }
  }
}

async function stop() {
  const running = client;
  client = undefined;
  if (running && running.isRunning()) {
    await running.stop();
  }
}

async function restart() {
  await stop();
  await start();
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("cell.restart", restart),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("cell.server.path")) {
        return restart();
      }
    })
  );
  await start();
}

module.exports = { activate, deactivate: stop };
