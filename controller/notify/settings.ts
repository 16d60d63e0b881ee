// Whom to tell, from the file that the operator gives. It names files with addresses and keys; it holds none itself, and neither does any error.
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { explainError, type SchemaProblem } from "../api/explain.ts";
import { AtomicList, ObjectName, type Static, StringEnum, Type } from "../api/schema.ts";
import { type Audience, NOTIFICATION_EVENTS } from "../core/notify/index.ts";
import { UserError } from "../errors.ts";
import { readDocuments, writePointer } from "../policy/documents.ts";
import { showText } from "../printable.ts";

const CLOSED = { additionalProperties: false };

function MountedFile(description: string) {
  return Type.String({ description, minLength: 1, maxLength: 512, pattern: "^/" });
}

const Destination = Type.Object(
  {
    name: Type.String({
      description: "Stands in the status of rings and in metrics; a new name is a new destination.",
      minLength: 1,
      maxLength: 63,
      pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    }),
    type: StringEnum(["Slack", "Webhook", "CommitStatus"] as const, "How it is spoken to."),
    urlFile: Type.Optional(MountedFile("File that holds the address, which is a secret, of Slack or a Webhook.")),
    hmacKeyFile: Type.Optional(MountedFile("File with the key that a Webhook's body is signed with.")),
    events: Type.Optional(
      AtomicList(StringEnum(NOTIFICATION_EVENTS, "Event."), "What is told; left out: everything.", 5, { minItems: 1 }),
    ),
    rings: Type.Optional(
      AtomicList(ObjectName("RolloutRing."), "Rings that are told of; left out: all.", 128, { minItems: 1 }),
    ),
  },
  CLOSED,
);

const NotificationSettings = Type.Object(
  { destinations: Type.Array(Destination, { minItems: 1, maxItems: 16 }) },
  CLOSED,
);

/** An address that messages are posted to. */
export interface PostSettings extends Audience {
  readonly type: "Slack" | "Webhook";
  readonly urlFile: string;
  readonly hmacKeyFile?: string;
}

/** Commits of the policy repository, spoken to through the forge that the PolicyRepository names. */
export interface CommitStatusSettings extends Audience {
  readonly type: "CommitStatus";
}

export type DestinationSettings = PostSettings | CommitStatusSettings;

/** Reads the file. Throws `UserError` RW1401 (it cannot be read) and RW1402 (it is not as it should be, with every place). */
export function loadDestinations(path: string): readonly DestinationSettings[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as { readonly code?: string };
    throw new UserError(
      "RW1401",
      `${path} cannot be read: ${code ?? "unknown"}`,
      "mount the file of --notifications there",
    );
  }
  return readDestinations(path, text);
}

/** What such a text says. Throws `UserError` RW1402. */
export function readDestinations(path: string, text: string): readonly DestinationSettings[] {
  const { documents, problems } = readDocuments(path, text, { maxDocuments: 1 });
  const [document] = documents;
  const wrong = problems.map((one) => sayWrong(one, one.path, one.message, one.hint));
  if (document === undefined && wrong.length === 0) wrong.push(`${path}:1:1: the file is empty (list destinations)`);
  const settings = document?.value as Static<typeof NotificationSettings> | undefined;
  if (document !== undefined && wrong.length === 0)
    for (const { pointer, message, hint, atKey } of judge(document.value))
      wrong.push(
        sayWrong(
          { file: path, ...document.positionOf(pointer, atKey ? "key" : "value") },
          writePointer(pointer),
          message,
          hint,
        ),
      );
  if (settings === undefined || wrong.length > 0)
    throw new UserError("RW1402", wrong.join("\n"), "docs/notifications.md describes the file");
  return settings.destinations.map(settle);
}

function settle({ name, type, urlFile, hmacKeyFile, events, rings }: Static<typeof Destination>): DestinationSettings {
  if (type === "CommitStatus") return { name, type, events, rings };
  // Judged before: it is there.
  const post = { name, type, urlFile: urlFile ?? "", events, rings };
  return hmacKeyFile === undefined ? post : { ...post, hmacKeyFile };
}

function sayWrong(
  { file, line, column }: { readonly file: string; readonly line: number; readonly column: number },
  path: string,
  message: string,
  hint: string | undefined,
): string {
  const what = `${path === "" ? "" : `${path}: `}${message}${hint === undefined || hint === "" ? "" : ` (${hint})`}`;
  return showText(`${file}:${line}:${column}: ${what}`);
}

function judge(value: unknown): readonly SchemaProblem[] {
  const ajv = new Ajv({ strict: true, strictTypes: false, allErrors: true, verbose: true });
  ajv.addKeyword("x-kubernetes-list-type");
  const check = ajv.compile(NotificationSettings);
  if (!check(value)) return (check.errors ?? []).map((error) => withoutValue(explainError(error, value)));
  const { destinations } = value as Static<typeof NotificationSettings>;
  return destinations.flatMap(({ name, type, urlFile, hmacKeyFile }, index): readonly SchemaProblem[] => {
    const at = (field: string, code: SchemaProblem["code"], message: string, hint: string): SchemaProblem => ({
      pointer: ["destinations", index, field],
      atKey: false,
      code,
      message,
      hint,
    });
    return [
      ...(destinations.findIndex((one) => one.name === name) === index
        ? []
        : [at("name", "Duplicate", `destination "${name}" is there already`, "give each a name of its own")]),
      // Two that choose otherwise would say different things in one place.
      ...(type === "CommitStatus" && destinations.findIndex((one) => one.type === type) !== index
        ? [at("type", "Duplicate", "another destination writes statuses of commits", "keep one of them")]
        : []),
      ...(type !== "Webhook" && hmacKeyFile !== undefined
        ? [at("hmacKeyFile", "InvalidValue", "only a Webhook is signed", "remove it")]
        : []),
      ...(type === "CommitStatus" && urlFile !== undefined
        ? [at("urlFile", "InvalidValue", "commits are reached through the PolicyRepository's forge", "remove it")]
        : []),
      ...(type !== "CommitStatus" && urlFile === undefined
        ? [at("urlFile", "MissingField", 'field "urlFile" is required', "name the file with the address")]
        : []),
    ];
  });
}

/** Whoever writes an address where a file belongs must not find it in a log: no message shows what stands there. */
function withoutValue(problem: SchemaProblem): SchemaProblem {
  const field = problem.pointer.at(-1);
  return (field === "urlFile" || field === "hmacKeyFile") && problem.code === "InvalidValue"
    ? {
        ...problem,
        message: "is not the absolute path of a file",
        hint: "put the secret into a file, and its path here",
      }
    : problem;
}
