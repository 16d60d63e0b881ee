// The kinds' CEL rules: each compiles, each lets a good example through and stops a bad one.
import { Environment } from "@marcbachmann/cel-js";
import { describe, expect, it } from "vitest";
import { objectSchema, type StructuralSchema } from "../../controller/api/crd.ts";
import { KINDS } from "../../controller/api/kinds.ts";

interface Rule {
  readonly kind: string;
  readonly rule: string;
  readonly message: string;
}

function rulesOf(kind: string, node: StructuralSchema): Rule[] {
  return [
    ...(node["x-kubernetes-validations"] ?? []).map((rule) => ({ kind, ...rule })),
    ...Object.values(node.properties ?? {}).flatMap((child) => rulesOf(kind, child)),
    ...(node.items === undefined ? [] : rulesOf(kind, node.items)),
  ];
}

const rules = KINDS.flatMap((kind) => rulesOf(kind.kind, objectSchema(kind)));
const distinct = [...new Map(rules.map((rule) => [rule.rule, rule])).values()];

/** For each message: what must pass and what must not, as `self` (and `oldSelf`). */
const EXAMPLES: Readonly<Record<string, { good: object; bad: object }>> = {
  "there is exactly one ledger, and its name is cluster": {
    good: { self: { metadata: { name: "cluster" } } },
    bad: { self: { metadata: { name: "second" } } },
  },
  "windows or freezes are required": { good: { self: { windows: [] } }, bad: { self: { timeZone: "UTC" } } },
  "In and NotIn need values, Exists and DoesNotExist take none": {
    good: { self: { key: "a", operator: "In", values: ["x"] } },
    bad: { self: { key: "a", operator: "Exists", values: ["x"] } },
  },
  "exactly one of name and selector is required": {
    good: { self: { name: "a" } },
    bad: { self: { name: "a", selector: {} } },
  },
  "types PromQL, Alerts and CEL need exactly the member promQL, alerts or cel": {
    good: { self: { type: "PromQL", promQL: {} } },
    bad: { self: { type: "PromQL", promQL: {}, cel: {} } },
  },
  "only PodsReady and BlockingPods have pods": {
    good: { self: { type: "PodsReady", pods: {} } },
    bad: { self: { type: "NodesReady", pods: {} } },
  },
  "type BlockingPods needs pods.selector": {
    good: { self: { type: "BlockingPods", pods: { selector: {} } } },
    bad: { self: { type: "BlockingPods", pods: {} } },
  },
  "only BlockingPods has pods.within": {
    good: { self: { type: "BlockingPods", pods: { within: "Node" } } },
    bad: { self: { type: "PodsReady", pods: { within: "Node" } } },
  },
  "only NodesReady, WorkloadsAvailable and PodsReady have minPercent": {
    good: { self: { type: "PodsReady", minPercent: 9 } },
    bad: { self: { type: "CEL", minPercent: 9 } },
  },
  "kind HelmValues needs valuePaths, and no other kind has them": {
    good: { self: { kind: "HelmValues", valuePaths: {} } },
    bad: { self: { kind: "PlainYaml", valuePaths: {} } },
  },
  "only kind HelmValues has a chart": {
    good: { self: { kind: "HelmValues", chart: {} } },
    bad: { self: { kind: "Kustomize", chart: {} } },
  },
  "give either image, or tag and digest": {
    good: { self: { tag: "image.tag" } },
    bad: { self: { tag: "image.tag", image: "image" } },
  },
  "minimum is required unless follow is Offered": {
    good: { self: { follow: "Offered" } },
    bad: { self: { follow: "Typed" } },
  },
  "tag or digest is required": { good: { self: { tag: "1" } }, bad: { self: { repository: "x" } } },
  "target Node needs exactly the member node": {
    good: { self: { target: "Node", node: {} } },
    bad: { self: { target: "Node", node: {}, image: {} } },
  },
  "target Image needs exactly the member image": {
    good: { self: { target: "Image", image: {} } },
    bad: { self: { target: "Image" } },
  },
  "selector or names is required": { good: { self: { names: ["a"] } }, bad: { self: { kind: "Node" } } },
  "strategy InPlace needs steps.update": {
    good: { self: { strategy: "InPlace", steps: { update: {} } } },
    bad: { self: { strategy: "InPlace", steps: {} } },
  },
  "strategy RebootOnly needs steps.reboot": {
    good: { self: { strategy: "RebootOnly", steps: { reboot: {} } } },
    bad: { self: { strategy: "RebootOnly" } },
  },
  "strategy External runs no update": {
    good: { self: { strategy: "External" } },
    bad: { self: { strategy: "External", steps: { update: {} } } },
  },
  "a PatchLevel is immutable": {
    good: { self: { baseline: "a" }, oldSelf: { baseline: "a" } },
    bad: { self: { baseline: "b" }, oldSelf: { baseline: "a" } },
  },
  "exactly the member that target names is required": {
    good: { self: { target: "Image", image: {} } },
    bad: { self: { target: "Image", node: {}, image: {} } },
  },
  "a URL cannot start with a dash": { good: { self: "https://x" }, bad: { self: "--upload-pack=x" } },
  "githubApp makes the tokens for https: leave tokenFile and passwordFile out": {
    good: { self: { githubApp: { appId: 1 }, sshKeyFile: "/a" } },
    bad: { self: { githubApp: { appId: 1 }, tokenFile: "/a" } },
  },
  "Gitea needs apiUrl": {
    good: { self: { kind: "Gitea", apiUrl: "https://git.example.com/api/v1" } },
    bad: { self: { kind: "Gitea", apiUrl: "https://api.github.com" } },
  },
  "Gitea needs tokenFile": { good: { self: { kind: "GitHub" } }, bad: { self: { kind: "Gitea" } } },
  "forge needs tokenFile or auth.githubApp": {
    good: { self: { forge: {}, auth: { githubApp: {} } } },
    bad: { self: { forge: {}, auth: { tokenFile: "/a" } } },
  },
  "knownHostsFile goes with sshKeyFile": {
    good: { self: { sshKeyFile: "/a", knownHostsFile: "/b" } },
    bad: { self: { knownHostsFile: "/b" } },
  },
  "give one of tokenFile, passwordFile and sshKeyFile": {
    good: { self: { tokenFile: "/a" } },
    bad: { self: { tokenFile: "/a", passwordFile: "/b" } },
  },
  "passwordFile needs username": {
    good: { self: { username: "bot", passwordFile: "/a" } },
    bad: { self: { passwordFile: "/a" } },
  },
  "username goes with tokenFile or passwordFile": {
    good: { self: { username: "bot", tokenFile: "/a" } },
    bad: { self: { username: "bot", sshKeyFile: "/a" } },
  },
  "sshKeyFile goes with an ssh url": {
    good: { self: { url: "ssh://git@h/p", auth: { sshKeyFile: "/a" } } },
    bad: { self: { url: "https://h/p", auth: { sshKeyFile: "/a" } } },
  },
  "an ssh url needs auth.sshKeyFile, and neither caFile nor proxy": {
    good: { self: { url: "git@h:p", auth: { sshKeyFile: "/a" } } },
    bad: { self: { url: "git@h:p", auth: { sshKeyFile: "/a" }, proxy: { url: "http://p:1" } } },
  },
  "modes Head and Strict need allowedSignersFile or keyringFile": {
    good: { self: { mode: "Strict", keyringFile: "/a" } },
    bad: { self: { mode: "Head" } },
  },
  "revokedKeysFile goes with allowedSignersFile": {
    good: { self: { mode: "Head", allowedSignersFile: "/a", revokedKeysFile: "/b" } },
    bad: { self: { mode: "Head", keyringFile: "/a", revokedKeysFile: "/b" } },
  },
  "give both of authorName and authorEmail, or neither": {
    good: { self: { authorName: "Fleet bot", authorEmail: "bot@example.com" } },
    bad: { self: { authorName: "Fleet bot" } },
  },
  "ssh needs knownHostsFile": {
    good: { self: { sshKeyFile: "/a", knownHostsFile: "/b" } },
    bad: { self: { sshKeyFile: "/a" } },
  },
  "a ring cannot come after itself": {
    good: { self: { metadata: { name: "a" }, spec: { after: ["b"] } } },
    bad: { self: { metadata: { name: "a" }, spec: { after: ["b", "a"] } } },
  },
};

const environment = new Environment({ enableOptionalTypes: true })
  .registerVariable("self", "dyn")
  .registerVariable("oldSelf", "dyn");

describe("CEL rules", () => {
  it("have an example each, and no example is without its rule", () => {
    expect(distinct.length).toBeGreaterThan(12);
    expect(Object.keys(EXAMPLES).toSorted()).toEqual([...new Set(distinct.map(({ message }) => message))].toSorted());
  });

  it.each(distinct)("$kind: $message", ({ rule, message }) => {
    expect(environment.check(rule).valid).toBe(true);
    const run = environment.parse(rule);
    const example = EXAMPLES[message];

    expect(run(example?.good as Record<string, unknown>)).toBe(true);
    expect(run(example?.bad as Record<string, unknown>)).toBe(false);
  });
});
