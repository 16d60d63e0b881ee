// The forge's pages work without scripts, run nothing foreign, and press buttons only for people who saw the page.
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../controller/clock.ts";
import { escapeHtml, renderMarkdown } from "../../../controller/sandbox/forge/markdown.ts";
import { type Place, propose, startPlace } from "./support.ts";

describe("sandbox forge, pages", () => {
  let place: Place;
  beforeEach(async () => {
    place = await startPlace();
  });
  afterEach(async () => {
    await place.close();
  });

  const page = async (
    path: string,
    init: RequestInit = {},
  ): Promise<{ status: number; text: string; headers: Headers }> => {
    const response = await fetch(`${place.forge.url}${path}`, { redirect: "manual", ...init });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  const fields = (html: string): Record<string, string> =>
    Object.fromEntries([...html.matchAll(/name="(token|sha)" value="([^"]*)"/g)].map((match) => [match[1], match[2]]));
  const press = (
    number: number,
    action: string,
    form: Record<string, string>,
    headers: Record<string, string> = {},
  ): ReturnType<typeof page> =>
    page(`/acme/policies/pull/${number}/${action}`, { method: "POST", body: new URLSearchParams(form), headers });

  it("lists and shows pull requests, with the diff and both buttons", async () => {
    const number = await propose(place, "ringward/a", "rings/early.yaml", "a: 1\nb: 3\nc: 3\n");

    const list = await page("/acme/policies/pulls");
    const shown = await page(`/acme/policies/pull/${number}`);

    expect((await page("/")).headers.get("location")).toBe("/acme/policies/pulls");
    expect(list.text).toContain(`href="/acme/policies/pull/${number}"`);
    expect(shown.text).toContain("Merge pull request</button>");
    expect(shown.text).toContain("Close</button>");
    expect(shown.text).toMatch(/class="d".*-b: 2.*class="a".*\+b: 3/s);
    expect(shown.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect((await page("/acme/policies/pull/99")).status).toBe(404);
    expect((await page("/acme/other/pulls")).status).toBe(404);
  });

  it("shows verdicts on the head, the newest of each name, and issues", async () => {
    const number = await propose(place, "ringward/a", "a", "1\n");
    const head = (await place.forge.branches()).get("ringward/a")!;
    for (const [state, description] of [
      ["pending", "Planning"],
      ["failure", "<b>The plan changed</b>"],
    ])
      await place.api("POST", `statuses/${head}`, { state, description, context: "ringward/plan" });
    const issue = await place.forge.openIssue("ringward", "What waits", "- **early**");

    const shown = (await page(`/acme/policies/pull/${number}`)).text;
    const about = await page(`/acme/policies/issues/${issue}`);

    expect(shown).toContain("<strong>ringward/plan</strong> failed: &lt;b&gt;The plan changed&lt;/b&gt;");
    expect(shown).not.toContain("Planning");
    expect(about.text).toMatch(/What waits.*<strong>early<\/strong>/s);
    expect((await page("/acme/policies/issues/99")).status).toBe(404);
    expect((await page(`/acme/policies/issues/${number}`)).status).toBe(404);
  });

  it("merges and closes by its buttons, as the visitor", async () => {
    const one = await propose(place, "ringward/a", "a", "1\n");
    const two = await propose(place, "ringward/b", "b", "1\n");

    const merged = await press(one, "merge", fields((await page(`/acme/policies/pull/${one}`)).text), {
      origin: place.forge.url,
    });
    const closed = await press(two, "close", fields((await page(`/acme/policies/pull/${two}`)).text));

    expect([merged.status, closed.status]).toEqual([303, 303]);
    expect(await place.forge.pullRequests()).toMatchObject([
      { state: "merged", mergedBy: "alice" },
      { state: "closed" },
    ]);
    expect((await page(`/acme/policies/pull/${one}`)).text).not.toContain("<button");
  });

  it("refuses forms that come from elsewhere, and a head that moved since the page was shown", async () => {
    const number = await propose(place, "ringward/a", "a", "1\n");
    const other = await propose(place, "ringward/b", "b", "1\n");
    const form = fields((await page(`/acme/policies/pull/${number}`)).text);

    expect((await press(number, "merge", { sha: form["sha"] ?? "" })).status).toBe(403);
    expect((await press(other, "merge", form)).status).toBe(403);
    expect((await press(number, "merge", form, { origin: "https://evil.example" })).status).toBe(403);
    await place.forge.commit({
      branch: "ringward/a",
      files: new Map([["a", "2\n"]]),
      message: "Later",
      author: "ringward",
    });
    expect((await press(number, "merge", form)).status).toBe(409);
    expect((await place.forge.pullRequests()).map((pull) => pull.state)).toEqual(["open", "open"]);
  });

  it("answers loopback names only (DNS rebinding)", async () => {
    const { request } = await import("node:http");
    const status = await new Promise((resolve, reject) => {
      request(`${place.forge.url}/acme/policies/pulls`, { headers: { host: "rebound.example" } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });

    expect(status).toBe(403);
  });

  it("offers no merge for a conflict", async () => {
    const number = await propose(place, "ringward/a", "rings/early.yaml", "a: 2\n");
    await place.forge.commit({
      branch: "main",
      files: new Map([["rings/early.yaml", "a: 3\n"]]),
      message: "Elsewhere",
      author: "alice",
    });

    const shown = await page(`/acme/policies/pull/${number}`);

    expect(shown.text).toContain("Conflicts with");
    expect(shown.text).not.toContain("Merge pull request</button>");
  });

  it("escapes titles, branches, labels, paths and diffs", async () => {
    const evil = `<img src=x onerror="alert(1)">`;
    await place.forge.commit({
      branch: "ringward/a",
      files: new Map([[`x${evil}.yaml`, `${evil}\n`]]),
      message: evil,
      author: "ringward",
    });
    const made = await place.api("POST", "pulls", { head: "ringward/a", base: "main", title: evil, body: evil });
    await place.api("PUT", `issues/${String(made.json["number"])}/labels`, { labels: [evil] });

    const html = (await page("/acme/policies/pull/1")).text + (await page("/acme/policies/pulls")).text;

    expect(html).not.toContain("<img");
    expect(html).toContain(escapeHtml(evil));
  });
});

describe("Markdown on the forge's pages", () => {
  it.each([
    ["## Title", "<h4>Title</h4>"],
    [
      "a **b** *c* `d|<e>` ~~f~~ _g_",
      "<p>a <strong>b</strong> <em>c</em> <code>d|&lt;e&gt;</code> <del>f</del> <em>g</em></p>",
    ],
    [
      "[x](https://example.com/?a=1&b=2)",
      '<p><a href="https://example.com/?a=1&amp;b=2" rel="noopener noreferrer nofollow">x</a></p>',
    ],
    ["[x](javascript:void)", "<p>x</p>"],
    ["- a\n  - b\n- c", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"],
    ["1. a\n2. b\n- c", "<ol><li>a</li><li>b</li></ol><ul><li>c</li></ul>"],
    ["```yaml\n<a>: **b**\n```\nend", '<pre tabindex="0"><code>&lt;a&gt;: **b**</code></pre><p>end</p>'],
    [
      "<details><summary>**s**</summary>\n\nbody\n\n</details>\nend",
      "<details><summary><strong>s</strong></summary><p>body</p></details><p>end</p>",
    ],
    ["<details>\nnever closed", "<details><p>never closed</p></details>"],
    ["</details>x", "<p>x</p>"],
    ["a &#64; &amp; & <b>c", "<p>a &#64; &amp; &amp; <b>c</b></p>"],
    ["<!-- hidden\nstill -->shown", "<p>shown</p>"],
    ["> a\n> b", "<blockquote><p>a<br>b</p></blockquote>"],
    ["---", "<hr>"],
  ])("renders %j", (markdown, html) => {
    expect(renderMarkdown(markdown)).toBe(html);
  });

  it("renders tables with aligned cells and escaped pipes", () => {
    const html = renderMarkdown("| a | b |\n|:-:|--:|\n| x \\| y | `z` |\n| only |\n\nend");

    expect(html).toContain('<th scope="col" class="center">a</th><th scope="col" class="right">b</th>');
    expect(html).toContain('<td class="center">x | y</td><td class="right"><code>z</code></td>');
    expect(html).toContain('<td class="center">only</td><td class="right"></td>');
    expect(html).toMatch(/<\/div><p>end<\/p>$/);
  });

  it("writes nothing but its own tags and attributes, balanced, whatever it reads", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "<",
        ">",
        "<script>",
        "</script>",
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<b>",
        "</b>",
        "<code>",
        "</code>",
        "`",
        "```",
        "**",
        "*",
        "_",
        "~~",
        "[a](",
        ")",
        "https://x.y/",
        '"',
        "'",
        " onerror=",
        "javascript:",
        "|",
        "|---|",
        "\n",
        "- ",
        "1. ",
        "# ",
        "> ",
        "<!--",
        "-->",
        "&#60;",
        "&",
        "\\",
        "![",
        "<a href=",
        "mailto:a@b",
        "<br>",
      ),
      fc.string({ maxLength: 3 }),
    );
    const allowed =
      /^<\/?(?:p|h[3-6]|ul|ol|li|br|hr|strong|em|del|code|sub|sup|kbd|b|i|blockquote|details|summary|table|thead|tbody|tr|th|td|pre|div|span|a)(?: (?:open|class="(?:scroll|box|center|right)"|tabindex="0"|role="(?:region|img)"|scope="col"|aria-label="(?:Table|done|not done)"|rel="noopener noreferrer nofollow"|href="(?:https?:\/\/|mailto:|#)[^"<>\s]*"))*>$/i;
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }).map((parts) => parts.join("")),
        (text) => {
          const open: string[] = [];
          for (const [tag] of renderMarkdown(text).matchAll(/<[^>]*>?/g)) {
            expect(tag).toMatch(allowed);
            const name = /^<\/?([a-z0-9]+)/i.exec(tag)?.[1] ?? "";
            if (["br", "hr"].includes(name)) continue;
            const closes = tag.startsWith("</");
            expect(closes ? open.at(-1) : name).toBe(name);
            if (closes) open.pop();
            else open.push(name);
          }
          expect(open).toEqual([]);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("renders long and nested input in bounded time", () => {
    for (const part of ["`", "*a", "[", "<b>", "- ", "|", "> ", "_a", "``` ", "<!--", "\\", "~~", "[a](", "  - x\n"]) {
      const started = systemClock.monotonic();
      renderMarkdown(part.repeat(60_000 / part.length));
      expect([part, systemClock.monotonic() - started < 2000]).toEqual([part, true]);
    }
  });
});
