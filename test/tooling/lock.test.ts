import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { completeLock, type Lockfile } from "./lock.ts";

const lockOf = (packages: Lockfile["packages"]): Lockfile => ({ lockfileVersion: 3, packages });

describe("completeLock", () => {
  it("finds nothing to add to the committed lock, and no address in it", () => {
    const text = readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8");
    const lock = JSON.parse(text) as Lockfile;

    expect(completeLock(lock)).toEqual([]);
    expect(text).not.toContain('"resolved"');
  });

  it("adds a stub for every binding that npm left out here", () => {
    const names = [
      "@x/binding-linux-x64-musl",
      "@x/binding-darwin-arm64",
      "@x/binding-win32-ia32-msvc",
      "@x/binding-wasm32-wasi",
    ];
    const lock = lockOf({
      "node_modules/x": {
        version: "1.0.0",
        dev: true,
        optionalDependencies: Object.fromEntries(names.map((name) => [name, "1.0.0"])),
      },
    });

    expect(completeLock(lock)).toHaveLength(4);
    const stub = { version: "1.0.0", dev: true, optional: true };
    expect(lock.packages["node_modules/@x/binding-linux-x64-musl"]).toEqual({
      ...stub,
      os: ["linux"],
      cpu: ["x64"],
      libc: ["musl"],
    });
    expect(lock.packages["node_modules/@x/binding-darwin-arm64"]).toEqual({ ...stub, os: ["darwin"], cpu: ["arm64"] });
    expect(lock.packages["node_modules/@x/binding-win32-ia32-msvc"]).toEqual({ ...stub, os: ["win32"], cpu: ["ia32"] });
    expect(lock.packages["node_modules/@x/binding-wasm32-wasi"]).toEqual({ ...stub, cpu: ["wasm32"] });
    expect(completeLock(lock)).toEqual([]);
  });

  it("nests a stub where the version above is another", () => {
    const lock = lockOf({
      "node_modules/@x/binding-linux-arm64": { version: "2.0.0" },
      "node_modules/x": { version: "1.0.0", optionalDependencies: { "@x/binding-linux-arm64": "1.0.0" } },
    });
    completeLock(lock);
    expect(lock.packages["node_modules/x/node_modules/@x/binding-linux-arm64"]?.version).toBe("1.0.0");
  });

  it("drops addresses, and refuses to guess a platform", () => {
    const lock = lockOf({ "node_modules/x": { version: "1.0.0", resolved: "https://registry.example/x.tgz" } });
    completeLock(lock);
    expect(lock.packages["node_modules/x"]).toEqual({ version: "1.0.0" });

    const odd = lockOf({ "node_modules/x": { version: "1.0.0", optionalDependencies: { oddity: "1.0.0" } } });
    expect(() => completeLock(odd)).toThrow(/oddity/);
  });
});
