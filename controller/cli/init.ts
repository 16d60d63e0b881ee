// `ringward init DIR`: a policy repository to start from. Whatever is not given by a flag is asked on a terminal, and taken by default
// elsewhere. It writes files and nothing else.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { UserError } from "../errors.ts";
import { productFile } from "../place.ts";
import { asksForHelp, ownSurroundings, parseFlags, type Surroundings, wrongUse } from "./output.ts";
import { type Answers, type Question, QUESTIONS } from "./start/answers.ts";
import { mustBeFine } from "./start/judge.ts";
import { placeFiles } from "./start/place.ts";
import { startRepository } from "./start/repository.ts";

export const USAGE = `Usage: ringward init DIR [FLAGS]

Writes a policy repository to start from into DIR, which must be empty or not exist: baselines that follow what the
nodes' package sources offer, rings, a calendar, recipes, CODEOWNERS. On a terminal it asks for what no flag says.

${Object.values(QUESTIONS as Readonly<Record<string, Question>>)
  .map(({ flag, ask, otherwise }) => `  --${flag.padEnd(15)} ${ask}${otherwise === "" ? "" : ` [${otherwise}]`}`)
  .join("\n")}
  --no-input        ask nothing

--product and --image may be given more than once.

Exit codes: 0 written, and without findings of validate; 2 wrong use or failure.
`;

const LISTS: ReadonlySet<string> = new Set(["product", "image"]);

/** Somebody who can be asked. */
export interface Person {
  readonly ask: (question: string) => Promise<string>;
  readonly close: () => void;
}

/** Runs the command. */
export async function command(
  args: readonly string[],
  surroundings: Surroundings = ownSurroundings(),
  someone?: Person,
): Promise<number> {
  if (asksForHelp(args)) {
    surroundings.stdout.write(USAGE);
    return 0;
  }
  const { values, positionals } = parseFlags("init", args, {
    ...Object.fromEntries(
      Object.values(QUESTIONS as Readonly<Record<string, Question>>).map(({ flag }) => [
        flag,
        { type: "string" as const, multiple: LISTS.has(flag) },
      ]),
    ),
    "no-input": { type: "boolean" as const, default: false },
  });
  const [folder, more] = positionals;
  if (folder === undefined) throw wrongUse("init", "which folder? ringward init DIR");
  if (more !== undefined) throw wrongUse("init", `one folder at a time: what is "${more}"?`);
  const given = values as Readonly<Record<string, string | readonly string[] | boolean | undefined>>;
  const person = given["no-input"] === true ? undefined : (someone ?? personOf(surroundings));
  const answers = await gather(given, person?.ask, surroundings).finally(() => person?.close());
  const date = new Date(surroundings.clock.now()).toISOString().slice(0, 10).replaceAll("-", "");
  const files = startRepository({ answers, date, recipe: readRecipe });
  mustBeFine(files, surroundings.clock.now());
  placeFiles(folder, files);
  for (const path of [...files.keys()].sort()) surroundings.stdout.write(`${folder}/${path}\n`);
  surroundings.stderr.write(
    `${files.size} files, without findings of ringward validate. ${folder}/README.md says what comes next.\n`,
  );
  return 0;
}

type Ask = Person["ask"] | undefined;

/** Somebody at a terminal on both ends. */
function personOf({ terminal }: Surroundings): Person | undefined {
  if (!terminal || !process.stdin.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const gone = new Promise<never>((_, reject) => {
    lines.once("close", () => reject(new UserError("RW0236", "the questions were left", "nothing was written")));
  });
  // Closed at the end by ourselves: then nobody waits for an answer.
  gone.catch(() => undefined);
  return { ask: (question) => Promise.race([lines.question(question), gone]), close: () => lines.close() };
}

async function gather(
  given: Readonly<Record<string, string | readonly string[] | boolean | undefined>>,
  ask: Ask,
  { stderr }: Surroundings,
): Promise<Answers> {
  const answers: Record<string, unknown> = {};
  for (const [key, question] of Object.entries(QUESTIONS as Readonly<Record<string, Question>>)) {
    const flag = given[question.flag];
    if (flag !== undefined) answers[key] = question.take(Array.isArray(flag) ? flag.join(" ") : String(flag));
    else answers[key] = ask === undefined ? question.take(question.otherwise) : await askUntil(question, ask, stderr);
  }
  return answers as unknown as Answers;
}

/** Asks again where an answer is none. */
async function askUntil(question: Question, ask: NonNullable<Ask>, stderr: Surroundings["stderr"]): Promise<unknown> {
  for (;;) {
    const hint = question.otherwise === "" ? "" : ` [${question.otherwise}]`;
    const text = (await ask(`${question.ask}${hint}: `)).trim();
    try {
      return question.take(text === "" ? question.otherwise : text);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      stderr.write(`${error.message}\n`);
    }
  }
}

function readRecipe(name: string): string {
  const path = productFile(`policies/recipes/${name}.yaml`);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError(
      "RW0235",
      `recipe ${name} cannot be read: ${(error as Error).message}`,
      "it stands in policies/recipes/ of a checkout",
    );
  }
}
