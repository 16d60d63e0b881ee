// `npm run package`: what is published. Bundles the product, lays the npm package out in dist/package/ (bundle, licences, SBOM and the files that
// the product reads; no sources, no dependencies to install) and packs it. The Dockerfile copies the same folder.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Component, makeBundle, ROOT } from "./bundle.ts";
import { isMain } from "./is-main.ts";

/** What the product reads at run time (controller/place.ts), and what a reader expects. */
const SHIPPED = ["controller/launch.cjs", "crds", "examples", "policies", "LICENSE", "README.md", "CHANGELOG.md"];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
}

export interface Package {
  /** What is packed. */
  readonly folder: string;
  readonly components: readonly Component[];
}

/** Lays the package out in a folder, which is emptied first. */
export async function makePackage(folder: string): Promise<Package> {
  rmSync(folder, { recursive: true, force: true });
  for (const path of SHIPPED) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(ROOT, path), join(folder, path), { recursive: true, filter: (file) => !file.endsWith(".ts") });
  }
  chmodSync(join(folder, "controller/launch.cjs"), 0o755);
  const { components } = await makeBundle(join(folder, "dist"));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(makeManifest(), undefined, 2)}\n`);
  writeFileSync(join(folder, "dist/sbom.cdx.json"), `${JSON.stringify(makeSbom(components), undefined, 2)}\n`);
  return { folder, components };
}

function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;
}

/** The package's own manifest. npm takes a package with provenance only if it names the repository that it was built from: a release says which. */
export function makeManifest(repository = process.env["RINGWARD_REPOSITORY"]): object {
  const { name, version, description, license } = readManifest();
  const start = "controller/launch.cjs";
  return {
    name,
    version,
    description,
    license,
    keywords: ["kubernetes", "gitops", "patch-management", "rollout", "controller"],
    ...(repository === undefined
      ? {}
      : {
          repository: { type: "git", url: `git+${repository}.git` },
          homepage: `${repository}#readme`,
          bugs: `${repository}/issues`,
        }),
    type: "module",
    // kubectl finds its plugins by these names: `kubectl ringward`, and its completion.
    bin: { ringward: start, "kubectl-ringward": start, "kubectl_complete-ringward": start },
    engines: { node: ">=24" },
  };
}

interface Sbom {
  serialNumber?: string;
  metadata: { timestamp?: string; component: { name: string; type: string } };
  components: { name: string; version: string }[];
  dependencies?: unknown;
}

/** CycloneDX 1.5 as npm makes it from the lock file, of what is in the bundle alone, and without what differs from run to run. */
function makeSbom(bundled: readonly Component[]): Sbom {
  const text = execFileSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  const sbom = JSON.parse(text) as Sbom;
  const names = new Set(bundled.map(({ name, version }) => `${name}@${version}`));
  sbom.components = sbom.components.filter(({ name, version }) => names.delete(`${name}@${version}`));
  if (names.size > 0) throw new Error(`in the bundle and not in npm's SBOM: ${[...names].join(", ")}`);
  // Its edges speak of packages that are not in the bundle.
  delete sbom.dependencies;
  delete sbom.metadata.timestamp;
  delete sbom.serialNumber;
  sbom.metadata.component.name = readManifest().name;
  sbom.metadata.component.type = "application";
  // The same components have the same number (RFC 9562, version 8: its digits are ours to choose).
  const hex = createHash("sha256").update(JSON.stringify(sbom)).digest("hex");
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return { ...sbom, serialNumber: `urn:uuid:${id}` };
}

/** Packs a folder as npm does; answers the archive's path. */
export function pack(folder: string, into: string): string {
  const out = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", into, folder], {
    encoding: "utf8",
  });
  const [{ filename } = { filename: "" }] = JSON.parse(out) as { filename: string }[];
  return join(into, filename);
}

if (isMain(import.meta.url)) {
  const { folder } = await makePackage(join(ROOT, "dist/package"));
  process.stdout.write(`${folder}\n${pack(folder, join(ROOT, "dist"))}\n`);
}
