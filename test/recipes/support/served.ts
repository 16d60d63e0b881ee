// Package repositories for the tests of recipes: folders served over HTTP on loopback, with the troubles that mirrors have.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";

export interface Served {
  readonly url: string;
  /** Paths that were asked for, in their order. */
  readonly asked: string[];
  /** Answers 500 to every path that begins so; undefined: to none. */
  broken: string | undefined;
  close(): Promise<void>;
}

export async function serve(folder: string): Promise<Served> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
    asked.push(path);
    if (served.broken !== undefined && path.startsWith(served.broken)) {
      response.writeHead(500).end();
      return;
    }
    const bytes = readIfThere(join(folder, path));
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const served: Served = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    broken: undefined,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return served;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
