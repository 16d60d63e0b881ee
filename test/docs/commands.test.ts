// Every command of the documentation is run as it stands there and prints what the page says, or is named with the reason why it is not.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { commandsOf } from "./commands/find.ts";
import { NOT_RUN } from "./commands/not-run.ts";
import { type Done, playPages, stepsOf } from "./commands/scenes.ts";
import { blocksOf, PAGES, ROOT } from "./pages.ts";

const COMMANDS = PAGES.flatMap((page) => commandsOf(page));

/** Where what was printed is not what the page shows; `…` on a line of its own stands for any number of lines. */
function difference(shown: readonly string[], printed: string): string | undefined {
  const lines = printed
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => line.trimEnd());
  const wanted = shown.map((line) => line.trimEnd());
  let at = 0;
  let skips = false;
  for (const line of wanted) {
    if (line.trim() === "…") {
      skips = true;
      continue;
    }
    const found = skips ? lines.indexOf(line, at) : lines[at] === line ? at : -1;
    if (found === -1) return `the page shows\n  ${line}\nand it printed\n${lines.slice(at).join("\n")}`;
    at = found + 1;
    skips = false;
  }
  return skips || at === lines.length ? undefined : `the page ends, and it went on\n${lines.slice(at).join("\n")}`;
}

describe("commands of the documentation", () => {
  let done: readonly Done[] = [];
  beforeAll(async () => {
    done = await playPages();
  });

  it("are run, each of them, unless a row says why not", () => {
    const run = COMMANDS.filter(({ page, text }) => done.some((one) => one.page === page && one.text === text));
    const named = COMMANDS.filter(({ page, text }) =>
      NOT_RUN.some((row) => row.pages.test(page) && row.command.test(text)),
    );

    expect(COMMANDS.filter((command) => !run.includes(command) && !named.includes(command))).toEqual([]);
    expect(run.filter((command) => named.includes(command))).toEqual([]);
    expect(run.length).toBeGreaterThan(12);
  });

  it("are named for a reason only while they stand somewhere", () => {
    const idle = NOT_RUN.filter(
      (row) => !COMMANDS.some(({ page, text }) => row.pages.test(page) && row.command.test(text)),
    );

    expect(idle.map(({ pages, command }) => `${pages} ${command}`)).toEqual([]);
  });

  it("are named with tests that exist", () => {
    const named = NOT_RUN.flatMap(({ why }) =>
      [...why.matchAll(/\btest\/[\w/-]+(?:\.test\.ts)?/g)].map(([path]) => path),
    );

    expect(named.length).toBeGreaterThan(4);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it("end well, or with what a command says of a policy or a cluster that is not as it should be", () => {
    const failed = done.filter(({ text, code }) => code > (text.startsWith("ringward ") ? 1 : 0));

    expect(
      failed.map(({ page, line, text, code, out }) => `${page}:${line}: ${text}: exit code ${code}\n${out}`),
    ).toEqual([]);
  });

  it("print what the page shows", () => {
    const shown = COMMANDS.filter(({ output }) => (output?.length ?? 0) > 0);
    const wrong = shown.flatMap(({ page, line, text, output = [] }) => {
      const one = done.find((other) => other.page === page && other.line === line);
      if (one === undefined) return [];
      const what = difference(output, one.out);
      return what === undefined ? [] : [`${page}:${line}: ${text}: ${what}`];
    });

    expect(wrong.join("\n\n")).toBe("");
  });

  it("validates every folder that a page writes to, and finds no error in it where the page shows none", () => {
    const writes = PAGES.flatMap((page) =>
      stepsOf(page).flatMap((step) =>
        step.type === "Write" && /^apiVersion: ringward\.dev\//m.test(step.text)
          ? [`${page}: ${step.path.split("/")[0]}`]
          : [],
      ),
    );
    const validated = COMMANDS.flatMap(({ page, text }) => {
      const folder = /^ringward validate ([\w-]+)/.exec(text)?.[1];
      return folder === undefined ? [] : [`${page}: ${folder}`];
    });
    const failed = done.filter(
      ({ text, out, code }) => text.startsWith("ringward validate") && (code > 0 || / error: /.test(out)),
    );
    const shown = (one: Done) =>
      COMMANDS.some(
        ({ page, line, output }) =>
          page === one.page && line === one.line && output?.some((text) => / error: /.test(text)) === true,
      );

    expect(writes.filter((one) => !validated.includes(one))).toEqual([]);
    expect(failed.filter((one) => !shown(one)).map(({ page, line, out }) => `${page}:${line}: ${out}`)).toEqual([]);
  });

  it("stand in blocks that are read: no line that looks like one is in a block of another kind, or begins with an unknown program", () => {
    const odd = PAGES.flatMap((page) =>
      blocksOf(page)
        .filter(({ language }) => !["yaml", "json", "ts", "promql", "mermaid"].includes(language))
        .flatMap((block) =>
          block.lines.filter(
            (line) => /^[a-z][\w-]* (.* )?--[a-z]/.test(line) && !commandsOf(page).some(({ text }) => isOf(line, text)),
          ),
        ),
    );

    expect(odd).toEqual([]);
  });
});

function isOf(line: string, text: string): boolean {
  return text.startsWith(
    line.replace("npm run -s ringward --", "ringward").replace(/ *\\$/, "").replaceAll(/ {2,}/g, " ").slice(0, 20),
  );
}

describe("how commands of pages are read", () => {
  const PAGE =
    "```console\n$ ringward version\n0.1.0\n$ ringward plan --policy a \\\n    --cluster b   # both\n…\n```\n\n```\nkubectl get nodes\nsome output\n```\n";

  it("takes what is typed and what is printed, joins lines and drops comments", () => {
    expect(commandsOf("page.md", PAGE).map(({ line, text, output }) => [line, text, output])).toEqual([
      [2, "ringward version", ["0.1.0"]],
      [4, "ringward plan --policy a --cluster b", ["…"]],
      [10, "kubectl get nodes", undefined],
    ]);
  });

  it("compares what is printed line by line, and skips where the page does", () => {
    expect(difference(["a", "…", "d"], "a\nb\nc\nd\n")).toBeUndefined();
    expect(difference(["a", "d"], "a\nb\nd\n")).toContain("the page shows\n  d");
    expect(difference(["a"], "a\nb\n")).toContain("went on");
    expect(difference(["a", "…"], "a\nb\n")).toBeUndefined();
  });

  it("knows pages that do something", () => {
    expect(PAGES.filter((page) => stepsOf(page).length > 0).length).toBeGreaterThan(4);
  });
});
