// Generated files are what the sources say. docs/errors.md is read from all of controller/, the rest from controller/api/.
import { describe, expect, it } from "vitest";
import { findErrorCodes } from "../../test/tooling/pages/errors.ts";
import { findStale, generatedFiles } from "./generate.ts";

describe("npm run generate", () => {
  it("has been run: nothing differs from what is committed", () => {
    expect(generatedFiles().size).toBeGreaterThan(20);
    expect(findStale()).toEqual([]);
  });

  it("reads codes, messages and hints where errors are thrown", () => {
    const source =
      'throw new UserError("RW9901", `no ${kind} "${name}"`, "add it");\nfail("RW9902", "x|y");\nif (code === "RW9903") a();';
    expect(findErrorCodes(new Map([["a.ts", source]]))).toEqual([
      { code: "RW9901", message: 'no … "…"', hint: "add it", file: "a.ts" },
      { code: "RW9902", message: "x\\|y", hint: "", file: "a.ts" },
      { code: "RW9903", message: "", hint: "", file: "a.ts" },
    ]);
  });

  it("refuses a message that it cannot read, a template inside a template, and shows none of it half", () => {
    const source = 'throw new UserError("RW9901", `no ${a === "" ? "" : `${a}/`}${b}`, "add it");';
    expect(() => findErrorCodes(new Map([["a.ts", source]]))).toThrow("a.ts: RW9901: a template inside a template");
  });
});
