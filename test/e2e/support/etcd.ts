// etcd over its JSON gateway (api/etcdserverpb/rpc.proto).
import { request } from "undici";

async function call(url: string, path: string, body: unknown): Promise<unknown> {
  const answer = await request(`${url}${path}`, { method: "POST", body: JSON.stringify(body) });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`etcd answered ${answer.statusCode} to ${path}: ${text}`);
  return JSON.parse(text);
}

/** Forgets every version but the present ones: watches from earlier revisions end with 410. */
export async function compact(url: string): Promise<void> {
  await call(url, "/v3/kv/compaction", { revision: String(await currentRevision(url)), physical: true });
}

/** The revision of the last change. */
async function currentRevision(url: string): Promise<number> {
  const answer = (await call(url, "/v3/kv/range", { key: base64("/") })) as {
    readonly header: { readonly revision: string };
  };
  return Number(answer.header.revision);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
