// `ringward init`: whatever is answered, what it writes has no finding of validate, not even a warning; what is there is never overwritten.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placeFiles } from "../../controller/cli/start/place.ts";
import { command as init, type Person } from "../../controller/cli/init.ts";
import type { Surroundings } from "../../controller/cli/output.ts";
import { command as validate } from "../../controller/cli/validate.ts";
import { UserError } from "../../controller/errors.ts";
import { makeFolder, run } from "./plan-support.ts";

const NOW = { now: () => Date.parse("2027-03-01T00:00:00Z") };

async function findings(folder: string): Promise<string> {
  let out = "";
  const stdout = { write: (text: string) => (out += text) };
  await validate([folder, "--strict"], { stdout, stderr: { write: () => undefined }, clock: NOW });
  return out;
}

/** Where nothing is yet. */
function fresh(): string {
  return join(makeFolder(), "policy");
}

function read(folder: string, path: string): string {
  return readFileSync(join(folder, path), "utf8");
}

describe("init", () => {
  it("writes a repository by default that validate finds nothing in, with recipes under owners of their own", async () => {
    const folder = fresh();

    const { code, out, err } = await run(init, [folder, "--no-input"]);

    expect(code).toBe(0);
    expect(await findings(folder)).toBe("");
    expect(out.trimEnd().split("\n")).toEqual(
      [
        "CODEOWNERS",
        "README.md",
        "baselines/ubuntu-2404.yaml",
        "calendars/maintenance.yaml",
        "recipes/apt-ubuntu.yaml",
        "rings/broad.yaml",
        "rings/canary.yaml",
        "rings/early.yaml",
      ].map((path) => `${folder}/${path}`),
    );
    expect(err).toContain("8 files, without findings");
    expect(read(folder, "CODEOWNERS")).toMatch(/^\/recipes\/ +@example\/platform-security$/m);
    expect(read(folder, "CODEOWNERS")).toMatch(/^\/levels\/ +@example\/platform-security$/m);
    expect(read(folder, "rings/canary.yaml")).toContain("promotion: PullRequest");
    expect(read(folder, "rings/early.yaml")).toMatch(/after:\n +- canary\n/);
  });

  it("passes validate --strict for any answers", async () => {
    const product = fc.constantFrom("ubuntu", "ubuntu=22.04", "debian=12", "debian", "rocky=9.5", "sles=15.6");
    const answers = fc.record({
      products: fc.uniqueArray(product, { minLength: 1, maxLength: 4, selector: (text) => text.split("=")[0] }),
      rings: fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), { minLength: 1, maxLength: 4 }),
      images: fc.subarray(["registry.example.com/shop/web:1.4.2", "registry.example.com/data/db:16"]),
      zone: fc.constantFrom("UTC", "Europe/Berlin", "America/St_Johns"),
      window: fc.constantFrom("0 22 * * 1-5", "30 1 L * *", "0 3 * * TUE#2"),
      duration: fc.constantFrom("30m", "4h", "1d"),
    });
    await fc.assert(
      fc.asyncProperty(answers, async ({ products, rings, images, zone, window, duration }) => {
        const folder = fresh();
        const flags = [
          ...products.flatMap((text) => ["--product", text]),
          ...images.flatMap((text) => ["--image", text]),
          ...["--rings", rings.join(","), "--time-zone", zone, "--window", window, "--duration", duration],
        ];

        expect((await run(init, [folder, "--no-input", ...flags])).code).toBe(0);
        expect(await findings(folder)).toBe("");
        expect(readdirSync(join(folder, "baselines")).length).toBe(products.length + (images.length > 0 ? 1 : 0));
        expect(readdirSync(join(folder, "rings")).length).toBe(rings.length);
      }),
      { numRuns: 12 },
    );
  });

  it("takes names that YAML takes for something else", async () => {
    const folder = fresh();

    expect((await run(init, [folder, "--no-input", "--rings", "no,y,on,off,null,true,12,1e5,0x1f,n"])).code).toBe(0);
    expect(await findings(folder)).toBe("");
  });

  it("puts the given image into every step of every recipe", async () => {
    const folder = fresh();
    const image = `registry.example.com/tools/shell@sha256:${"ab".repeat(32)}`;

    await run(init, [folder, "--no-input", "--product", "debian rocky=9.5", "--recipe-image", image]);

    for (const name of ["apt-debian", "dnf"]) {
      const text = read(folder, `recipes/${name}.yaml`);
      const images = [...text.matchAll(/^ {6}image: (.+)$/gm)].map(([, found]) => found);
      expect(images.length).toBeGreaterThan(3);
      expect(new Set(images)).toEqual(new Set([image]));
    }
    expect(read(folder, "README.md")).toContain(`they run in ${image}`);
    // A ring in which nothing falls under a baseline is seen only with a cluster.
    expect(read(folder, "README.md")).toContain("`ringward validate . --cluster DUMPDIR`");
  });

  it("asks for what no flag says, and again where an answer is none", async () => {
    const folder = fresh();
    const asked: string[] = [];
    const replies = ["", "solaris", "ubuntu=24.04, debian=12", "pilot rest", "yesterday", "2h", ""];
    let closed = 0;
    const person: Person = {
      ask: async (question) => {
        asked.push(question);
        return replies.shift() ?? "";
      },
      close: () => (closed += 1),
    };

    const { err } = await run(
      (args: readonly string[], around: Surroundings) => init(args, around, person),
      [folder, "--owners", "@acme/ops"],
    );

    expect(asked.slice(0, 3).map((text) => text.split(" ")[0])).toEqual(["Name", "Operating", "Operating"]);
    expect(asked.some((text) => text.includes("reviews policy"))).toBe(false);
    expect(err).toContain('--product "solaris" is not understood (one of debian, ubuntu, rocky, sles');
    expect(err).toContain('--soak "yesterday" is not understood');
    expect(readdirSync(join(folder, "rings")).sort()).toEqual(["pilot.yaml", "rest.yaml"]);
    expect(read(folder, "CODEOWNERS")).toContain("@acme/ops");
    expect(read(folder, "rings/pilot.yaml")).toContain("soak: 2h");
    expect(closed).toBe(1);
  });

  it("writes beside .git, and overwrites nothing", async () => {
    const cloned = makeFolder();
    mkdirSync(join(cloned, ".git"));
    const used = makeFolder();
    writeFileSync(join(used, "notes.txt"), "mine");

    expect((await run(init, [cloned, "--no-input"])).code).toBe(0);
    await expect(run(init, [cloned, "--no-input"])).rejects.toThrow(/is not empty: it holds .* \(name another folder/);
    await expect(run(init, [used, "--no-input"])).rejects.toThrow(/is not empty: it holds notes\.txt/);
    expect(existsSync(join(used, "README.md"))).toBe(false);
  });

  it.each([
    [["--product", "rocky"], /name the release that rocky is held to, as in rocky=9.5/],
    [["--product", "ubuntu=jammy"], /a release is numbers with dots/],
    [["--product", "ubuntu", "--product", "ubuntu=22.04"], /at least one, each once/],
    [["--rings", ""], /--rings is empty/],
    [["--rings", "Canary"], /small letters, digits and dashes/],
    [["--time-zone", "Berlin"], /an IANA time zone/],
    [["--window", "at night"], /five fields of cron/],
    [["--duration", "0h"], /a number and a unit/],
    [["--image", "web"], /a repository and a tag/],
    [["--image", "registry.example.com/shop/web:latest"], /"latest" names no version/],
    [["--owners", "platform"], /a person or team of the forge/],
    [["--recipe-image", "busybox:1"], /an image by digest/],
    [["--region", "eu"], /region/],
  ])("refuses %j and writes nothing", async (flags, message) => {
    const folder = fresh();
    const failed = run(init, [folder, "--no-input", ...flags]);

    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toBeInstanceOf(UserError);
    expect(existsSync(folder)).toBe(false);
  });

  it("leaves nothing where one file cannot be written, and what was there before as it was", () => {
    const empty = makeFolder();
    const cloned = makeFolder();
    mkdirSync(join(cloned, ".git"));
    const gone = fresh();
    // The last one needs a folder where a file stands.
    const files = new Map([
      ["README.md", "a\n"],
      ["rings/canary.yaml", "b\n"],
      ["rings/canary.yaml/c", "c\n"],
    ]);

    for (const folder of [empty, cloned, gone])
      expect(() => placeFiles(folder, files)).toThrow(/RW0233|nothing is left of it/);
    expect(readdirSync(empty)).toEqual([]);
    expect(readdirSync(cloned)).toEqual([".git"]);
    expect(existsSync(gone)).toBe(false);
  });

  it("refuses a folder that is a link to nothing, or a file, and writes through a link to an empty folder", async () => {
    const place = makeFolder();
    symlinkSync(join(place, "nothing"), join(place, "dangling"));
    writeFileSync(join(place, "file"), "mine");
    mkdirSync(join(place, "empty"));
    symlinkSync(join(place, "empty"), join(place, "link"));

    for (const name of ["dangling", "file"])
      await expect(run(init, [join(place, name), "--no-input"])).rejects.toBeInstanceOf(UserError);
    expect((await run(init, [join(place, "link"), "--no-input"])).code).toBe(0);
    expect(existsSync(join(place, "nothing"))).toBe(false);
    expect(readFileSync(join(place, "file"), "utf8")).toBe("mine");
    expect(readdirSync(join(place, "empty"))).toContain("rings");
  });

  it("needs one folder", async () => {
    await expect(run(init, ["--no-input"])).rejects.toThrow(/which folder/);
    await expect(run(init, ["a", "b", "--no-input"])).rejects.toThrow(/what is "b"/);
  });
});
