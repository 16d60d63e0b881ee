// Rings that say `promotion: Automatic`: their entries are written by one commit on the tracked branch. The commit that it stands on must say
// so itself, whatever was read before (A4).
import type { AutomaticPromotion } from "../../core/promotion/index.ts";
import { filesFor, findRing, messageFor } from "./files.ts";
import { ringSpecOf } from "./ring-edit.ts";
import { type About, attempt, type CarryOut, push, tell } from "./scene.ts";

/** One commit on the tracked branch with all entries of an Automatic ring and the level files that they name. */
export async function commitEntries(
  input: CarryOut,
  { ring, entries }: AutomaticPromotion,
): Promise<"Pushed" | "Moved" | "Skipped"> {
  const [first] = entries;
  const about: About = {
    ring: ring.name,
    level: first?.level.name,
    ...(first === undefined ? {} : { baseline: first.baseline }),
  };
  const outcome: { result: "Pushed" | "Moved" | "Skipped" } = { result: "Skipped" };
  await attempt(input, about, async () => {
    // The commit that this one stands on must say so itself, whatever was read before.
    if (ringSpecOf(findRing(ring, input).document)["promotion"] !== "Automatic") return;
    const files = filesFor(ring, entries, input);
    if (files.size === 0) return;
    const pushed = await push(input, input.branch, files, messageFor(ring, entries, files, input.head));
    outcome.result = pushed.kind;
    if (pushed.kind === "Pushed")
      tell(
        input,
        "Promoted",
        about,
        `ring ${ring.name}: ${entries.map(({ level }) => level.name).join(", ")} in commit ${pushed.commit.slice(0, 12)}`,
      );
  });
  return outcome.result;
}
