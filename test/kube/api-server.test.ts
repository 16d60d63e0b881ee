// What the API server says of itself: unknown is unknown.
import { describe, expect, it } from "vitest";
import { viewApiServer } from "../../controller/kube/api-server.ts";
import { type ApiPort, TransportError } from "../../controller/kube/port.ts";

const port = (answers: Readonly<Record<string, number>>): Pick<Parameters<typeof viewApiServer>[0], "port"> => ({
  port: {
    request: ({ path }) => {
      const status = answers[path];
      if (status === undefined) return Promise.reject(new TransportError("connection", "notSent", "refused"));
      return Promise.resolve({ status, headers: {}, body: path === "/version" ? { gitVersion: "v1.36.2" } : "ok" });
    },
    watch: (() => undefined) as unknown as ApiPort["watch"],
  },
});

describe("viewApiServer", () => {
  it.each([
    [
      { "/version": 200, "/readyz": 200 },
      { version: "v1.36.2", ready: true },
    ],
    [
      { "/version": 200, "/readyz": 500 },
      { version: "v1.36.2", ready: false },
    ],
    [
      { "/version": 503, "/readyz": 403 },
      { version: undefined, ready: undefined },
    ],
    [{}, { version: undefined, ready: undefined }],
  ])("%o is %o", async (answers, view) => {
    expect(await viewApiServer(port(answers))).toEqual(view);
  });
});
