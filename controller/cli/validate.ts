// `ringward validate DIR`: everything that is wrong with a policy folder, in file order, each with its place and what to do.
// It reads files and judges them as the controller would; it never talks to a cluster.
import { join, normalize } from "node:path";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { createValidators } from "../api/validator.ts";
import { type Clock, systemClock } from "../clock.ts";
import { UserError } from "../errors.ts";
import type { Inventory, StoredStates } from "../core/model.ts";
import { compareFindings, counted, type Finding, formatFinding, type ObjectRef } from "../policy/finding.ts";
import { readPolicyFolder } from "../policy/folder.ts";
import { loadPolicy } from "../policy/load.ts";
import { validatePolicy } from "../policy/validate.ts";
import { readImagePrefixes } from "./image-prefixes.ts";
import { firstSentence } from "./output.ts";
import { wrongUse } from "./wrong-use.ts";

export const USAGE = `Usage: ringward validate DIR [--cluster DUMPDIR] [--at TIME] [--strict] [--allow-recipe-image PREFIX]… [-o text|json|yaml|wide]

Checks every policy document under DIR: schema, references, the order of rings, rings that share members, calendars
that never open, versions that cannot be read. Prints one line for each finding, in file order:

  FILE:LINE:COLUMN: PATH: what is wrong (what to do)

  --cluster DUMPDIR  also hold the policy against a cluster dump: empty rings, conflicts, zones that do not exist
  --at TIME          judge as of this time (RFC 3339); default: now
  --strict           warnings are findings too
  --allow-recipe-image PREFIX
                     recipes whose images a cluster refuses that was installed with this prefix (ringward install); repeatable
  -o FORMAT          text (default), wide (with code and object), json or yaml

Exit codes: 0 nothing found, 1 findings, 2 wrong use, or no policy in DIR.
`;

const FORMATS = ["text", "wide", "json", "yaml"] as const;

interface Request {
  readonly folder: string;
  readonly dump: string | undefined;
  readonly at: string | undefined;
  readonly strict: boolean;
  readonly recipeImages: readonly string[] | undefined;
  readonly format: (typeof FORMATS)[number];
}

/** What the command touches outside of the file system. */
export interface ValidateOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly clock: Pick<Clock, "now">;
}

/** Runs the command. Exit codes: 0 nothing found, 1 findings, 2 wrong use (as UserError). */
export async function command(
  args: readonly string[],
  output: ValidateOutput = { stdout: process.stdout, stderr: process.stderr, clock: systemClock },
): Promise<number> {
  const request = readArguments(args);
  if (request === "Help") {
    output.stdout.write(USAGE);
    return 0;
  }
  const now = request.at === undefined ? output.clock.now() : readTime(request.at);
  const cluster = request.dump === undefined ? { problems: [] } : await readCluster(request.dump);
  const { findings, count } = judgeFolder(request, now, cluster);
  // A pipeline that looks into the wrong folder must not be told that all is well.
  if (count === 0 && !findings.some(({ severity }) => severity === "error"))
    throw new UserError(
      "RW0310",
      `the folder ${request.folder} holds no policy`,
      "name the folder that holds the policy",
    );
  const errors = findings.filter(({ severity }) => severity === "error");
  const warnings = findings.filter(({ severity }) => severity === "warning");
  const ok = errors.length === 0 && (!request.strict || warnings.length === 0);
  output.stdout.write(render(findings, { ok, errors, warnings }, request.format));
  output.stderr.write(
    `${counted(count, "object")}, ${counted(errors.length, "error")}, ${counted(warnings.length, "warning")}\n`,
  );
  return ok ? 0 : 1;
}

function readArguments(args: readonly string[]): Request | "Help" {
  const { values, positionals } = parse(args);
  if (values.help === true) return "Help";
  const [folder, ...others] = positionals;
  if (folder === undefined || others.length > 0)
    throw wrongUse("validate", `expected one folder, got ${positionals.length}`);
  const format = FORMATS.find((one) => one === (values.output ?? "text"));
  if (format === undefined) {
    throw wrongUse("validate", `-o ${String(values.output)}: there is no such format; one of ${FORMATS.join(", ")}`);
  }
  return {
    folder,
    dump: values.cluster,
    at: values.at,
    strict: values.strict === true,
    recipeImages: readPrefixes(values),
    format,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        cluster: { type: "string" },
        at: { type: "string" },
        strict: { type: "boolean" },
        "allow-recipe-image": { type: "string", multiple: true },
        output: { type: "string", short: "o" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw wrongUse("validate", firstSentence(error));
  }
}

function readPrefixes(values: { readonly "allow-recipe-image"?: readonly string[] }): readonly string[] | undefined {
  const { "allow-recipe-image": texts } = values;
  return texts === undefined ? undefined : readImagePrefixes("validate", texts);
}

function readTime(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(time))
    throw wrongUse("validate", `--at ${text}: not a time; write for example 2026-11-21T17:50:00Z`);
  return time;
}

interface Cluster {
  readonly inventory?: Inventory;
  readonly stored?: StoredStates;
  /** What of the dump could not be read. */
  readonly problems: readonly Finding[];
}

/** The dump's reader is loaded only when there is a dump: most runs have none. */
async function readCluster(folder: string): Promise<Cluster> {
  const { readDump } = await import("../inventory/dump.ts");
  const { inventory, objects, problems } = await readDump(folder);
  return {
    inventory,
    stored: {
      nodes: byTarget(objects.get("NodePatchState") ?? []) as StoredStates["nodes"],
      workloads: byTarget(objects.get("WorkloadPatchState") ?? []) as StoredStates["workloads"],
    },
    problems: problems.map(({ kind, namespace, name, message }) => {
      const object = [kind, namespace, name].filter((part) => part !== undefined).join("/");
      const text = { path: "", code: "DumpProblem", message: `${object}: ${message}`, hint: "dump the cluster again" };
      return { severity: "warning", file: folder, line: 1, column: 1, ...text };
    }),
  };
}

/** Statuses by the UID of the node or workload that they speak of. */
function byTarget(states: readonly Readonly<Record<string, unknown>>[]): ReadonlyMap<string, unknown> {
  return new Map(
    states.flatMap(({ status }) => {
      const uid = (status as { readonly targetUID?: unknown } | undefined)?.targetUID;
      return typeof uid === "string" ? [[uid, status] as const] : [];
    }),
  );
}

interface Judged {
  readonly findings: readonly Finding[];
  /** Objects in force. */
  readonly count: number;
}

function judgeFolder(
  { folder, recipeImages }: Request,
  now: number,
  { inventory, stored, problems: unread }: Cluster,
): Judged {
  const root = normalize(folder);
  const files = readPolicyFolder(folder).map((file) => ({ ...file, path: join(root, file.path) }));
  const path = root === "." ? "" : root;
  const { objects, problems } = loadPolicy({ files, validators: createValidators(), path });
  const broken = problems.flatMap(({ object, severity }): ObjectRef[] =>
    object === undefined || severity !== "error" ? [] : [object],
  );
  const cluster = { ...(inventory === undefined ? {} : { inventory }), ...(stored === undefined ? {} : { stored }) };
  const found = validatePolicy(objects, {
    now,
    broken,
    ...cluster,
    ...(recipeImages === undefined ? {} : { recipeImages }),
  });
  const findings = [...problems, ...found, ...unread]
    .filter(({ severity }) => severity !== "note")
    .sort(compareFindings);
  return { findings, count: objects.length };
}

interface Verdict {
  readonly ok: boolean;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

function render(findings: readonly Finding[], verdict: Verdict, format: Request["format"]): string {
  switch (format) {
    case "json":
      return `${JSON.stringify(dataOf(verdict), undefined, 2)}\n`;
    case "yaml":
      return stringify(dataOf(verdict), { aliasDuplicateObjects: false, lineWidth: 0 });
    case "text":
    case "wide":
      return findings.map((finding) => `${lineOf(finding, format)}\n`).join("");
  }
}

function dataOf({ ok, errors, warnings }: Verdict): object {
  const row = ({ file, line, column, path, code, message, hint }: Finding): object => ({
    file,
    line,
    column,
    path,
    code,
    message,
    hint,
  });
  return { ok, errors: errors.map(row), warnings: warnings.map(row) };
}

function lineOf(finding: Finding, format: "text" | "wide"): string {
  const line = formatFinding(finding);
  if (format === "text") return line;
  const { object, code } = finding;
  return `${line} [${code}${object === undefined ? "" : `, ${object.kind}/${object.name}`}]`;
}
