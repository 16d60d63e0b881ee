// docs/seeded-bugs.md: every seeded bug, what it breaks, and what found it in the last hunt (test/seeded/results.json). Run this file, or
// `npm run generate`, to write the page.
import { FIELD_BUGS, NOT_OURS } from "../seeded/field-bugs.ts";
import { MUTANTS } from "../seeded/list.ts";
import type { Mutant } from "../seeded/mutant.ts";
import { type HuntResult, readResults } from "../seeded/results.ts";
import { SURVIVORS } from "../seeded/survivors.ts";

export const SEEDED_PAGE = "docs/seeded-bugs.md";

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** `B1, V1`; ids of invariants are links. */
function nameFinders(by: readonly string[]): string {
  return by
    .map((id) =>
      /^[A-Z]\d+$/.test(id) ? `[${id}](invariants.md#${id.toLowerCase()})` : id === "end" ? "another end" : id,
    )
    .join(", ");
}

function resultOf({ id, equivalent }: Mutant, results: ReadonlyMap<string, HuntResult>): string {
  if (equivalent !== undefined) return `equivalent: ${cell(equivalent)}`;
  const result = results.get(id);
  if (result === undefined) return "not hunted yet";
  const { found } = result;
  if (found !== undefined) return `${nameFinders(found.by)} (${found.trial})`;
  const why = SURVIVORS.get(id);
  const where = result.isWhole === true ? "**not found**" : "**not found** where it is likely; other trials are left";
  return why === undefined ? where : `${where}: ${cell(why)}`;
}

/** What is still to be done, and what is known of it. */
function survivorsOf(results: ReadonlyMap<string, HuntResult>): string {
  const left = MUTANTS.filter(({ id, equivalent }) => equivalent === undefined && results.get(id)?.found === undefined);
  if (left.length === 0) return "";
  const lines = left.map(({ id, says }) => {
    const why = SURVIVORS.get(id);
    return `- ${id} (${says})${why === undefined ? ": nobody has looked into it yet" : `: ${why}`}.\n`;
  });
  return `## What survives\n\nThese were not found. Where somebody looked into it, the line says what the trials lack.\n\n${lines.join("")}\n`;
}

/** The whole page. */
export function seededPage(): string {
  const results = new Map(readResults().map((result) => [result.id, result]));
  const row = (mutant: Mutant): string =>
    `| ${mutant.id} | ${cell(mutant.says)} | ${mutant.file.replace(/^controller\//, "")} | ${resultOf(mutant, results)} |\n`;
  const guards = MUTANTS.filter(({ kind }) => kind === "guard");
  const open = (list: readonly Mutant[]): readonly Mutant[] =>
    list.filter(({ equivalent }) => equivalent === undefined);
  const found = (list: readonly Mutant[]): number =>
    open(list).filter(({ id }) => results.get(id)?.found !== undefined).length;
  const [total, caught] = [open(guards).length, found(guards)];
  const waiting = open(MUTANTS).filter(({ id }) => {
    const result = results.get(id);
    return result === undefined || (result.found === undefined && result.isWhole !== true);
  }).length;
  const minutes = Math.ceil([...results.values()].reduce((sum, { seconds }) => sum + seconds, 0) / 60);
  const percent = total === 0 ? 0 : Math.floor((caught * 100) / total);
  return `<!-- Made from test/seeded/ and its last results. Do not edit. -->
# Seeded bugs

Does the machine that tries to break every promise find a promise that is broken? Each row is a bug that is put into the product's text
while its module is loaded, in a process of its own (\`npm run seeded\`); the product has no switch for it. Then the machine runs: small scenes of
people and other tools in the way, some with caches that are late, or with somebody who acts just before a request is sent; the rollouts of the crash
sweeps undisturbed, with two controllers, and with crashes and refusals; those about Git and forges; every order of two controllers in small
[scopes](contributing.md#exhaustive-search); and [simulated runs](contributing.md#simulation). A bug is found when an
[invariant](invariants.md) is violated, when a promise of a scene is (words such as \`hold\` or \`mode\`), when the run ends in another state than the
controller without the bug (\`another end\`), or when it does not end ([V1](invariants.md#v1)). "Equivalent" are bugs that no run can tell from the
controller as it is, because another guard stands behind: the row says which.

Found: ${found(FIELD_BUGS)} of ${open(FIELD_BUGS).length} field bugs, ${caught} of ${total} guards (${percent} %). ${guards.length - total} further guards are equivalent, ${waiting} of all bugs were not hunted yet, or not in every trial.
The runs that these results are of took ${minutes} minutes of processes on two busy cores, each bug in those trials in which it is likely to be found.

What the machine found in our own code while it was taught to find these, and what was mended:

- where half of a ring is enough, time went on soaking for one look while a verified node had fallen back (R2);
- a plan that was made from a late cache wrote an image again that somebody had put back a moment ago (D11);
- a machine that came back under the name of a vanished one was claimed while the failure of that one could not be written down yet: the new
  operation took the place of the old one's state, and the failure was forgotten (B8, B14).


${survivorsOf(results)}## Field bugs

What broke in tools of this kind in the field, put into our own protocol.

| bug | what it was | file | found by |
|---|---|---|---|
${FIELD_BUGS.map(row).join("")}
These have no place in our protocol:

${[...NOT_OURS].map(([number, why]) => `- field bug ${number}: ${why}.\n`).join("")}
## Guards

| bug | what is broken | file | found by |
|---|---|---|---|
${guards.map(row).join("")}`;
}
