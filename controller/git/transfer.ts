// Bounds of one network operation. git itself ends what is silent; a server that talks for ever, or sends more than anybody would keep policy in,
// is ended here: by the clock, and by the size of the pack that grows in the store.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";

export interface TransferLimits {
  /** Milliseconds. */
  readonly maxMs: number;
  /** Bytes of what is being received. */
  readonly maxBytes: number;
}

export const defaultTransferLimits: TransferLimits = { maxMs: 600_000, maxBytes: 2 * 1024 ** 3 };

/** How often is looked, ms. */
const LOOK_MS = 250;

/** Runs one operation on a store; `signal` ends it where it is over the limits. Throws UserError RW1136 then, or what the operation throws. */
export async function withinLimits<T>(
  store: string,
  { maxMs, maxBytes }: TransferLimits,
  clock: Clock,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  let ended = false;
  let excess: UserError | undefined;
  const watch = async (): Promise<void> => {
    const begun = clock.monotonic();
    while (!ended) {
      await clock.sleep(LOOK_MS, abort.signal).catch(() => undefined);
      if (ended) return;
      if (clock.monotonic() - begun > maxMs) excess = tooLong(maxMs);
      else if ((await received(store)) > maxBytes) excess = tooMuch(maxBytes);
      if (excess !== undefined && !ended) return abort.abort(excess);
    }
  };
  void watch();
  try {
    return await run(abort.signal);
  } catch (error) {
    throw excess ?? error;
  } finally {
    ended = true;
    abort.abort();
  }
}

function tooLong(maxMs: number): UserError {
  const text = `the server had not finished after ${Math.round(maxMs / 1000)} s`;
  return new UserError(
    "RW1136",
    text,
    "see what the server sends, and whether the repository is the one that was meant",
  );
}

function tooMuch(maxBytes: number): UserError {
  const text = `the server sends more than ${maxBytes} bytes at once`;
  return new UserError("RW1136", text, "keep policy in a repository of its own");
}

/** Bytes of packs that are on their way. */
async function received(store: string): Promise<number> {
  const folder = join(store, "objects/pack");
  const names = await readdir(folder).catch(() => []);
  const sizes = names
    .filter((name) => name.startsWith("tmp_pack_"))
    .map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  let sum = 0;
  for (const size of await Promise.all(sizes)) sum += size;
  return sum;
}
