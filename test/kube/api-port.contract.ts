// What every ApiPort must do, whoever answers: the HTTP transport in front of a server, or the sandbox's API server in
// process. It needs no faults and no time to pass: those are tested where they can be made.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "../../controller/kube/port.ts";
import type { ApiPort, ApiRequest, KubeObject, WatchEvent } from "../../controller/kube/port.ts";

export interface OpenPort {
  readonly port: ApiPort;
  close(): Promise<void>;
}

const namespace = "port-contract";
const collection = `/api/v1/namespaces/${namespace}/configmaps`;

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

function configMap(name: string, data: Record<string, string> = {}): ConfigMap {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data };
}

/** Describes the contract for the port that `makePort` opens, each test on its own. */
export function describeApiPort(name: string, makePort: () => Promise<OpenPort>): void {
  describe(`API port: ${name}`, () => {
    let open: OpenPort;
    let port: ApiPort;

    beforeEach(async () => {
      open = await makePort();
      port = open.port;
      const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
      await port.request({ method: "POST", path: "/api/v1/namespaces", body });
    });

    afterEach(async () => {
      await open.close();
    });

    async function create(object: ConfigMap): Promise<ConfigMap> {
      const answer = await port.request({ method: "POST", path: collection, body: object });
      expect(answer.status).toBe(201);
      return answer.body as ConfigMap;
    }

    const read = (request: Partial<ApiRequest> = {}) => port.request({ method: "GET", path: collection, ...request });

    /** Takes events until `count` came, then leaves the loop. */
    async function take(count: number, query: Record<string, string>, signal?: AbortSignal): Promise<WatchEvent[]> {
      const events: WatchEvent[] = [];
      for await (const event of port.watch({ path: collection, query, ...(signal === undefined ? {} : { signal }) })) {
        events.push(event);
        if (events.length === count) break;
      }
      return events;
    }

    const nameOf = (event: WatchEvent): string => (event.object as KubeObject).metadata.name;

    it("answers refusals instead of throwing them, with a Status", async () => {
      const answer = await read({ path: `${collection}/none` });

      expect(answer).toMatchObject({ status: 404, body: { kind: "Status", code: 404, reason: "NotFound" } });
      expect(Object.keys(answer.headers)).toEqual(Object.keys(answer.headers).map((header) => header.toLowerCase()));
    });

    it("stores what it was given, whatever the characters", async () => {
      const data = { text: 'größe € 😀 \u0000 " \\ \n' };

      const created = await create(configMap("a", data));
      const answer = await read({ path: `${collection}/a` });

      expect(answer.status).toBe(200);
      expect((answer.body as ConfigMap).data).toEqual(data);
      expect((answer.body as ConfigMap).metadata).toEqual(created.metadata);
    });

    it("shares nothing with its caller: who changes an answer or a body afterwards changes nothing, or is stopped", async () => {
      const body = configMap("a", { x: "1" });
      const created = await create(body);
      const first = (await read({ path: `${collection}/a` })).body as ConfigMap;

      for (const object of [body, created, first]) {
        try {
          (object.data as Record<string, string>)["x"] = "changed";
        } catch (error) {
          // Answers may be frozen: that is the other way to share nothing.
          if (!(error instanceof TypeError)) throw error;
        }
      }

      expect(((await read({ path: `${collection}/a` })).body as ConfigMap).data).toEqual({ x: "1" });
    });

    it("lets one of two writers win", async () => {
      const created = await create(configMap("a"));
      const put = (value: string) =>
        port.request({ method: "PUT", path: `${collection}/a`, body: { ...created, data: { by: value } } });

      const answers = await Promise.all([put("one"), put("two")]);

      expect(answers.map((answer) => answer.status).sort((one, two) => one - two)).toEqual([200, 409]);
      expect(answers.find((answer) => answer.status === 409)?.body).toMatchObject({ reason: "Conflict" });
    });

    it("takes the media type of a patch, and refuses one that it does not know", async () => {
      await create(configMap("a", { x: "1" }));
      const patch = (contentType: string, body: unknown) =>
        port.request({ method: "PATCH", path: `${collection}/a`, body, contentType });

      const merged = await patch("application/merge-patch+json", { data: { y: "2" } });
      const json = await patch("application/json-patch+json", [{ op: "remove", path: "/data/x" }]);
      const unknown = await patch("application/unknown", {});

      expect((merged.body as ConfigMap).data).toEqual({ x: "1", y: "2" });
      expect((json.body as ConfigMap).data).toEqual({ y: "2" });
      expect(unknown.status).toBe(415);
    });

    it("leaves queries without a value out, and pages by limit and continue", async () => {
      for (const name of ["a", "b", "c"]) await create(configMap(name));
      const page = async (next: string | undefined) => {
        const query = { limit: "2", continue: next, fieldSelector: undefined };
        return (await read({ query })).body as {
          metadata: { continue?: string; resourceVersion: string };
          items: KubeObject[];
        };
      };

      const first = await page(undefined);
      const second = await page(first.metadata.continue);

      const names = [...first.items, ...second.items].map((item) => item.metadata.name);
      expect(names.filter((name) => name.length === 1)).toEqual(["a", "b", "c"]);
      expect(first.items).toHaveLength(2);
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
      expect(second.metadata.continue ?? "").toBe("");
    });

    it("rejects a call whose caller had already given up, and does nothing", async () => {
      const calling = port.request({
        method: "POST",
        path: collection,
        body: configMap("a"),
        signal: AbortSignal.abort(),
      });

      await expect(calling).rejects.toThrow(/./);
      expect((await read({ path: `${collection}/a` })).status).toBe(404);
    });

    it("watches from a version: what came before is not told, what comes after is, in order", async () => {
      const { metadata } = await create(configMap("a"));
      const watching = take(3, { resourceVersion: String(metadata.resourceVersion) });
      const b = await create(configMap("b"));
      await port.request({ method: "PUT", path: `${collection}/b`, body: { ...b, data: { x: "1" } } });
      await port.request({ method: "DELETE", path: `${collection}/b` });

      const events = await watching;

      expect(events.map((event) => [event.type, nameOf(event)])).toEqual([
        ["ADDED", "b"],
        ["MODIFIED", "b"],
        ["DELETED", "b"],
      ]);
      const versions = events.map((event) => Number((event.object as KubeObject).metadata.resourceVersion));
      expect(versions).toEqual([...versions].sort((one, two) => one - two));
    });

    it("replays the same events to a second watch from the same version", async () => {
      const { metadata } = await create(configMap("a"));
      await create(configMap("b"));
      await create(configMap("c"));
      const query = { resourceVersion: String(metadata.resourceVersion) };

      expect(await take(2, query)).toEqual(await take(2, query));
    });

    it("streams the initial state and marks its end, when asked to", async () => {
      await create(configMap("a"));
      const query = {
        labelSelector: "!absent",
        fieldSelector: "metadata.name=a",
        sendInitialEvents: "true",
        resourceVersionMatch: "NotOlderThan",
        allowWatchBookmarks: "true",
      };

      const [first, end] = await take(2, query);

      expect(first).toMatchObject({ type: "ADDED", object: { metadata: { name: "a" } } });
      expect(end).toMatchObject({
        type: "BOOKMARK",
        object: { metadata: { annotations: { "k8s.io/initial-events-end": "true" } } },
      });
    });

    it("tells an object that leaves the selection as deleted", async () => {
      const created = await create({ ...configMap("a"), metadata: { name: "a", namespace, labels: { x: "1" } } });
      const watching = take(1, { resourceVersion: String(created.metadata.resourceVersion), labelSelector: "x" });
      const { labels: _, ...metadata } = created.metadata;
      await port.request({ method: "PUT", path: `${collection}/a`, body: { ...created, metadata } });

      expect(await watching).toMatchObject([{ type: "DELETED", object: { metadata: { name: "a" } } }]);
    });

    it("throws the refusal of a watch", async () => {
      const watching = port.watch({ path: "/apis/none.example.com/v1/things" })[Symbol.asyncIterator]().next();

      const error = await watching.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );

      expect(error).toBeInstanceOf(ApiError);
      expect(error).toMatchObject({ code: 404 });
    });

    it("ends a watch, one way or the other, when its caller gives up", async () => {
      const { metadata } = await create(configMap("a"));
      const abort = new AbortController();
      const query = { resourceVersion: String(metadata.resourceVersion) };
      const watching = take(2, query, abort.signal).then(
        (events) => events,
        (error: unknown) => error,
      );
      await create(configMap("b"));

      abort.abort(new Error("enough"));
      const end = await watching;
      await create(configMap("c"));

      expect(Array.isArray(end) ? end.length : 0).toBeLessThan(2);
    });
  });
}
