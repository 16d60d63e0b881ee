// `ringward compare-versions` as a process: what it prints, what it refuses, and that it streams.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { answerStream } from "../../controller/cli/compare-versions.ts";
import { compareVersions } from "../../controller/core/versions/index.ts";

const root = new URL("../..", import.meta.url).pathname;
const launch = ["controller/launch.cjs", "controller/main.ts", "compare-versions"];

function ringward(
  args: readonly string[],
  input: string | Buffer = "",
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...launch, ...args], {
    cwd: root,
    input,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

/** Sends the chunks as they are and collects the answers. */
async function answers(chunks: readonly Buffer[]): Promise<string> {
  const output = new PassThrough();
  let text = "";
  output.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await answerStream(Readable.from(chunks), output, (a, b) => compareVersions("dpkg", a, b));
  output.end();
  await once(output, "end");
  return text;
}

describe("compare-versions", () => {
  it("answers one pair", () => {
    expect(ringward(["--scheme", "dpkg", "1.0~rc1", "1.0"])).toEqual({ status: 0, stdout: "<\n", stderr: "" });
    expect(ringward(["--scheme=kernel", "5.15.0-101-generic", "5.15.0-101-aws"]).stdout).toBe("?\n");
    expect(ringward(["--scheme", "rpm", "--", "1-1", "--1"]).status).toBe(0);
  });

  it("answers each line of standard input, with ? for what is no pair", () => {
    const lines = ["1.0\t1.1", "2\t2\r", "no tab", "", "1\t2\t3", "\t", "1:1\t9", "1_0\t1", "ü\t1", "3\t2"];

    const { status, stdout } = ringward(["--scheme", "dpkg", "--stdin"], lines.join("\n"));

    expect(stdout.split("\n")).toEqual(["<", "=", "?", "?", "?", "?", ">", "?", "?", ">", ""]);
    expect(status).toBe(0);
  });

  it("answers nothing to nothing", () => {
    expect(ringward(["--scheme", "apk", "--stdin"], "")).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("gives the same answers wherever the chunks are cut", async () => {
    const input = Buffer.from("1.0\t1.1\n2ü\t2\r\nx\n1:1\t2\r\n5\t5");

    for (let cut = 0; cut <= input.length; cut++) {
      expect(await answers([input.subarray(0, cut), input.subarray(cut)])).toBe("<\n?\n?\n>\n=\n");
    }
    expect(await answers([...input].map((byte) => Buffer.of(byte)))).toBe("<\n?\n?\n>\n=\n");
  });

  it("answers a line without end once, and keeps none of it", async () => {
    const long = Buffer.alloc(100_000, "1");

    expect(await answers([long, long, Buffer.from("\t1\n1\t2\n"), long, Buffer.from("\n2\t1\n"), long])).toBe(
      "?\n<\n?\n>\n?\n",
    );
  });

  it("waits for a slow reader instead of gathering answers", async () => {
    const output = new PassThrough({ highWaterMark: 16 });
    let read = 0;
    let stopped = false;
    async function* lines(): AsyncGenerator<Buffer> {
      for (let i = 0; i < 1000 && !stopped; i++) {
        read++;
        yield Buffer.from("1\t2\n".repeat(10));
      }
    }

    const done = answerStream(Readable.from(lines(), { highWaterMark: 1 }), output, () => "<");
    await new Promise((resolve) => setImmediate(resolve));

    expect(read).toBeLessThan(20);
    stopped = true;
    output.resume();
    await done;
  });

  it("ends quietly when its reader goes away", async () => {
    const child = spawn(process.execPath, [...launch, "--scheme", "dpkg", "--stdin"], { cwd: root });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on("error", () => undefined);
    child.stdout.once("data", () => child.stdout.destroy());
    const exited = once(child, "exit") as Promise<[number | null]>;
    const write = (): void => {
      while (child.stdin.writable && child.stdin.write("1.0-1\t1.0-2\n".repeat(5000)));
      if (child.stdin.writable) child.stdin.once("drain", write);
    };
    write();

    const [code] = await exited;

    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("says what is wrong with wrong use", () => {
    const wrong: [string[], RegExp][] = [
      [["1", "2"], /--scheme is missing: one of dpkg, rpm, apk, semver, kernel/],
      [["--scheme", "deb", "1", "2"], /--scheme deb: there is no such scheme/],
      [["--scheme", "dpkg", "1"], /expected two versions, got 1/],
      [["--scheme", "dpkg", "1", "2", "3"], /expected two versions, got 3/],
      [["--scheme", "dpkg", "--stdin", "1"], /either two versions or --stdin/],
      [["--scheme", "dpkg", "--fast", "1", "2"], /there is no option --fast/],
    ];
    for (const [args, message] of wrong) {
      const { status, stdout, stderr } = ringward(args);
      expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
      expect(stderr).toMatch(message);
    }
  });

  it("explains itself", () => {
    expect(ringward(["--help"]).stdout).toContain("Usage: ringward compare-versions");
  });
});
