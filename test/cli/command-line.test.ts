// The command line as an impatient, mistaken or unlucky person uses it, in processes of its own: an answer or one line that says what is wrong,
// its code and what to do, the exit code as documented, and never a stack.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { command as status } from "../../controller/cli/status.ts";
import { command as validate } from "../../controller/cli/validate.ts";
import { productFile } from "../../controller/place.ts";

const folder = mkdtempSync(join(tmpdir(), "ringward-command-line-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file or, without content, a folder; answers its path. */
function make(name: string, content?: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(content === undefined ? path : join(path, ".."), { recursive: true });
  if (content !== undefined) writeFileSync(path, content);
  return path;
}

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `after` is what a shell reads behind the command, as `>/dev/full`. */
function type(words: readonly string[], after = "", env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const script = `exec "$0" "$@" ${after}`;
  const { PATH = "" } = process.env;
  const child = spawn("sh", ["-c", script, process.execPath, productFile("controller/launch.cjs"), ...words], {
    cwd: folder,
    env: { PATH, HOME: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return ended(child);
}

function ended(child: ReturnType<typeof spawn>): Promise<Ran> {
  let [out, err] = ["", ""];
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

/** Nobody reads what it says. */
function typeToNobody(words: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [productFile("controller/launch.cjs"), ...words], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.destroy();
  return ended(child);
}

const QUICKSTART = productFile("examples/quickstart");
const DUMP = productFile("examples/dump-quickstart");

describe("an answer that nobody takes", () => {
  it.each([
    [["version"], 0],
    [["--help"], 0],
    [["crds"], 0],
    [["validate", QUICKSTART], 0],
    [["sandbox", "--help"], 0],
    [["plan", "--policy", QUICKSTART, "--cluster", DUMP], 1],
  ] as const)("of %j leaves the exit code as it is, without a complaint", async (words, code) => {
    const ran = await typeToNobody(words);

    expect(ran.code).toBe(code);
    expect(ran.err).not.toMatch(/EPIPE|^ +at /m);
  });

  it.each([[["version"]], [["crds"]], [["validate", QUICKSTART]], [["status", "--help"]]] as const)(
    "of %j is a failure where the disk is full, in one line",
    async (words) => {
      const ran = await type(words, ">/dev/full");

      expect(ran.code).toBe(2);
      expect(ran.err).toMatch(/^ringward: the answer could not be written: ENOSPC.*$/m);
      expect(ran.err).not.toMatch(/^ +at /m);
    },
  );

  it("may be a complaint: then the exit code alone is left", async () => {
    expect((await type(["nonsense"], "2>/dev/full")).code).toBe(2);
    expect((await type(["validate", "nowhere"], "2>/dev/full")).code).toBe(2);
  });
});

describe("a mistake", () => {
  it("in a command's name is answered with the name that is near it", async () => {
    expect(await type(["stauts"])).toEqual({
      code: 2,
      out: "",
      err: 'ringward: there is no command "stauts" (did you mean "status"?)\n',
    });
    expect((await type(["__proto__"])).err).toMatch(/^ringward: there is no command "__proto__"\n\nUsage: /);
  });

  it("is told with its code, by which docs/errors.md has it", async () => {
    expect((await type(["validate", "nowhere"])).err).toBe(
      "ringward validate: cannot read the folder nowhere: it does not exist (name the folder that holds the policy) [RW0301]\n",
    );
  });

  it.each([
    [["sandbox", "--nodes", "-1"], /^ringward sandbox: Option '--nodes' argument is ambiguous \(.*\) \[RW0210\]\n$/],
    [["status", "--kubeconfig="], /^ringward status: --kubeconfig is empty \(.*\) \[RW0210\]\n$/],
    [["plan", "--policy", "", "--cluster", DUMP], /^ringward plan: --policy is empty \(.*\) \[RW0210\]\n$/],
    [["version", "1"], /^ringward version: version takes no arguments, and got "1" .*\[RW0210\]\n$/],
    [["status", "--kubeconfig", "nowhere"], /kubeconfig nowhere: it does not exist \(name a file.*\) \[RW0201\]\n$/],
    [["status", "--kubeconfig", "."], /kubeconfig \.: it is a folder \(name a file.*\) \[RW0201\]\n$/],
    [["plan", "--policy", QUICKSTART, "--cluster", "nowhere"], /dump nowhere: it does not exist \(.*\) \[RW0402\]\n$/],
    [["demo", "merge", "1", "--forge", "http://127.0.0.1:1"], /no forge answers at .*: bad port .* \[RW0308\]\n$/],
  ] as const)("in %j is one line that says what and what to do", async (words, said) => {
    const { code, out, err } = await type(words);

    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(said);
  });

  it("of the controller's data folder, or of the clock that it should follow, is no defect", async () => {
    const kubeconfig = make("kubeconfig", "apiVersion: v1\nkind: Config\n");
    const data = await type(["controller", "--kubeconfig", kubeconfig, "--data", make("a-file", "x")]);
    const clock = ["--policy-clock", "http://127.0.0.1:1/clock"];
    const time = await type(["controller", "--kubeconfig", kubeconfig, "--data", make("data"), ...clock]);

    expect(data.code).toBe(2);
    expect(data.err).toMatch(/a-file: it is not a folder \(name a folder that can be written\) \[RW0218\]\n$/);
    expect(time.code).toBe(2);
    expect(time.err).toMatch(/no sandbox's clock answers there: bad port .* \[RW0219\]\n$/);
  });
});

it("a kubeconfig that cannot be written ends the sandbox, and nothing of it is left", async () => {
  const temporary = make("temporary");
  const ran = await type(["sandbox", "--kubeconfig", "/nowhere/at/all", "--nodes", "1"], "", { TMPDIR: temporary });

  expect(ran).toMatchObject({ code: 2, out: "" });
  expect(ran.err).toMatch(/--kubeconfig \/nowhere\/at\/all cannot be written: ENOENT \(.*\) \[RW0311\]\n$/);
  expect(readdirSync(temporary)).toEqual([]);
});

describe("nothing", () => {
  it.each([
    ["an empty folder", () => make("empty")],
    ["a file that says nothing", () => join(make("silent/a.yaml", ""), "..")],
    ["files that are of nobody's kind", () => join(make("other/values.yaml", "replicas: 1\n"), "..")],
    ["a folder that is named as a file", () => join(make("named/a.yaml"), "..")],
  ])("is no policy that is fine: %s", async (_, where) => {
    await expect(validate([where()])).rejects.toMatchObject({ name: "UserError", code: "RW0310" });
  });

  it.each([
    ["binary", new Uint8Array(3000).fill(7)],
    ["empty", ""],
    ["blank", " \n"],
    ["cut off", '{"kind":"List","items":[{"kind":"No'],
  ])("is no cluster in which all is compliant: a dump that is %s", async (name, content) => {
    const dump = join(make(`dump ${name}/nodes.json`, content), "..");

    await expect(status(["--policy", QUICKSTART, "--cluster", dump])).rejects.toMatchObject({
      name: "UserError",
      code: "RW0404",
      message: expect.stringContaining("holds nothing that can be read: nodes.json: ") as string,
    });
  });
});

it("help NAME is NAME --help", async () => {
  expect(await type(["help", "status"])).toEqual(await type(["status", "--help"]));
});
