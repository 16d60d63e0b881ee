// What people type at the command line.
import { readAssetName } from "../../../controller/cli/asset-name.ts";
import { readImagePrefixes } from "../../../controller/cli/image-prefixes.ts";
import { readWait } from "../../../controller/cli/live/wait.ts";
import { parseFlags, readFormat, readTime } from "../../../controller/cli/output.ts";
import { UserError } from "../../../controller/errors.ts";
import { digits, hex, name, oneOf, seq } from "../grammar.ts";
import type { Parser } from "../parser.ts";

const commands: Parser = {
  name: "cli/words",
  form: "text",
  covers: [
    "controller/cli/asset-name.ts readAssetName",
    "controller/cli/image-prefixes.ts readImagePrefixes",
    "controller/cli/output.ts readFormat",
    "controller/cli/output.ts readTime",
    "controller/cli/output.ts parseFlags",
    "controller/cli/live/wait.ts readWait",
  ],
  run(text) {
    // As many as a command line has.
    const words = text.split(" ", 100);
    return [
      () => readAssetName("why", words, undefined),
      () => readImagePrefixes("plan", words),
      () => readFormat("plan", text),
      () => readTime("plan", "--at", text),
      () => readWait("status", { wait: true, timeout: text }),
      () => parseFlags("plan", words, { namespace: { type: "string", short: "n" }, watch: { type: "boolean" } }),
    ].map((read) => {
      try {
        return read();
      } catch (error) {
        if (error instanceof UserError) return error.message;
        throw error;
      }
    });
  },
  grammar: oneOf(
    seq(oneOf("node/", "deploy/", "sts "), name),
    seq("--namespace ", name),
    seq("2026-", digits, "-21T12:00:00Z"),
    hex,
  ),
  seeds: [
    "node/worker-1",
    "deployment.apps/shop/web",
    "deployment web",
    "json",
    "45m",
    "2026-11-21T17:50:00+01:00",
    "-n shop --watch",
    "registry.example.com/ringward",
    "--namespace=a --no-watch --",
  ],
  words: [
    "node/",
    "/",
    " ",
    "deploy",
    ".apps",
    "-n",
    "--",
    "--namespace=",
    "--watch",
    "json",
    "yaml",
    "2026-11-21T",
    "Z",
    "+01:00",
    "=",
    "__proto__",
    "--__proto__=1",
    "--constructor",
  ],
};

export const CLI_PARSERS: readonly Parser[] = [commands];
