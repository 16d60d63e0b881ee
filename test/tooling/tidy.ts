// What no committed file may hold: a path of the machine that it was written on, or the address of its package registry.
// Both leak where the work was done, and neither works anywhere else.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export interface Tracks {
  /** Strings that must not occur. */
  readonly words: readonly string[];
  /** Patterns that must not occur. */
  readonly patterns: readonly RegExp[];
}

/** What this machine would leave behind: the checkout's path, home folders, and the registry unless it is npm's own. */
export function tracksOfMachine(root: string): Tracks {
  const registry = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8", cwd: root }).trim();
  const host = URL.canParse(registry) ? new URL(registry).host : "";
  const checkout = root.replace(/\/$/, "");
  const home = homedir();
  return {
    // A checkout directly under / or a home like /root has too short a name to mean anything.
    words: [checkout, home].filter((path) => path.split("/").length > 2).concat(host === "" ? [] : [host]),
    patterns: [/(?<![\w.$}/])\/(home|Users)\/[a-z][\w.-]*\/[\w.-]/, /"resolved":\s*"https?:/, /\b[A-Z]:\\Users\\/],
  };
}

/** `file:line: …` for every trace in the committed (or staged) text files. */
export function findTracks(root: string, tracks: Tracks): string[] {
  const names = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8", cwd: root, maxBuffer: 64 << 20 })
    .split("\0")
    .filter((name) => name !== "" && name !== "test/tooling/tidy.ts" && name !== "test/tooling/tidy.test.ts");
  return names.flatMap((name) => {
    let text: string;
    try {
      text = readFileSync(join(root, name), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
    return text.includes("\0") ? [] : findInText(name, text, tracks);
  });
}

export function findInText(name: string, text: string, tracks: Tracks): string[] {
  if (!tracks.words.some((word) => text.includes(word)) && !tracks.patterns.some((pattern) => pattern.test(text)))
    return [];
  return text.split("\n").flatMap((line, index) => {
    const word =
      tracks.words.find((candidate) => line.includes(candidate)) ??
      tracks.patterns.map((pattern) => pattern.exec(line)?.[0]).find((match) => match !== undefined);
    return word === undefined ? [] : [`${name}:${index + 1}: holds ${word}`];
  });
}
