// The controller's image: the Dockerfile built twice, and its work done in it as the chart's pod.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../controller/kube/port.ts";
import { DISRUPTION_LEDGERS, NODES, POLICY_REPOSITORIES, ROLLOUT_RINGS } from "../../controller/kube/resources.ts";
import { type Helm, openHelm } from "../chart/support/helm.ts";
import { NAMESPACE } from "../chart/support/objects.ts";
import type { Program } from "../e2e/support/processes.ts";
import { waitFor } from "../e2e/support/waiting.ts";
import { ROOT } from "../tooling/bundle.ts";
import { type ImageBuilder, startBuilder } from "./support/builder.ts";
import { AUTH, type ChartPod, prepareChartPod } from "./support/chart-pod.ts";
import { startSurroundings, type Surroundings } from "./support/surroundings.ts";

const LIMIT = { withinMs: 120_000 };
const NEW_OS = "3975.2.2";
let builder: ImageBuilder;

beforeAll(async () => {
  builder = await startBuilder();
  await builder.build("first");
});

afterAll(() => builder?.close());

describe("the container image", () => {
  it("has the same digest when it is built again, from the package on", async () => {
    await builder.build("second");
    expect(await builder.push("second")).toBe(await builder.push("first"));
  });

  it("runs ringward as nobody in particular, with git, gpg and ssh beside it", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(await builder.run("first", "ringward", "version")).toBe(`ringward ${version}`);
    expect(await builder.run("first", "id", "-u")).toBe("65532");
    const tools = await builder.run("first", "sh", "-c", "git --version && gpg --version && ssh -V 2>&1");
    expect(tools).toMatch(/^git version [\s\S]*^gpg [\s\S]*^OpenSSH_/m);
    await expect(builder.run("first", "sh", "-c", "touch /opt/ringward/x")).rejects.toThrow(/Permission denied/);
  });

  it("starts the controller when it is told nothing else, and names its base by digest", async () => {
    expect(await builder.config("first")).toMatchObject({
      User: "65532:65532",
      Entrypoint: ["ringward"],
      Cmd: ["controller"],
    });
    const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8");
    expect(dockerfile).toMatch(/^ARG BASE=docker\.io\/library\/node:24\.\d+\.\d+-[a-z]+-slim@sha256:[0-9a-f]{64}$/m);
  });
});

describe("the chart's pod in the image", () => {
  let folder: string;
  let helm: Helm;
  let surroundings: Surroundings;
  let pod: ChartPod;
  let program: Program;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "ringward-pod-"));
    helm = await openHelm();
    surroundings = await startSurroundings(NAMESPACE);
    const image = { root: await builder.mount("first"), config: await builder.config("first") };
    pod = await prepareChartPod({ helm, image, surroundings, folder });
    program = await pod.launch();
  });

  afterAll(async () => {
    await program?.stop();
    await surroundings?.close();
    helm?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  /** Waits, as long as the process lives. */
  const until = <T>(what: string, look: () => Promise<T | undefined>): Promise<T> =>
    waitFor(
      what,
      () => {
        if (!program.running) throw new Error(`it ended: ${program.output()}`);
        return look();
      },
      LIMIT,
      async () => `${JSON.stringify((await repository())?.status)}\n${program.output()}`,
    );
  const repository = (): Promise<KubeObject | undefined> =>
    surroundings.client.get(POLICY_REPOSITORIES, { name: "policy" });
  const ring = (): Promise<KubeObject | undefined> => surroundings.client.get(ROLLOUT_RINGS, { name: "all" });
  const head = (): string => surroundings.remote.people.head("main") ?? "";
  /** Until the repository is Ready at the branch's head. */
  const read = (): Promise<true> =>
    until("the repository to be read", async () => {
      const text = JSON.stringify((await repository())?.status ?? {});
      return text.includes(head()) && /"type":"Ready","status":"True"/.test(text) ? true : undefined;
    });

  it("gets ready through the token and the authority of its account, without a right and without a place to write but its volumes", async () => {
    await until("/readyz", async () => {
      const answer = await fetch(`http://127.0.0.1:${pod.ports["probes"]}/readyz`).catch(() => undefined);
      return answer?.status === 200 ? true : undefined;
    });
    const status = readFileSync(`/proc/${program.pid}/status`, "utf8");
    const mounts = readFileSync(`/proc/${program.pid}/mountinfo`, "utf8").split("\n");
    const writable = mounts.map((line) => line.split(" ")).filter((fields) => fields[5]?.startsWith("rw"));
    const ledger = await surroundings.client.get(DISRUPTION_LEDGERS, { name: "cluster" });

    expect(status).toMatch(/^Uid:\s65532\s65532\s65532\s65532$/m);
    expect(status).toMatch(/^Gid:\s65532\s65532\s65532\s65532$/m);
    for (const line of [/^CapPrm:\s0+$/m, /^CapEff:\s0+$/m, /^NoNewPrivs:\s1$/m]) expect(status).toMatch(line);
    expect(writable.map((fields) => fields[4]).filter((place) => !/^\/(?:dev|proc)(?:\/|$)/.test(place ?? ""))).toEqual(
      ["/var/lib/ringward", "/tmp"],
    );
    expect(ledger?.spec).toEqual({ mode: "Observe" });
  });

  it("reads its policy over https by an authority of its own, and believes an OpenPGP signature", async () => {
    await surroundings.client.create(POLICY_REPOSITORIES, pod.repository);
    await read();
    const { spec } = await until("the ring of its policy", ring);

    expect(spec).toMatchObject({ soak: "2s", promotion: "Automatic" });
  });

  it("commits a level with an ssh signature, pushes it, believes it, and patches a node with it", async () => {
    const before = head();
    await surroundings.client.patch(
      DISRUPTION_LEDGERS,
      { name: "cluster" },
      { type: "merge", body: { spec: { mode: "Enforce" } } },
    );
    await until("the node at the new version", async () => {
      const [node] = (await surroundings.client.list(NODES)).items;
      return JSON.stringify(node?.status).includes(NEW_OS) ? true : undefined;
    });
    await read();

    expect(head()).not.toBe(before);
    expect(surroundings.remote.git(["cat-file", "commit", "main"])).toMatch(
      /^author Ringward [^]*BEGIN SSH SIGNATURE/m,
    );
  });

  it("goes on over ssh when the repository's address says so", async () => {
    await surroundings.client.patch(
      POLICY_REPOSITORIES,
      { name: "policy" },
      {
        type: "json",
        body: [
          { op: "replace", path: "/spec/url", value: surroundings.sshUrl },
          { op: "replace", path: "/spec/auth", value: AUTH.ssh },
        ],
      },
    );
    surroundings.editRing((text) => text.replace("soak: 2s", "soak: 3s"));
    await read();
    await until("the ring as the commit has it", async () =>
      JSON.stringify((await ring())?.spec).includes('"soak":"3s"') ? true : undefined,
    );

    expect(surroundings.sshLog()).toContain("Accepted publickey");
  });

  it("ends by itself, in the time that the pod gives it, when it is told to", async () => {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${program.pid}/status`, "utf8"))?.[1];
    program.signal("SIGTERM");
    await waitFor("its end", () => (program.running ? undefined : true), {
      withinMs: pod.spec.terminationGracePeriodSeconds * 1000,
    });
    process.stdout.write(`the pod took ${Math.round(Number(peak) / 1024)} MiB at most\n`);

    expect(program.output()).not.toMatch(/"level":"error"/);
  });
});
