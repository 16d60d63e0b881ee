// Small scopes of the exhaustive search with every run of the tests: every order of two controllers on one node, and of one controller and the
// steps of the cluster; that a seeded bug is found in them, and told by a path that can be gone again. `npm run exhaust` searches all scopes.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createGame } from "./moves.ts";
import { createScene } from "./scene.ts";
import { type Scope, SCOPES } from "./scopes.ts";
import { search } from "./search.ts";

/** What such a search must have tried. */
const TRIED = ["B1", "B3", "B6", "B9", "B10", "B11", "B12", "S4"];

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

function scopeOf(name: string): Scope {
  const found = SCOPES.find((scope) => scope.name === name);
  if (found === undefined) throw new Error(`there is no scope ${name}`);
  return found;
}

/** A process in which a guard of the product is switched off. */
function searchWith(bug: string, scope: string, path?: string): { readonly code: number | null; readonly out: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      "--import",
      "./test/seeded/hook.ts",
      "test/exhaustive/main.ts",
      "--scope",
      scope,
      ...(path === undefined ? [] : ["--path", path]),
    ],
    { cwd: ROOT, env: { ...process.env, RINGWARD_SEEDED_BUG: bug }, encoding: "utf8" },
  );
  return { code: status, out: stdout + stderr };
}

describe("exhaustive search", () => {
  it.each(["one node, every step of the cluster", "two controllers"])(
    "finds no broken promise in the scope: %s",
    async (name) => {
      const scope = scopeOf(name);
      const game = await createGame(await createScene(scope.scene), scope);

      const result = await search(game);

      expect(result.found).toBeUndefined();
      expect(result.capped).toBe(false);
      expect(result.states).toBeGreaterThan(900);
      expect(result.ends).toBeGreaterThan(0);
      expect(TRIED.filter((id) => !game.occurred.has(id))).toEqual([]);
    },
    120_000,
  );

  it("is a failure where it was stopped before its end", async () => {
    const scope = scopeOf("two controllers");
    const game = await createGame(await createScene(scope.scene), scope);

    expect(await search(game, { mostStates: 50 })).toMatchObject({ capped: true });
  }, 120_000);

  it("finds a seeded bug, and tells it by a path that can be gone again", () => {
    const { code, out } = searchWith("states.compare-and-set", "two controllers");
    const path = /--path ([\d.]+)/.exec(out)?.[1] ?? "";

    expect(out).toMatch(/^ {2}V1 nothing happens any more, and .*claims are left/m);
    expect(out).toMatch(/^0 passed, 1 failed$/m);
    expect(code).toBe(1);
    expect(searchWith("states.compare-and-set", "two controllers", path).out).toMatch(/controller 0 begins a pass/);
  }, 240_000);
});
