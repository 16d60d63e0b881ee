// Merging pull requests of a demo that runs in another process, through the forge's REST API, in the person's name.
import { FORGE_OWNER, FORGE_REPOSITORY, PERSON_TOKEN } from "../start.ts";

interface Pull {
  readonly number: number;
  readonly title: string;
}

/** Merges the named pull requests, or `all` that are open. */
export async function mergeFromOutside(
  apiUrl: string,
  which: readonly string[],
): Promise<{ readonly lines: readonly string[]; readonly failed: boolean }> {
  const base = `${apiUrl}/repos/${FORGE_OWNER}/${FORGE_REPOSITORY}/pulls`;
  const headers = { authorization: `Bearer ${PERSON_TOKEN}`, "content-type": "application/json" };
  const answer = await fetch(`${base}?state=open&per_page=100`, { headers });
  const open = (await answer.json()) as readonly Pull[];
  const wanted = which.includes("all") ? open.map((pull) => pull.number).sort((a, b) => a - b) : which.map(Number);
  const lines: string[] = [];
  let failed = false;
  for (const number of wanted) {
    const merged = await fetch(`${base}/${number}/merge`, { method: "PUT", headers, body: "{}" });
    const { message } = (await merged.json()) as { readonly message?: string };
    failed ||= !merged.ok;
    lines.push(
      merged.ok
        ? `merged #${number}: ${open.find((pull) => pull.number === number)?.title ?? ""}`
        : `#${number} was not merged: ${message ?? merged.status}`,
    );
  }
  if (wanted.length === 0) lines.push("no pull request waits");
  return { lines, failed };
}
