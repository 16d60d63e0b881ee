// Writes docs/promotion-pull-request.md and docs/policy-pull-request.md: what a demo's forge held of a promotion of Ringward's and of a
// person's change of policy. Takes some minutes; nothing on the pages is written by hand but the lines around what was recorded.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "../../controller/clock.ts";
import { REHEARSAL_MARKER } from "../../controller/reconcile/policy-pulls.ts";
import { mendFromOutside, mergeFromOutside } from "../../controller/sandbox/demo/outside.ts";
import { FORGE_OWNER, FORGE_REPOSITORY, PERSON_TOKEN } from "../../controller/sandbox/start.ts";
import { findDemo, type RunningDemo } from "../../controller/sandbox/workspace.ts";
import { pilotRing } from "../support/pilot-ring.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const LOOK_MS = 300;
const PATIENCE_MS = 20 * 60_000;
/** Slow enough that a busy machine does not miss the day's window. */
const RATE = "80";
const BRANCH = "half-of-early-first";
/** The promotion that is recorded, and whose turn it is when the person's change is opened. */
const [RECORDED, BEFORE] = ["broad: ubuntu-2204 to", "early: "];

interface Pull {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly state: string;
  readonly head: { readonly ref: string };
}

interface Recorded {
  readonly title: string;
  readonly body: string;
  comment: string;
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "ringward-record-"));
  // Other demos may run here: this one is found in a folder of its own.
  process.env["TMPDIR"] = directory;
  const demo = spawn(
    process.execPath,
    [
      join(ROOT, "controller/launch.cjs"),
      join(ROOT, "controller/main.ts"),
      "demo",
      "--keep",
      "--rate",
      RATE,
      "--timeout",
      "20m",
    ],
    { env: { ...process.env, TMPDIR: directory }, stdio: ["ignore", "inherit", "inherit"] },
  );
  const ended = new Promise<void>((resolve) => void demo.once("close", () => resolve()));
  try {
    const running = await until("a demo runs", () => Promise.resolve(findDemo()));
    await record(running, directory);
  } finally {
    demo.kill("SIGINT");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Plays the person: opens one change, merges what is proposed, and looks at both in the end. */
async function record(demo: RunningDemo, directory: string): Promise<void> {
  const forge = forgeOf(demo);
  const pulls = (): Promise<readonly Pull[]> => forge("GET", "/pulls?state=all&per_page=100");
  const comments = async (number: number): Promise<readonly string[]> =>
    (await forge<readonly { readonly body: string }[]>("GET", `/issues/${number}/comments`)).map(({ body }) => body);

  let change: Recorded | undefined;
  let promotion: (Recorded & Pick<Pull, "number">) | undefined;
  await until("both are recorded", async () => {
    const open = (await pulls()).filter(({ state, head }) => state === "open" && head.ref !== BRANCH);
    if (change === undefined && open.some(({ title }) => title.startsWith(BEFORE))) {
      const { number, title, body } = await openChange(demo, forge, directory);
      const comment = await until("its comment is there", async () =>
        (await comments(number)).find((text) => text.startsWith(REHEARSAL_MARKER)),
      );
      change = { title, body, comment };
      writeFileSync(join(ROOT, "docs/policy-pull-request.md"), changePage(change));
      await forge("PATCH", `/pulls/${number}`, { state: "closed" });
    }
    const recorded = open.find(({ title }) => title.startsWith(RECORDED));
    if (recorded !== undefined) promotion = { ...recorded, comment: "" };
    if (promotion !== undefined) await mendFromOutside(demo.kubeconfig);
    // The first ring's are asked for in any case; the person's change comes before any other one is merged.
    if (change !== undefined && open.length > 0)
      await mergeFromOutside(
        demo.forge,
        open.map(({ number }) => number),
      );
    if (promotion === undefined || change === undefined) return undefined;
    promotion.comment = (await comments(promotion.number)).find((text) => text.includes("*This is the result.*")) ?? "";
    if (promotion.comment === "") return undefined;
    writeFileSync(join(ROOT, "docs/promotion-pull-request.md"), promotionPage(promotion));
    return true;
  });
}

type Forge = <T>(method: string, path: string, body?: unknown) => Promise<T>;

function forgeOf(demo: RunningDemo): Forge {
  const base = `${demo.forge}/repos/${FORGE_OWNER}/${FORGE_REPOSITORY}`;
  const headers = { authorization: `Bearer ${PERSON_TOKEN}`, "content-type": "application/json" };
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
}

/** A person's change of policy, pushed with git. */
async function openChange(demo: RunningDemo, forge: Forge, directory: string): Promise<Pull> {
  const work = join(directory, "work");
  const secret = Buffer.from(`x:${PERSON_TOKEN}`).toString("base64");
  const git = (...args: readonly string[]) =>
    promisify(execFile)("git", [
      ...["-c", `http.extraHeader=Authorization: Basic ${secret}`],
      ...["-c", "user.name=Ana", "-c", "user.email=ana@example.com", ...args],
    ]);
  await git("clone", "--quiet", `${demo.url}/${FORGE_OWNER}/${FORGE_REPOSITORY}.git`, work);
  const { stdout } = await git("-C", work, "ls-files", "*rings/early.yaml");
  const folder = join(work, stdout.trim(), "../..");
  const files = pilotRing(readFileSync(join(folder, "rings/early.yaml"), "utf8"));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  await git("-C", work, "add", ".");
  await git("-C", work, "commit", "--quiet", "--message", "Half of early first");
  await git("-C", work, "push", "--quiet", "origin", `HEAD:refs/heads/${BRANCH}`);
  return forge<Pull>("POST", "/pulls", {
    title: "Half of early goes first, in a ring of its own",
    head: BRANCH,
    base: "main",
    body: "Ring `pilot` soaks for two hours.",
  });
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = systemClock.monotonic() + PATIENCE_MS;
  while (systemClock.monotonic() < end) {
    const found = await look();
    if (found !== undefined) return found;
    await systemClock.sleep(LOOK_MS);
  }
  throw new Error(`it never was so: ${what}`);
}

const today = (): string => new Date(systemClock.now()).toISOString().slice(0, 10);

function quote(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `> ${line}`.trimEnd())
    .join("\n");
}

const ORIGIN =
  "Nothing here is\nwritten by hand but this paragraph and the headings: `test/docs/record.ts` wrote it, and `test/docs/docs.test.ts` holds that the parts have\nthe names that the code gives them today.";

function promotionPage({ title, body, comment }: Recorded): string {
  return [
    "# A promotion pull request",
    "",
    `What \`ringward demo\` proposed and said on ${today()} for the demo's third ring, as the demo's forge held it. ${ORIGIN}`,
    "",
    "## Title",
    "",
    quote(title),
    "",
    "## Body",
    "",
    quote(body),
    "",
    "## The one comment, after the merge",
    "",
    quote(comment),
    "",
  ].join("\n");
}

function changePage({ title, body, comment }: Recorded): string {
  return [
    "# A pull request that changes policy",
    "",
    `What the controller of \`ringward demo\` said on ${today()} on a person's pull request, as the demo's forge held it. ${ORIGIN}`,
    "",
    "## What the person wrote",
    "",
    quote(`${title}\n\n${body}`),
    "",
    "## The one comment",
    "",
    quote(comment),
    "",
  ].join("\n");
}

await main();
