#!/usr/bin/env node
// Starts Ringward under Node 24: from its TypeScript sources in a checkout (type stripping, no build step), else from the bundle
// beside it. It is the one file that must be readable by Node 20: it looks for the runtime that the devDependency `node` brings,
// checks its version, and says what to do when it is missing.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { spawn } = require("node:child_process");

const root = path.resolve(__dirname, "..");
const WANTED_MAJOR = 24;
const sources = path.join(root, "controller", "main.ts");
const isCheckout = fs.existsSync(sources);

/** The first usable runtime: this process, then the one in node_modules. */
function findRuntime() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= WANTED_MAJOR) return process.execPath;
  const bundled = path.join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  return fs.existsSync(bundled) ? bundled : undefined;
}

const runtime = findRuntime();
if (runtime === undefined) {
  process.stderr.write(
    `ringward: needs Node ${WANTED_MAJOR} or newer, and this is ${process.version}.\n` +
      (isCheckout
        ? `The devDependency "node" should have brought it, but node_modules/node/bin/node does not exist.\n` +
          `That happens when npm runs with ignore-scripts. What to do: run\n` +
          `  npm ci --ignore-scripts=false\n` +
          `or install Node ${WANTED_MAJOR} and put it first in PATH.\n`
        : `What to do: install Node ${WANTED_MAJOR} and put it first in PATH.\n`),
  );
  process.exit(2);
}

// Scripts of a checkout name what they start; everything else is an argument of the product.
const rest = process.argv.slice(2);
// kubectl asks a plugin of this name what could come next.
if (path.basename(process.argv[1] || "") === "kubectl_complete-ringward") rest.unshift("__complete");
const entry =
  isCheckout && /\.(?:ts|mjs|cjs)$/.test(rest[0] || "")
    ? path.resolve(root, rest.shift())
    : isCheckout
      ? sources
      : path.join(root, "dist", "ringward.mjs");
const args = ["--disable-warning=ExperimentalWarning", "--disable-proto=delete", "--disable-sigusr1", entry, ...rest];
// Node opens a debugger at this signal, to whoever is on the machine; with somebody to hear it, it does not.
process.on("SIGUSR1", () => undefined);
if (runtime === process.execPath && !process.env.RINGWARD_FORCE_SPAWN) {
  // Already the right runtime: load in this process, which saves one process start. What the flags do for another one is done here.
  delete Object.prototype.__proto__;
  process.argv = [process.execPath, entry, ...rest];
  import(require("node:url").pathToFileURL(entry).href).catch((error) => {
    process.stderr.write(`ringward: ${error && error.stack ? error.stack : error}\n`);
    process.exit(2);
  });
} else {
  const child = spawn(runtime, args, {
    stdio: "inherit",
    env: { ...process.env, PATH: path.dirname(runtime) + path.delimiter + (process.env.PATH || "") },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) =>
    process.exit(signal ? 128 + (require("node:os").constants.signals[signal] || 0) : code),
  );
}
