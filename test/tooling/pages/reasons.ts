// docs/reasons.md: the closed table of reasons.
import { describeReason, REASONS } from "../../../controller/api/reasons.ts";

const CARE = { wait: "resolves by itself", person: "needs a person", info: "needs nobody" } as const;

export function reasonsPage(): string {
  const rows = REASONS.map((reason) => {
    const { care, text } = describeReason(reason);
    return `| <a id="${reason.toLowerCase()}"></a>\`${reason}\` | ${CARE[care]} | ${text} |`;
  });
  return `<!-- Made by \`npm run generate\` from controller/api/reasons.ts. Do not edit. -->
# Reasons

Every standstill has a name. These are all the names there are: conditions, events, metrics, the command line, pull requests
and the documentation use this one table.

| reason | care | meaning |
|---|---|---|
${rows.join("\n")}
`;
}
