import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../controller/clock.ts";
import { inClusterKubeconfig, loadClusterAccess } from "../../controller/kube/kubeconfig.ts";
import { kubeconfig } from "./http-server.ts";

const clock = manualClock(0);

describe("kubeconfig", () => {
  it("is read from text, and says server, namespace and token", async () => {
    const access = loadClusterAccess({ kubeconfig: kubeconfig("https://k8s.example.com:6443", { token: "t" }), clock });

    expect(access.server.host).toBe("k8s.example.com:6443");
    expect(access.namespace).toBe("team");
    expect(await access.credentials()).toMatchObject({
      headers: { authorization: "Bearer t" },
      tls: { rejectUnauthorized: true },
    });
  });

  it("finds files relative to its own folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ringward-"));
    await mkdir(join(folder, "pki"));
    await writeFile(join(folder, "pki", "ca.pem"), "CA");
    const path = join(folder, "config");
    await writeFile(path, kubeconfig("https://k8s.example.com", {}, { "certificate-authority": "pki/ca.pem" }));

    const access = loadClusterAccess({ kubeconfig: path, clock });

    expect((await access.credentials()).tls.ca).toBe("CA");
  });

  it("is merged from several files like kubectl does: the first one wins, a missing one is left out", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ringward-"));
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    await writeFile(one, kubeconfig("https://one.example.com"));
    await writeFile(two, kubeconfig("https://two.example.com"));

    const joined = [join(folder, "missing"), two, one].join(delimiter);

    expect(loadClusterAccess({ kubeconfig: joined, clock }).server.host).toBe("two.example.com");
  });

  it.each([
    ["a file that is not there", join(tmpdir(), "no", "such", "file"), "RW0201"],
    ["text that is not YAML", "a: [\nb: }", "RW0202"],
    ["no current context", "apiVersion: v1\nkind: Config\n", "RW0202"],
    ["a server that is not a URL", kubeconfig("nowhere"), "RW0202"],
    ["a server that is neither http nor https", kubeconfig("ftp://k8s.example.com"), "RW0202"],
    ["plain http to another machine", kubeconfig("http://k8s.example.com"), "RW0203"],
    ["plain http to a name that only begins like loopback", kubeconfig("http://127.0.0.1.example.com"), "RW0203"],
  ])("is refused with a code: %s", (_, text, code) => {
    expect(() => loadClusterAccess({ kubeconfig: text, clock })).toThrow(expect.objectContaining({ code }) as Error);
  });

  it("names what is missing and what there is", () => {
    const text = kubeconfig("https://k8s.example.com");

    expect(() => loadClusterAccess({ kubeconfig: text, context: "y", clock })).toThrow(/no context "y".*it has: "x"/);
  });

  it("never quotes a broken file, which may hold a token", () => {
    const text = "users:\n- user:\n    token: s3cret: more\n";

    const load = (): unknown => loadClusterAccess({ kubeconfig: text, clock });

    expect(load).toThrow(/line \d/);
    expect(load).not.toThrow(/s3cret/);
  });

  it("allows plain http to loopback only", () => {
    for (const host of ["127.0.0.1:1", "localhost:1", "[::1]:1"]) {
      expect(loadClusterAccess({ kubeconfig: kubeconfig(`http://${host}`), clock }).server.protocol).toBe("http:");
    }
  });

  it("stands for the pod's service account inside a cluster, and for nothing outside", () => {
    expect(inClusterKubeconfig({})).toBeUndefined();
    const text = inClusterKubeconfig({ KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" }) ?? "";

    expect(loadClusterAccess({ kubeconfig: text, clock }).server.host).toBe("[fd00::1]");
  });
});
