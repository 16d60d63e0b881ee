// How much of a forge's reply is taken: a most of bytes, after unpacking. A server that sends without end must not fill our memory before its
// time is over.

/** A body's text. Throws Error beyond the most. */
export async function readBody(body: AsyncIterable<Uint8Array>, mostBytes: number): Promise<string> {
  return (await readBytes(body, mostBytes)).toString("utf8");
}

async function readBytes(body: AsyncIterable<Uint8Array>, mostBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > mostBytes) throw new Error(`the forge sends more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * A `fetch` that answers once the whole reply is there: for a client that reads bodies without bounds, and takes one that breaks off for an
 * empty one. Both fail here as if no answer had come.
 */
export function boundFetch(ask: typeof fetch, mostBytes: number): typeof fetch {
  return async (input, init) => {
    const answer = await ask(input, init);
    const { body, status, statusText, headers } = answer;
    if (body === null) return answer;
    const bytes = await readBytes(body as unknown as AsyncIterable<Uint8Array>, mostBytes);
    const hasNone = status === 204 || status === 205 || status === 304;
    return new Response(hasNone ? null : new Uint8Array(bytes), { status, statusText, headers });
  };
}
