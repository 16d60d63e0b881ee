// policies/, the library to copy from: every folder lists its files, the commands on its page make a policy in which `validate` finds nothing, and
// calendars and rings do what their pages say.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import {
  type Calendar,
  compileCalendar,
  freezesAt,
  nextStart,
  windowAt,
} from "../../controller/core/calendar/index.ts";
import type { CalendarSpec } from "../../controller/core/calendar/index.ts";
import { ROOT } from "../cli/plan-support.ts";
import { heldBy, listedOn, typeCommands, validateFolder } from "./support.ts";

const LIBRARY = join(ROOT, "policies");
const AT = "2026-11-29T12:00:00Z";

/** Folders with policies, but for recipes/, which policies/README.md lists itself. */
const FOLDERS = readdirSync(LIBRARY, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => join(entry.parentPath, entry.name).slice(LIBRARY.length + 1))
  .filter((folder) => !folder.startsWith("recipes"));
const COPIED = FOLDERS.filter((folder) => heldBy(join(LIBRARY, folder)).some((name) => name.endsWith(".yaml")));

function read(path: string): { readonly metadata: { readonly name: string }; readonly spec: CalendarSpec } {
  return load(readFileSync(join(LIBRARY, path), "utf8")) as ReturnType<typeof read>;
}

function calendar(name: string): Calendar {
  const compiled = compileCalendar(read(`calendars/${name}.yaml`).spec);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled));
  return compiled.calendar;
}

describe("policies/", () => {
  it("is there", () => {
    expect(FOLDERS.length).toBeGreaterThanOrEqual(17);
    expect(COPIED.length).toBeGreaterThanOrEqual(15);
  });

  it.each(FOLDERS)("%s has a page that lists what is there, and nothing else", (folder) => {
    const page = join(LIBRARY, folder, "README.md");

    expect(listedOn(page).toSorted()).toEqual(heldBy(join(LIBRARY, folder)).toSorted());
  });

  it.each(COPIED)("%s says what it is for, when not to take it and what to change", (folder) => {
    const text = readFileSync(join(LIBRARY, folder, "README.md"), "utf8");

    expect(text).toMatch(/\*\*Change\*\* \S/);
    expect(text).toMatch(/\*\*Not for\*\* \S|\| not for \|/);
  });

  it.each(COPIED)("%s is a policy without findings when its page's commands are typed", async (folder) => {
    const files = heldBy(join(LIBRARY, folder)).filter((name) => name.endsWith(".yaml"));

    const { code, out, err, folder: made } = await typeCommands(join(LIBRARY, folder, "README.md"), AT);

    expect({ out, err: err.replace(/^\d+ objects/, "N objects") }).toEqual({
      out: "",
      err: "N objects, 0 errors, 0 warnings\n",
    });
    expect(code).toBe(0);
    const copied = readdirSync(join(made, "policy"), { recursive: true, encoding: "utf8" }).map((path) =>
      basename(path),
    );
    expect(copied).toEqual(expect.arrayContaining(files));
  });

  it("recipes are all on the page, and valid", async () => {
    const recipes = ["recipes", "recipes/preview"].flatMap((folder) =>
      readdirSync(join(LIBRARY, folder))
        .filter((name) => name.endsWith(".yaml"))
        .map((name) => `${folder}/${name}`.replace(/^recipes\//, "").replace(/\.yaml$/, "")),
    );

    const listed = listedOn(join(LIBRARY, "README.md"));

    expect(listed.filter((name) => !name.endsWith("/")).toSorted()).toEqual(recipes.toSorted());
    expect(listed.filter((name) => name.endsWith("/"))).toEqual(["baselines/", "rings/", "calendars/", "recipes/"]);
    expect(await validateFolder(join(LIBRARY, "recipes"), AT)).toMatchObject({ code: 0, out: "" });
  });

  it("objects are named as their files", () => {
    const files = COPIED.flatMap((folder) =>
      heldBy(join(LIBRARY, folder))
        .filter((name) => name.endsWith(".yaml"))
        .map((name) => `${folder}/${name}`),
    );

    expect(files.filter((file) => read(file).metadata.name !== basename(file, ".yaml"))).toEqual([]);
  });
});

describe("the library's calendars", () => {
  const start = (name: string, from: string): string => {
    const next = nextStart([calendar(name)], Date.parse(from));
    if (next === undefined) throw new Error(`${name} never opens`);
    return new Date(next).toISOString();
  };

  it.each([
    // A Friday: Monday at ten in Berlin.
    ["business-hours", "2026-11-27T12:00:00Z", "2026-11-30T09:00:00.000Z"],
    ["nights", "2026-11-29T12:00:00Z", "2026-11-30T21:00:00.000Z"],
    // In summer time an hour earlier.
    ["nights", "2026-07-06T06:00:00Z", "2026-07-06T20:00:00.000Z"],
    ["maintenance-weekend", "2026-11-29T12:00:00Z", "2026-12-05T19:00:00.000Z"],
    ["follow-the-sun/sun-apac", "2026-11-30T00:00:00Z", "2026-11-30T01:00:00.000Z"],
    ["follow-the-sun/sun-emea", "2026-11-30T00:00:00Z", "2026-11-30T08:00:00.000Z"],
    ["follow-the-sun/sun-americas", "2026-11-30T00:00:00Z", "2026-11-30T15:00:00.000Z"],
  ])("%s after %s opens at %s", (name, from, opens) => {
    expect(start(name, from)).toBe(opens);
  });

  it("the sun is followed by one region after the other, with no hour in which two of them start work", () => {
    const hours = Array.from({ length: 24 }, (_, hour) => Date.parse("2026-12-01T00:30:00Z") + hour * 3_600_000);
    const open = hours.map(
      (hour) =>
        ["apac", "emea", "americas"].filter((region) => windowAt(calendar(`follow-the-sun/sun-${region}`), hour).open)
          .length,
    );

    expect(Math.max(...open)).toBe(1);
    expect(open.filter((count) => count === 1).length).toBeGreaterThan(15);
  });

  it("the year-end freeze holds over the turn of the year, and only an entry that may skip freezes passes", () => {
    const freeze = calendar("year-end-freeze");
    const frozen = (time: string, options = {}): boolean => freezesAt([freeze], Date.parse(time), options).frozen;

    expect(frozen("2026-12-18T10:59:00Z")).toBe(false);
    expect(frozen("2026-12-18T11:00:00Z")).toBe(true);
    expect(frozen("2026-12-31T23:00:00Z")).toBe(true);
    expect(frozen("2026-12-31T23:00:00Z", { expedite: true })).toBe(false);
    expect(frozen("2027-01-05T05:00:00Z")).toBe(false);
    expect(read("calendars/year-end-freeze.yaml").spec).toMatchObject({ scope: "Cluster" });
  });
});
