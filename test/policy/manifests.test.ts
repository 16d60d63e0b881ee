// Places of manifests that a baseline names: each can be followed, and says what the image needs.
import { describe, expect, it } from "vitest";
import { doc, lines, ring } from "./support/policy.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

function judged(place: string, image = "tag: 1.27.3"): readonly string[] {
  const baseline = doc(
    "PatchBaseline",
    "images",
    `target: Image\nimage:\n  images:\n    - repository: registry.example.com/nginx\n      ${image}\n      manifests: [${place}]`,
  );
  return lines(`${ring("prod")}---\n${baseline}`).map((line) =>
    line.replace(/ p\.yaml:\d+:\d+: spec\.image\.images\[0\]/, ""),
  );
}

const VALUES = "{ring: prod, path: values.yaml, kind: HelmValues, valuePaths: ";

describe("manifests of an image", () => {
  it.each([
    "{ring: prod, path: apps/web, kind: PlainYaml}",
    "{ring: prod, path: ., kind: Kustomize, repository: apps}",
    `${VALUES}{tag: image.tag}}`,
    `${VALUES}{image: 'sidecars[0].image'}}`,
    `${VALUES}{tag: image.tag}, chart: {path: charts/web/, valueFiles: [./live/common.yaml]}}`,
  ])("are fine as %s", (place) => {
    expect(judged(place)).toEqual([]);
  });

  it.each([
    ["{ring: prd, path: a, kind: PlainYaml}", /^ReferenceMissing\.manifests\[0\]\.ring: .*did you mean "prod"/],
    ["{ring: prod, path: /a, kind: PlainYaml}", /^MalformedPath\.manifests\[0\]\.path/],
    ["{ring: prod, path: a/../b, kind: PlainYaml}", /^MalformedPath/],
    ["{ring: prod, path: a//b, kind: PlainYaml}", /^MalformedPath/],
    [`${VALUES}{tag: image.tag}, chart: {path: ../web}}`, /^MalformedPath\.manifests\[0\]\.chart\.path/],
    [
      `${VALUES}{tag: image.tag}, chart: {valueFiles: [a, /b]}}`,
      /^MalformedPath\.manifests\[0\]\.chart\.valueFiles\[1\]/,
    ],
    ["{ring: prod, path: a, kind: PlainYaml, chart: {path: b}}", /only kind HelmValues has a chart/],
    [`${VALUES}{tag: image..tag}}`, /^MalformedValuePath\.manifests\[0\]\.valuePaths\.tag/],
    [`${VALUES}{digest: image.digest}}`, /^ValuePathMissing.*add tag/],
    ["{ring: prod, path: v.yaml, kind: HelmValues}", /kind HelmValues needs valuePaths/],
    [`${VALUES}{image: a, tag: b}}`, /either image, or tag and digest/],
    ["{ring: prod, path: a, kind: PlainYaml}, {ring: prod, path: b, kind: PlainYaml}", /prod/],
  ])("are refused as %s", (place, message) => {
    const found = judged(place);

    expect(found[0]).toMatch(message);
    expect(found).toHaveLength(1);
  });

  it("need a path for the digest that the image names", () => {
    expect(judged(`${VALUES}{tag: image.tag}}`, `digest: ${DIGEST}`)[0]).toMatch(/^ValuePathMissing.*add digest/);
  });

  it("are one kind of thing for all images", () => {
    const baseline = doc(
      "PatchBaseline",
      "images",
      `target: Image\nimage:\n  images:\n    - {repository: r.example.com/a, tag: "1", manifests: [{ring: prod, path: a, kind: PlainYaml}]}\n    - {repository: r.example.com/b, tag: "1", manifests: [{ring: prod, path: a/, kind: Kustomize}]}`,
    );

    expect(lines(`${ring("prod")}---\n${baseline}`)).toEqual([
      expect.stringMatching(/^ManifestsDisagree .*write kind: PlainYaml/),
    ]);
    const values = (image: string, chart: string): string =>
      `    - {repository: r.example.com/${image}, tag: "1", manifests: [{ring: prod, path: v.yaml, kind: HelmValues, valuePaths: {tag: ${image}.tag}, chart: {path: ${chart}}}]}`;
    const charts = (one: string, two: string): string =>
      doc("PatchBaseline", "images", `target: Image\nimage:\n  images:\n${values("a", one)}\n${values("b", two)}`);
    expect(lines(`${ring("prod")}---\n${charts("web", "web")}`)).toEqual([]);
    expect(lines(`${ring("prod")}---\n${charts("web", "site")}`)).toEqual([
      expect.stringMatching(/^ManifestsDisagree .*\.chart: .*write the same chart/),
    ]);
  });
});
