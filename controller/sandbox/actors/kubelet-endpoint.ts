// The HTTPS endpoint of the kubelets: a real API server fetches the logs of pods here (kubelet's `/containerLogs/NS/POD/CONTAINER`,
// with the query of v1.PodLogOptions). One endpoint serves the nodes of a whole fleet; it holds logs in memory and decides nothing.
// Callers are not authenticated: it listens on loopback only, and logs of rehearsals are no secret.
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Pod } from "./objects.ts";
import { cutLog } from "../pod-log.ts";

export interface KubeletEndpoint {
  readonly address: string;
  readonly port: number;
  /** Replaces what a pod has printed. */
  keep(pod: Pod, log: string): void;
  /** Drops the logs of pods that are not among these uids. */
  forget(alive: ReadonlySet<string>): void;
  close(): Promise<void>;
}

/** Serves on a free port of loopback. The API server checks no kubelet's certificate unless it is given an authority for them. */
export async function serveKubelets(tls: { readonly key: string; readonly cert: string }): Promise<KubeletEndpoint> {
  /** By `NAMESPACE/NAME`. */
  const logs = new Map<string, { readonly uid: string; readonly log: string }>();
  const server = createServer(tls, (request, response) => {
    const url = new URL(request.url ?? "/", "https://kubelet.invalid");
    const [, what, namespace = "", name = ""] = url.pathname.split("/");
    const known = request.method === "GET" && what === "containerLogs" ? logs.get(`${namespace}/${name}`) : undefined;
    if (what !== "containerLogs") {
      response.writeHead(404).end();
      return;
    }
    const { tailLines, limitBytes } = Object.fromEntries(url.searchParams);
    response.writeHead(200, { "content-type": "text/plain" }).end(cutLog(known?.log ?? "", { tailLines, limitBytes }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    address,
    port,
    keep: ({ metadata }, log) =>
      void logs.set(`${metadata.namespace ?? ""}/${metadata.name}`, { uid: metadata.uid ?? "", log }),
    forget(alive) {
      for (const [key, { uid }] of logs) if (!alive.has(uid)) logs.delete(key);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
