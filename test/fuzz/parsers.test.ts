// The table is whole: whoever writes a reader of text from outside gives it a row, or says here why it needs none.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { judge } from "./judge.ts";
import { PARSERS } from "./parsers.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Names of functions that take text, bytes or values of somebody else's apart. */
const READS = /^(?:parse|read|decode|project|salvage)[A-Z]/;

/** Exported readers without a row of their own, and why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "controller/cli/folder-policy.ts readFolderPolicy": "files through loadPolicy (policy/load)",
  "controller/cli/situation.ts readLedger":
    "an object that the validators of the dump or the API server let through (api/validator)",
  "controller/cli/sources.ts readCluster": "a dump or a server: inventory/objects, inventory/json-items",
  "controller/cli/sources.ts readSituation": "a folder of policy and a cluster: policy/load, inventory/objects",
  "controller/core/rollout/entries.ts readEntries": "policy that was validated (policy/load)",
  "controller/forge/bounded.ts readBody": "bytes that are counted and joined, and not taken apart",
  "controller/forge/gitea/session.ts readAll": "pages of documents, each read by its reader (forge/documents)",
  "controller/forge/gitea/session.ts readPage": "pages of documents, each read by its reader (forge/documents)",
  "controller/forge/github/session.ts readAll": "pages of documents, each read by its reader (forge/documents)",
  "controller/forge/github/session.ts readEnds": "pages of documents, each read by its reader (forge/documents)",
  "controller/git/pull.ts readPull": "git's lists of names through parseTree (git/blobs)",
  "controller/git/raw-folder.ts readFolder": "git's lists of names through parseTree (git/blobs)",
  "controller/git/snapshot-files.ts readBlobs": "the sizes that git itself writes before each blob, never a server",
  "controller/git/snapshot-files.ts readPolicyFiles":
    "git's lists of names through parseTree, blobs through decodeBlob (git/blobs)",
  "controller/inventory/dump.ts readDump":
    "files through createItemReader and the collector (inventory/json-items, inventory/objects)",
  "controller/inventory/join-workloads.ts projectWorkloads": "what projections answered (inventory/objects)",
  "controller/reconcile/snapshot.ts projectLiveNode": "an object through projectNode (inventory/objects)",
  "controller/reconcile/snapshot.ts projectLivePod": "an object through projectPod (inventory/objects)",
  "controller/kube/pages.ts readPages": "pages of a list, whose objects are projected (inventory/objects)",
  "controller/kube/patch-states.ts readState": "one object, through statusFor (kube/patch-states)",
  "controller/nodes/recipe-job.ts readJobLog": "the text that parseReport takes (inventory/report)",
  "controller/policy/folder.ts readPolicyFolder": "files through decodeBlob (git/blobs)",
  "controller/reconcile/last-good.ts readLastGood": "earlier commits through loadPolicy (policy/load)",
  "controller/reconcile/ledger.ts readLedger":
    "an object that the API server validated against our schema (api/validator)",
  "controller/serve/webhook.ts readWebhookSecrets":
    "a file that the operator mounts, whose lines are keys and are not taken apart",
};

/** The sandbox reads what its own processes on this machine send; it never stands in a cluster. */
const IS_LEFT_OUT = /^controller\/sandbox\//;

function exportedReaders(): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(ROOT, "controller"), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(ROOT.length);
    if (!entry.isFile() || !path.endsWith(".ts") || IS_LEFT_OUT.test(path)) continue;
    const source = readFileSync(join(ROOT, path), "utf8");
    for (const [, name = ""] of source.matchAll(/^export (?:async )?(?:function\*? |const )(\w+)/gm))
      if (READS.test(name)) found.push(`${path} ${name}`);
  }
  return found.sort();
}

const readers = exportedReaders();
const covered = PARSERS.flatMap(({ covers }) => covers);

describe("the table of parsers", () => {
  it("has a row for every exported reader of text from outside", () => {
    const missing = readers.filter((reader) => !covered.includes(reader) && !Object.hasOwn(EXCEPTIONS, reader));

    expect(missing, "give it a row in test/fuzz/rows/, or an exception with its reason here").toEqual([]);
  });

  it("names nothing that is not there, and no exception that has a row", () => {
    const listed = [...covered, ...Object.keys(EXCEPTIONS)];

    expect(listed.filter((reader) => !readers.includes(reader))).toEqual([]);
    expect(Object.keys(EXCEPTIONS).filter((reader) => covered.includes(reader))).toEqual([]);
    expect(Object.entries(EXCEPTIONS).filter(([, why]) => why === "")).toEqual([]);
  });

  it("has a name for each row, seeds and words", () => {
    expect(new Set(PARSERS.map(({ name }) => name)).size).toBe(PARSERS.length);
    expect(PARSERS.filter(({ seeds, words }) => seeds.length === 0 || words.length === 0)).toEqual([]);
  });

  it.each(PARSERS.map((parser) => [parser.name, parser] as const))("%s takes its own seeds", async (_name, parser) => {
    for (const seed of parser.seeds) expect(await judge(parser, seed), seed).toBeUndefined();
  });
});
