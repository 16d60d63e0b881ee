// One POST to an address that is a secret: read from its file each time, never told, no redirect followed, a deadline, and of the answer only
// its status and Retry-After are looked at. What went wrong is said in our own words: libraries and servers put addresses into theirs.
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Clock } from "../clock.ts";
import { type Notification, slackBody, webhookBody } from "../core/notify/index.ts";
import { createAgents } from "../kube/agents.ts";
import { startDeadline } from "../kube/deadline.ts";
import type { PostSettings } from "./settings.ts";

export type PostResult =
  | { readonly kind: "Sent" }
  /** Another time. */
  | { readonly kind: "Retry"; readonly why: string; readonly afterMs: number }
  /** This one is never taken. */
  | { readonly kind: "Refused"; readonly why: string };

export interface Post {
  send(notification: Notification): Promise<PostResult>;
  close(): Promise<void>;
}

export interface PostOptions {
  /** Transport time. */
  readonly clock: Clock;
  /** Lets addresses be http, for trials. */
  readonly allowInsecure: boolean;
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 10_000;
/** Of an answer nobody needs more; the rest is not read. */
const MOST_BYTES = 64 * 1024;
const LONGEST_RETRY_AFTER_MS = 60 * 60_000;
const SHORTEST_KEY = 16;

/** Sends to one destination. Connects when it first has to. */
export function createPost(destination: PostSettings, options: PostOptions): Post {
  const { clock, allowInsecure, deadlineMs = DEADLINE_MS } = options;
  const agents = createAgents(undefined);
  return {
    async send(notification) {
      const body = destination.type === "Slack" ? slackBody(notification) : webhookBody(notification);
      const url = await readAddress(destination.urlFile, allowInsecure);
      if (typeof url === "string") return retry(url);
      const signature = await sign(destination.hmacKeyFile, body);
      if (signature !== undefined && "wrong" in signature) return retry(signature.wrong);
      const deadline = startDeadline(clock, deadlineMs, undefined, destination.name);
      try {
        const answer = await agents.get({ rejectUnauthorized: true } as Parameters<typeof agents.get>[0]).request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: "POST",
          headers: {
            "content-type": "application/json",
            "user-agent": "ringward",
            "ringward-delivery": notification.id,
            "ringward-event": notification.event,
            ...(signature === undefined ? {} : { "ringward-signature": `sha256=${signature.hex}` }),
          },
          body,
          signal: deadline.signal,
        });
        // The status is the answer: whoever said that it is taken, and then breaks off, has it.
        await discard(answer.body).catch(() => undefined);
        return judge(answer.statusCode, answer.headers["retry-after"], clock.now());
      } catch (error) {
        return retry(deadline.signal.aborted ? `no answer within ${deadlineMs / 1000} s` : nameOf(error));
      } finally {
        deadline.done();
      }
    },
    close: () => agents.destroy(),
  };
}

function retry(why: string, afterMs = 0): PostResult {
  return { kind: "Retry", why, afterMs };
}

/** The codes that wait for better times; of others a repetition gets the same answer (RFC 9110, 15.5; 425 is RFC 8470). */
const PASSING = new Set([408, 425, 429]);

function judge(status: number, retryAfter: string | string[] | undefined, now: number): PostResult {
  if (status >= 200 && status < 300) return { kind: "Sent" };
  const why = `it answers ${status}`;
  if (status >= 300 && status < 400) return { kind: "Refused", why: `${why}: redirects are not followed` };
  if (status >= 400 && status < 500 && !PASSING.has(status)) return { kind: "Refused", why };
  return retry(why, parseRetryAfter(typeof retryAfter === "string" ? retryAfter : undefined, now));
}

/** Seconds or a date (RFC 9110, 10.2.3) as ms from now, at most an hour; 0: it says nothing that can be used. */
export function parseRetryAfter(text: string | undefined, now: number): number {
  if (text === undefined || text.length > 64) return 0;
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS) : 0;
}

/** A text says what is wrong, without saying what stands there. */
async function readAddress(file: string, allowInsecure: boolean): Promise<URL | string> {
  const text = await readMounted(file);
  if ("wrong" in text) return text.wrong;
  if (text.value === "" || /\s/.test(text.value) || !URL.canParse(text.value))
    return `${file} does not hold an address`;
  const url = new URL(text.value);
  if (url.protocol !== "https:" && !(allowInsecure && url.protocol === "http:"))
    return `the address in ${file} is not https`;
  if (url.username !== "" || url.password !== "") return `the address in ${file} holds a user or password`;
  return url;
}

async function sign(
  file: string | undefined,
  body: string,
): Promise<{ readonly hex: string } | { readonly wrong: string } | undefined> {
  if (file === undefined) return undefined;
  const key = await readMounted(file);
  if ("wrong" in key) return key;
  if (key.value.length < SHORTEST_KEY)
    return { wrong: `the key in ${file} is shorter than ${SHORTEST_KEY} characters` };
  return { hex: createHmac("sha256", key.value).update(body).digest("hex") };
}

async function readMounted(file: string): Promise<{ readonly value: string } | { readonly wrong: string }> {
  try {
    return { value: (await readFile(file, "utf8")).trim() };
  } catch (error) {
    return { wrong: `${file} cannot be read: ${nameOf(error)}` };
  }
}

/** The code of an error, such as ECONNREFUSED; its message might hold the address. */
function nameOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : "the connection failed";
}

/** Reads to the end, so that the connection can serve again, but no longer than an answer can sensibly be. */
async function discard(body: AsyncIterable<Uint8Array>): Promise<void> {
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > MOST_BYTES) return;
  }
}
