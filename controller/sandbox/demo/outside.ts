// What a person does to a demo that runs in another process: merging pull requests through the forge's REST API in the person's name,
// and mending the budget that allows nothing through the API server.
import { systemClock } from "../../clock.ts";
import { UserError } from "../../errors.ts";
import { createClient } from "../../kube/client.ts";
import { createTransport } from "../../kube/transport.ts";
import { BLOCKING_BUDGET } from "../fleet/quickstart.ts";
import { FORGE_OWNER, FORGE_REPOSITORY, PERSON_TOKEN } from "../start.ts";
import { mendBudget } from "./person.ts";

interface Pull {
  readonly number: number;
  readonly title: string;
  readonly state: "open" | "closed";
  readonly merged_at: string | null;
}

export interface MergeReport {
  /** A line for each pull request. */
  readonly lines: readonly string[];
  readonly failed: boolean;
}

/** Which pull requests the words name. Throws UserError RW0304 where they name none. */
export function readNumbers(words: readonly string[]): readonly number[] | "all" {
  if (words.length === 1 && words[0] === "all") return "all";
  const wrong = words.find((word) => !/^#?[1-9][0-9]{0,8}$/.test(word));
  if (words.length === 0 || wrong !== undefined)
    throw new UserError(
      "RW0304",
      wrong === undefined ? "merge which pull request?" : `${wrong} is not the number of a pull request`,
      "ringward demo merge N, or: ringward demo merge all",
    );
  return words.map((word) => Number(word.replace("#", "")));
}

/**
 * Merges the named pull requests, or all that are open, oldest first. The forge is named by the address that a demo or sandbox prints, or by
 * that of its API. Throws UserError RW0308 where no forge answers.
 */
export async function mergeFromOutside(forgeUrl: string, which: readonly number[] | "all"): Promise<MergeReport> {
  const address = forgeUrl.endsWith("/") ? forgeUrl.slice(0, -1) : forgeUrl;
  const apiUrl = address.replace(/^https?:\/\/[^/]+$/, "$&/api/v3");
  const base = `${apiUrl}/repos/${FORGE_OWNER}/${FORGE_REPOSITORY}/pulls`;
  const headers = { authorization: `Bearer ${PERSON_TOKEN}`, "content-type": "application/json" };
  const answer = await fetch(`${base}?state=all&per_page=100`, { headers }).catch((error: unknown) => {
    const { message, cause } = error as Error;
    const why = cause instanceof Error && cause.message !== "" ? cause.message : message;
    throw new UserError("RW0308", `no forge answers at ${apiUrl}: ${why}`, "start one with: ringward demo");
  });
  if (!answer.ok) throw new UserError("RW0308", `${apiUrl} answers ${answer.status}`, "name a demo's forge");
  const pulls = new Map(((await answer.json()) as readonly Pull[]).map((pull) => [pull.number, pull]));
  const open = [...pulls.values()].filter((pull) => pull.state === "open").map((pull) => pull.number);
  const wanted = (which === "all" ? open : which).toSorted((a, b) => a - b);
  if (wanted.length === 0) return { lines: ["no pull request waits"], failed: false };
  const lines: string[] = [];
  let failed = false;
  for (const number of wanted) {
    const pull = pulls.get(number);
    const refusal = pull === undefined ? missing(number, open) : await merge(pull, `${base}/${number}/merge`, headers);
    failed ||= refusal !== undefined;
    lines.push(refusal ?? `merged #${number}: ${pull?.title ?? ""}`);
  }
  return { lines, failed };
}

function missing(number: number, open: readonly number[]): string {
  return `there is no #${number} (${
    open.length === 0
      ? "none waits"
      : `waiting: ${open
          .toSorted((a, b) => a - b)
          .map((other) => `#${other}`)
          .join(", ")}`
  })`;
}

/** Why it was not merged; undefined: it was. */
async function merge(pull: Pull, url: string, headers: Record<string, string>): Promise<string | undefined> {
  if (pull.merged_at !== null) return `#${pull.number} is merged already: ${pull.title}`;
  if (pull.state !== "open") return `#${pull.number} was closed without being merged: ${pull.title}`;
  const answer = await fetch(url, { method: "PUT", headers, body: "{}" });
  if (answer.ok) return undefined;
  const { message } = (await answer.json()) as { readonly message?: string };
  return `#${pull.number} was not merged: ${message ?? answer.status}`;
}

/** Does what the scripted person does about the budget that allows nothing; answers what was done. */
export async function mendFromOutside(kubeconfig: string): Promise<string> {
  const transport = createTransport({ kubeconfig, clock: systemClock, userAgent: "ringward" });
  try {
    await mendBudget({ client: createClient(transport, { fieldManager: "kubectl", clock: systemClock }) });
  } finally {
    await transport.close();
  }
  return `PodDisruptionBudget ${BLOCKING_BUDGET.namespace}/${BLOCKING_BUDGET.name} spares one pod now`;
}
