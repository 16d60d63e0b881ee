// `ringward reconcile`: asks whoever leads to look at the policy repository now, and with --wait waits until that was done and says what was
// found. What the answer is core/look-requests.ts decides.
import type { Clock, Random } from "../clock.ts";
import { createLookJudge, type Look } from "../core/look-requests.ts";
import { UserError } from "../errors.ts";
import type { Client } from "../kube/client.ts";
import { ApiError, TransportError } from "../kube/port.ts";
import { POLICY_REPOSITORIES } from "../kube/resources.ts";
import { findRepository, newRequest, requestLook, type StoredRepository } from "../reconcile/look-request.ts";
import { type Done, referTo, type Scene } from "./act-scene.ts";
import { explainRefusal } from "./cluster-view.ts";
import type { Wait } from "./live/wait.ts";
import { oneLine, showLength, type Surroundings } from "./output.ts";

/** How it is asked. */
export interface Asking {
  readonly random: Random;
  /** Set where the answer is waited for. */
  readonly wait: Pick<Wait, "timeoutMs"> | undefined;
}

/** Asks, and with --wait waits for the answer. */
export async function requestReconcile({ client, now }: Scene, { random, wait }: Asking): Promise<Done> {
  const repository = await findRepository(client);
  if (repository === undefined)
    throw new UserError(
      "RW0222",
      "there is no PolicyRepository to look at",
      "rings without one are planned from their objects",
    );
  const { name } = repository.metadata;
  const suspended = repository.spec.suspend === true;
  if (suspended && wait !== undefined) return { text: `${sayHeld(name)}; nothing was asked`, refused: true };
  const value = newRequest(now, random);
  const asked = await requestLook(client, repository, value);
  return {
    text: `the controller is asked to look at ${name}${suspended ? ", which it does when spec.suspend is false" : ""}`,
    regarding: referTo(repository, POLICY_REPOSITORIES),
    ...(wait === undefined
      ? {}
      : { after: (surroundings) => waitForLook({ client, asked, value, wait, surroundings }) }),
  };
}

function sayHeld(name: string): string {
  return `${name} is suspended: nobody looks at it before spec.suspend is false`;
}

/** One small object is read so often. */
const LOOK_MS = 500;
/** And no answer is awaited longer. */
const READ_MS = 3_000;
/** Somebody who overwrites us again and again is not fought more often than this. */
const ASK_AGAIN_MS = 5_000;
/** So many documents are named. */
const MOST_NAMED = 5;

interface Waited {
  readonly client: Client;
  readonly asked: StoredRepository;
  readonly value: string;
  readonly wait: NonNullable<Asking["wait"]>;
  readonly surroundings: Surroundings;
}

/** Exit code 0: looked at, and Ready. While the API server does not answer nothing is concluded, and only the timeout ends it. */
async function waitForLook({ client, asked, value, wait, surroundings }: Waited): Promise<number> {
  const { clock, stderr, stdout } = surroundings;
  const { name } = asked.metadata;
  const stop = new AbortController();
  const unlisten = surroundings.onInterrupt?.(() => stop.abort(new Error("interrupted")));
  const began = clock.monotonic();
  const elapsed = (): number => clock.monotonic() - began;
  const judge = createLookJudge(asked, value);
  const reader = createReader(client, name, surroundings);
  let askedAt = began;
  try {
    while (!stop.signal.aborted) {
      const read = await reader.read();
      const look: Look = read.kind === "Unknown" ? { kind: "Open" } : judge(read.repository);
      const end = describeLook(look, name, elapsed());
      if (end !== undefined) {
        (look.kind === "Ready" ? stdout : stderr).write(`${end.line}\n`);
        for (const line of end.more) stderr.write(`${line}\n`);
        return look.kind === "Ready" ? 0 : 1;
      }
      if (look.kind === "Overwritten" && clock.monotonic() - askedAt >= ASK_AGAIN_MS) {
        askedAt = clock.monotonic();
        // Like every write here it may fail; it is tried again.
        await requestLook(client, asked, value).catch(() => undefined);
      }
      const left = wait.timeoutMs === undefined ? LOOK_MS : wait.timeoutMs - elapsed();
      if (left <= 0) {
        stderr.write(`${name} was not looked at within ${showLength(elapsed())}: does a controller run and lead?\n`);
        return 1;
      }
      await pause(clock, Math.min(LOOK_MS, left), stop.signal);
    }
    return 1;
  } finally {
    unlisten?.();
  }
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch(() => undefined);
}

/** The end as a person reads it; undefined: it is none. */
function describeLook(
  look: Look,
  name: string,
  elapsedMs: number,
): { readonly line: string; readonly more: readonly string[] } | undefined {
  const after = `${name} was looked at after ${showLength(elapsedMs)}`;
  switch (look.kind) {
    case "Open":
    case "Overwritten":
      return undefined;
    case "Suspended":
      return { line: sayHeld(name), more: [] };
    case "Gone":
      return { line: `${name} was deleted while it was waited for`, more: [] };
    case "Failed":
      return { line: `${after}: ${look.reason}: ${oneLine(look.message)}`, more: [] };
    case "Ready":
      return { line: `${after}: commit ${look.commit} is in force`, more: describeProblems(look.problems) };
  }
}

function describeProblems(problems: readonly string[]): readonly string[] {
  const lines = problems.slice(0, MOST_NAMED).map((line) => `warning: not in force: ${oneLine(line)}`);
  const more = problems.length - MOST_NAMED;
  return more <= 0 ? lines : [...lines, `warning: and ${more} more`];
}

type Read =
  | { readonly kind: "Unknown" }
  | { readonly kind: "Known"; readonly repository: StoredRepository | undefined };

/** Reads the repository; says once that the API server does not answer, and once that it does again. Throws UserError where it refuses. */
function createReader(
  client: Client,
  name: string,
  { stderr }: Pick<Surroundings, "stderr">,
): { readonly read: () => Promise<Read> } {
  let away = false;
  return {
    async read() {
      try {
        const repository = await client.get<StoredRepository>(POLICY_REPOSITORIES, { name }, { timeoutMs: READ_MS });
        if (away) stderr.write("the API server answers again\n");
        away = false;
        return { kind: "Known", repository };
      } catch (error) {
        if (error instanceof ApiError && [401, 403].includes(error.code)) throw explainRefusal(error);
        if (!(error instanceof ApiError) && !(error instanceof TransportError)) throw error;
        if (!away) stderr.write(`the API server does not answer (${oneLine(error.message)})\n`);
        away = true;
        return { kind: "Unknown" };
      }
    },
  };
}
