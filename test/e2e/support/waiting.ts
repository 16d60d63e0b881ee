// Waiting for conditions, never for a time: a test that fails says what it waited for and what was there instead.
import { systemClock } from "../../../controller/clock.ts";

export interface WaitOptions {
  /** Gives up after so long; generous, because a busy machine is slow. */
  readonly withinMs: number;
  /** Pause between two looks. */
  readonly everyMs?: number;
}

/** Looks until `look` answers something else than undefined, and answers that. `state` describes what was there at the end. */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  { withinMs, everyMs = 200 }: WaitOptions,
  state: () => Promise<string> | string = () => "",
): Promise<T> {
  const begun = systemClock.monotonic();
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (systemClock.monotonic() - begun > withinMs)
      throw new Error(`waited ${Math.round(withinMs / 1000)} s for ${what}. ${await state()}`);
    await systemClock.sleep(everyMs);
  }
}
