// Revisions, history, snapshots, lists and watches.
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../controller/kube/port.ts";
import { CONFIGMAPS, MERGE, PODS, inWords, pod, setting, take } from "./support.ts";

describe("history", () => {
  it("keeps every version with who wrote it and what was before, and nobody can change it", async () => {
    const { server, ok } = setting();
    await ok("POST", CONFIGMAPS, { metadata: { name: "a" }, data: { k: "1" } });
    await server
      .as("someone")
      .request({ method: "PATCH", path: `${CONFIGMAPS}/a`, body: { data: { k: "2" } }, ...MERGE });
    await ok("DELETE", `${CONFIGMAPS}/a`);

    const versions = server.store.history().filter((version) => version.key === "configmaps/default/a");
    expect(versions.map(({ type, user }) => `${type} by ${user}`)).toEqual([
      "ADDED by sandbox-admin",
      "MODIFIED by someone",
      "DELETED by sandbox-admin",
    ]);
    expect(versions[1]?.previous).toBe(versions[0]?.object);
    expect(versions.map(({ revision }) => revision)).toEqual(
      [...versions.map(({ revision }) => revision)].sort((a, b) => a - b),
    );
    expect(Object.isFrozen(versions[1]?.object)).toBe(true);
    expect(Object.isFrozen(versions[1]?.object.metadata.managedFields)).toBe(true);
  });

  it("does not share a caller's object", async () => {
    const { server, ok } = setting();
    const body = { metadata: { name: "a" }, data: { k: "1" } };
    await ok("POST", CONFIGMAPS, body);
    body.data.k = "changed";

    expect((await ok("GET", `${CONFIGMAPS}/a`)) as unknown).toMatchObject({ data: { k: "1" } });
    expect(server.store.revision()).toBe(6);
  });
});

describe("snapshots", () => {
  it("go back to exactly what was, any number of times, and histories branch without mixing", async () => {
    const { server, ok, send } = setting();
    await ok("POST", CONFIGMAPS, { metadata: { name: "a" } });
    const snapshot = server.store.snapshot();
    const before = server.store.history();

    for (const name of ["b", "c"]) {
      await ok("POST", CONFIGMAPS, { metadata: { name } });
      await ok("DELETE", `${CONFIGMAPS}/a`);
      expect(server.store.history().slice(0, before.length)).toEqual(before);
      expect(server.store.history().some((version) => version.key.endsWith(name === "c" ? "/b" : "/c"))).toBe(false);
      server.store.restore(snapshot);
      expect(server.store.history()).toEqual(before);
      expect((await send("GET", `${CONFIGMAPS}/${name}`)).status).toBe(404);
      expect((await send("GET", `${CONFIGMAPS}/a`)).status).toBe(200);
    }
  });

  it("end open watches and forget owners, logs and definitions made since", async () => {
    const { server, ok, send } = setting();
    await ok("POST", PODS, pod("p"));
    const snapshot = server.store.snapshot();
    const watching = take(server.watch({ path: PODS, query: { resourceVersion: String(server.store.revision()) } }), 5);
    server.setPodLog("default", "p", "after");
    server.store.restore(snapshot);

    expect(await watching).toEqual([]);
    expect((await send("GET", `${PODS}/p/log`)).body).toBe("");
  });
});

describe("lists", () => {
  it("page through one revision although objects change meanwhile", async () => {
    const { ok } = setting();
    for (const name of ["a", "b", "c", "d", "e"]) await ok("POST", PODS, pod(name));
    const list = (
      continueToken?: string,
    ): Promise<KubeObject & { items: KubeObject[]; metadata: { continue?: string } }> =>
      ok("GET", PODS, undefined, { query: { limit: "2", continue: continueToken } }) as never;
    const first = await list();
    await ok("POST", PODS, pod("bb"));
    await ok("DELETE", `${PODS}/e`, { gracePeriodSeconds: 0 });
    const second = await list(first.metadata.continue);
    const third = await list(second.metadata.continue);

    expect([first, second, third].map((page) => page.items.map((item) => item.metadata.name))).toEqual([
      ["a", "b"],
      ["c", "d"],
      ["e"],
    ]);
    expect(third.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(third.metadata.continue).toBeUndefined();
  });

  it("answer 410 for a page of a revision that is no longer kept", async () => {
    const { server, ok, send } = setting();
    for (const name of ["a", "b"]) await ok("POST", PODS, pod(name));
    const first = (await ok("GET", PODS, undefined, { query: { limit: "1" } })) as unknown as {
      metadata: { continue: string };
    };
    server.store.compact(server.store.revision());
    await ok("POST", PODS, pod("c"));
    server.store.compact(server.store.revision());

    const answer = await send("GET", PODS, undefined, { query: { limit: "1", continue: first.metadata.continue } });
    expect(answer.status).toBe(410);
    expect(answer.body).toMatchObject({ reason: "Expired" });
  });

  it("select by every operator", async () => {
    const { ok } = setting();
    await ok("POST", PODS, pod("a", { tier: "web", n: "1" }));
    await ok("POST", PODS, pod("b", { tier: "db", n: "20" }));
    await ok("POST", PODS, pod("c", {}, "n2"));
    const names = async (query: Record<string, string>): Promise<readonly string[]> =>
      ((await ok("GET", PODS, undefined, { query })) as unknown as { items: KubeObject[] }).items.map(
        (item) => item.metadata.name,
      );

    expect(await names({ labelSelector: "tier" })).toEqual(["a", "b"]);
    expect(await names({ labelSelector: "!tier" })).toEqual(["c"]);
    expect(await names({ labelSelector: "tier!=db" })).toEqual(["a", "c"]);
    expect(await names({ labelSelector: "tier in (db, web), n > 5" })).toEqual(["b"]);
    expect(await names({ labelSelector: "tier notin (db)" })).toEqual(["a", "c"]);
    expect(await names({ fieldSelector: "spec.nodeName=n2" })).toEqual(["c"]);
    expect(await names({ fieldSelector: "spec.nodeName!=n2,metadata.name!=a" })).toEqual(["b"]);
  });
});

describe("watches", () => {
  it("replay from a revision and deliver in order, DELETED when an object leaves the selection", async () => {
    const { server, ok } = setting();
    const from = String(server.store.revision());
    await ok("POST", PODS, pod("a", { on: "yes" }));
    await ok("PATCH", `${PODS}/a`, { metadata: { labels: { on: "no" } } }, MERGE);
    const watching = take(server.watch({ path: PODS, query: { resourceVersion: from, labelSelector: "on=yes" } }), 3);
    await ok("PATCH", `${PODS}/a`, { metadata: { labels: { on: "yes" } } }, MERGE);

    expect((await watching).map(inWords)).toEqual(["ADDED a@6", "DELETED a@7", "ADDED a@8"]);
  });

  it("say 410 in the stream when the revision is too old, and end", async () => {
    const { server, ok } = setting({ historyLimit: 2 });
    const from = String(server.store.revision());
    for (const name of ["a", "b", "c", "d"]) await ok("POST", PODS, pod(name));

    const events = await take(server.watch({ path: PODS, query: { resourceVersion: from } }), 5);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ type: "ERROR", object: { code: 410, reason: "Expired" } });
  });

  it("end after timeoutSeconds of transport time and send bookmarks each minute when asked", async () => {
    const { server, clock } = setting();
    const watching = take(
      server.watch({ path: PODS, query: { timeoutSeconds: "90", allowWatchBookmarks: "true" } }),
      9,
    );
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(30_000);

    expect((await watching).map((event) => event.type)).toEqual(["BOOKMARK"]);
  });

  it("are refused with what a real server answers", async () => {
    const { server } = setting();

    await expect(take(server.watch({ path: PODS, query: { labelSelector: "a in (b" } }), 1)).rejects.toMatchObject({
      code: 400,
    });
    await expect(take(server.watch({ path: "/apis/nope.example.com/v1/things" }), 1)).rejects.toMatchObject({
      code: 404,
    });
  });
});
