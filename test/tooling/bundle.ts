// `npm run bundle`: one ESM file out of controller/ and what it depends on (dist/ringward.mjs), the licences of everything in it, and a list of
// its components. The same sources give the same bytes.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { isMain } from "./is-main.ts";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A package of npm that is part of the bundle. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** SPDX expression, as its package.json says. */
  readonly license: string;
  /** Folder, from the root. */
  readonly folder: string;
}

export interface Bundle {
  readonly file: string;
  readonly licences: string;
  readonly components: readonly Component[];
}

/** What a CommonJS dependency expects to be there, in a file that is an ES module. */
const REQUIRE = `import { createRequire as __createRequire } from "node:module";\nconst require = __createRequire(import.meta.url);`;

/** Writes the bundle and the licences into a folder. Throws what esbuild says, and where a package tells no licence. */
export async function makeBundle(folder: string): Promise<Bundle> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "ringward.mjs");
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["controller/main.ts"],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    // Names stay: they stand in the stack of a report.
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: true,
    legalComments: "none",
    banner: { js: REQUIRE },
    metafile: true,
    logLevel: "warning",
  });
  const components = componentsOf(metafile);
  const licences = join(folder, "THIRD-PARTY-LICENSES.txt");
  writeFileSync(licences, components.map(describeLicence).join(`\n${"-".repeat(80)}\n\n`));
  return { file, licences, components };
}

/** The packages of which something is in the output, by name and version. */
function componentsOf(metafile: Metafile): readonly Component[] {
  const inputs = Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const folders = new Set(inputs.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  return [...folders].map(readComponent).sort((a, b) => compare(`${a.name}@${a.version}`, `${b.name}@${b.version}`));
}

function readComponent(folder: string): Component {
  const text = readFileSync(join(ROOT, folder, "package.json"), "utf8");
  const { name, version, license } = JSON.parse(text) as { name: string; version: string; license?: unknown };
  if (typeof license !== "string") throw new Error(`${folder}/package.json names no licence`);
  return { name, version, license, folder };
}

function describeLicence({ name, version, license, folder }: Component): string {
  const files = readdirSync(join(ROOT, folder)).filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file));
  const texts = files.sort(compare).map((file) => readFileSync(join(ROOT, folder, file), "utf8").trim());
  return `${[`${name} ${version}: ${license}`, ...texts].join("\n\n")}\n`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

if (isMain(import.meta.url)) {
  const { file, components } = await makeBundle(join(ROOT, "dist"));
  process.stdout.write(`${file}: ${components.length} packages of npm in it\n`);
}
