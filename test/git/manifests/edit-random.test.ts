// Hostile but valid manifests: whatever people write around an image, everything outside its scalar stays byte for byte.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editManifests } from "../../../controller/git/manifests/index.ts";

const pick = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

const style = fc.record({
  eol: pick("\n", "\r\n"),
  bom: pick("", "\uFEFF"),
  start: pick(
    "",
    "---\n",
    "# a\n---\n",
    "--- # x\n",
    "kind: ConfigMap\ndata: {mode: 0644, on: yes}\n---\n",
    "x: [\n---\n",
  ),
  end: pick("", "...\n", "---\n# nothing\n", "---\nkind: Other\nx: &a {b: 1}\ny: *a\n"),
  indent: pick(1, 2, 3, 4, 7),
  gap: pick("", " ", "  "),
  quote: pick("", "'", '"'),
  comment: pick("", " # image: nginx:1", "   #"),
  extra: pick(
    "",
    "env: &e [{name: A, value: '{{ x }}'}]",
    'command: [sh, -c, "echo nginx:1.0"]',
    "args: ['*a', '&b', !!str 5]",
    "mode: 0755",
  ),
  blank: pick("", "\n", "  \n", "# c\n"),
  anchors: pick("", "x-a: &all {nginx: *none}\n".replace("*none", "1"), "x-b: &b [1]\nx-c: *b\n"),
  last: pick(true, false),
  flow: pick(true, false),
  name: pick("nginx", "docker.io/library/nginx", "docker.io/nginx", "index.docker.io/library/nginx"),
  from: pick("", ":1.0", `:1@sha256:${"b".repeat(64)}`, `@sha256:${"b".repeat(64)}`),
});

type Style = typeof style extends fc.Arbitrary<infer S> ? S : never;

function write(s: Style, image: string): string {
  const pad = (depth: number): string => " ".repeat(s.indent * depth);
  const value = `${s.quote}${image}${s.quote}`;
  const body = s.flow
    ? `spec: {template: {spec: {containers: [ {name: a,${s.gap} image: ${value}${s.gap}${s.last ? "" : ", tty: true"}} , {image: other}]}}}${s.comment}\n`
    : [
        "spec:",
        `${pad(1)}template:${s.comment}`,
        `${pad(2)}spec:`,
        `${pad(3)}containers:`,
        `${pad(3)}-${s.gap} name: a`,
        ...(s.extra === "" ? [] : [`${pad(3)} ${s.gap} ${s.extra}`]),
        `${pad(3)} ${s.gap} image:${s.gap} ${value}${s.comment}`,
        ...(s.last ? [] : [`${pad(3)} ${s.gap} tty: true`]),
        "",
      ].join("\n");
  const text = `${s.start}${s.blank}kind: Deployment\nmetadata: {name: web}\n${s.anchors}${body}${s.end}`;
  return s.bom + text.replaceAll("\n", s.eol);
}

describe("a hostile manifest", () => {
  it("keeps every byte outside the image", () => {
    fc.assert(
      fc.property(
        style,
        pick<{ tag?: string; digest?: string }>({ tag: "1.27.3" }, { tag: "yes", digest: `sha256:${"a".repeat(64)}` }),
        (s, version) => {
          const files = [{ path: "web.yaml", blob: "", text: write(s, s.name + s.from) }];
          const change = {
            kind: "PlainYaml" as const,
            path: "web.yaml",
            images: [{ repository: "docker.io/library/nginx", ...version }],
          };

          const { files: edited } = editManifests(files, change);

          const wanted = `${s.name}:${version.tag}${version.digest === undefined ? "" : `@${version.digest}`}`;
          expect(edited.get("web.yaml")).toBe(write(s, wanted));
          // And once more it is as it should be.
          expect(editManifests([{ ...files[0]!, text: edited.get("web.yaml")! }], change).edits).toEqual([]);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("of values and of kustomize keeps every byte outside its scalar", () => {
    fc.assert(
      fc.property(style, pick("1.27.3", "16.6", "yes", "0644", "a-b_c"), (s, tag) => {
        const text = (value: string): string =>
          s.bom +
          `${s.anchors}${s.blank}image:${s.comment}\n${" ".repeat(s.indent)}tag: ${value}${s.comment}\n${s.last ? "" : "x: 0755\n"}`.replaceAll(
            "\n",
            s.eol,
          );
        const old = s.quote === "" ? "1.0" : `${s.quote}1.0${s.quote}`;
        const files = [{ path: "v.yaml", blob: "", text: text(old) }];

        const { files: edited } = editManifests(files, {
          kind: "HelmValues",
          path: "v.yaml",
          images: [{ repository: "docker.io/library/nginx", tag, valuePaths: { tag: "image.tag" } }],
        });

        // What other readers would take for a number or a boolean is quoted.
        const bare = s.quote === "" && ["16.6", "yes", "0644"].includes(tag) ? '"' : s.quote;
        expect(edited.get("v.yaml")).toBe(text(`${bare}${tag}${bare}`));
      }),
      { numRuns: 500 },
    );
  });
});
