// What the scenarios reach: which members of the ports to git and forges write, every kind of write, and every place in the product that calls
// such a member. Nothing of it is listed by hand: a new member, kind or call that no scenario reaches is found.
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { PortName, Witness } from "./soul.ts";
import { isHouseWrite } from "./write-kind.ts";

const RECONCILE = fileURLToPath(new URL("../../controller/reconcile/", import.meta.url));

export interface Reached extends Witness {
  /** Members in whose calls something was written. */
  readonly writers: Record<PortName, ReadonlySet<string>>;
  /** First words of the writes. */
  readonly kinds: ReadonlySet<string>;
  /** `file:line` of every call. */
  readonly places: ReadonlySet<string>;
}

export function createReached(): Reached {
  const writers = { forge: new Set<string>(), git: new Set<string>() };
  const [kinds, places] = [new Set<string>(), new Set<string>()];
  let last: { readonly port: PortName; readonly member: string } | undefined;
  return {
    writers,
    kinds,
    places,
    called(port, member, from) {
      last = { port, member };
      const place = /controller\/reconcile\/([\w./-]+\.ts):(\d+)/.exec(from);
      if (place !== null) places.add(`${place[1] ?? ""}:${place[2] ?? ""}`);
    },
    wrote(name) {
      if (!isHouseWrite(name) || last === undefined) return;
      writers[last.port].add(last.member);
      kinds.add(name.split(" ")[0] ?? "");
    },
  };
}

/** Every place in the product where one of these members of a port is called. */
export async function findCalls(writers: Reached["writers"]): Promise<readonly string[]> {
  const calls: string[] = [];
  for (const file of (await readdir(RECONCILE, { recursive: true })).sort()) {
    // The wiring hands members on and calls none by itself.
    if (!file.endsWith(".ts") || file === "run-controller.ts") continue;
    const text = await readFile(`${RECONCILE}${file}`, "utf8");
    for (const [port, members] of Object.entries(writers)) {
      const call = new RegExp(String.raw`\b\w*${port}\s*\.\s*(?:${[...members].join("|")})\s*\(`, "gi");
      for (const { index, 0: found } of text.matchAll(call)) {
        const line = text.slice(0, index + found.trimEnd().length).split("\n").length;
        calls.push(`${file}:${line}`);
      }
    }
  }
  return calls;
}
