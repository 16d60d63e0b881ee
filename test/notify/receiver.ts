// A real HTTP server that takes notifications, and does with each of them what a test says.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Delivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly deliveries: Delivery[];
  /** What it does with the next ones; the last one goes on. */
  answer(...how: readonly ((response: ServerResponse) => void)[]): void;
  /** Resolves when so many have come. */
  came(count: number): Promise<void>;
}

export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(code, headers).end("said");
export const hang = (): void => undefined;

export async function startReceiver(): Promise<Receiver> {
  const deliveries: Delivery[] = [];
  let how: readonly ((response: ServerResponse) => void)[] = [status(200)];
  let waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { url: path = "", headers } = request;
      deliveries.push({ path, headers, body: Buffer.concat(chunks).toString("utf8") });
      const [now] = how;
      if (how.length > 1) how = how.slice(1);
      now?.(response);
      for (const one of waiting.filter(({ count }) => deliveries.length >= count)) one.resolve();
      waiting = waiting.filter(({ count }) => deliveries.length < count);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deliveries,
    answer: (...next) => void (how = next),
    came: (count) =>
      deliveries.length >= count ? Promise.resolve() : new Promise((resolve) => void waiting.push({ count, resolve })),
  };
}
