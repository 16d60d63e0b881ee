// A server that lies, floods, or never ends: every fetch ends in its time with an error that says why, nothing that it sent is believed, and what it
// prints is shown as text.
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../controller/clock.ts";
import { createDiskRemote, type DiskRemote } from "../support/disk-remote.ts";
import {
  advertisement,
  band,
  FLUSH,
  type HostileServer,
  line,
  type Lies,
  RESULT,
  serveFiles,
  serveLies,
} from "./support/hostile-server.ts";
import { FILE, FOLDER, plantIn } from "./support/planting.ts";
import { type Seen, visit } from "./support/visit.ts";

const SILENCE_MS = 4_000;
const MOST_MS = 8_000;
const STOPPED = /nothing was heard for 4 s|Operation too slow|had not finished after 8 s/;

/** Writes for ever, as fast as the other side reads. */
function flood(response: ServerResponse, next: () => Uint8Array): void {
  const write = (): void => {
    while (!response.destroyed && response.write(next()));
  };
  response.on("drain", write);
  write();
}

/** Writes a little again and again. */
function drip(response: ServerResponse, bytes: Uint8Array): void {
  const again = (): void => {
    if (response.destroyed) return;
    response.write(bytes);
    void systemClock.sleep(300).then(again);
  };
  again();
}

/** A pack of these entries: each is its type, the size that it claims, and its bytes. */
function packOf(
  entries: readonly { readonly type: number; readonly size: number; readonly bytes: Uint8Array }[],
  count = entries.length,
): Buffer {
  const header = Buffer.alloc(12);
  header.write("PACK");
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(count, 8);
  const bodies = entries.flatMap(({ type, size, bytes }) => {
    const head: number[] = [];
    let rest = Math.floor(size / 16);
    head.push((type << 4) | (size % 16) | (rest > 0 ? 0x80 : 0));
    while (rest > 0) {
      const low = rest % 128;
      rest = Math.floor(rest / 128);
      head.push(low | (rest > 0 ? 0x80 : 0));
    }
    return [Buffer.from(head), deflateSync(bytes)];
  });
  const all = Buffer.concat([header, ...bodies]);
  return Buffer.concat([all, createHash("sha1").update(all).digest()]);
}

const sends = (pack: Uint8Array) => (response: ServerResponse) =>
  void response.writeHead(200, RESULT).end(Buffer.concat([line("packfile\n"), band(1, pack), FLUSH]));
const says =
  (...lines: readonly string[]) =>
  (response: ServerResponse) =>
    void response.writeHead(200, RESULT).end(Buffer.concat([...lines.map(line), FLUSH]));

interface Case {
  readonly name: string;
  readonly lies: (server: { readonly head: string; readonly pack: Buffer }) => Lies;
  readonly told: RegExp;
  /** It keeps nobody busy: such are seen together. */
  readonly waits?: true;
}

const CASES: readonly Case[] = [
  {
    name: "a page for people instead",
    lies: () => ({
      advertise: (response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>Sign in</h1>"),
    }),
    told: /no such branch/,
  },
  {
    name: "a length that is no number",
    lies: () => ({ references: (response) => response.writeHead(200, RESULT).end("zzzzhello") }),
    told: /bad line length/,
  },
  {
    name: "a length that is too long",
    lies: () => ({ references: (response) => response.writeHead(200, RESULT).end("fff9hello") }),
    told: /bad line length|protocol error/,
  },
  {
    name: "an answer that breaks off",
    lies: () => ({ references: (response) => response.writeHead(200, RESULT).end("00ff") }),
    told: /hung up|expected flush|disconnect|unexpected|error/i,
  },
  {
    name: "a gigabyte of nothing, packed into a megabyte",
    lies: () => ({
      references: (response) =>
        response.writeHead(200, { ...RESULT, "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(256 << 20))),
    }),
    told: /./,
  },
  {
    name: "branches without end",
    lies: ({ head }) => ({
      references: (response) => {
        response.writeHead(200, RESULT);
        let count = 0;
        flood(response, () =>
          Buffer.concat(Array.from({ length: 500 }, () => line(`${head} refs/heads/ringward/${count++}\n`))),
        );
      },
    }),
    told: STOPPED,
  },
  {
    name: "a few bytes now and then, for ever",
    waits: true,
    lies: ({ head }) => ({
      references: (response) => {
        response.writeHead(200, RESULT);
        drip(response, line(`${head} refs/heads/ringward/a\n`));
      },
    }),
    told: STOPPED,
  },
  {
    name: "progress without end",
    waits: true,
    lies: () => ({
      objects: (response) => {
        response.writeHead(200, RESULT);
        response.write(line("packfile\n"));
        drip(response, band(2, Buffer.from("Counting objects: 1%\r")));
      },
    }),
    told: /had not finished after 8 s/,
  },
  {
    name: "nothing at all",
    waits: true,
    lies: () => ({ references: () => undefined }),
    told: STOPPED,
  },
  {
    name: "objects without end",
    lies: () => ({
      objects: (response) => {
        response.writeHead(200, RESULT);
        response.write(line("packfile\n"));
        response.write(band(1, packOf([], 1_000_000).subarray(0, 12)));
        const chunk = entryOfNothing();
        flood(response, () => band(1, chunk));
      },
    }),
    told: /sends more than 4194304 bytes|had not finished/,
  },
  {
    name: "no such commit",
    lies: () => ({ references: says(`${"1".repeat(40)} refs/heads/main\n`), objects: sends(packOf([])) }),
    told: /./,
  },
  {
    name: "a pack of nothing",
    lies: () => ({ objects: sends(packOf([])) }),
    told: /did not send|missing|bad object|unexpected|not all/i,
  },
  {
    name: "a pack with a wrong sum",
    lies: ({ pack }) => ({ objects: sends(Buffer.concat([pack.subarray(0, -1), Buffer.of((pack.at(-1) ?? 0) ^ 1)])) }),
    told: /corrupt|checksum|mismatch/i,
  },
  {
    name: "a pack that breaks off",
    lies: ({ pack }) => ({ objects: sends(pack.subarray(0, -30)) }),
    told: /EOF|corrupt|early/i,
  },
  {
    name: "four billion objects that do not come",
    lies: () => ({ objects: sends(packOf([], 0xffff_ffff)) }),
    told: /EOF|memory|overflow|corrupt|failed/i,
  },
  {
    name: "a commit of a terabyte",
    lies: () => ({ objects: sends(packOf([{ type: 1, size: 2 ** 40, bytes: Buffer.from("tree") }])) }),
    told: /memory|corrupt|large|failed|serious/i,
  },
  {
    name: "a difference against itself",
    lies: () => ({ objects: sends(packOf([{ type: 6, size: 4, bytes: Buffer.from("abcd") }])) }),
    told: /corrupt|failed|delta/i,
  },
  {
    name: "an object under another's name",
    lies: () => ({ objects: sends(packOf([{ type: 3, size: 5, bytes: Buffer.from("a: 1\n") }])) }),
    told: /did not send|missing|bad object|unexpected|not all/i,
  },
  {
    name: "a place elsewhere where the objects are",
    lies: () => ({
      advertise: (response) =>
        response
          .writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" })
          .end(advertisement(["bundle-uri\n"])),
      objects: says("packfile-uris\n", `${"1".repeat(40)} file:///etc/passwd\n`),
    }),
    told: /expected|unknown|unexpected/i,
  },
  {
    name: "a message that would paint the terminal and forge a line",
    lies: () => ({
      objects: (response) =>
        response
          .writeHead(200, RESULT)
          .end(
            Buffer.concat([
              line("packfile\n"),
              band(2, Buffer.from("\u001b]0;owned\u0007\u001b[2Jall is well\u202e\n")),
              band(3, Buffer.from("no\u001b[31m\r\n::error::forged\n")),
              FLUSH,
            ]),
          ),
    }),
    told: /remote|no\\u/,
  },
  {
    name: "an error of a megabyte",
    lies: () => ({
      references: (response) =>
        response
          .writeHead(200, RESULT)
          .end(Buffer.concat([...Array.from({ length: 20 }, () => line(`ERR ${"x".repeat(60_000)}`)), FLUSH])),
    }),
    told: /remote error: x+/,
  },
];

function entryOfNothing(): Buffer {
  // A blob of half a megabyte that does not shrink.
  const bytes = Buffer.from(Array.from({ length: 1 << 16 }, (_, index) => ((index * 2_654_435_761) >>> 11) & 255));
  return packOf([{ type: 3, size: bytes.length, bytes }]).subarray(12, -20);
}

describe("a server that sends", () => {
  let disk: DiskRemote;
  let servers: readonly HostileServer[];
  let seen: ReadonlyMap<number, Seen>;

  beforeAll(async () => {
    disk = createDiskRemote();
    disk.people.commitFiles("main", { "policies/a.yaml": "a: 1\n" }, { time: Date.UTC(2026, 0, 1) });
    const honest = await serveLies(disk.bare, {});
    await honest.close();
    servers = await Promise.all(CASES.map(({ lies }) => serveLies(disk.bare, lies(honest))));
    const see = (index: number): Promise<Seen> =>
      visit({
        url: servers[index]?.url ?? "",
        branch: "main",
        path: "",
        directory: join(disk.folder, "stores", String(index)),
        allowInsecure: true,
        silenceMs: SILENCE_MS,
        transfer: { maxMs: MOST_MS, maxBytes: 4 << 20 },
      });
    const found = new Map<number, Seen>();
    const waiting = CASES.flatMap(({ waits }, index) => (waits === true ? [index] : []));
    await Promise.all(waiting.map(async (index) => found.set(index, await see(index))));
    for (const index of CASES.keys()) if (!found.has(index)) found.set(index, await see(index));
    seen = found;
  }, 120_000);
  afterAll(async () => {
    for (const server of servers ?? []) await server.close();
    disk?.remove();
  });

  it.each(CASES.map(({ name, told }, index) => ({ name, told, index })))("$name", ({ told, index }) => {
    const { refused, message, ms, texts } = seen.get(index) ?? ({} as Partial<Seen>);

    expect({ refused: refused !== undefined, texts }).toEqual({ refused: true, texts: {} });
    expect(message).toMatch(told);
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(message?.length).toBeLessThan(2_500);
    expect(ms).toBeLessThan(60_000);
  });

  it("what an honest one has is read, through the same eyes", async () => {
    const server = await serveLies(disk.bare, {});
    const found = await visit({
      url: server.url,
      branch: "main",
      path: "",
      directory: join(disk.folder, "honest"),
      allowInsecure: true,
    });
    await server.close();

    expect(found.texts).toEqual({ "policies/a.yaml": "a: 1\n" });
  });

  it("that only hands out files is asked for nothing elsewhere, and its names are looked at, too", async () => {
    const make = plantIn(disk.bare);
    const folder = make.tree([{ mode: FILE, name: "../x.yaml", id: make.blob("a: 1\n") }]);
    make.reference("refs/heads/dumb", make.commit(make.tree([{ mode: FOLDER, name: "policies", id: folder }])));
    make.git(["update-server-info"]);
    const asked: string[] = [];
    const elsewhere = await serveFiles(disk.bare, asked);
    make.write("objects/info/http-alternates", `${elsewhere.url}/objects\n`);
    const server = await serveFiles(disk.bare, []);

    const found = await visit({
      url: `${server.url}/x.git`,
      branch: "dumb",
      path: "policies",
      directory: join(disk.folder, "dumb"),
      allowInsecure: true,
    });
    await server.close();
    await elsewhere.close();

    expect(found).toMatchObject({ refused: "RW1118", message: expect.stringContaining("../x.yaml") as string });
    expect(asked).toEqual([]);
  });

  it("none leaves a process behind", () => {
    const running = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n");

    expect(
      running.filter(
        (args) => args.includes(join(disk.folder, "stores")) || servers.some(({ url }) => args.includes(url)),
      ),
    ).toEqual([]);
  });
});
