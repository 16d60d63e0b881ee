// One GET of JSON from an address that the operator set: no redirects, a deadline, a most of bytes, the token read anew each time and sent
// nowhere else. Every failure is an answer with a name; nothing of the token ever gets into one.
import { readFile } from "node:fs/promises";
import type { Clock } from "../clock.ts";
import type { GateAnswer, Unanswered } from "../core/gates/readings.ts";
import { createAgents } from "../kube/agents.ts";
import { startDeadline } from "../kube/deadline.ts";
import { TransportError } from "../kube/port.ts";
import { redact, removeSecrets } from "../redact.ts";

export interface Endpoint {
  /** http or https, without user, query and fragment; a path is kept (`/prometheus`). */
  readonly url: URL;
  /** File with a bearer token. */
  readonly tokenFile?: string | undefined;
  /** File with the authorities that the server's certificate is checked against; left out: the system's. */
  readonly caFile?: string | undefined;
}

export type JsonAnswer = { readonly kind: "Json"; readonly body: unknown } | Extract<GateAnswer, { kind: "None" }>;

export interface JsonSource {
  get(path: string, query: readonly (readonly [string, string])[]): Promise<JsonAnswer>;
  close(): Promise<void>;
}

export interface HttpOptions {
  /** Transport time. */
  readonly clock: Clock;
  readonly deadlineMs?: number;
  readonly mostBytes?: number;
}

const SHORTEST_SECRET = 8;
const DEADLINE_MS = 5_000;
const MOST_BYTES = 4 * 1024 * 1024;

/** Why there is no answer. */
export function none(why: Unanswered, message: string): Extract<GateAnswer, { kind: "None" }> {
  return { kind: "None", why, message: redact(message).replaceAll(/\s+/g, " ").slice(0, 240) };
}

/** A source of JSON behind one address. Connects when it is first asked. */
export function createJsonSource(endpoint: Endpoint, options: HttpOptions): JsonSource {
  const { clock, deadlineMs = DEADLINE_MS, mostBytes = MOST_BYTES } = options;
  const { origin, pathname } = endpoint.url;
  const agents = createAgents(undefined);

  async function ask(path: string, signal: AbortSignal): Promise<JsonAnswer> {
    const token = endpoint.tokenFile === undefined ? undefined : (await readFile(endpoint.tokenFile, "utf8")).trim();
    if (token === "" || /\s/.test(token ?? "")) return none("Refused", `${endpoint.tokenFile} holds no token`);
    const ca = endpoint.caFile === undefined ? undefined : await readFile(endpoint.caFile, "utf8");
    const answer = await agents
      .get({ rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) } as Parameters<typeof agents.get>[0])
      .request({
        origin,
        path,
        method: "GET",
        headers: {
          accept: "application/json",
          "user-agent": "ringward",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        signal,
      });
    const text = await readBody(answer.body, mostBytes);
    const { statusCode } = answer;
    if (statusCode >= 300 && statusCode < 400)
      return none("Redirected", `${origin} answers ${statusCode}: redirects are not followed, give the address itself`);
    if (text === undefined) return none("TooLarge", `${origin} sends more than ${mostBytes} bytes`);
    if (statusCode === 401 || statusCode === 403) return none("Refused", `${origin} answers ${statusCode}`);
    return readJson(text, statusCode, origin, token);
  }

  return {
    async get(path, query) {
      const search = new URLSearchParams(query.map(([name, value]): [string, string] => [name, value])).toString();
      const target = `${pathname.replace(/(?<!\/)\/+$/, "")}${path}${search === "" ? "" : `?${search}`}`;
      const deadline = startDeadline(clock, deadlineMs, undefined, origin);
      try {
        return await ask(target, deadline.signal);
      } catch (error) {
        return explain(deadline.signal.aborted ? deadline.signal.reason : error, origin, deadlineMs);
      } finally {
        deadline.done();
      }
    },
    close: () => agents.destroy(),
  };
}

/** Undefined: it is longer than that; the rest is not read. */
async function readBody(body: AsyncIterable<Uint8Array>, most: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Both servers explain a refusal in JSON: Prometheus as `{"error": …}`, Alertmanager as `{"message": …}` or a bare string. */
function readJson(text: string, status: number, origin: string, token: string | undefined): JsonAnswer {
  let body: unknown;
  try {
    // Names of series and reasons are told to people, and may hold what the server was sent. What decides stays as it was sent: a text
    // that is shorter than any secret is left alone.
    body = JSON.parse(text, (_, value: unknown) =>
      typeof value === "string" && token !== undefined && token.length >= SHORTEST_SECRET
        ? removeSecrets(value, [token])
        : value,
    ) as unknown;
  } catch {
    return status === 200
      ? none("Malformed", `${origin} does not answer with JSON`)
      : none("Refused", `${origin} answers ${status}`);
  }
  if (status === 200) return { kind: "Json", body };
  const { error, message } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const said = [error, message, body].find((one) => typeof one === "string");
  return none("Refused", `${origin} answers ${status}${typeof said === "string" ? `: ${said}` : ""}`);
}

function explain(error: unknown, origin: string, deadlineMs: number): JsonAnswer {
  if (error instanceof TransportError && error.kind === "timeout")
    return none("TimedOut", `${origin} does not answer within ${deadlineMs / 1000} s`);
  const { code, path } = (error ?? {}) as { readonly code?: unknown; readonly path?: unknown };
  if (typeof path === "string") return none("Refused", `${path} cannot be read: ${String(code)}`);
  return none("Unreachable", `${origin}: ${typeof code === "string" ? code : (error as Error).message}`);
}
