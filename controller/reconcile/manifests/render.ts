// The rendered proof of a kustomization's change: kubectl renders it before and after in a folder of ours, and only images may differ. What
// would be fetched from elsewhere is never rendered; there is no network, no plugin and no function, and time and size are bounded.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { coverageOf, parseImage } from "../../core/compliance/image-reference.ts";
import type { ManifestPlace, Rendering } from "../../core/manifests/index.ts";
import { UserError } from "../../errors.ts";
import { findFolders } from "../../git/manifests/folders.ts";
import { diffShapes, readShapes, type ShapeChange } from "../../git/manifests/diff.ts";
import type { EditedManifests } from "../../git/manifests/index.ts";
import type { PolicyFile } from "../../git/port.ts";
import { checkPath } from "../../git/url.ts";

/** Renders a change before and after. Throws UserError RW1123 where more than images would change, or nothing. */
export type Render = (
  place: ManifestPlace,
  files: readonly PolicyFile[],
  edited: EditedManifests,
) => Promise<Rendering>;

const MOST_FILES = 5_000;
const MOST_BYTES = 32 * 1024 * 1024;
const MOST_OUTPUT = 16 * 1024 * 1024;
const TIME_MS = 30_000;

/** Without kubectl nothing is rendered, and the page says so. `directory` is a folder of ours. */
export function createRender(settings: { readonly kubectl?: string | undefined; readonly directory: string }): Render {
  return async (place, files, edited) => {
    const { kubectl } = settings;
    if (place.kind === "PlainYaml") return notRendered("plain manifests are what they are");
    if (place.kind === "HelmValues") return notRendered("charts are not rendered");
    if (kubectl === undefined) return notRendered("this controller has no kubectl to render with: flag --kubectl");
    const found = findFolders(files, place.path);
    if (found.kind === "Remote") return notRendered(`${found.file} names ${found.what}, which is never fetched`);
    const mine = files.filter(({ path }) =>
      found.folders.some((folder) => folder === "" || path.startsWith(`${folder}/`)),
    );
    const bytes = mine.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    if (mine.length > MOST_FILES || bytes > MOST_BYTES) return notRendered("it is made of too many or too large files");
    const texts = new Map(
      mine.flatMap((file) => (file.problem === undefined ? [[file.path, file.text] as const] : [])),
    );
    const before = await build(kubectl, settings.directory, texts, place.path);
    if (before.kind === "Failed") return notRendered(`kubectl kustomize fails before the change, too: ${before.why}`);
    const after = await build(kubectl, settings.directory, new Map([...texts, ...edited.files]), place.path);
    if (after.kind === "Failed") throw refuse(place, `kubectl kustomize fails after the change: ${after.why}`);
    return { kind: "Rendered", images: judge(place, diffShapes(readShapes(before.text), readShapes(after.text))) };
  };
}

function notRendered(why: string): Rendering {
  return { kind: "NotRendered", why };
}

function refuse({ path }: ManifestPlace, why: string): UserError {
  return new UserError("RW1123", `manifests ${path === "" ? "/" : path}: ${why}`, "change them by hand");
}

/** Lines for people; throws where something else than a wanted image would change. */
function judge(place: ManifestPlace, changes: readonly ShapeChange[] | undefined): readonly string[] {
  if (changes === undefined) throw refuse(place, "rendered, other objects would come out");
  if (changes.length === 0)
    throw refuse(place, "rendered, nothing would change: no workload takes the image from there");
  return changes.map(({ object, path, from, to }) => {
    const [list, , field] = path.slice(-3);
    const reference = parseImage(to);
    const wanted = place.images.some(
      (image) =>
        reference !== undefined &&
        coverageOf(reference, image) === "Full" &&
        (image.digest === undefined ? reference.tag === image.tag : reference.digest === image.digest),
    );
    if (field !== "image" || (list !== "containers" && list !== "initContainers") || !wanted)
      throw refuse(place, `rendered, ${path.join(".")} of ${object} would change from ${from} to ${to}`);
    return `${object}: ${from} to ${to}`;
  });
}

type Built = { readonly kind: "Built"; readonly text: string } | { readonly kind: "Failed"; readonly why: string };

async function build(
  kubectl: string,
  directory: string,
  files: ReadonlyMap<string, string>,
  path: string,
): Promise<Built> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const scratch = await mkdtemp(join(directory, "render-"));
  try {
    for (const [name, text] of files) {
      const file = join(scratch, "files", checkPath(name));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    const root = join(scratch, "files", files.has(path) ? dirname(path) : path);
    const { stdout } = await promisify(execFile)(kubectl, ["kustomize", root], {
      cwd: scratch,
      // Nothing of ours is seen, no program is found, and what would use the network anyway meets a proxy that is not there.
      env: { HOME: scratch, TMPDIR: scratch, PATH: scratch, HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE },
      timeout: TIME_MS,
      killSignal: "SIGKILL",
      maxBuffer: MOST_OUTPUT,
    });
    return { kind: "Built", text: stdout };
  } catch (error) {
    const { stderr = "", message = "" } = error as { readonly stderr?: string; readonly message?: string };
    const why = (stderr.trim() === "" ? message : stderr).replaceAll(scratch, "").replace(/\s+/g, " ").trim();
    return { kind: "Failed", why: why.slice(0, 300) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const NOWHERE = "http://127.0.0.1:9";
