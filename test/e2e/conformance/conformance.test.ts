// The sandbox's API server against a real one: one script, both at once, every answer compared. A difference is mended in the
// sandbox or listed with its reason (test/conformance/differing.ts, docs/sandbox.md); one that is gone must leave the list.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock, systemRandom } from "../../../controller/clock.ts";
import { createApiServer } from "../../../controller/sandbox/apiserver/index.ts";
import type { Listening } from "../../../controller/sandbox/apiserver/index.ts";
import { DIFFERING } from "../../conformance/differing.ts";
import { compareServers } from "../../conformance/play.ts";
import type { Server } from "../../conformance/side.ts";
import { SCRIPT } from "../../conformance/steps/index.ts";
import { startApiServer } from "./api-server.ts";
import type { RealServer } from "./api-server.ts";

let real: RealServer;
let listening: Listening;
let pretended: Server;

beforeAll(async () => {
  real = await startApiServer();
  const sandbox = createApiServer({ clock: systemClock, random: systemRandom });
  listening = await sandbox.listen({ host: "127.0.0.1" });
  pretended = {
    url: listening.url,
    token: sandbox.token(),
    forget: () => Promise.resolve(sandbox.store.compact(sandbox.store.revision())),
  };
});

afterAll(async () => {
  await listening?.close();
  await real?.stop();
});

it("the sandbox answers as a real API server does", async () => {
  const compared = await compareServers(SCRIPT, real, pretended);

  const names = compared.map(({ name }) => name);
  const listed = DIFFERING.flatMap(({ rows }) => rows);
  const different = compared.filter(({ differences }) => differences.length > 0);
  const equal = compared.length - different.length;
  process.stdout.write(`conformance: ${compared.length} rows compared, ${equal} equal, ${listed.length} listed\n`);
  const unlisted = different
    .filter(({ name }) => !listed.includes(name))
    .map(({ name, differences }) => `${name}:\n  ${differences.slice(0, 12).join("\n  ")}`);
  const page = readFileSync(new URL("../../../docs/sandbox.md", import.meta.url), "utf8");

  expect(names.length).toBeGreaterThanOrEqual(150);
  expect(
    names.filter((name, index) => names.indexOf(name) !== index),
    "rows that have another's name",
  ).toEqual([]);
  expect(unlisted.join("\n"), "rows that differ and are not listed").toBe("");
  expect(
    listed.filter((name) => !different.some((row) => row.name === name)),
    "listed rows that no longer differ: take them off the list",
  ).toEqual([]);
  for (const { why, rows } of DIFFERING) {
    expect(page, `docs/sandbox.md must say: ${why}`).toContain(why);
    for (const name of rows) expect(page, `docs/sandbox.md must explain the row "${name}"`).toContain(`\`${name}\``);
  }
});
