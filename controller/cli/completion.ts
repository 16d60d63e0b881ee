// `ringward completion SHELL` prints what a shell sources; `ringward __complete WORDS…` answers it, in the form that kubectl asks its plugins for
// (`kubectl_complete-ringward`, cobra's: a word a line, then `:` and a directive). Flags are read from what `--help` prints, so there is one
// source. It reads no cluster: a Tab must not wait for one.
import { wrongUse } from "./wrong-use.ts";

/** cobra's ShellCompDirective: what else the shell may offer. */
const FILES = 0;
const NO_FILES = 4;

/** Flags that want a file or a folder. */
const PATHS: ReadonlySet<string> = new Set(["FILE", "DIR", "DUMPDIR"]);

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_ringward() {
  local line lines=() directive=0
  while IFS= read -r line; do
    case $line in :[0-9]*) directive=\${line#:} ;; *) lines+=("$line") ;; esac
  done < <(ringward __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=("\${lines[@]}")
  if [ "$directive" -eq 0 ]; then compopt -o default; fi
}
complete -F _ringward ringward
`,
  zsh: `#compdef ringward
_ringward() {
  local line directive=0
  local -a lines
  while IFS= read -r line; do
    case $line in :[0-9]*) directive=\${line#:} ;; *) lines+=("$line") ;; esac
  done < <(ringward __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  compadd -- "\${lines[@]}"
  if [ "$directive" -eq 0 ]; then _files; fi
}
compdef _ringward ringward
`,
  fish: `function __ringward_complete
  set -l words (commandline -opc) (commandline -ct)
  ringward __complete $words[2..] 2>/dev/null | string match -v ':*'
end
complete -c ringward -f -a '(__ringward_complete)'
`,
};

export const USAGE = `Usage: ringward completion ${Object.keys(SCRIPTS).join("|")}

Prints a script that completes commands and flags:

  source <(ringward completion bash)

As a plugin, "kubectl ringward" completes by itself (kubectl 1.26 or newer), once ringward is installed by npm.

Exit codes: 0 printed, 2 wrong use.
`;

/** Prints the script of a shell. */
export async function command(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [shell = "", ...more] = args;
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined || more.length > 0)
    throw wrongUse("completion", `which shell? ${Object.keys(SCRIPTS).join(", ")}`);
  process.stdout.write(script);
  return 0;
}

/** What there is to complete. */
export interface Commands {
  readonly names: readonly string[];
  /** What a command's --help prints; undefined: there is no such command. */
  readonly usageOf: (name: string) => Promise<string | undefined>;
}

/** Answers the words typed so far, the last of which is the one to complete and may be empty. */
export async function complete(words: readonly string[], commands: Commands): Promise<number> {
  const { offers, directive } = await offer(words, commands);
  process.stdout.write([...offers, `:${directive}`, ""].join("\n"));
  return 0;
}

async function offer(
  words: readonly string[],
  { names, usageOf }: Commands,
): Promise<{ readonly offers: readonly string[]; readonly directive: number }> {
  const current = words.at(-1) ?? "";
  const begun = (all: readonly string[]): readonly string[] => all.filter((word) => word.startsWith(current));
  if (words.length <= 1) return { offers: begun(names), directive: NO_FILES };
  const usage = await usageOf(words[0] ?? "");
  if (usage === undefined) return { offers: [], directive: NO_FILES };
  const wanted = valuesOf(usage, words.at(-2) ?? "");
  if (wanted !== undefined)
    return PATHS.has(wanted)
      ? { offers: [], directive: FILES }
      : { offers: begun(/^[a-z]+(?:\|[a-z]+)+$/.test(wanted) ? wanted.split("|") : []), directive: NO_FILES };
  if (current.startsWith("-")) return { offers: begun(flagsOf(usage)), directive: NO_FILES };
  return { offers: [], directive: /^Usage: ringward \S+ \[?(?:DIR|FILE)/.test(usage) ? FILES : NO_FILES };
}

/** The long flags that a usage text tells of. */
function flagsOf(usage: string): readonly string[] {
  return [...new Set([...(usage.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []), "--help"])].toSorted();
}

/** What a flag wants as its value, as the first line writes it (`-o text|json`, `--policy DIR`); undefined: nothing, or it is no flag. */
function valuesOf(usage: string, flag: string): string | undefined {
  if (!/^--?[a-z][a-z-]*$/.test(flag)) return undefined;
  return new RegExp(`(?<![\\w-])${flag} ([A-Z]+|[a-z]+(?:\\|[a-z]+)+)(?![\\w-])`).exec(usage)?.[1];
}
