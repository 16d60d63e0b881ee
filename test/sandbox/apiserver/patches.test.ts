// The patch types on built-in kinds and custom resources, as the standards and Kubernetes' documents say.
import { describe, expect, it } from "vitest";
import { JsonPatchError, applyJsonPatch } from "../../../controller/sandbox/apiserver/patch/json.ts";
import { applyMergePatch } from "../../../controller/sandbox/apiserver/patch/merge.ts";
import { CONFIGMAPS, JSON_PATCH, MERGE, PODS, STRATEGIC, applyAs, pod, setting } from "./support.ts";

describe("JSON patch (RFC 6902, appendix A)", () => {
  it.each([
    [{ foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { baz: "qux", foo: "bar" }],
    [{ foo: ["bar", "baz"] }, [{ op: "add", path: "/foo/1", value: "qux" }], { foo: ["bar", "qux", "baz"] }],
    [{ baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], { foo: "bar" }],
    [{ foo: ["bar", "qux", "baz"] }, [{ op: "remove", path: "/foo/1" }], { foo: ["bar", "baz"] }],
    [
      { foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } },
      [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
      { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } },
    ],
    [
      { foo: ["all", "grass", "cows", "eat"] },
      [{ op: "move", from: "/foo/1", path: "/foo/3" }],
      { foo: ["all", "cows", "eat", "grass"] },
    ],
    [{ "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { "/": 9, "~1": 10 }],
    [{ foo: ["bar"] }, [{ op: "add", path: "/foo/-", value: ["abc", "def"] }], { foo: ["bar", ["abc", "def"]] }],
  ])("%j", (document, patch, expected) => {
    expect(applyJsonPatch(document, patch)).toEqual(expected);
  });

  it.each([
    [{ foo: "bar" }, [{ op: "add", path: "/baz/bat", value: "qux" }]],
    [{ baz: "qux" }, [{ op: "test", path: "/baz", value: "bar" }]],
    [{ foo: [] }, [{ op: "remove", path: "/foo/0" }]],
    [{ foo: [] }, [{ op: "add", path: "/foo/01", value: 1 }]],
    [{}, [{ op: "twist", path: "/foo" }]],
  ])("refuses %j with %j", (document, patch) => {
    expect(() => applyJsonPatch(document, patch)).toThrow(JsonPatchError);
  });
});

describe("merge patch (RFC 7386, appendix A)", () => {
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j with %j", (target, patch, expected) => {
    expect(applyMergePatch(target, patch)).toEqual(expected);
  });
});

describe("strategic merge patch", () => {
  const containers = [
    {
      name: "a",
      image: "a:1",
      env: [
        { name: "X", value: "1" },
        { name: "Y", value: "2" },
      ],
    },
    { name: "b", image: "b:1" },
  ];
  const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
  const web = {
    metadata: { name: "web", finalizers: ["x.dev/one", "x.dev/two"] },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers } },
    },
  };
  const patched = async (
    patch: unknown,
  ): Promise<{
    metadata: { finalizers?: string[] };
    spec: {
      template: { spec: { containers: { name: string; image: string; env?: unknown[] }[]; volumes?: unknown } };
      strategy: unknown;
    };
  }> => {
    const { ok } = setting();
    await ok("POST", DEPLOYMENTS, web);
    return (await ok("PATCH", `${DEPLOYMENTS}/web`, patch, STRATEGIC)) as never;
  };
  const inPod = (spec: unknown): unknown => ({ spec: { template: { spec } } });

  it("meets list items by key and leaves the others", async () => {
    const result = await patched(
      inPod({ containers: [{ name: "a", image: "a:2", env: [{ name: "Y", value: "3" }] }] }),
    );

    expect(result.spec.template.spec.containers).toMatchObject([
      {
        name: "a",
        image: "a:2",
        env: [
          { name: "X", value: "1" },
          { name: "Y", value: "3" },
        ],
      },
      { name: "b" },
    ]);
  });

  it("deletes an item, replaces a list, replaces an object by directive", async () => {
    const deleted = await patched(inPod({ containers: [{ name: "a", $patch: "delete" }] }));
    const replaced = await patched(inPod({ containers: [{ $patch: "replace" }, { name: "c", image: "c:1" }] }));
    const strategy = await patched({ spec: { strategy: { $patch: "replace", type: "Recreate" } } });

    expect(deleted.spec.template.spec.containers.map((item) => item.name)).toEqual(["b"]);
    expect(replaced.spec.template.spec.containers.map((item) => item.name)).toEqual(["c"]);
    expect(strategy.spec.strategy).toEqual({ type: "Recreate" });
  });

  it("keeps only the named keys with $retainKeys, orders with $setElementOrder, deletes from scalar lists", async () => {
    const retained = await patched({ spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } });
    const ordered = await patched(
      inPod({
        "$setElementOrder/containers": [{ name: "b" }, { name: "a" }],
        containers: [{ name: "a", image: "a:9" }],
      }),
    );
    const fewer = await patched({ metadata: { "$deleteFromPrimitiveList/finalizers": ["x.dev/one"] } });

    expect(retained.spec.strategy).toEqual({ type: "Recreate" });
    expect(ordered.spec.template.spec.containers.map((item) => `${item.name} ${item.image}`)).toEqual([
      "b b:1",
      "a a:9",
    ]);
    expect(fewer.metadata.finalizers).toEqual(["x.dev/two"]);
  });

  it("replaces a node's taints", async () => {
    const { ok } = setting();
    await ok("POST", "/api/v1/nodes", {
      metadata: { name: "n" },
      spec: { taints: [{ key: "a", effect: "NoSchedule" }] },
    });
    const node = await ok(
      "PATCH",
      "/api/v1/nodes/n",
      { spec: { taints: [{ key: "b", effect: "NoExecute" }] } },
      STRATEGIC,
    );

    expect(node.spec).toEqual({ taints: [{ key: "b", effect: "NoExecute" }] });
  });
});

describe("preconditions", () => {
  it("let exactly one of two patches through that test the same version", async () => {
    const { ok, send } = setting();
    const { metadata } = await ok("POST", CONFIGMAPS, { metadata: { name: "a" }, data: {} });
    const patch = [
      { op: "test", path: "/metadata/resourceVersion", value: metadata.resourceVersion },
      { op: "test", path: "/metadata/uid", value: metadata.uid },
      { op: "add", path: "/data", value: { k: "1" } },
    ];
    const [first, second] = await Promise.all([
      send("PATCH", `${CONFIGMAPS}/a`, patch, JSON_PATCH),
      send("PATCH", `${CONFIGMAPS}/a`, patch, JSON_PATCH),
    ]);

    expect([first.status, second.status]).toEqual([200, 422]);
  });

  it("answer 409 for a merge patch or an apply that names another version", async () => {
    const { ok, send } = setting();
    await ok("POST", CONFIGMAPS, { metadata: { name: "a" } });
    const body = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a", resourceVersion: "1" },
      data: { k: "1" },
    };

    expect((await send("PATCH", `${CONFIGMAPS}/a`, body, MERGE)).status).toBe(409);
    expect((await send("PATCH", `${CONFIGMAPS}/a`, body, applyAs("me"))).status).toBe(409);
  });
});

describe("server-side apply", () => {
  const config = (data: Record<string, string>): unknown => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "a" },
    data,
  });

  it("takes YAML, creates, shares equal values, and removes what its last owner drops", async () => {
    const { ok, send } = setting();
    expect(
      (
        await send(
          "PATCH",
          `${CONFIGMAPS}/a`,
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1', y: '2'}\n",
          applyAs("one"),
        )
      ).status,
    ).toBe(201);
    await ok("PATCH", `${CONFIGMAPS}/a`, config({ x: "1" }), applyAs("two"));
    const after = (await ok("PATCH", `${CONFIGMAPS}/a`, config({}), applyAs("one"))) as unknown as { data: unknown };
    expect(after.data).toEqual({ x: "1" });

    const last = (await ok("PATCH", `${CONFIGMAPS}/a`, config({}), applyAs("two"))) as unknown as { data?: unknown };
    expect(last.data).toBeUndefined();
  });

  it("names every conflict, and takes the fields when forced", async () => {
    const { ok, send } = setting();
    await ok("PATCH", `${CONFIGMAPS}/a`, config({ x: "1", y: "1" }), applyAs("one"));
    const refused = await send("PATCH", `${CONFIGMAPS}/a`, config({ x: "2", y: "2" }), applyAs("two"));
    expect(refused.status).toBe(409);
    expect(
      (refused.body as { details: { causes: { field: string }[] } }).details.causes.map((item) => item.field),
    ).toEqual([".data.x", ".data.y"]);

    const forced = await ok("PATCH", `${CONFIGMAPS}/a`, config({ x: "2", y: "2" }), applyAs("two", true));
    expect(forced.metadata.managedFields?.map((entry) => entry.manager)).toEqual(["two"]);
  });

  it("takes ownership away from whom an ordinary write overrules", async () => {
    const { ok } = setting();
    await ok("PATCH", `${CONFIGMAPS}/a`, config({ x: "1", y: "1" }), applyAs("one"));
    const after = await ok(
      "PATCH",
      `${CONFIGMAPS}/a`,
      { data: { x: "9" } },
      { ...MERGE, query: { fieldManager: "hand" } },
    );

    expect(after.metadata.managedFields?.map((entry) => [entry.manager, entry.operation, entry.fieldsV1])).toEqual([
      ["one", "Apply", { "f:data": { "f:y": {} } }],
      ["hand", "Update", { "f:data": { "f:x": {} } }],
    ]);
  });

  it("changes nothing when applied again", async () => {
    const { server, ok } = setting();
    await ok("PATCH", `${CONFIGMAPS}/a`, config({ x: "1" }), applyAs("one"));
    const before = server.store.revision();
    await ok("PATCH", `${CONFIGMAPS}/a`, config({ x: "1" }), applyAs("one"));

    expect(server.store.revision()).toBe(before);
  });
});

it("a write that changes nothing keeps the version, a dry run stores nothing", async () => {
  const { server, ok } = setting();
  await ok("POST", PODS, pod("p"));
  const before = server.store.revision();
  await ok("PATCH", `${PODS}/p`, { metadata: { labels: { a: null } } }, MERGE);
  const dry = await ok(
    "PATCH",
    `${PODS}/p`,
    { metadata: { labels: { a: "b" } } },
    { ...MERGE, query: { dryRun: "All" } },
  );
  await ok("DELETE", `${PODS}/p`, { dryRun: ["All"] });

  expect(dry.metadata.labels).toEqual({ a: "b" });
  expect(server.store.revision()).toBe(before);
});

it("drops a pod's status on create and keeps a node's, as a kubelet registers with one", async () => {
  const { ok } = setting();
  const made = await ok("POST", PODS, { ...(pod("p") as object), status: { phase: "Running" } });
  const node = await ok("POST", "/api/v1/nodes", {
    metadata: { name: "n" },
    status: { nodeInfo: { kernelVersion: "5.15.0" } },
  });

  expect(made.status).toEqual({ phase: "Pending", qosClass: "BestEffort" });
  expect(node.status).toMatchObject({ nodeInfo: { kernelVersion: "5.15.0", bootID: "" } });
  expect(node.metadata.managedFields).toBeUndefined();
});
