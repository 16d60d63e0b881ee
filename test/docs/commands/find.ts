// Command lines in the documentation's blocks. A block `console` holds `$ COMMAND` and below it what it prints; in other blocks a line
// is a command when it begins with a program that the pages use.
import { type Block, blocksOf } from "../pages.ts";

/** What pages type. A new one is added here, or its lines would not be seen: a test looks for lines that look like one. */
const PROGRAMS =
  "ringward|npm|node|kubectl|helm|buildah|git|cp|mkdir|rm|mv|cat|echo|export|alias|docker|sh|curl|diff|grep|sed|[A-Z][A-Z_]*=\\S*";
const COMMAND = new RegExp(`^(?:${PROGRAMS})(?= |$)(?! {2,}http)`);

export interface Command {
  readonly page: string;
  readonly line: number;
  /** As it is typed, continuation lines joined, without the comment behind it; `npm run -s ringward --` is `ringward`. */
  readonly text: string;
  /** Lines below it in a `console` block; undefined elsewhere. */
  readonly output?: readonly string[];
}

/** The commands of a page, in order. */
export function commandsOf(page: string, text?: string): readonly Command[] {
  return blocksOf(page, text).flatMap(commandsIn);
}

/** The commands of a block. */
export function commandsIn(block: Block): readonly Command[] {
  if (!["", "sh", "console"].includes(block.language)) return [];
  const console = block.language === "console";
  const found: (Command & { readonly output?: string[] })[] = [];
  for (let index = 0; index < block.lines.length; index += 1) {
    const first = block.lines[index] ?? "";
    const line = console ? first.replace(/^\$ /, "") : first;
    if (console ? line === first : !COMMAND.test(line)) {
      found.at(-1)?.output?.push(first);
      continue;
    }
    const start = index;
    let typed = line;
    while (typed.endsWith("\\")) typed = `${typed.slice(0, -1).trimEnd()} ${(block.lines[(index += 1)] ?? "").trim()}`;
    const command = { page: block.page, line: block.line + start, text: plain(typed) };
    found.push(console ? { ...command, output: [] } : command);
  }
  return found;
}

function plain(typed: string): string {
  return typed
    .replace(/ {2,}# .*$/, "")
    .replace(/npm run -s ringward --/, "ringward")
    .replaceAll(/ {2,}/g, " ")
    .trim();
}
