// A proxy on loopback between the adapter and Gitea that breaks single requests: before they arrive, or after they were carried out.
import { createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http";

export type Fault = "none" | "failBefore" | "loseReply";

export interface FaultProxy {
  readonly url: string;
  close(): Promise<void>;
}

/** `judge` is asked of every request. */
export async function startFaultProxy(
  upstream: string,
  judge: (method: string, path: string) => Fault,
): Promise<FaultProxy> {
  const target = new URL(upstream);
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const fault = judge(request.method ?? "GET", new URL(request.url ?? "/", upstream).pathname);
    if (fault === "failBefore") {
      request.socket.destroy();
      return;
    }
    const { method, headers, url: path } = request;
    const onward = send({ host: target.hostname, port: target.port, method, headers, path }, (answer) => {
      if (fault === "loseReply") {
        answer.resume().once("end", () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.once("error", () => request.socket.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the proxy does not listen");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
