// The API server as those who are searched see it: the same server, but nothing in its answers depends on the order of what has nothing to do
// with each other. A version of an object is counted per object (not over all of them), and what is drawn for a new object (its uid, its
// generated name) follows from the object. So two orders that come to the same leave the very same objects, and their worlds are one.
import type { ApiPort, ApiRequest, ApiResponse, KubeObject } from "../../controller/kube/port.ts";
import { readResourcePath } from "../../controller/sandbox/apiserver/paths.ts";
import type { StoredVersion } from "../../controller/sandbox/apiserver/index.ts";
import { digest, numberOf } from "./digest.ts";
import type { Scene } from "./scene.ts";

/** No version has it: whoever writes under it is refused. */
const NEVER = "1";

export interface CountedServer {
  as(user: string): ApiPort;
  /** A stored object as it is seen, the same value for the same version. */
  see(object: Readonly<KubeObject>): KubeObject;
  /** Digest of an object as it is seen. */
  digestOf(object: Readonly<KubeObject>): string;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** To be made before the search begins: from then on versions are counted. */
export function createCountedServer({ cluster, random }: Scene): CountedServer {
  const { server } = cluster;
  const { store } = server;
  const counts = new WeakMap<object, number>();
  const seen = new WeakMap<object, KubeObject>();
  const digests = new WeakMap<object, string>();
  const begun = store.history().length;

  /** How many versions of its key there were up to this one. */
  function countOf(version: StoredVersion): number {
    const known = counts.get(version.object);
    if (known !== undefined) return known;
    const before = version.previous === undefined ? endOf(version.key) : (counts.get(version.previous) ?? 1);
    const count = before + 1;
    counts.set(version.object, count);
    return count;
  }

  /** The count of an object of that key that was deleted, 0 where there was none. */
  function endOf(key: string): number {
    const history = store.history();
    const last = history.findLast((other, index) => index >= begun && other.key === key && other.type === "DELETED");
    return last === undefined ? 0 : countOf(last);
  }

  store.snapshot().tables.forEach(({ objects }) => objects.forEach((object) => counts.set(object, 1)));

  function see(object: Readonly<KubeObject>): KubeObject {
    const known = seen.get(object);
    if (known !== undefined) return known;
    const count = counts.get(object) ?? countOf(versionOf(object.metadata.resourceVersion ?? ""));
    const copy = { ...object, metadata: { ...object.metadata, resourceVersion: String(1000 + count) } };
    seen.set(object, copy);
    return copy;
  }

  function versionOf(resourceVersion: string): StoredVersion {
    const revision = Number(resourceVersion);
    const history = store.history();
    let [low, high] = [0, history.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((history[middle]?.revision ?? 0) < revision) low = middle + 1;
      else high = middle;
    }
    const found = history[low];
    if (found?.revision !== revision) throw new Error(`nothing was stored at revision ${resourceVersion}`);
    return found;
  }

  /** An object in an answer, whose version is the server's. */
  function seeAnswer(object: KubeObject): KubeObject {
    const resourceVersion = object.metadata.resourceVersion;
    if (resourceVersion === undefined) return object;
    const { object: stored } = versionOf(resourceVersion);
    const { metadata } = see(stored);
    return { ...object, metadata: { ...object.metadata, resourceVersion: metadata.resourceVersion ?? "" } };
  }

  function seeBody(body: unknown): unknown {
    const { items, metadata, kind } = (body ?? {}) as {
      readonly items?: readonly KubeObject[];
      readonly metadata?: JsonObject;
      readonly kind?: string;
    };
    if (kind === "Status") return body;
    if (Array.isArray(items))
      return {
        ...(body as object),
        metadata: { ...metadata, resourceVersion: NEVER },
        items: (items as readonly KubeObject[]).map(seeAnswer),
      };
    return metadata === undefined ? body : seeAnswer(body as KubeObject);
  }

  /** The object that a request is about, as it is now. */
  function present({ path }: ApiRequest): Readonly<KubeObject> | undefined {
    const parsed = readResourcePath(path);
    if (parsed?.name === undefined) return undefined;
    const table = parsed.group === "" ? parsed.plural : `${parsed.plural}.${parsed.group}`;
    const key = parsed.namespace === undefined ? parsed.name : `${parsed.namespace}/${parsed.name}`;
    return store.snapshot().tables.get(table)?.objects.get(key) as KubeObject | undefined;
  }

  function send(request: ApiRequest): ApiRequest {
    const { body } = request;
    if (body === undefined || body === null || typeof body !== "object") return request;
    const back = (value: unknown): unknown => {
      if (value === undefined) return undefined;
      const object = present(request);
      return object !== undefined && see(object).metadata.resourceVersion === value
        ? object.metadata.resourceVersion
        : NEVER;
    };
    if (Array.isArray(body)) {
      const operations = (body as readonly JsonObject[]).map((operation) =>
        operation["path"] === "/metadata/resourceVersion"
          ? { ...operation, value: back(operation["value"]) }
          : operation,
      );
      return { ...request, body: operations };
    }
    const given = body as JsonObject;
    const changed: Record<string, unknown> = { ...given };
    for (const field of ["metadata", "preconditions"]) {
      const part = given[field] as JsonObject | undefined;
      if (part?.["resourceVersion"] !== undefined)
        changed[field] = { ...part, resourceVersion: back(part["resourceVersion"]) };
    }
    return { ...request, body: changed };
  }

  /** What is drawn for a new object follows from what it is, and from how many like it were made before. */
  function seedRandom(request: ApiRequest): void {
    if (request.method !== "POST") return;
    const { metadata = {} } = (request.body ?? {}) as { readonly metadata?: JsonObject };
    const name = String(metadata["name"] ?? metadata["generateName"] ?? "");
    const parsed = readResourcePath(request.path);
    const table = parsed === undefined || parsed.group === "" ? parsed?.plural : `${parsed.plural}.${parsed.group}`;
    const prefix = `${table ?? ""}/${parsed?.namespace === undefined ? "" : `${parsed.namespace}/`}${name}`;
    const history = store.history();
    let earlier = 0;
    for (let index = begun; index < history.length; index += 1) {
      const version = history[index];
      if (version?.type === "ADDED" && version.key.startsWith(prefix)) earlier += 1;
    }
    random.state = numberOf(digest(`${prefix} ${earlier}`));
  }

  return {
    see,
    digestOf(object) {
      const known = digests.get(object);
      if (known !== undefined) return known;
      const made = digest(JSON.stringify(see(object)));
      digests.set(object, made);
      return made;
    },
    as(user) {
      const port = server.as(user);
      return {
        async request(request): Promise<ApiResponse> {
          seedRandom(request);
          const response = await port.request(send(request));
          return { ...response, body: seeBody(response.body) };
        },
        watch: (request) => port.watch(request),
      };
    },
  };
}
