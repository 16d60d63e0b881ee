// The rendered proof of a change: a real kubectl renders a kustomization, a real helm a chart, before and after, and only images may differ.
// What would be fetched from elsewhere is never rendered, and the page says so.
import { coverageOf, parseImage } from "../../core/compliance/image-reference.ts";
import type { ManifestPlace, Rendering } from "../../core/manifests/index.ts";
import { UserError } from "../../errors.ts";
import { diffShapes, readShapes, type ShapeChange } from "../../git/manifests/diff.ts";
import { findFolders } from "../../git/manifests/folders.ts";
import type { EditedManifests } from "../../git/manifests/index.ts";
import type { FolderContent, PolicyFile } from "../../git/port.ts";
import { findChart } from "./chart.ts";
import { type Run, runRenderer } from "./renderer.ts";

/** What a change is about. */
export interface Changing {
  readonly place: ManifestPlace;
  /** As read for the edit. */
  readonly files: readonly PolicyFile[];
  readonly edited: EditedManifests;
  /** The same commit's files as they are. */
  readonly readFolder: (path: string) => Promise<FolderContent>;
}

/** Renders a change before and after. Throws UserError RW1123 where more than images would change, or nothing. */
export type Render = (changing: Changing) => Promise<Rendering>;

export interface RenderSettings {
  readonly kubectl?: string | undefined;
  readonly helm?: string | undefined;
  /** A folder of ours. */
  readonly directory: string;
}

const MOST_FILES = 5_000;
const MOST_BYTES = 32 * 1024 * 1024;

/** What is run, but for the files that differ before and after. */
type Plan =
  | {
      readonly kind: "Renders";
      /** For people: `kubectl kustomize`. */
      readonly name: string;
      readonly run: (change: ReadonlyMap<string, string>) => Run;
    }
  | { readonly kind: "NotRendered"; readonly why: string };

/** Without the program nothing is rendered, and the page says so. */
export function createRender(settings: RenderSettings): Render {
  return async (changing) => {
    const { place, edited } = changing;
    const plan = await planRun(settings, changing);
    if (plan.kind === "NotRendered") return plan;
    const build = (change: ReadonlyMap<string, string>) => runRenderer(settings.directory, plan.run(change));
    const before = await build(new Map());
    if (before.kind === "Failed") return notRendered(`${plan.name} fails before the change, too: ${before.why}`);
    const after = await build(edited.files);
    if (after.kind === "Failed") throw refuse(place, `${plan.name} fails after the change: ${after.why}`);
    const changes = diffShapes(readShapes(before.text), readShapes(after.text));
    if (changes?.every((change) => isWanted(place, change)) === true) return judge(place, changes, []);
    // Passwords, keys and dates that a template makes up differ each time, and say nothing of the change.
    const again = await build(new Map());
    if (again.kind === "Failed") return notRendered(`${plan.name} fails now and then: ${again.why}`);
    const noise = diffShapes(readShapes(before.text), readShapes(again.text));
    if (noise === undefined) return notRendered(`${plan.name} gives other objects each time`);
    return judge(place, changes, noise);
  };
}

async function planRun(settings: RenderSettings, { place, files, readFolder }: Changing): Promise<Plan> {
  switch (place.kind) {
    case "PlainYaml":
      return notRendered("plain manifests are what they are");
    case "Kustomize":
      return planKustomize(settings.kubectl, place, files);
    case "HelmValues": {
      const { helm: program } = settings;
      if (program === undefined) return notRendered("this controller has no helm to render with: flag --helm");
      const chart = await findChart(place, readFolder);
      if (chart.kind === "None") return notRendered(chart.why);
      const run = (change: ReadonlyMap<string, string>): Run => ({
        program,
        args: chart.args,
        files: chart.files(change),
      });
      return { kind: "Renders", name: "helm template", run };
    }
  }
}

function planKustomize(program: string | undefined, place: ManifestPlace, files: readonly PolicyFile[]): Plan {
  if (program === undefined) return notRendered("this controller has no kubectl to render with: flag --kubectl");
  const found = findFolders(files, place.path);
  if (found.kind === "Remote") return notRendered(`${found.file} names ${found.what}, which is never fetched`);
  const mine = files.filter(({ path }) =>
    found.folders.some((folder) => folder === "" || path.startsWith(`${folder}/`)),
  );
  const bytes = mine.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  if (mine.length > MOST_FILES || bytes > MOST_BYTES) return notRendered("it is made of too many or too large files");
  const texts = mine.flatMap((file) => (file.problem === undefined ? [[file.path, file.text] as const] : []));
  const isFile = texts.some(([path]) => path === place.path);
  const folder = isFile ? place.path.slice(0, Math.max(0, place.path.lastIndexOf("/"))) : place.path;
  const run = (change: ReadonlyMap<string, string>): Run => ({
    program,
    args: (root) => ["kustomize", folder === "" ? root : `${root}/${folder}`],
    files: new Map([...texts, ...change]),
  });
  return { kind: "Renders", name: "kubectl kustomize", run };
}

function notRendered(why: string): Extract<Rendering, { readonly kind: "NotRendered" }> {
  return { kind: "NotRendered", why };
}

function refuse({ path }: ManifestPlace, why: string): UserError {
  return new UserError("RW1123", `manifests ${path === "" ? "/" : path}: ${why}`, "change them by hand");
}

/** Lines for people; throws where something else than a wanted image would change. `noise`: what differs without any change, too. */
function judge(
  place: ManifestPlace,
  changes: readonly ShapeChange[] | undefined,
  noise: readonly ShapeChange[],
): Rendering {
  if (changes === undefined) throw refuse(place, "rendered, other objects would come out");
  const loud = new Set(noise.map(placeOf));
  const mine = changes.filter((change) => !loud.has(placeOf(change)));
  if (mine.length === 0) throw refuse(place, "rendered, nothing would change: no workload takes the image from there");
  const other = mine.find((change) => !isWanted(place, change));
  if (other !== undefined)
    throw refuse(
      place,
      `rendered, ${other.path.join(".")} of ${other.object} would change from ${short(other.from)} to ${short(other.to)}`,
    );
  return {
    kind: "Rendered",
    images: mine.map(({ object, from, to }) => `${object}: ${from} to ${to}`),
    unstable: noise.map(({ object, path }) => `${object}: ${path.join(".")}`),
  };
}

function short(value: string): string {
  return value.length <= 120 ? value : `${value.slice(0, 119)}…`;
}

function placeOf({ index, path }: ShapeChange): string {
  return JSON.stringify([index, path]);
}

/** An image of a container that becomes one of those that are asked for. */
function isWanted({ images }: ManifestPlace, { path, to }: ShapeChange): boolean {
  const [list, , field] = path.slice(-3);
  if (field !== "image" || (list !== "containers" && list !== "initContainers")) return false;
  const reference = parseImage(to);
  return images.some(
    (image) =>
      reference !== undefined &&
      coverageOf(reference, image) === "Full" &&
      (image.digest === undefined ? reference.tag === image.tag : reference.digest === image.digest),
  );
}
