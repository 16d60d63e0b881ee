// A watch over a real connection that nobody closes and on which nothing comes any more: the server's process hangs, or a middlebox forgot the
// connection. The transport cannot know; the reflector finds out by the silence.
import { describe, expect, it, onTestFinished } from "vitest";
import { manualClock, seededRandom, systemClock } from "../../controller/clock.ts";
import { startReflector } from "../../controller/kube/reflector.ts";
import { NODES } from "../../controller/kube/resources.ts";
import { createStore } from "../../controller/kube/store.ts";
import { createTransport } from "../../controller/kube/transport.ts";
import { startServer } from "./http-server.ts";

const MINUTE = 60_000;

function kubeconfigFor(url: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster: { server: url } }],
    users: [{ name: "u", user: { token: "t" } }],
  });
}

const line = (type: string, name: string, resourceVersion: string): string =>
  `${JSON.stringify({ type, object: { kind: "Node", apiVersion: "v1", metadata: { name, uid: name, resourceVersion } } })}\n`;

describe("a half-open watch", () => {
  it("is found after two bookmark intervals, and taken up where it was, at most once a second (K5)", async () => {
    let dead = false;
    const opened: string[] = [];
    const server = await startServer((request, response) => {
      response.setHeader("content-type", "application/json");
      const query = new URL(request.url ?? "", "http://server").searchParams;
      if (query.get("watch") !== "true")
        return void response.end(JSON.stringify({ metadata: { resourceVersion: "7" }, items: [] }));
      opened.push(query.get("resourceVersion") ?? "");
      // The connection stays open in any case.
      response.flushHeaders();
      if (opened.length === 1) response.write(line("ADDED", "first", "8"));
      else if (!dead) response.write(line("ADDED", "second", "9"));
    });
    const transport = createTransport({ kubeconfig: kubeconfigFor(server.url), clock: systemClock, userAgent: "test" });
    const clock = manualClock(0);
    const store = createStore<string>();
    const stored = (name: string): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => void (store.get(name) === undefined || resolve());
        store.onChange(look);
        look();
      });
    const reflector = startReflector<string>({
      port: transport,
      resource: NODES,
      clock,
      random: seededRandom(1),
      store,
      project: ({ metadata }) => metadata.name,
    });
    onTestFinished(async () => {
      await reflector.stop();
      await transport.close();
      await server.close();
    });
    /** Time passes, and whatever follows over the loopback has followed. */
    const pass = async (ms: number): Promise<void> => {
      for (let past = 0; past < ms; past += 1_000) {
        clock.advance(1_000);
        for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await stored("first");
    await pass(2 * MINUTE - 1_000);
    expect(opened).toEqual(["7"]);

    await pass(10_000);
    await stored("second");
    expect(opened).toEqual(["7", "8"]);
    expect(store.values()).toEqual(["first", "second"]);

    dead = true;
    const before = server.requests.length;
    await pass(10 * MINUTE);
    expect(server.requests.length - before).toBeGreaterThanOrEqual(3);
    expect(server.requests.length - before).toBeLessThanOrEqual(6);
  });
});
