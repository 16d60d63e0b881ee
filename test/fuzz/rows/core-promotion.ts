// What a forge shows of our proposals, as core/ reads it: branches, markers, people's answers. Nothing here may throw.
import fc from "fast-check";
import { hashPath, parseManifestBranch, readManifestProposal } from "../../../controller/core/manifests/known.ts";
import {
  branchPart,
  markClosed,
  parseGroupBranch,
  parseProposalBranch,
  readMarker,
  readProposals,
  writeMarker,
} from "../../../controller/core/promotion/known.ts";
import { type ProposalHistory, readPeople } from "../../../controller/core/promotion/people.ts";
import { digits, hex, maybe, name, noise, oneOf, seq } from "../grammar.ts";
import { type Parser, valueOf } from "../parser.ts";

const CORE = "controller/core";

const branchText = oneOf(
  seq("ringward/", name, "/", name, "/", hex, maybe(seq("-scope-", digits))),
  seq("ringward/", name, "/_all"),
  seq("ringward/manifests/", name, "/", name, "/", hex, "-", fc.stringMatching(/^[0-9a-f]{8}$/)),
);

const branch: Parser = {
  name: "core/branch",
  form: "text",
  covers: [
    `${CORE}/promotion/known.ts parseProposalBranch`,
    `${CORE}/promotion/known.ts parseGroupBranch`,
    `${CORE}/manifests/known.ts parseManifestBranch`,
  ],
  run: (text) => [
    parseProposalBranch(text),
    parseGroupBranch(text),
    parseManifestBranch(text),
    branchPart(text),
    hashPath(text),
  ],
  check(text) {
    const read = parseProposalBranch(text);
    if (read !== undefined) {
      const written = `ringward/${read.ring}/${read.baseline}/${read.digest}${read.scope === undefined ? "" : `-scope-${read.scope}`}`;
      if (written !== text) return `is read as ${written}`;
      if (parseGroupBranch(text) !== undefined || parseManifestBranch(text) !== undefined)
        return "is two kinds of branches";
    }
    const part = branchPart(text);
    return part.length <= 63 || part === text ? undefined : `the part ${part} is too long`;
  },
  grammar: branchText,
  seeds: [
    "ringward/early/ubuntu/0123456789ab",
    "ringward/early/ubuntu/0123456789ab-scope-12",
    "ringward/early/_all",
    "ringward/manifests/early/web/0123456789ab-01234567",
    "a".repeat(64),
  ],
  words: ["ringward/", "/", "_all", "-scope-", "manifests", "0123456789ab", ".lock", "..", "0"],
};

const markerBody = seq(
  noise,
  "<!-- ringward: ",
  fc.jsonValue().map((value) => JSON.stringify(value)),
  " -->",
  noise,
);

const marker: Parser = {
  name: "core/marker",
  form: "text",
  covers: [
    `${CORE}/promotion/known.ts readMarker`,
    `${CORE}/promotion/known.ts readProposals`,
    `${CORE}/manifests/known.ts readManifestProposal`,
  ],
  run(body) {
    const pull = { number: 1, state: "closed", body } as const;
    return [
      readMarker(body),
      ...["ringward/early/_all", "ringward/early/ubuntu/0123456789ab"].map((head) => readProposals({ ...pull, head })),
      readManifestProposal({ ...pull, head: "ringward/manifests/early/web/0123456789ab-01234567" }),
    ];
  },
  check(body) {
    const closed = markClosed(body, "x-->y");
    if (readMarker(closed)?.closed !== "x-->y") return "what was closed is not read as closed";
    const written = writeMarker({ ring: body });
    return readMarker(written)?.ring === body || !body.isWellFormed() ? undefined : "a marker is read as another one";
  },
  grammar: markerBody,
  seeds: [
    'text\n<!-- ringward: {"cluster":"c","ring":"early","baseline":"ubuntu","level":"l","digest":"0123456789abcdef","maxTargets":12,"evidence":"e"} -->\n',
    '<!-- ringward: {"entries":[{"baseline":"ubuntu","digest":"0123456789ab","maxTargets":3,"scope":4},null,{"baseline":1}],"closed":"why"} -->',
    "<!-- ringward: null -->",
  ],
  words: [
    "<!-- ringward: ",
    " -->",
    "\\u003e",
    '"entries"',
    '"closed"',
    '"maxTargets"',
    '"__proto__"',
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
  ],
};

const people: Parser = {
  name: "core/people",
  form: "json",
  covers: [`${CORE}/promotion/people.ts readPeople`],
  run(text) {
    // The forge's readers give it this shape; what people wrote are the strings in it.
    const said = (Array.isArray(valueOf(text)) ? (valueOf(text) as readonly unknown[]) : []).map(shown);
    const history: ProposalHistory = {
      merged: undefined,
      closed: { by: said[0], time: "2026-11-21T12:00:00Z" },
      reviews: said.map((author) => ({ author, state: author.length % 2 === 0 ? "Approved" : "ChangesRequested" })),
      comments: said.map((body) => ({ author: body, body, time: body, mine: false })),
    };
    return readPeople(history, { labels: said, author: said[0] ?? "" });
  },
  check(_text, answer) {
    const { why } = answer as ReturnType<typeof readPeople>;
    return why === undefined || (Array.from(why).length <= 200 && !why.includes("\n"))
      ? undefined
      : `why has ${why.length} characters`;
  },
  grammar: fc
    .array(oneOf("/ringward propose", " /RINGWARD PROPOSE\r\n", noise, "no\nthanks"), { maxLength: 5 })
    .map((list) => JSON.stringify(list)),
  seeds: ['["/ringward propose","not now\\nplease","__proto__"]', '["ringward/propose-again"]'],
  words: ["/ringward propose", "\n", "\r", "ringward/propose-again", "\u0000"],
};

function shown(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export const CORE_PROMOTION_PARSERS: readonly Parser[] = [branch, marker, people];
