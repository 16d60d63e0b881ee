// What stands in a repository and on its forge at the end of a run, without what may differ between two good runs: numbers, ids, times and
// commits. How often each thing was made is told, too: what was done twice and mended is still seen.
import { readMarker } from "../../controller/core/promotion/index.ts";
import type { MemoryForgePeople } from "../../controller/forge/memory/index.ts";
import { CONTROLLER_EMAIL, type House } from "./stage.ts";

type Pull = ReturnType<MemoryForgePeople["pulls"]>[number];

export function houseState(name: string, house: House): Readonly<Record<string, unknown>> {
  const { remote, forge } = house;
  const head = remote.people.head("main");
  const files = head === undefined ? [] : [...remote.people.commit(head).tree];
  return {
    [`${name} tree`]: Object.fromEntries(
      files
        .map(([path, file]) => [path, timeless(path, file.bytes.toString("utf8"))])
        .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
    ),
    [`${name} branches`]: [...remote.people.branches().keys()].sort(),
    [`${name} commits`]: tally(commitsOf(house)),
    ...Object.fromEntries(
      [...Map.groupBy(forge.people.pulls(), ({ head }) => head)].map(([head, pulls]) => [
        `${name} pull ${head}`,
        pulls.map((pull) => pullState(house, pull)),
      ]),
    ),
    // One that two made at once can only be closed.
    [`${name} issues`]: forge.people.issues().flatMap(({ title, state }) => (state === "open" ? [title] : [])),
  };
}

/** What a page says of times is as the run was; of levels only provenance is. */
function timeless(path: string, text: string): string {
  if (path.startsWith("evidence/")) return "a page";
  return text.replaceAll(/\b[0-9a-f]{40}\b/g, "COMMIT").replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME");
}

/** Who moved the tracked branch, and what each said. */
function commitsOf({ remote: { people } }: House): readonly string[] {
  const commits: string[] = [];
  for (let id = people.head("main"); id !== undefined; id = people.commit(id).parents[0]) {
    const { author, message } = people.commit(id);
    const who = author.includes(CONTROLLER_EMAIL) ? "Ringward" : "somebody";
    commits.push(`${who}: ${withoutNumbers(message.split("\n")[0] ?? "")}`);
  }
  return commits;
}

/** Labels are decoration: a pull request may be without. */
function pullState({ forge }: House, { headSha, state, title, body, comments, fork }: Pull): unknown {
  const checks = new Map(forge.people.statuses(headSha).map((status) => [status.name, status.state]));
  const said = comments.map((comment) => `${comment.author}: ${withoutNumbers(comment.body.split("\n")[0] ?? "")}`);
  const isKept = (line: string): boolean => line.includes("<!--");
  return {
    state,
    title,
    fork,
    closed: readMarker(body)?.closed,
    checks: [...checks].map(([check, verdict]) => `${check} ${verdict}`).sort(),
    // What is kept is there once; two that close at once may both say why.
    comments: [...said.filter(isKept), ...new Set(said.filter((line) => !isKept(line)))].sort(),
  };
}

function withoutNumbers(text: string): string {
  return text.replaceAll(/#\d+/g, "#N");
}

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
