// Equal things are one line: assets that stand still for one reason, targets at one step. Pure.
import { describeReason } from "../../api/reasons.ts";
import type { Instant } from "../../clock.ts";
import { shortName } from "../../core/asset-name.ts";
import type { AssetRow } from "../../core/model.ts";

/** Assets of one state that stand still for one reason. */
export interface Group {
  readonly state: string;
  readonly reason: string;
  /** Of several assets with their own names in it, those are `…`. */
  readonly message: string;
  /** Of the one that stands longest. */
  readonly since: Instant | undefined;
  readonly person: boolean;
  readonly rows: readonly AssetRow[];
}

/** Rows in the same state that stand still for the same reason in the same words. Those that need a person come first. */
export function groupRows(rows: readonly AssetRow[]): readonly Group[] {
  const groups = Map.groupBy(rows, (row) =>
    JSON.stringify([row.state, row.blockedBy[0]?.reason ?? standing(row), withoutName(row)]),
  );
  return [...groups.values()]
    .map((list): Group => {
      const block = list[0]?.blockedBy[0];
      const times = list.flatMap((row) => row.blockedBy[0]?.since ?? []);
      const [first] = list;
      return {
        state: first?.state ?? "",
        reason: block?.reason ?? (first === undefined ? "" : standing(first)),
        message: (list.length === 1 ? block?.message : first === undefined ? "" : withoutName(first)) ?? "",
        since: times.length === 0 ? undefined : times.reduce((oldest, time) => Math.min(oldest, time)),
        person: block !== undefined && describeReason(block.reason).care === "person",
        rows: list,
      };
    })
    .sort(
      (a, b) =>
        Number(b.person) - Number(a.person) ||
        b.rows.length - a.rows.length ||
        (a.reason + a.message + a.state < b.reason + b.message + b.state ? -1 : 1),
    );
}

/** So many messages of one reason are told one by one. */
const MOST_MESSAGES = 3;

/** The same, but that a reason with many different messages in one state is one group, with one of its messages as an example. */
export function mergeGroups(groups: readonly Group[]): readonly Group[] {
  const same = Map.groupBy(groups, ({ state, reason }) => JSON.stringify([state, reason]));
  return groups.flatMap((group) => {
    const list = same.get(JSON.stringify([group.state, group.reason])) ?? [];
    if (list.length <= MOST_MESSAGES) return [group];
    if (group !== list[0]) return [];
    const times = list.flatMap(({ since }) => since ?? []);
    return [
      {
        ...group,
        message: `for example ${group.message}`,
        since: times.length === 0 ? undefined : times.reduce((oldest, time) => Math.min(oldest, time)),
        rows: list.flatMap(({ rows }) => rows),
      },
    ];
  });
}

/** The message without the asset's own name: `node … was cordoned by somebody else`. */
function withoutName({ asset, blockedBy: [block] }: AssetRow): string {
  const message = block?.message ?? "";
  const name = asset.name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return message.replaceAll(new RegExp(`(?<![\\w.-])${name}(?![\\w-]|\\.\\w)`, "g"), "…");
}

/** What is said of a row that nothing blocks. */
function standing({ state, reason }: AssetRow): string {
  return reason === undefined ? state : `${state} (${reason})`;
}

/** Names of a few, else how many: `node/a, node/b`, `12 nodes, 3 workloads`. */
export function showNames(rows: readonly AssetRow[], most: number): string {
  return rows.length <= most ? rows.map((row) => shortName(row.asset)).join(", ") : countKinds(rows);
}

/** `12 nodes, 1 workload`. */
export function countKinds(rows: readonly AssetRow[]): string {
  const nodes = rows.filter(({ asset }) => asset.kind === "Node").length;
  const workloads = rows.length - nodes;
  const word = (number: number, one: string): string => `${number} ${one}${number === 1 ? "" : "s"}`;
  return [nodes > 0 ? word(nodes, "node") : "", workloads > 0 ? word(workloads, "workload") : ""]
    .filter((part) => part !== "")
    .join(", ");
}

/** What `ringward why` is asked with. */
export function whyArgument({ asset }: AssetRow): string {
  return `${asset.kind.toLowerCase()}/${asset.name}${asset.namespace === undefined ? "" : ` -n ${asset.namespace}`}`;
}
