// What people did with ended proposals, asked of the forge only where it matters now and not again while a pull request is as it was:
// a merge does not change any more, a refusal may be followed by a wish to be asked again.
import type { Clock } from "../../clock.ts";
import { type ProposalPeople, readPeople } from "../../core/promotion/index.ts";
import type { Forge, PullRequest } from "../../forge/port.ts";

/** By number; losing it costs one reading each. */
export type Histories = Map<
  number,
  { readonly key: string; readonly people: ProposalPeople; readonly readAt: number; readonly settled: boolean }
>;

/**
 * Forges tell times to the second: what happens in the second of a reading, after it, leaves the same time. Each state is read once more
 * when that second is long over. Milliseconds.
 */
const READ_AGAIN_MS = 60_000;

/** The people of one ended pull request; undefined for an open one. Throws what the forge throws. */
export async function peopleOf(
  forge: Forge,
  pull: PullRequest,
  histories: Histories,
  transport: Clock,
): Promise<ProposalPeople | undefined> {
  if (pull.state === "open") return undefined;
  const key = pull.state === "merged" ? "merged" : JSON.stringify([pull.updatedTime, pull.labels]);
  const known = histories.get(pull.number);
  const now = transport.monotonic();
  const same = known?.key === key;
  if (known !== undefined && same && (known.settled || now - known.readAt < READ_AGAIN_MS)) return known.people;
  const people = readPeople(await forge.history(pull.number), pull);
  histories.set(pull.number, { key, people, readAt: now, settled: same || pull.state === "merged" });
  return people;
}
