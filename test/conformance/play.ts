// Plays a script on two servers at once and says where their answers differ. Each server fills the placeholders of a step with
// what it answered itself; then the normalised answers must be equal: status, headers, body, and the events of a watch in order.
import { systemClock } from "../../controller/clock.ts";
import { createNormaliser, isRecord } from "./normalise.ts";
import { send, watchWhile } from "./side.ts";
import type { Answer, Server } from "./side.ts";
import { createPairing } from "./pairing.ts";
import type { Step } from "./step.ts";

export interface Compared {
  readonly name: string;
  /** One line for each difference; none when the answers are equal. */
  readonly differences: readonly string[];
}

/** One server's half of a run. */
export interface Player {
  /** Carries out a step and answers with its normalised answer, and those of the steps inside, by name. */
  readonly play: (step: Step) => Promise<ReadonlyMap<string, unknown>>;
}

const UNTIL_MS = 5_000;

/** A player for one server. */
export function createPlayer(server: Server): Player {
  const known = new Map<string, unknown>();
  const normalise = createNormaliser(() => systemClock.now());

  async function ask(step: Step): Promise<Answer> {
    const deadline = systemClock.now() + UNTIL_MS;
    for (;;) {
      const answer = await send(server, step);
      if (step.until === undefined || answer.status === step.until || systemClock.now() > deadline) return answer;
      await systemClock.sleep(50);
    }
  }

  return {
    async play(step) {
      const answers = new Map<string, unknown>();
      const one = async (given: Step): Promise<void> => {
        const filled = fillIn(given, known) as Step;
        if (filled.forget === true) await server.forget();
        const answer =
          filled.watch === undefined
            ? await ask(filled)
            : await watchWhile(server, filled, async () => {
                for (const inner of given.watch?.during ?? []) await one(inner);
              });
        if (given.as !== undefined) known.set(given.as, answer.body);
        answers.set(given.name, normalise(answer));
      };
      await one(step);
      return answers;
    },
  };
}

/** Plays the steps on both and compares; `expected` is the one that is right. */
export async function compareServers(
  steps: readonly Step[],
  expected: Server,
  actual: Server,
): Promise<readonly Compared[]> {
  const [right, left] = [createPlayer(expected), createPlayer(actual)];
  const { differences } = createPairing();
  const compared: Compared[] = [];
  for (const step of steps) {
    const [wanted, got] = await Promise.all([right.play(step), left.play(step)]);
    for (const [name, answer] of wanted) compared.push({ name, differences: differences(answer, got.get(name)) });
  }
  return compared;
}

const PLACEHOLDER = /\$\{([^}]+)\}/gu;

function fillIn(value: unknown, known: ReadonlyMap<string, unknown>): unknown {
  if (typeof value === "string") return fillText(value, known);
  if (Array.isArray(value)) return value.map((item) => fillIn(item, known));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, below]) => [key, key === "during" ? below : fillIn(below, known)]),
  );
}

/** A text that is nothing but a placeholder becomes the value itself, whatever its type. */
function fillText(text: string, known: ReadonlyMap<string, unknown>): unknown {
  const whole = /^\$\{([^}]+)\}$/u.exec(text);
  if (whole !== null) return lookUp(whole[1] ?? "", known);
  return text.replaceAll(PLACEHOLDER, (_, path: string) => {
    const found = lookUp(path, known);
    return typeof found === "string" ? found : String(JSON.stringify(found));
  });
}

/** `cm.metadata.uid`; what nobody answered is a mistake of the script or a refusal before: it stands out as `<missing …>`. */
function lookUp(path: string, known: ReadonlyMap<string, unknown>): unknown {
  const [name = "", ...keys] = path.split(".");
  let at = known.get(name);
  for (const key of keys) at = isRecord(at) ? at[key] : Array.isArray(at) ? at[Number(key)] : undefined;
  return at ?? `<missing ${path}>`;
}
