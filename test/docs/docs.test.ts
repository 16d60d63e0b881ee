// What the documentation says is there: links, commands, options, scripts, and the table of invariants.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { REHEARSAL_MARKER } from "../../controller/reconcile/policy-pulls.ts";
import { readPolicyFolder } from "../../controller/policy/folder.ts";
import { EXCLUDED, INVARIANTS } from "../../controller/sandbox/invariants/index.ts";
import { KINDS } from "../../controller/api/kinds.ts";
import { KIND_GUIDES } from "../tooling/pages/kind-guides.ts";
import { typeCommands } from "./commands/scenes.ts";
import { PAGES, readPage as read, ROOT } from "./pages.ts";
import { findIds, GROUPS, INVARIANTS_PAGE, invariantsPage } from "./invariants.ts";

function ringward(...args: readonly string[]): string {
  return execFileSync(
    process.execPath,
    [join(ROOT, "controller/launch.cjs"), join(ROOT, "controller/main.ts"), ...args],
    {
      encoding: "utf8",
    },
  );
}

/** Anchors that a page has: GitHub's of its headings, and explicit ones. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
  return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = ""]) => id)]);
}

function brokenLinks(page: string): readonly string[] {
  const text = read(page).replaceAll(/^```[\s\S]*?^```/gm, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? page : join(dirname(page), path);
    if (!existsSync(join(ROOT, target))) return [`${page}: ${link}`];
    if (anchor === undefined || statSync(join(ROOT, target)).isDirectory()) return [];
    return anchorsOf(read(target)).has(anchor) ? [] : [`${page}: ${link} (no such anchor)`];
  });
}

/** Command lines of Ringward in code blocks and code spans: the command and the long options that go with it. */
function commandsIn(text: string): readonly { readonly command: string; readonly options: readonly string[] }[] {
  const code = [...text.matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].map(([block]) => block).join("\n");
  return [
    ...code.matchAll(/(?:^|[`(\s])(?:npm run -s ringward --|ringward|npm run -s demo --)[ \t]+([^\n`|#]*)/gm),
  ].flatMap(([line, rest = ""]) => {
    const words = rest.replaceAll("\\", " ").trim().split(/\s+/);
    const command = line.includes(" demo --") ? "demo" : (words[0] ?? "");
    return /^[a-z][a-z-]*$/.test(command) ? [{ command, options: words.filter((word) => /^--[a-z]/.test(word)) }] : [];
  });
}

describe("README and docs", () => {
  it("link to files and headings that exist", () => {
    expect(PAGES.length).toBeGreaterThan(20);
    expect(PAGES.flatMap(brokenLinks)).toEqual([]);
  });

  it("name commands and options that exist", async () => {
    const named = PAGES.flatMap((page) => commandsIn(read(page)).map((found) => ({ page, ...found })));
    const known = new Set([...ringward("--help").matchAll(/^ {2}([a-z-]+) /gm)].map(([, name = ""]) => name));
    const asked = [...new Set(named.map(({ command }) => command))].filter((name) => known.has(name));
    const answers = await typeCommands(asked.map((name) => `ringward ${name} --help`));
    const help = new Map(asked.map((name, index) => [name, answers[index]?.out ?? ""]));

    const wrong = named.flatMap(({ page, command, options }) => [
      ...(known.has(command) ? [] : [`${page}: ringward ${command}`]),
      ...options
        .map((option) => option.split("=")[0] ?? "")
        .filter((option) => option !== "--help" && help.get(command)?.includes(option) !== true)
        .map((option) => `${page}: ringward ${command} ${option}`),
    ]);

    expect(known.size).toBeGreaterThan(10);
    expect(named.length).toBeGreaterThan(20);
    expect(wrong).toEqual([]);
  }, 120_000);

  it("name npm scripts that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };
    const named = PAGES.flatMap((page) =>
      [...read(page).matchAll(/npm run (?:-s )?([a-z]+)/g)].map(([, name = ""]) => ({ page, name })),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(({ name }) => scripts[name] === undefined)).toEqual([]);
  });

  it("are found within two clicks from the README: by docs/README.md, and pages of a folder by its own index", () => {
    const linksOf = (page: string) =>
      [...read(page).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, link = ""]) => join(dirname(page), link));
    const docs = PAGES.filter((page) => page.startsWith("docs/"));
    const indices = docs.filter((page) => page.endsWith("/README.md"));
    const missing = (pages: readonly string[], ...from: readonly string[]) => {
      const linked = from.flatMap(linksOf);
      return pages.filter((page) => !linked.includes(page) && !from.includes(page));
    };

    expect(indices.length).toBeGreaterThan(4);
    expect(missing(indices, "README.md")).toEqual([]);
    expect(missing(docs, ...indices)).toEqual([]);
    const listed = docs.filter((page) => page.split("/").length === 2 || indices.includes(page));
    expect(missing(listed, "docs/README.md")).toEqual([]);
  });

  it("list every command in the README", () => {
    const readme = read("README.md");
    const commands = [...ringward("--help").matchAll(/^ {2}([a-z-]+) /gm)].map(([, name = ""]) => name);
    expect(commands.filter((name) => !new RegExp(`\\b${name}\\b`).test(readme))).toEqual([]);
  });
});

describe("docs/architecture.md", () => {
  it("has every room of controller/, and every folder of its core", () => {
    const foldersOf = (folder: string) =>
      readdirSync(join(ROOT, folder), { withFileTypes: true }).filter((one) => one.isDirectory());
    const page = read("docs/architecture.md");
    const names = [...foldersOf("controller"), ...foldersOf("controller/core")].map(({ name }) => name);

    expect(names.length).toBeGreaterThan(25);
    expect(names.filter((name) => !new RegExp(`[\`/ ]${name}/`).test(page))).toEqual([]);
  });
});

describe("docs/kinds/", () => {
  it("has a guide for every kind that people write, and for no other", () => {
    const written = KINDS.filter(({ authoredIn }) => authoredIn === "Policy" || authoredIn === "Cluster");

    expect([...KIND_GUIDES.keys()].toSorted()).toEqual(written.map(({ kind }) => kind).toSorted());
  });
});

describe("docs/invariants.md", () => {
  it("has the 57 invariants, and thirteen sentences of the design", () => {
    const counts = GROUPS.map(({ rows }) => rows.length);
    // B17, R6, A8, G6, L3 and K8, S4 and V5, D13.
    expect(counts).toEqual([17, 6, 8, 6, 11, 9, 13]);
  });

  it("says of each either that histories are checked for it, or why no history can show it", () => {
    const all = GROUPS.flatMap(({ rows }) => rows.map(([id]) => id));

    expect(all.filter((id) => INVARIANTS.has(id) === EXCLUDED.has(id))).toEqual([]);
    expect([...INVARIANTS.keys(), ...EXCLUDED.keys()].filter((id) => !all.includes(id))).toEqual([]);
  });

  it("is what its source and the tests say (write it anew: node controller/launch.cjs test/docs/invariants.ts)", () => {
    expect(read(INVARIANTS_PAGE)).toBe(invariantsPage());
  });

  it("reads ids from titles and opening lines, ranges too, and from nothing else", () => {
    const text =
      '// The machine (B3–B5, R1).\nconst L1 = 1; // K4\nit("keeps a cordon (B6)", () => x("G1"));\nit("v1.K2 and V1.2.3", f);\n';
    expect([...findIds(text)].toSorted()).toEqual(["B3", "B4", "B5", "B6", "R1"]);
  });
});

describe("policies/", () => {
  it("holds recipes that validate", () => {
    expect(readPolicyFolder(join(ROOT, "policies/recipes")).map(({ path }) => path)).toEqual([
      "apt-debian.yaml",
      "apt-ubuntu.yaml",
      "dnf.yaml",
      "preview/apk.yaml",
      "preview/bottlerocket.yaml",
      "preview/dnf5.yaml",
      "preview/flatcar.yaml",
      "preview/talos.yaml",
      "preview/transactional-update.yaml",
      "reboot-only-debian.yaml",
      "zypper.yaml",
    ]);
    expect(JSON.parse(ringward("validate", join(ROOT, "policies/recipes"), "-o", "json"))).toMatchObject({
      ok: true,
      errors: [],
      warnings: [],
    });
  });
});

/** A page that a demo made: the parts that it shows, and those that the code has today. */
function partsOf(page: string, room: string, prefix: string): readonly [ReadonlySet<string>, ReadonlySet<string>] {
  const folder = join(ROOT, "controller/core", room);
  const code = readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
  const titles = [...code.matchAll(/"#### ([^"]+)"/g)].map(([, title = ""]) => title);
  const shown = [...read(page).matchAll(/^> #### (.+)$/gm)].map(([, title = ""]) => title);
  return [new Set(shown), new Set(titles)];
}

describe("recorded pages (write them anew: node controller/launch.cjs test/docs/record.ts)", () => {
  it("have the parts that the code writes today: a promotion, but for those that had nothing to say", () => {
    const silent = new Set(["What merging would not move", "Exceptions that hold here"]);
    const [shown, titles] = partsOf("docs/promotion-pull-request.md", "promotion", "evidence");

    expect(titles.size).toBeGreaterThan(8);
    expect(shown).toEqual(new Set([...titles].filter((title) => !silent.has(title))));
    expect(read("docs/promotion-pull-request.md")).toContain("| Known since |");
  });

  it("have the parts that the code writes today: a change of policy, but for those that may have nothing to say", () => {
    const silent = ["What `ringward validate` says", "How to take it back", "What it waits for on the way"];
    const [shown, titles] = partsOf("docs/policy-pull-request.md", "rehearsal", "render");

    expect(titles.size).toBeGreaterThan(6);
    expect([...shown].filter((title) => !titles.has(title))).toEqual([]);
    expect([...titles].filter((title) => !shown.has(title) && !silent.includes(title))).toEqual([]);
    expect(read("docs/policy-pull-request.md")).toContain(`> ${REHEARSAL_MARKER}\n`);
  });
});
