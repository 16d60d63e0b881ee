// Reads a cluster dump: what `kubectl get nodes,pods,… -A -o json` prints, in one file or several, and optionally Ringward's own
// objects. Files are streamed, so their size is bounded by no string. What cannot be read is a named problem, never silence;
// the order of files and objects never changes the result (R6, V4).
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { CORE_SCHEMA, loadAll } from "js-yaml";
import { findKind } from "../api/kinds.ts";
import { createValidators } from "../api/validator.ts";
import { UserError } from "../errors.ts";
import { type Collected, type Collector, createCollector, type OwnObject, READ_KINDS } from "./collect.ts";
import { createItemReader } from "./json-items.ts";
import type { ObjectProblem } from "./projected.ts";

export type Dump = Collected;

export interface DumpLimits {
  /** Bytes of one object as JSON text. */
  readonly maxObject?: number;
  /** Bytes of a YAML file, which cannot be streamed. */
  readonly maxYaml?: number;
  /** Bytes read at once. */
  readonly chunk?: number;
}

/** What to ask kubectl for: the resources of all kinds that are read, but for Ringward's own (`kubectl get ringward`). */
export const DUMPED: readonly string[] = READ_KINDS.map((kind) => `${kind.toLowerCase()}s`);

const MAX_YAML = 64 * 1024 * 1024;
const CHUNK = 1024 * 1024;
const MAX_FILES = 10_000;

/** Reads all `.json`, `.yaml` and `.yml` files of a folder and its subfolders. Throws UserError where there is none. */
export async function readDump(folder: string, limits: DumpLimits = {}): Promise<Dump> {
  const files = await findFiles(folder);
  if (files.length === 0)
    throw new UserError(
      "RW0401",
      `${folder} holds no .json or .yaml file`,
      `write one with kubectl get ${DUMPED.join(",")} -A -o json > ${join(folder, "cluster.json")}`,
    );
  const collector = createCollector();
  for (const file of files) {
    try {
      if (file.endsWith(".json")) await readJson(join(folder, file), file, collector, limits);
      else await readYaml(join(folder, file), file, collector, limits);
    } catch (error) {
      note(collector, file, `cannot be read: ${(error as Error).message.slice(0, 300)}`);
    }
  }
  const collected = collector.finish();
  // Of a cluster of which nothing could be read nothing can be said; that all is well least of all.
  const [unread] = collected.problems.filter(({ kind }) => kind === "File");
  if (unread !== undefined && isEmpty(collected))
    throw new UserError(
      "RW0404",
      `the cluster dump ${folder} holds nothing that can be read: ${unread.name}: ${unread.message}`,
      "dump the cluster again",
    );
  return checkOwn(collected);
}

function isEmpty({ inventory, objects }: Collected): boolean {
  const { nodes, pods, workloads } = inventory;
  return nodes.length + pods.length + workloads.length + objects.size === 0;
}

/** Ringward's own objects as the API server would accept them; others are named and left out, never half believed. */
function checkOwn(collected: Collected): Dump {
  const problems: ObjectProblem[] = [];
  const objects = new Map<string, readonly OwnObject[]>();
  if (collected.objects.size === 0) return collected;
  const validators = createValidators();
  for (const [kind, list] of collected.objects) {
    const definition = findKind(kind);
    const good = list.filter((object) => {
      const first = definition === undefined ? undefined : validators.open(definition, object).problems[0];
      if (definition !== undefined && first === undefined) return true;
      const why =
        first === undefined
          ? "is of a kind that this version does not know"
          : `${first.pointer.join(".")}: ${first.message}`;
      const { name, namespace } = object.metadata;
      problems.push({ kind, namespace, name, message: `${why}; the object is left out` });
      return false;
    });
    if (good.length > 0) objects.set(kind, good);
  }
  return { ...collected, objects, problems: [...collected.problems, ...problems] };
}

/** Paths relative to the folder, sorted. Links and devices are left alone. */
async function findFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "it does not exist" : code === "ENOTDIR" ? "it is not a folder" : message;
    throw new UserError("RW0402", `cannot read the cluster dump ${folder}: ${why}`, "name the folder that holds it");
  });
  const files = entries
    .filter((entry) => entry.isFile() && /\.(?:json|ya?ml)$/.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
  if (files.length <= MAX_FILES) return files;
  throw new UserError(
    "RW0403",
    `the cluster dump ${folder} holds ${files.length} files; at most ${MAX_FILES} are read`,
  );
}

function note(collector: Collector, file: string, message: string): void {
  collector.problem({ kind: "File", namespace: undefined, name: file, message });
}

async function readJson(path: string, file: string, collector: Collector, limits: DumpLimits): Promise<void> {
  const reader = createItemReader(
    { item: (value, listKind) => collector.add(value, listKind), problem: (message) => note(collector, file, message) },
    limits.maxObject,
  );
  let first = true;
  for await (const chunk of createReadStream(path, { highWaterMark: limits.chunk ?? CHUNK })) {
    const bytes = chunk as Buffer;
    // What a shell of Windows makes of a redirection.
    if (first && bytes.length > 1 && bytes[0] === 0xff && bytes[1] === 0xfe)
      return note(collector, file, "is UTF-16; write it as UTF-8");
    first = false;
    reader.write(bytes);
  }
  reader.end();
}

async function readYaml(path: string, file: string, collector: Collector, limits: DumpLimits): Promise<void> {
  const max = limits.maxYaml ?? MAX_YAML;
  const { size } = await stat(path);
  if (size > max) return note(collector, file, `is ${size} bytes of YAML, over ${max}; write it with -o json`);
  const text = await readFile(path, "utf8");
  const documents = loadAll(text, { schema: CORE_SCHEMA, filename: file, maxAliases: 0 }).filter(
    (document) => document !== null,
  );
  if (documents.length === 0) return note(collector, file, "is empty");
  for (const document of documents) collector.add(document);
}
