// What a pull request tells: by name, bounded, harmless, and the same bytes for the same facts.
import { describe, expect, it } from "vitest";
import type { MemberChange } from "../../../controller/api/rollout-ring.ts";
import {
  type DesiredProposal,
  type EvidenceInput,
  forecastProposal,
  readMarker,
  renderProposal,
} from "../../../controller/core/promotion/index.ts";
import { escapeCode, escapeMarkdown } from "../../../controller/forge/text.ts";
import { levelDigest } from "../../../controller/core/levels/index.ts";
import { DAY, levelOf, play, type SceneOptions, START } from "./scene.ts";

const [L1, L2] = [levelOf(1), levelOf(2)];
const escape = { text: escapeMarkdown, code: escapeCode };

const RINGS: SceneOptions["rings"] = {
  canary: { entry: L2, soaked: [L1, L2], nodes: [2, 2, 1], completion: { minPercent: 60 }, soak: "1d" },
  early: { after: ["canary"], entry: L1, soaked: [L1], nodes: [1, 1, 1], maxTargets: 4 },
};

function inputOf(change: Partial<SceneOptions> = {}): EvidenceInput {
  const scene = play({ rings: RINGS, candidate: L2, ...change });
  const proposal = scene.promotions.proposals[0] as DesiredProposal;
  return { proposal, plan: scene.plan, policy: scene.policy, inventory: scene.inventory, escape };
}

describe("evidence", () => {
  it("says what changes against the ring's present level", () => {
    const { title, body } = renderProposal(inputOf());

    expect(title).toBe(`early: ubuntu to ${L2.name} (restart)`);
    expect(body).toContain(`From \`${L1.name}\` to \`${L2.name}\`: 1 component (1 raised).`);
    expect(body).toContain(
      "| `kubelet` | `v1.34.1` | `v1.34.2` | raised | 2025-12-08 08:00 UTC, 28d ago (named in policy) |",
    );
    expect(body).toContain("Known since: when a node was first offered it");
    expect(body).toContain("⚠ The recipe changes: its steps run as root on the nodes.");
  });

  it("says for a ring's first level what its targets run now, with its settings folded away", () => {
    const early = { after: ["canary"], nodes: [1, 1, 1] };
    const { body } = renderProposal(inputOf({ rings: { ...RINGS, early } }));

    expect(body).toContain(`The ring's first level under this baseline: \`${L2.name}\`, 1 component.`);
    expect(body).toMatch(
      /\| `kubelet` \| (`v1\.34\.\d` \(\d\)(, )?)+ \| `v1\.34\.2` \| 2025-12-08 08:00 UTC, 28d ago /,
    );
    expect(body).toMatch(/<details><summary>Settings \(\d+; the recipe's steps run as root\)<\/summary>/);
  });

  it("says of each component how long it is known: since a node was offered it, or since a level first named it", () => {
    const packages = (version: string, inputTime: number, rest = L2) => {
      const components = [
        ...(rest.spec.node?.components ?? []),
        { name: "package:openssl", scheme: "dpkg" as const, version },
        { name: "package:curl", scheme: "dpkg" as const, version: "8.1" },
      ];
      const spec = { ...rest.spec, node: { ...rest.spec.node!, components, source: { snapshot: "20260101T000000Z" } } };
      return { ...rest, name: `ubuntu-${version}`, digest: levelDigest(spec), spec, inputTime };
    };
    const [older, candidate] = [packages("3.0.1", START - 9 * DAY), packages("3.0.2", START - DAY)];
    const input = inputOf({
      candidate,
      levels: [older],
      rings: { ...RINGS, canary: { ...RINGS["canary"], entry: candidate, soaked: [L1, candidate] } },
    });
    const [baseline] = input.policy.baselines;
    const offered = [
      { name: "openssl", version: "3.0.2", firstSeenTime: "2026-01-03T08:00:00Z" },
      { name: "curl", version: "8.9", firstSeenTime: "2026-01-03T08:00:00Z" },
    ];
    const status = { ...baseline!.status, offered };
    const { body } = renderProposal({
      ...input,
      policy: { ...input.policy, baselines: [{ ...baseline!, status }] },
    });

    expect(body).toContain(
      "`package:openssl` | – | `3.0.2` | added | 2026-01-03 08:00 UTC, 2d ago (offered to nodes) |",
    );
    // Another version is on offer now; an older level has named this one.
    expect(body).toContain("`package:curl` | – | `8.1` | added | 2025-12-27 08:00 UTC, 9d ago (named in policy) |");
    expect(body).toContain("source: snapshot `20260101T000000Z` (4d ago)");
  });

  it("lists by name what the ring before has not done", () => {
    const { body } = renderProposal(inputOf());

    expect(body).toContain("### 🟡 `canary` soaked it for 1d: 2 of 3 done, 0 failed, 1 not done");
    expect(body).toContain("| `canary` | 3 | 2 | 0 | – | 1d of 1d |");
    expect(body).toMatch(/\| `Node canary-2` \| Missing \| /);
  });

  it("says before the wait which ring further on never completes, and who would wait behind it for ever", () => {
    const rings = (completion: object): SceneOptions["rings"] => ({
      ...RINGS,
      gap: { after: ["early"], nodes: [], ...completion },
      last: { after: ["gap"], nodes: [1] },
      spare: { after: ["last"], nodes: [] },
    });
    const blocking = renderProposal(inputOf({ rings: rings({}) }));
    const passing = renderProposal(inputOf({ rings: rings({ completion: { onEmpty: "Pass" } }) }));

    expect(blocking.body).toContain(
      "- ⚠ Ring `gap` has no target of this baseline and never completes, so `last` would wait for ever (`RingEmpty`).",
    );
    // Behind `spare` nobody waits.
    expect(blocking.body.match(/never completes/g)).toHaveLength(1);
    expect(passing.body).not.toContain("RingEmpty");
    expect(passing.evidence).not.toBe(blocking.evidence);
    // It had targets when it soaked this very level, and they are gone: nobody waits behind it.
    const input = inputOf({ rings: rings({}) });
    const record = { baseline: "ubuntu", level: L2.name, digest: L2.digest, soakedTime: "2026-01-02T08:00:00Z" };
    const soaked = input.plan.rings.map((one) => (one.ring.name === "gap" ? { ...one, levels: [record] } : one));
    expect(renderProposal({ ...input, plan: { ...input.plan, rings: soaked } }).body).not.toContain("never completes");
  });

  it("says why it asks in an Automatic ring, and what merging does there", () => {
    const first = { nodes: [1], promotion: "Automatic" as const };

    expect(renderProposal(inputOf({ rings: { first } })).body).toContain(
      "its file does not list baseline `ubuntu`. Merging lists it: from then on Ringward writes this baseline's levels here by itself.",
    );
    expect(renderProposal(inputOf()).body).not.toContain("does not list baseline");
  });

  it("says of a proposed ring without targets that those behind it would wait for ever", () => {
    const first = { nodes: [], listed: true };
    const { body } = renderProposal(inputOf({ rings: { first, last: { after: ["first"], nodes: [1] } } }));

    expect(body).toContain("- ⚠ Ring `first` has no target of this baseline and never completes, so `last` would wait");
  });

  it("does not say that an empty ring before lets a level pass where it does not", () => {
    const rings = (completion: object): SceneOptions["rings"] => ({
      ...RINGS,
      gap: { nodes: [], ...completion },
      early: { ...RINGS["early"], after: ["canary", "gap"] },
    });
    const at = (completion: object): string => {
      const input = inputOf();
      const { plan, policy } = play({ rings: rings(completion), candidate: L2 });
      const ring = plan.rings.find((one) => one.ring.name === "early")?.ring ?? input.proposal.ring;
      return renderProposal({ ...input, plan, policy, proposal: { ...input.proposal, ring } }).body;
    };

    expect(at({})).toContain("### 🔴 `gap` has not soaked this level: merged now, it waits (`RingEmpty`)");
    expect(at({})).toContain("| `gap` | none | – | – | – | – | – | **never** (`RingEmpty`) |");
    expect(at({ completion: { onEmpty: "Pass" } })).toContain("`gap` has no target of this baseline and lets it pass");
  });

  it("names the owner of an exception instead of calling its target done", () => {
    const { body } = renderProposal(
      inputOf({
        exceptions: [
          {
            name: "legacy",
            spec: {
              targets: { kind: "Node", names: ["canary-2", "early-0"] },
              owner: "@db-team",
              justification: "driver | needs <b>old</b> kernel, fixes #12",
              expirationTime: new Date(START + 9 * DAY).toISOString(),
            },
          },
        ],
      }),
    );

    expect(body).toMatch(
      /\| `Node canary-2` \| Exempt \| exempt until 2026-01-14.* by `legacy`, owner &#64;&#8288;db-team \|/,
    );
    expect(body).toMatch(
      /\| `legacy` \| 1 \| &#64;&#8288;db-team \| 2026-01-14 08:00 UTC \| driver &#124; needs &#60;b&#62;old/,
    );
    expect(body).not.toContain("@db-team");
    expect(body).not.toMatch(/fixes #12/);
  });

  it("says that the first ring has no proof", () => {
    const { body } = renderProposal(inputOf({ rings: { canary: { nodes: [1] } } }));

    expect(body).toContain("### 🔵 First ring: no ring has run");
    expect(body).not.toContain("Evidence from the rings before");
  });

  it("says when it may start: window, freeze, deferral", () => {
    const rings: SceneOptions["rings"] = {
      canary: { nodes: [1], deferral: "365d", calendarRefs: [{ name: "nights" }] },
    };
    const calendars = [
      {
        name: "nights",
        spec: {
          timeZone: "UTC",
          windows: [{ schedule: "0 22 * * *", duration: "4h" }],
          freezes: [
            {
              startTime: new Date(START + DAY).toISOString(),
              endTime: new Date(START + 2 * DAY).toISOString(),
              reason: "stock taking",
            },
          ],
        },
      },
    ] as unknown as NonNullable<SceneOptions["calendars"]>;

    const { body } = renderProposal(inputOf({ rings, calendars, candidate: L2 }));

    expect(body).toContain("- May start from 2026-12-08 22:00 UTC.");
    expect(body).toContain("- The ring takes levels when they are 365d old: from 2026-12-08 08:00 UTC.");
    expect(body).toContain("- A freeze from 2026-01-06 08:00 UTC until 2026-01-07 08:00 UTC");
    expect(body).toContain("stock taking.");
  });

  it("foresees what a drain meets: pods, shut budgets, single replicas, bare pods", () => {
    const reboot = { ...L2, spec: { ...L2.spec, disruption: "Reboot" as const } };
    const pod = (name: string, nodeName: string, controller: string | undefined) => ({
      namespace: "shop",
      name,
      uid: name,
      nodeName,
      labels: { app: name.split("-")[0] ?? "" },
      phase: "Running",
      deleting: false,
      ready: true,
      controller:
        controller === undefined
          ? undefined
          : { kind: controller === "log" ? "DaemonSet" : "ReplicaSet", name: controller, uid: controller },
      mirror: false,
      emptyDir: false,
      priority: 0,
      job: false,
    });
    const input = inputOf({
      pods: [
        pod("web-1", "early-0", "web"),
        pod("web-2", "early-1", "web"),
        pod("db-1", "early-1", "db"),
        pod("bare-1", "early-2", undefined),
        pod("log-1", "early-0", "log"),
        pod("far-1", "canary-0", "far"),
      ],
      pdbs: [
        {
          namespace: "shop",
          name: "db",
          selector: { matchLabels: { app: "db" } },
          disruptionsAllowed: 0,
          currentHealthy: 1,
          desiredHealthy: 1,
        },
      ],
    });

    const { body } = renderProposal({ ...input, proposal: { ...input.proposal, level: reboot } });

    expect(body).toContain("- Pods that are evicted, a few nodes at a time: 4.");
    expect(body).toContain("PodDisruptionBudgets that allow no eviction now (1): `shop/db`.");
    expect(body).toContain("Single replicas, which are gone while they move (1): `ReplicaSet shop/db`.");
    expect(body).toContain("Bare pods, which nothing brings back (1): `shop/bare-1`.");
  });

  it("forecasts the end by planning the policy as the merge would make it", () => {
    const scene = play({ rings: RINGS, candidate: L2 });
    const proposal = scene.promotions.proposals[0] as DesiredProposal;
    const forecast = () => forecastProposal(scene.input, proposal);
    const calls = { count: 0 };
    const rendered = renderProposal({
      ...inputOf(),
      forecast: () => {
        calls.count += 1;
        return forecast();
      },
    });

    expect(forecast()).toMatchObject({ ring: "early", level: L2.name, remaining: 3, atOnce: 1, minutesPerTarget: 15 });
    expect(calls.count).toBe(0);
    expect(rendered.body).toContain(
      "- Merged now it would end about 2026-01-05 08:45 UTC (3 targets, 1 at once, about 15 minutes each).",
    );
    expect(rendered.evidence).toBe(renderProposal(inputOf()).evidence);
  });

  it("says that nothing will be touched while the cluster only observes", () => {
    expect(renderProposal({ ...inputOf(), mode: "Observe" }).body).toContain("The cluster's mode is Observe");
    expect(renderProposal({ ...inputOf(), mode: "Enforce" }).body).not.toContain("The cluster's mode");
  });

  it("ends with a marker that is read back, and with what a revert does", () => {
    const { body, evidence } = renderProposal(inputOf());

    expect(readMarker(body)).toMatchObject({
      cluster: "test",
      ring: "early",
      baseline: "ubuntu",
      level: L2.name,
      digest: L2.digest,
      maxTargets: 4,
      evidence,
    });
    expect(body).toContain("Reverting the merge withdraws it");
  });

  it("is the same bytes for the same facts, and the same evidence as time goes on", () => {
    const one = renderProposal(inputOf());
    const again = renderProposal(inputOf());
    const later = renderProposal(inputOf({ now: START + 3_600_000 }));

    expect(again).toEqual(one);
    expect(later.evidence).toBe(one.evidence);
    expect(later.body).not.toBe(one.body);
  });

  it.each([
    ["budget", { budget: { nodes: 7 } }],
    ["deadline", { deadline: "9d" }],
  ])("changes its evidence when the ring's %s, on which its forecast rests, is changed", (_, spec) => {
    const input = inputOf();
    const { ring } = input.proposal;
    const changed = { ...input, proposal: { ...input.proposal, ring: { ...ring, spec: { ...ring.spec, ...spec } } } };

    expect(renderProposal(changed).evidence).not.toBe(renderProposal(input).evidence);
  });

  it("changes its evidence when a target of the ring before fails to stay done for good", () => {
    const one = renderProposal(inputOf());
    const exempt = renderProposal(
      inputOf({
        exceptions: [
          {
            name: "x",
            spec: {
              targets: { kind: "Node", names: ["canary-2"] },
              owner: "o",
              justification: "j",
              expirationTime: new Date(START + DAY).toISOString(),
            },
          },
        ],
      }),
    );

    expect(exempt.evidence).not.toBe(one.evidence);
  });

  it("stays under 60,000 characters, and drops lists before the verdict and the proof", () => {
    const many = Array.from({ length: 4000 }, () => 1);
    const rings: SceneOptions["rings"] = {
      canary: { entry: L2, soaked: [L1, L2], nodes: [...many, 2], completion: { minPercent: 1 } },
      early: { after: ["canary"], entry: L1, soaked: [L1], nodes: many },
    };
    const input = inputOf({ rings });
    const components = Array.from({ length: 1000 }, (_, index) => ({
      name: `package:${"long-package-name-".repeat(8)}${index}`,
      scheme: "dpkg" as const,
      version: `1:${index}.0-0ubuntu0.22.04.${index}+${"x".repeat(80)}`,
    }));
    const node = { ...L2.spec.node!, components };
    const { body } = renderProposal({
      ...input,
      proposal: { ...input.proposal, level: { ...L2, spec: { ...L2.spec, node } } },
    });

    expect(body.length).toBeLessThanOrEqual(60_000);
    expect(body).toContain("### 🟡 `canary` soaked it");
    expect(body).toContain("Node canary-0");
    expect(body).toContain("more components");
    expect(body).not.toContain("<details>");
    expect(readMarker(body)?.ring).toBe("early");
  });

  it("lets nothing of a hostile name through", () => {
    const input = inputOf();
    const evil = `@admin closes #1 <script>alert(1)</script> | \`x\` ![i](http://e.example/) -->`;
    const rows = input.plan.rows.map((row) => ({
      ...row,
      asset: { ...row.asset, name: evil },
      blockedBy: [{ reason: "StepFailed" as const, message: evil }],
    }));

    const { body } = renderProposal({ ...input, plan: { ...input.plan, rows } });

    expect(body).toContain("StepFailed");
    for (const harm of ["@admin", "closes #1", "<script", "![i]", "http://e.example", "-->\n| "])
      expect(body).not.toContain(harm);
    expect(body.match(/-->/g)).toHaveLength(1);
  });

  it("shows every condition with its result, what was observed and what is needed", () => {
    const rings: SceneOptions["rings"] = {
      canary: { entry: L2, soaked: [L1], nodes: [2, 1], soak: "1d" },
      early: {
        after: ["canary"],
        entry: L1,
        soaked: [L1],
        nodes: [1],
        deferral: "60d",
        suspend: true,
        calendarRefs: [{ name: "nights" }],
        gates: [
          {
            name: "errors",
            type: "PromQL",
            promQL: { query: "sum(x|y)", operator: "AtMost", threshold: 0.5, for: "10m" },
          },
          { name: "nodes", type: "NodesReady", minPercent: 90 },
        ],
      },
    };
    const calendars = [
      { name: "nights", spec: { timeZone: "UTC", windows: [{ schedule: "0 22 * * *", duration: "4h" }] } },
    ];
    const scene = play({ rings, candidate: L2, calendars });
    const early = scene.policy.rings.find(({ name }) => name === "early");
    if (early === undefined) throw new Error("no ring");
    const proposal: DesiredProposal = {
      kind: "Level",
      baseline: "ubuntu",
      level: L2,
      previous: L1,
      previousMaxTargets: undefined,
      targets: 1,
      maxTargets: 2,
      ring: early,
      branch: "ringward/early/ubuntu/x",
      open: undefined,
    };

    const { body } = renderProposal({ ...scene, proposal, escape });

    expect(body).toContain("| Ring `canary` has soaked this level | ❌ fail | ");
    expect(body).toContain(" | 100 % done, then 1d |");
    expect(body).toContain("| Deferral | ❌ fail | the level is 28d old | 60d |");
    expect(body).toContain("| Maintenance window | ❌ fail | shut | open |");
    expect(body).toContain("| Not suspended | ❌ fail | `RingSuspended` | resumed |");
    expect(body).toMatch(
      /\| Gate `errors` \| ❔ unknown \| [^|]+ \| <code>sum&#40;x&#124;y&#41;<\/code> ≤ 0\.5 for 10m \|/,
    );
    expect(body).toContain("| Gate `nodes` | ✅ pass | holds | 90 % (NodesReady) |");
  });

  it("says how to refuse, to be asked again, to stop and to hurry", () => {
    const { body } = renderProposal(inputOf());

    for (const word of ["`ringward/propose-again`", "`/ringward propose`", "`ringward stop`", "`expedite`"])
      expect(body).toContain(word);
  });

  it("says where it is from: level digest, commit, and whom it heard of longest ago", () => {
    const { body } = renderProposal(inputOf());

    expect(body).toContain(`Level digest \`sha256:${L2.digest}\`. Cluster \`test\``);
    expect(body).toContain("policy of commit cccccccccccc. The node heard of longest ago: 2026-01-05 08:00 UTC.");
    expect(body).toContain("⚠ it names no reproducible source");
  });

  it("says which parts are new since the version before, and keeps that for a few versions", () => {
    const exception = (name: string): NonNullable<SceneOptions["exceptions"]>[number] => ({
      name,
      spec: {
        targets: { kind: "Node", names: ["early-0"] },
        owner: "o",
        justification: "j",
        expirationTime: new Date(START + 30 * DAY).toISOString(),
      },
    });
    const first = renderProposal(inputOf()).body;
    const second = renderProposal({
      ...inputOf({ exceptions: [exception("x")], now: START + DAY }),
      before: readMarker(first),
    }).body;
    const third = renderProposal({
      ...inputOf({ exceptions: [exception("x"), exception("y")], now: START + 2 * DAY }),
      before: readMarker(second),
    }).body;

    expect(first).not.toContain("New on this page");
    expect(second).toContain("New on this page: exceptions (2026-01-06 08:00 UTC).");
    expect(third).toContain("New on this page: exceptions (2026-01-06 08:00 UTC); exceptions (2026-01-07 08:00 UTC).");
    let body = third;
    for (let day = 3; day < 12; day += 1)
      body = renderProposal({
        ...inputOf({ exceptions: [exception(`z${day}`)], now: START + day * DAY }),
        before: readMarker(body),
      }).body;
    expect(readMarker(body)?.versions?.length).toBe(5);
  });

  it("takes nothing but its own words from a body that somebody edited", () => {
    const forged = {
      parts: { verdict: "x" },
      versions: [
        { at: "@admin", parts: ["verdict"] },
        { at: "2026-01-05 08:00 UTC", parts: ["<script>", "verdict"] },
        null,
        { at: "2026-01-05 08:00 UTC", parts: "verdict" },
      ],
    } as never;

    const { body } = renderProposal({ ...inputOf(), before: forged });

    expect(body).toContain("New on this page: verdict (2026-01-05 08:00 UTC); ");
    expect(body).not.toContain("@admin");
    expect(body).not.toContain("<script>");
    for (const before of [{ parts: null }, { parts: "x", versions: 7 }, { parts: [] }] as never[])
      expect(() => renderProposal({ ...inputOf(), before }).body).not.toThrow();
  });

  it("remembers when it would have ended", () => {
    const scene = play({ rings: RINGS, candidate: L2 });
    const proposal = scene.promotions.proposals[0] as DesiredProposal;
    const calls = { count: 0 };
    const forecast = () => {
      calls.count += 1;
      return forecastProposal(scene.input, proposal);
    };

    expect(readMarker(renderProposal({ ...inputOf(), forecast }).body)?.forecast).toBe("2026-01-05T08:45:00.000Z");
    expect(calls.count).toBe(1);
  });

  it("names who came and who went since the ring's present level was offered", () => {
    const input = inputOf();
    const offeredTime = new Date(START - 50 * DAY).toISOString();
    const moved = input.plan.targets.find(({ node }) => node?.name === "early-2")!.asset.uid;
    const change = (name: string, uid: string, days: number, kind = "Node"): MemberChange => ({
      kind,
      name,
      uid,
      time: new Date(START - days * DAY).toISOString(),
    });
    const status = {
      joined: [change("early-2", moved, 3), change("early-7", "gone-again", 3)],
      left: [
        change("early-8", "8", 2),
        change("early-9", "9", 60),
        change("web", "10", 2, "Deployment"),
        change("early-0", input.plan.targets.find(({ node }) => node?.name === "early-0")!.asset.uid, 2),
      ],
    };
    const rings = input.plan.rings.map((one) =>
      one.ring.name === "early"
        ? {
            ...one,
            ring: { ...one.ring, status: { ...one.ring.status, ...status } },
            levels: one.levels.map((level) => ({ ...level, offeredTime, targets: 2 })),
          }
        : one,
    );
    const targets = input.plan.targets.map((target) =>
      target.node?.name === "early-1" ? { ...target, node: { ...target.node, createdAt: START - DAY } } : target,
    );

    const { body } = renderProposal({ ...input, plan: { ...input.plan, rings, targets } });

    expect(body).toContain(
      "was offered here (2025-11-16 08:00 UTC): 2 joined, 1 left; 2 were in scope then, 3 are now.",
    );
    expect(body).toContain("- ⚠ Joined, and not updated by this ring before (2): `Node early-1`, `Node early-2`.");
    expect(body).toContain("- Left (1): `Node early-8`.");
  });
});
