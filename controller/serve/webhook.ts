// The forge's webhooks: POST /webhook, answered at once, and nothing but a poke to look at git and at the forge now rather than at the next
// interval. Everything about it is bounded: bytes, time, connections, pokes a second, and long bodies a second that prove to be nobody's; no
// stranger can use up what the forge may send. Polling covers what is refused or lost.
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import { defineCounter, type Meter } from "../metrics.ts";
import type { BindAddress } from "./bind-address.ts";
import { createDeliveries, type DeliveryResult, isSigned, SHORTEST_SECRET } from "./delivery.ts";
import { type Listening, startListening } from "./listening.ts";

const REQUESTS = defineCounter(
  "ringward_webhook_requests_total",
  "Webhook deliveries by result: accepted, duplicate, unsigned, badSignature, tooLarge, limited, noSecret or broken.",
  ["result"],
);
const POKES = defineCounter("ringward_webhook_pokes_total", "Looks at git and the forge that webhooks caused.");

export const WEBHOOK_METRICS = [REQUESTS, POKES];

export interface WebhookOptions {
  /** The flag that gave the address, for messages. */
  readonly flag: string;
  readonly address: BindAddress;
  /** Mounted file; read for each delivery, so that it can be changed. */
  readonly secretFile: string;
  /** Transport time. */
  readonly clock: Clock;
  readonly meter: Meter;
  /** Look now. Gets nothing of what was sent. */
  readonly poke: () => void;
  readonly onError: (error: unknown) => void;
}

/** GitHub sends up to 25 MB; what is longer than this is refused, and the next poll finds what it was about. */
export const MOST_BYTES = 1024 * 1024;
const MOST_DRAINED = 32 * 1024 * 1024;
const MOST_CONNECTIONS = 32;
const MOST_HEADER_BYTES = 16 * 1024;
/** Forges give up after ten seconds. */
const REQUEST_MS = 10_000;
/** A body of so many bytes costs no more to judge than its request costs to refuse; forges seldom send more. */
const SHORT_BYTES = 64 * 1024;
/** Longer bodies that were not the forge's, a second in the long run, and at once. */
const RATE = 10;
const BURST = 60;
/** Shortest time between two pokes. */
const POKE_MS = 1_000;
const REMEMBERED = 2_000;

const statuses: Readonly<Record<DeliveryResult, number>> = {
  accepted: 202,
  duplicate: 202,
  unsigned: 401,
  badSignature: 401,
  tooLarge: 413,
  limited: 429,
  noSecret: 503,
  broken: 400,
};

/** Reads the secret, or the old and the new one of two lines while it is being changed. Throws UserError RW1304. */
export async function readWebhookSecrets(file: string): Promise<readonly Buffer[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "error";
    throw new UserError("RW1304", `webhook secret ${file} cannot be read: ${code}`, "mount the secret there");
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const secrets = lines.filter((line) => line !== "").map((line) => Buffer.from(line));
  if (secrets.length === 0 || secrets.some((secret) => secret.length < SHORTEST_SECRET))
    throw new UserError(
      "RW1304",
      `webhook secret ${file} is shorter than ${SHORTEST_SECRET} bytes`,
      "put a long random string into it, and the same into the forge's webhook",
    );
  if (secrets.length > 2)
    throw new UserError(
      "RW1304",
      `webhook secret ${file} has ${secrets.length} lines`,
      "one line, or two while you change it: the old secret and the new one",
    );
  return secrets;
}

interface Bucket {
  /** False: none is left. */
  take(): boolean;
  giveBack(): void;
}

/** Tokens that come back with time. */
function createBucket(clock: Clock): Bucket {
  let tokens = BURST;
  let at = clock.monotonic();
  return {
    take() {
      const now = clock.monotonic();
      tokens = Math.min(BURST, tokens + ((now - at) / 1000) * RATE);
      at = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    giveBack: () => void (tokens = Math.min(BURST, tokens + 1)),
  };
}

/** Whether a body says that it is short. One that lies is ended by HTTP itself. */
function saysShort({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return length !== undefined && Number(length) <= SHORT_BYTES;
}

/** At most one poke a second; one that comes too early is made when the second is over. */
function createPoker({ clock, poke, onError }: WebhookOptions, stopped: AbortSignal, count: () => void): () => void {
  let last = Number.NEGATIVE_INFINITY;
  let waiting = false;
  const act = (): void => {
    last = clock.monotonic();
    count();
    try {
      poke();
    } catch (error) {
      onError(error);
    }
  };
  return () => {
    if (waiting) return;
    const early = last + POKE_MS - clock.monotonic();
    if (early <= 0) return act();
    waiting = true;
    clock.sleep(early, stopped).then(
      () => {
        waiting = false;
        act();
      },
      () => undefined,
    );
  };
}

/**
 * The whole body, or why there is none. Of one beyond the cap nothing is kept, but it is let in to its end (as far as a forge sends): who is
 * cut off while sending does not hear why.
 */
async function readBody(request: IncomingMessage): Promise<Buffer | "tooLarge" | "broken"> {
  if (Number(request.headers["content-length"] ?? 0) > MOST_DRAINED) return "tooLarge";
  let chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= MOST_BYTES) chunks.push(chunk);
      else chunks = [];
      if (size > MOST_DRAINED) return "tooLarge";
    }
  } catch {
    return "broken";
  }
  return size > MOST_BYTES ? "tooLarge" : Buffer.concat(chunks);
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    // What was not read to its end must not be taken for the next request.
    connection: "close",
    ...(status === 405 ? { allow: "POST" } : {}),
    ...(status === 429 ? { "retry-after": "10" } : {}),
  });
  response.end(body);
}

/** Starts to listen. Throws UserError where it cannot (RW1302), or where there is no secret (RW1304). */
export async function startWebhook(options: WebhookOptions): Promise<Listening> {
  const { flag, address, clock, meter, secretFile, onError } = options;
  await readWebhookSecrets(secretFile);
  const [requests, pokes] = [meter.counter(REQUESTS), meter.counter(POKES)];
  const judge = createDeliveries(REMEMBERED);
  const longOnes = createBucket(clock);
  const stopped = new AbortController();
  const poke = createPoker(options, stopped.signal, () => pokes.add({}));

  async function receive(request: IncomingMessage): Promise<DeliveryResult> {
    if (!isSigned(request.headers)) return "unsigned";
    const isLong = !saysShort(request);
    if (isLong && !longOnes.take()) return "limited";
    const body = await readBody(request);
    if (!Buffer.isBuffer(body)) return body;
    try {
      const result = judge(request.headers, body, await readWebhookSecrets(secretFile));
      if (isLong && result !== "badSignature") longOnes.giveBack();
      return result;
    } catch (error) {
      onError(error);
      return "noSecret";
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => undefined);
    const path = (request.url ?? "").replace(/[?#].*$/s, "");
    if (path !== "/webhook") return answer(response, 404, "there is /webhook\n");
    if (request.method !== "POST") return answer(response, 405, "only POST\n");
    const result = await receive(request);
    requests.add({ result });
    if (result === "accepted") poke();
    answer(response, statuses[result], `${result}\n`);
  }

  const server = createServer(
    {
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: 5_000,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => void serve(request, response).catch(onError),
  );
  const listening = await startListening(server, { flag, address, clock, mostConnections: MOST_CONNECTIONS });
  return {
    url: `${listening.url}/webhook`,
    close() {
      stopped.abort(new Error("closed"));
      return listening.close();
    },
  };
}
