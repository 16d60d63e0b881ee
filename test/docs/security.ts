// docs/security.md: what is looked for to keep Ringward secure, and the test that holds each of it, or why there is none. A test looks each of
// them up by file and title. Run this file, or `npm run generate`, to write the page.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMain } from "../tooling/is-main.ts";
import type { SecurityCheck } from "./security/check.ts";
import { AVAILABILITY, CLUSTER, SECRETS, SUPPLY } from "./security/cluster.ts";
import { FORGE, GIT_INTAKE, WEBHOOKS } from "./security/intake.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
export const SECURITY_PAGE = "docs/security.md";

interface Group {
  readonly title: string;
  readonly checks: readonly SecurityCheck[];
}

export const SECURITY_GROUPS: readonly Group[] = [
  { title: "Git intake", checks: GIT_INTAKE },
  { title: "Forge and approvals", checks: FORGE },
  { title: "Webhooks", checks: WEBHOOKS },
  { title: "Rights in the cluster", checks: CLUSTER },
  { title: "Secrets and logs", checks: SECRETS },
  { title: "Availability", checks: AVAILABILITY },
  { title: "Supply chain", checks: SUPPLY },
];

/** Text of a table's cell. */
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

/** Tests of one file behind its link. */
function heldBy({ tests, open }: SecurityCheck): string {
  const files = Map.groupBy(tests, ([file]) => file);
  const held = [...files].map(
    ([file, titles]) =>
      `[${file.replace(/(\.test)?\.ts$/, "")}](../test/${file}): ${titles.map(([, title]) => `“${cell(title)}”`).join(", ")}`,
  );
  return [...held, ...(open === undefined ? [] : [`*${cell(open)}*`])].join("<br>");
}

/** The whole page. */
export function securityPage(): string {
  const all = SECURITY_GROUPS.flatMap(({ checks }) => checks);
  const none = all.filter(({ tests }) => tests.length === 0);
  const parts = all.filter(({ tests, open }) => tests.length > 0 && open !== undefined);
  const groups = SECURITY_GROUPS.map(
    ({ title, checks }) =>
      `\n## ${title}\n\n| check | what is looked for | held by |\n|---|---|---|\n${checks
        .map((check) => `| <a id="check-${check.id}"></a>${check.id} | ${cell(check.says)} | ${heldBy(check)} |\n`)
        .join("")}`,
  );
  return `<!-- Made from test/docs/security/. Do not edit. -->
# Security

Who is trusted with what, and ${all.length} checks, after audits and CVEs of tools of this kind. To report a hole:
[security policy](../.github/SECURITY.md). What is installed and what it may do: [install](install.md).

## Who is trusted with what

| who | may | and therefore |
|---|---|---|
| whoever writes the PolicyRepository or the DisruptionLedger, or installs | everything that Ringward may | it is never taken from Git |
| whoever may merge into \`recipes/\` or \`levels/\` | run commands of allowed images as root on nodes | both folders under owners of their own ([recipes](../policies/README.md)) |
| whoever may merge the rest of the policy | decide which nodes get which level, and when | budgets of the ledger and the brakes are not theirs |
| whoever opens a pull request | be judged and commented on | nothing of it is run, written to a file or believed |
| a node | say what it runs and what its source offers | its words are bounded and checked; it decides about no other node |
| the forge, git's server, gates, a webhook's sender | answer, late, wrong or hostile | bounded in time and size; none of them approves |

## How to read the checks

Each names the tests that hold it: their files, and titles as they stand there (\`%s\` and the like stand for rows of a table). A test fails
when one of them is not there any more. ${all.length - none.length} have tests; of ${parts.length} of these a part is open, and says so in italics;
${none.length} have none. Tests below \`e2e\` run on a real API server and those below \`recipes\` on real Debian and RPM roots; how to run them is
in [contributing](contributing.md).
${groups.join("")}`;
}

if (isMain(import.meta.url)) writeFileSync(join(ROOT, SECURITY_PAGE), securityPage());
