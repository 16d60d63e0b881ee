// The way to a forge: through a proxy, or to a server whose certificate an authority of one's own has signed. Files are read for each request,
// so that they can be changed; connections are kept while what they were made of stays the same. Nothing is taken from the environment.
import { readFile } from "node:fs/promises";
import { UserError } from "../errors.ts";

export interface Way {
  /** PEM certificates that the forge's server and the proxy are trusted by; left out: the system's. */
  readonly caFile?: string;
  readonly proxy?: {
    /** `http://HOST:PORT` or `https://HOST:PORT`, without credentials. */
    readonly url: string;
    /** Answers `USER:PASSWORD`. */
    readonly credentials?: () => Promise<string>;
  };
}

/** `fetch` on that way; undefined: the usual one. */
export function createFetch({ caFile, proxy }: Way): typeof fetch | undefined {
  if (caFile === undefined && proxy === undefined) return undefined;
  let held: { readonly key: string; readonly dispatcher: { close(): Promise<void> } } | undefined;

  async function agent(): Promise<object> {
    const { Agent, ProxyAgent } = await import("undici");
    const ca = caFile === undefined ? undefined : await readAuthorities(caFile);
    const credentials = await proxy?.credentials?.();
    const key = JSON.stringify([ca, credentials]);
    if (held?.key === key) return held.dispatcher;
    const trust = ca === undefined ? {} : { ca };
    const token = credentials === undefined ? {} : { token: `Basic ${Buffer.from(credentials).toString("base64")}` };
    const dispatcher =
      proxy === undefined
        ? new Agent({ connect: trust })
        : new ProxyAgent({ uri: proxy.url, ...token, requestTls: trust, proxyTls: trust });
    // Requests under way on the old connections end in peace.
    held?.dispatcher.close().catch(() => undefined);
    held = { key, dispatcher };
    return dispatcher;
  }

  return async (input, init) => {
    const { fetch: fetchBy } = await import("undici");
    const options = { ...init, dispatcher: await agent() } as Parameters<typeof fetchBy>[1];
    return (await fetchBy(input as Parameters<typeof fetchBy>[0], options)) as unknown as Response;
  };
}

async function readAuthorities(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "error";
    throw new UserError("RW0717", `certificates of authorities ${file} cannot be read: ${code}`, "mount them there");
  }
}
