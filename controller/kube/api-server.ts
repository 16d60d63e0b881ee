// What the API server says of itself: its version and whether it is ready. Both paths are open to everybody who is authenticated
// (ClusterRole system:public-info-viewer). An answer that does not come says nothing: then both are unknown, which never opens anything.
import type { ApiResponse } from "./port.ts";
import type { Client } from "./client.ts";

export interface ApiServerView {
  /** `v1.36.2`; undefined: it did not say. */
  readonly version: string | undefined;
  /** `/readyz`; undefined: it did not say. */
  readonly ready: boolean | undefined;
}

/** Asks the API server; never throws. */
export async function viewApiServer({ port }: Pick<Client, "port">): Promise<ApiServerView> {
  const ask = async (path: string): Promise<ApiResponse | undefined> => {
    try {
      return await port.request({ method: "GET", path });
    } catch {
      return undefined;
    }
  };
  const version = await ask("/version");
  const readyz = await ask("/readyz");
  const gitVersion = (version?.body as { readonly gitVersion?: unknown } | null | undefined)?.gitVersion;
  return {
    version: version?.status === 200 && typeof gitVersion === "string" ? gitVersion : undefined,
    // Who may not ask knows nothing; a server that is not ready answers 500.
    ready: readyz === undefined || readyz.status === 401 || readyz.status === 403 ? undefined : readyz.status === 200,
  };
}
