// `--watch` on a cluster that answers over HTTP: what changes is drawn, at most twice a second; an outage is told with the picture's age and
// survived; Ctrl-C ends it clean; in a log each change is a line, or a document.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Surroundings } from "../../../controller/cli/output.ts";
import { command as rollout } from "../../../controller/cli/rollout.ts";
import { command as status } from "../../../controller/cli/status.ts";
import { seededRandom, systemClock } from "../../../controller/clock.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import { DISRUPTION_LEDGERS, ROLLOUT_RINGS } from "../../../controller/kube/resources.ts";
import { createApiServer } from "../../../controller/sandbox/apiserver/index.ts";
import { applyQuickstart, createWorld, type World } from "../live-world.ts";
import { makeFolder, surroundings } from "../plan-support.ts";
import { createTerminal, type Terminal } from "./terminal.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
  await applyQuickstart(world);
  await world.client.create(DISRUPTION_LEDGERS, {
    metadata: { name: "cluster" },
    spec: { mode: "Enforce" },
  } as KubeObject);
}, 30_000);
afterAll(() => world.close());

interface Watching {
  readonly terminal: Terminal;
  readonly out: () => string;
  readonly err: () => string;
  /** Ctrl-C, and what the command ended with. */
  readonly interrupt: () => Promise<number>;
  readonly ended: Promise<number>;
}

function watch(
  command: typeof status,
  args: readonly string[],
  more: Partial<Surroundings> & { readonly live?: boolean } = {},
): Watching {
  const terminal = createTerminal();
  let out = "";
  let err = "";
  let listener: () => void = () => undefined;
  const { live = true, ...rest } = more;
  const ended = command(
    ["--kubeconfig", world.kubeconfig, ...args, "--watch"],
    surroundings({
      clock: systemClock,
      stdout: live ? terminal : { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      terminal: live,
      ...(live ? { size: () => ({ columns: 100, rows: 40 }) } : {}),
      env: { NO_COLOR: "1" },
      onInterrupt: (given) => {
        listener = given;
        return () => (listener = () => undefined);
      },
      ...rest,
    }),
  );
  const interrupt = (): Promise<number> => {
    listener();
    return ended;
  };
  return { terminal, out: () => out, err: () => err, interrupt, ended };
}

function suspend(ring: string, value: boolean): Promise<unknown> {
  return world.client.patch(ROLLOUT_RINGS, { name: ring }, { type: "merge", body: { spec: { suspend: value } } });
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 15_000, interval: 20 });

describe("on a terminal", () => {
  it("draws what changes in place, at most twice a second, and gives the terminal back on Ctrl-C", async () => {
    const began = systemClock.monotonic();
    const { terminal, interrupt, err } = watch(status, []);
    await until(() => expect(terminal.screen().join("\n")).toContain("○ canary"));
    expect(terminal.screen()[0]).toBe("watching; Ctrl-C ends");
    expect(terminal.screen().join("\n")).not.toContain("RingSuspended");

    for (const value of [true, false, true, false, true]) await suspend("canary", value);
    await until(() => expect(terminal.screen().join("\n")).toContain("never: RingSuspended"));
    const code = await interrupt();

    // The screen is taken and shown to be reading; the end is two more.
    expect(terminal.writes.length).toBeLessThanOrEqual((2 * (systemClock.monotonic() - began)) / 1000 + 5);
    expect([code, terminal.alternate(), terminal.cursorShown(), err()]).toEqual([1, false, true, ""]);
    expect(terminal.scrollback()).toMatch(/^cluster of [\s\S]*never: RingSuspended[\s\S]* compliant(; [^\n]+)?\n$/);
    await suspend("canary", false);
  });

  it("goes on without the API server, says how old the picture is, and catches up", async () => {
    const { terminal, interrupt } = watch(rollout, ["canary"]);
    await until(() => expect(terminal.screen().join("\n")).toContain("○ canary"));

    const back = await world.interruptServer();
    await until(() =>
      expect(terminal.screen()[0]).toMatch(/^■ this picture is [2-9]s old: the API server does not answer/),
    );
    expect(terminal.screen().join("\n")).toContain("○ canary");
    await back();
    await suspend("canary", true);
    await until(() => expect(terminal.screen().join("\n")).toContain("RingSuspended"));
    await until(() => expect(terminal.screen()[0]).toBe("watching; Ctrl-C ends"));

    expect(await interrupt()).toBe(1);
    await suspend("canary", false);
  }, 40_000);
});

describe("in a log", () => {
  it("tells each change of a ring on a line, and an outage on standard error", async () => {
    const { out, err, interrupt } = watch(status, [], { live: false });
    await until(() => expect(out().split("\n").length).toBe(4));

    await suspend("early", true);
    await until(() => expect(out().split("\n").length).toBe(5));
    const back = await world.interruptServer();
    await until(() => expect(err()).toMatch(/ the API server does not answer/));
    await back();
    await until(() => expect(err()).toMatch(/ is read anew\n$/));
    await interrupt();

    const lines = out().trimEnd().split("\n");
    expect(lines.map((line) => line.split(/\s+/)[1])).toEqual(["canary", "early", "broad", "early"]);
    expect(lines[3]).toMatch(/^2024-12-16T\S+Z {2}early 0\/\d+ \w+: .*never ends: RingSuspended$/);
    expect(out()).not.toContain("\u001b");
    await suspend("early", false);
  }, 40_000);

  it("is a document on a line with -o json, on a terminal too", async () => {
    const { terminal, interrupt } = watch(rollout, ["canary", "-o", "json"]);
    await until(() => expect(terminal.scrollback()).toMatch(/\n$/));
    await suspend("canary", true);
    await until(() => expect(terminal.scrollback().split("\n").length).toBe(3));
    await interrupt();

    const [first, second] = terminal
      .scrollback()
      .trimEnd()
      .split("\n")
      .map(
        (line) =>
          JSON.parse(line) as {
            readonly ring: { readonly name: string; readonly estimates: readonly { never: object | null }[] };
          },
      );
    expect(first?.ring.name).toBe("canary");
    expect(first?.ring.estimates.map(({ never }) => never)).not.toContainEqual(
      expect.objectContaining({ reason: "RingSuspended" }),
    );
    expect(second?.ring.estimates.map(({ never }) => never)).toContainEqual(
      expect.objectContaining({ reason: "RingSuspended" }),
    );
    await suspend("canary", false);
  });

  it("is told in a dumb terminal, too, in ASCII", async () => {
    const { terminal, interrupt } = watch(status, [], { env: { TERM: "dumb" } });
    await until(() => expect(terminal.scrollback().split("\n").length).toBe(4));
    await interrupt();

    expect(terminal.alternate()).toBe(false);
    expect(terminal.scrollback()).toMatch(/^[\u0020-\u007e\n]+$/);
  });
});

describe("what cannot be watched", () => {
  it.each([
    [["--cluster", "examples/dump-small"], /a dump does not change/],
    [["--at", "2026-11-21T17:50:00Z"], /the present/],
    [["-o", "yaml"], /use -o json/],
  ])("is wrong use: %j", async (args, message) => {
    await expect(watch(status, args, { live: false }).ended).rejects.toThrow(message);
  });

  it("is a ring that does not exist, and the terminal is given back before that is said", async () => {
    const { terminal, ended } = watch(rollout, ["canry"]);

    await expect(ended).rejects.toThrow(/there is no ring canry \(did you mean canary\?\)/);
    expect([terminal.alternate(), terminal.cursorShown()]).toEqual([false, true]);
  });

  it("is a cluster that lacks Ringward's kinds, or refuses to be read", async () => {
    const bare = createApiServer({ clock: systemClock, random: seededRandom(1) });
    const listening = await bare.listen({ host: "127.0.0.1" });
    const kubeconfig = join(makeFolder(), "kubeconfig");
    writeFileSync(kubeconfig, bare.kubeconfig(listening.url));

    await expect(watch(status, ["--kubeconfig", kubeconfig], { live: false }).ended).rejects.toThrow(
      /the API server has no kind \w+ \(ringward crds prints the definitions\)/,
    );
    bare.setFault((request) =>
      request.method === "GET" && request.path.includes("/nodes") ? { status: 403 } : "none",
    );
    await expect(watch(status, ["--kubeconfig", kubeconfig], { live: false }).ended).rejects.toThrow(/refused/);
    await listening.close();
  });

  it("is a cluster that does not answer", async () => {
    const back = await world.interruptServer();

    await expect(watch(status, [], { live: false }).ended).rejects.toThrow(/the API server does not answer/);
    await back();
  });
});
