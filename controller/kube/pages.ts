// Reads a list in pages, because one answer with 150,000 pods is longer than a V8 string may be. When the server has
// forgotten the snapshot between two pages (410) the reading starts again from the first page: continuing at a newer
// version would hide what happened to the earlier pages. It never falls back to one unlimited list.
import { isGone, toApiError } from "./api-errors.ts";
import type { ApiPort, KubeObject } from "./port.ts";
import { collectionPath } from "./resources.ts";
import type { Resource } from "./resources.ts";

export interface ListScope {
  /** One namespace; all of them if absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface Page {
  readonly items: readonly KubeObject[];
  /** The version of the snapshot that the whole list belongs to. */
  readonly resourceVersion: string;
  /** True when a reading begins: what earlier pages said is void. */
  readonly first: boolean;
  readonly last: boolean;
}

/** Sends one list request, answers with the list's body, throws `ApiError`; the client adds limiter and read retries here. */
export type SendList = (query: Readonly<Record<string, string | undefined>>) => Promise<unknown>;

const PAGE_SIZE = 500;
const MAX_RESTARTS = 3;

interface ListBody {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly KubeObject[] | null;
}

/** Pages of one list, in the server's order. Throws `ApiError` when the server refuses, also after `MAX_RESTARTS` × 410. */
export async function* readPages(
  send: SendList,
  scope: ListScope,
  pageSize: number = PAGE_SIZE,
): AsyncGenerator<Page, void, undefined> {
  let next: string | undefined;
  let restarts = 0;
  for (;;) {
    let body: ListBody;
    try {
      const { labelSelector, fieldSelector } = scope;
      body = (await send({ limit: String(pageSize), continue: next, labelSelector, fieldSelector })) as ListBody;
    } catch (error) {
      if (!isGone(error) || next === undefined || restarts >= MAX_RESTARTS) throw error;
      restarts += 1;
      next = undefined;
      continue;
    }
    const resourceVersion = body?.metadata?.resourceVersion;
    if (resourceVersion === undefined || !(Array.isArray(body.items) || body.items === null)) {
      throw new Error("the API server answered a list request with something that is not a list");
    }
    const first = next === undefined;
    next = body.metadata?.continue === "" ? undefined : body.metadata?.continue;
    yield { items: body.items ?? [], resourceVersion, first, last: next === undefined };
    if (next === undefined) return;
  }
}

/** A `SendList` straight on the port. */
export function sendListTo(port: ApiPort, resource: Resource, scope: ListScope, signal?: AbortSignal): SendList {
  const path = collectionPath(resource, scope.namespace);
  return async (query) => {
    const response = await port.request({ method: "GET", path, query, ...(signal === undefined ? {} : { signal }) });
    if (response.status !== 200) throw toApiError(response);
    return response.body;
  };
}
