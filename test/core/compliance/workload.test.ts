// Every row of the state table for images of workloads. Images are exact.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assessWorkload, isWorkloadTarget } from "../../../controller/core/compliance/index.ts";
import type { Assessment } from "../../../controller/core/model.ts";
import { imageBaseline, levelOf } from "../levels/fixtures.ts";
import { assessImages, DIGEST, exception, iso, NOW, OTHER_DIGEST, pod, WEB, workload } from "./fixtures.ts";

const show = ({ state, reason, offTarget }: Assessment): string =>
  `${state}${reason ? `(${reason})` : ""}${offTarget ? "!" : ""}`;

const tagged = [{ repository: WEB, tag: "1.27.3" }];
const digested = [{ repository: WEB, digest: DIGEST }];
const both = [{ repository: WEB, tag: "1.27.3", digest: DIGEST }];

const at = (tag: string) => `${WEB}:${tag}`;

describe("a level with a tag", () => {
  it.each([
    ["template and pods at it", at("1.27.3"), [pod("a", at("1.27.3")), pod("b", at("1.27.3"))], "Installed"],
    ["no pods", at("1.27.3"), [], "Installed"],
    [
      "a pod still at the old one",
      at("1.27.3"),
      [pod("a", at("1.27.3")), pod("b", at("1.27.1"))],
      "InstalledPendingReboot(RebootPending)",
    ],
    [
      "a pod that has not started",
      at("1.27.3"),
      [{ name: "a", ready: false, running: [] }],
      "InstalledPendingReboot(RebootPending)",
    ],
    [
      "a pod that has not started, beside one at it",
      at("1.27.3"),
      [pod("a", at("1.27.3")), { name: "b", ready: false, running: [] }],
      "Installed",
    ],
    [
      "a pod that has not started, beside one at the old one",
      at("1.27.3"),
      [{ name: "a", ready: false, running: [] }, pod("b", at("1.27.1"))],
      "InstalledPendingReboot(RebootPending)",
    ],
    ["an older template", at("1.27.1"), [pod("a", at("1.27.1"))], "Missing"],
    ["a newer template", at("1.27.10"), [pod("a", at("1.27.10"))], "InstalledOther(Drifted)!"],
    ["a tag without order", at("latest"), [], "Missing"],
    ["another variant", at("1.28.0-alpine"), [], "Missing"],
    ["no tag at all, which is latest", WEB, [], "Missing"],
    ["the tag with some digest", `${at("1.27.3")}@${OTHER_DIGEST}`, [], "Installed"],
    ["only a digest", `${WEB}@${OTHER_DIGEST}`, [], "Unknown(NotComparable)"],
  ])("%s", (_what, image, pods, expected) => {
    expect(show(assessImages(tagged, workload(image, pods)))).toBe(expected);
  });
});

describe("a level with a digest", () => {
  it.each([
    ["pinned, and pods run it", digested, `${WEB}@${DIGEST}`, [pod("a", WEB, DIGEST)], "Installed"],
    [
      "pinned, but a pod runs another",
      digested,
      `${WEB}@${DIGEST}`,
      [pod("a", WEB, OTHER_DIGEST)],
      "InstalledPendingReboot(RebootPending)",
    ],
    ["pinned to another", digested, `${WEB}@${OTHER_DIGEST}`, [pod("a", WEB, DIGEST)], "Missing"],
    ["only a tag, but all pods run it", digested, at("1.27.3"), [pod("a", at("1.27.3"), DIGEST)], "Installed"],
    [
      "only a tag, and a pod runs another",
      digested,
      at("1.27.3"),
      [pod("a", at("1.27.3"), DIGEST), pod("b", at("1.27.3"))],
      "Missing",
    ],
    ["only a tag and nothing that proves it", digested, at("1.27.3"), [], "Missing"],
    [
      "only a tag, and no pod has started",
      digested,
      at("1.27.3"),
      [{ name: "a", ready: false, running: [] }],
      "Missing",
    ],
    ["tag and digest, both right", both, `${at("1.27.3")}@${DIGEST}`, [pod("a", at("1.27.3"), DIGEST)], "Installed"],
    ["tag right, digest wrong", both, `${at("1.27.3")}@${OTHER_DIGEST}`, [], "Missing"],
    ["tag wrong, digest right", both, `${at("1.27.1")}@${DIGEST}`, [], "Missing"],
    ["tag newer", both, `${at("1.27.4")}@${OTHER_DIGEST}`, [], "InstalledOther(Drifted)!"],
    ["the digest alone, right", both, `${WEB}@${DIGEST}`, [pod("a", WEB, DIGEST)], "Installed"],
    ["the tag alone, and pods that prove it", both, at("1.27.3"), [pod("a", at("1.27.3"), DIGEST)], "Installed"],
  ])("%s", (_what, level, image, pods, expected) => {
    expect(show(assessImages(level, workload(image, pods)))).toBe(expected);
  });

  it.each([`docker-pullable://${WEB}@${DIGEST}`, DIGEST, `docker://${DIGEST}`])("reads the image ID %s", (imageId) => {
    const running = { name: "a", ready: true, running: [{ container: "web", image: WEB, imageId }] };
    expect(show(assessImages(digested, workload(`${WEB}@${DIGEST}`, [running])))).toBe("Installed");
  });
});

describe("standing of the level", () => {
  const old = workload(at("1.27.1"), []);
  const right = workload(at("1.27.3"), []);
  const newer = workload(at("1.28.0"), []);
  const baseline = imageBaseline(tagged);
  const { digest } = levelOf({ baseline });
  const operation = {
    claimId: "c",
    ring: "r",
    baseline: "shop",
    level: "l",
    digest: digest as string,
    startedTime: iso(NOW),
    stepTime: iso(NOW),
    attempt: 1,
    step: "Patched" as const,
    images: [],
    failure: { reason: "ProgressDeadlineExceeded", message: "", time: iso(NOW) },
  };
  const excepted = exception({ targets: { kind: "Workload", names: ["shop/web"] }, components: [`image:${WEB}`] });

  it.each([
    ["below, not approved", old, undefined, { approved: false }, "Available"],
    ["at, not approved", right, undefined, { approved: false }, "InstalledOther"],
    ["above, not approved", newer, undefined, { approved: false }, "InstalledOther"],
    ["below, withdrawn", old, undefined, { withdrawn: true }, "Rejected"],
    ["at, withdrawn", right, undefined, { withdrawn: true }, "InstalledRejected"],
    ["below, excepted", old, undefined, { exceptions: [excepted] }, "Exempt"],
    ["above, excepted", newer, undefined, { exceptions: [excepted] }, "InstalledOther(Drifted)"],
    ["below, failed", old, { operation }, {}, "Failed(ProgressDeadlineExceeded)"],
    [
      "below, verified before",
      old,
      { verified: [{ baseline: "shop", digest: digest as string, time: iso(NOW) }] },
      {},
      "Missing(Regressed)",
    ],
  ])("%s", (_what, asset, stored, rest, expected) => {
    expect(show(assessImages(tagged, asset, stored, rest))).toBe(expected);
  });
});

describe("repositories", () => {
  const image = (repository: string, mirrors?: string[]) => [
    { repository, tag: "1.0.0", ...(mirrors ? { mirrors } : {}) },
  ];

  it.each([
    ["docker.io/library/nginx", "nginx:1.0.0", "Installed"],
    ["nginx", "docker.io/library/nginx:1.0.0", "Installed"],
    ["nginx", "index.docker.io/library/nginx:1.0.0", "Installed"],
    ["nginx", "registry.corp:5000/mirror/nginx:1.0.0", "Unknown(RepositoryNotCovered)"],
    [WEB, "proxy.corp/registry.example.com/shop/web:1.0.0", "Unknown(RepositoryNotCovered)"],
    [WEB, "other.example.com/web:1.0.0", "Unknown(RepositoryNotCovered)"],
    [WEB, "registry.example.com/blog/web:1.0.0", "not a target"],
    [WEB, "registry.example.com/shop/webhook:1.0.0", "not a target"],
    [WEB, "registry.example.com/SHOP/web:1.0.0", "not a target"],
    [WEB, "::::", "not a target"],
  ])("%s wanted, %s runs", (repository, running, expected) => {
    const asset = workload(running, []);
    const target = isWorkloadTarget(imageBaseline(image(repository)), asset);
    expect(target ? show(assessImages(image(repository), asset)) : "not a target").toBe(expected);
  });

  it("covers mirrors in full", () => {
    const level = image(WEB, ["mirror.corp/shop/web"]);
    expect(show(assessImages(level, workload("mirror.corp/shop/web:1.0.0", [])))).toBe("Installed");
    expect(show(assessImages(level, workload("mirror.corp/shop/web:0.9.0", [])))).toBe("Missing");
  });

  it("prefers the image whose repository fits in full to one that fits by its tail", () => {
    const level = [
      { repository: "a.example.com/web", tag: "1.0.0" },
      { repository: "b.example.com/web", tag: "2.0.0" },
    ];
    const result = assessImages(level, workload("b.example.com/web:2.0.0", []));
    expect(result.components).toMatchObject([{ name: "image:b.example.com/web", state: "Installed" }]);
  });
});

describe("containers", () => {
  it("of one image are one component, the worst of them, init containers too", () => {
    const asset = workload(at("1.27.3"), [], {
      containers: [
        { name: "migrate", init: true, image: at("1.27.1") },
        { name: "web", init: false, image: at("1.27.3") },
        { name: "sidecar", init: false, image: "registry.example.com/mesh/proxy:1" },
      ],
    });
    expect(assessImages(tagged, asset).components).toEqual([
      { name: `image:${WEB}`, running: "1.27.1, 1.27.3", desired: "1.27.3", scheme: "tag", state: "Missing" },
    ]);
  });

  it("of none of the level's images leave nothing to require", () => {
    const baseline = imageBaseline(tagged);
    const other = levelOf({ baseline: imageBaseline([{ repository: "registry.example.com/shop/api", tag: "1" }]) });
    expect(show(assessImages(tagged, workload(at("1.27.1"), []), undefined, { baseline, level: other }))).toBe(
      "NotApplicable",
    );
  });

  it("give the same bytes whatever the order of containers, pods and images (R6)", () => {
    const tag = fc.constantFrom("1.27.1", "1.27.3", "1.28.0", "latest");
    const repository = fc.constantFrom(WEB, "registry.example.com/shop/api", "mirror.corp/shop/web");
    const baseline = imageBaseline([
      { repository: WEB, tag: "1.27.3" },
      { repository: "registry.example.com/shop/api", tag: "1.27.3" },
    ]);
    const level = levelOf({ baseline });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(repository, tag), { maxLength: 5 }),
        fc.array(tag, { maxLength: 3 }),
        (images, tags) => {
          const containers = images.map(([name, one], index) => ({
            name: `c${index}`,
            init: false,
            image: `${name}:${one}`,
          }));
          const pods = tags.map((one, index) => pod(`p${index}`, at(one), OTHER_DIGEST, "c0"));
          const asset = workload(WEB, pods, { containers });
          const input = {
            workload: asset,
            stored: undefined,
            baseline,
            level,
            approved: true,
            withdrawn: false,
            exceptions: [],
            now: NOW,
          };
          const turned = { ...asset, containers: [...containers].reverse(), pods: [...pods].reverse() };
          expect(JSON.stringify(assessWorkload({ ...input, workload: turned }))).toBe(
            JSON.stringify(assessWorkload(input)),
          );
        },
      ),
    );
  });
});
