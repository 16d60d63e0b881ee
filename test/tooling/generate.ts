// `npm run generate`: writes every file that is made from the sources: crds/, docs/kinds/, docs/reasons.md, docs/errors.md,
// docs/metrics.md, docs/interop.md, docs/install.md, docs/invariants.md, docs/security.md, docs/seeded-bugs.md, and parts of charts/ringward/.
// `generatedFiles` is pure but for reading the sources; a check and a test compare it with what is committed.
import { invariantsPage } from "../docs/invariants.ts";
import { SECURITY_PAGE, securityPage } from "../docs/security.ts";
import { SEEDED_PAGE, seededPage } from "../docs/seeded-bugs.ts";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { crdYaml } from "../../controller/api/crd.ts";
import { KINDS } from "../../controller/api/kinds.ts";
import { CHART, chartFiles } from "./chart/files.ts";
import { isMain } from "./is-main.ts";
import { DASHBOARD_FOLDER } from "./monitoring/dashboards/index.ts";
import { monitoringFiles } from "./monitoring/files.ts";
import { errorsPage } from "./pages/errors.ts";
import { HEALTH_FOLDER, healthFiles } from "./pages/health.ts";
import { interopPage } from "./pages/interop.ts";
import { installPage } from "./pages/install.ts";
import { kindPage, kindsIndex } from "./pages/kinds.ts";
import { metricsPage } from "./pages/metrics.ts";
import { reasonsPage } from "./pages/reasons.ts";
import { recipeFiles } from "./pages/recipes.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** Folders that hold generated files and nothing else. */
const FOLDERS = [
  "crds",
  "docs/kinds",
  "docs/runbooks",
  DASHBOARD_FOLDER,
  `${HEALTH_FOLDER}/argocd`,
  `${CHART}/templates/crds`,
  `${CHART}/templates/policies`,
];
const HEAD = "# Made by `npm run generate` from controller/api/. Do not edit.\n";

/** Path from the checkout's root -> content. */
export function generatedFiles(root = ROOT): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const kind of KINDS) {
    files.set(`crds/${kind.plural}.yaml`, HEAD + crdYaml(kind));
    files.set(`docs/kinds/${kind.singular}.md`, kindPage(kind));
  }
  files.set("docs/kinds/README.md", kindsIndex(KINDS));
  files.set("docs/install.md", installPage());
  files.set("docs/reasons.md", reasonsPage());
  files.set("docs/interop.md", interopPage());
  files.set("docs/metrics.md", metricsPage());
  files.set("docs/invariants.md", invariantsPage(root));
  files.set(SECURITY_PAGE, securityPage());
  files.set(SEEDED_PAGE, seededPage());
  for (const [path, content] of [...recipeFiles(root), ...chartFiles(root), ...monitoringFiles(), ...healthFiles()])
    files.set(path, content);
  files.set("docs/errors.md", errorsPage(readSources(join(root, "controller"))));
  return files;
}

/** What differs from the committed files, one line each; empty when nothing does. */
export function findStale(root = ROOT): string[] {
  const wanted = generatedFiles(root);
  const stale = [...wanted].flatMap(([path, content]) => {
    const found = readIfThere(join(root, path));
    if (found === undefined) return [`${path}: is missing`];
    return found === content ? [] : [`${path}: is not what the sources say`];
  });
  return [...stale, ...leftovers(root, wanted).map((path) => `${path}: nothing makes it any more`)];
}

function leftovers(root: string, wanted: ReadonlyMap<string, string>): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder))
      .map((name) => `${folder}/${name}`)
      .filter((path) => !wanted.has(path)),
  );
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function readSources(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .toSorted();
  return new Map(names.map((name) => [`controller/${name}`, readFileSync(join(folder, name), "utf8")]));
}

if (isMain(import.meta.url)) {
  for (const folder of FOLDERS) mkdirSync(join(ROOT, folder), { recursive: true });
  const files = generatedFiles();
  for (const path of leftovers(ROOT, files)) rmSync(join(ROOT, path));
  for (const [path, content] of files) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), content);
  }
  process.stdout.write(`${files.size} files generated\n`);
}
