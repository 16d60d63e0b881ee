// The forge's pages for people: the list of pull requests, and one of them with its text, its diff and the two buttons.
// Works without scripts; everything foreign is escaped; the policy header allows nothing but our own style and forms.
import { createHash } from "node:crypto";
import type { IssueRecord, PullRecord } from "../../forge/memory/records.ts";
import { escapeHtml, renderMarkdown } from "./markdown.ts";
import type { CommitDetails, FileChange } from "./plumbing.ts";
import type { ForgeAddress } from "./shapes-repository.ts";
import { styleSheet } from "./style.ts";
import type { Answer } from "./wire.ts";

const styleHash = createHash("sha256").update(styleSheet).digest("base64");

/** Longest diff shown per file, in lines. */
const diffLines = 1500;

function stateWord(state: PullRecord["state"]): string {
  return { open: "Open", merged: "Merged", closed: "Closed" }[state];
}

function when(time: string): string {
  return `<time datetime="${escapeHtml(time)}">${escapeHtml(time.replace("T", " ").replace("Z", " UTC"))}</time>`;
}

/** A whole page around `main`. */
export function pageAnswer(at: ForgeAddress, status: number, title: string, main: string): Answer {
  const home = `/${at.owner}/${at.repository}/pulls`;
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(title)} · ${escapeHtml(at.owner)}/${escapeHtml(at.repository)}</title><style>${styleSheet}</style></head>
<body><a class="skip" href="#main">Skip to content</a>
<header class="top"><span class="note">Ringward sandbox forge</span><a href="${escapeHtml(home)}"><span>${escapeHtml(at.owner)}</span> / <strong>${escapeHtml(at.repository)}</strong></a></header>
<main id="main">${main}</main></body></html>
`;
  return {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    },
    body,
  };
}

function labelsHtml(pull: PullRecord): string {
  return pull.labels.map((label) => ` <span class="label">${escapeHtml(label)}</span>`).join("");
}

/** The list page; `state` is one of open, closed, all. */
export function listPage(at: ForgeAddress, pulls: readonly PullRecord[], state: string): Answer {
  const chosen = pulls.filter((pull) => state === "all" || (state === "open") === (pull.state === "open")).toReversed();
  const count = (open: boolean): number => pulls.filter((pull) => (pull.state === "open") === open).length;
  const tab = (name: string, text: string): string =>
    `<li><a href="?state=${name}"${state === name ? ' aria-current="page"' : ""}>${text}</a></li>`;
  const rows = chosen.map(
    (pull) =>
      `<li><span class="dot ${pull.state}" role="img" aria-label="${stateWord(pull.state)}"></span><a class="title" href="/${escapeHtml(at.owner)}/${escapeHtml(at.repository)}/pull/${pull.number}">${escapeHtml(pull.title)}</a>${labelsHtml(pull)}<div class="small">#${pull.number} · ${stateWord(pull.state)} · opened ${when(pull.createdTime)} by ${escapeHtml(pull.author)} · <span class="ref">${escapeHtml(pull.head)}</span> into <span class="ref">${escapeHtml(pull.base)}</span></div></li>`,
  );
  const body =
    rows.length === 0
      ? `<p class="empty">There are no ${state === "all" ? "" : `${state} `}pull requests.</p>`
      : `<ul class="list">${rows.join("")}</ul>`;
  const tabs = `<nav aria-label="Filter by state"><ul class="tabs">${tab("open", `${count(true)} open`)}${tab("closed", `${count(false)} closed`)}${tab("all", "All")}</ul></nav>`;
  return pageAnswer(at, 200, "Pull requests", `<h1>Pull requests</h1>${tabs}${body}`);
}

function diffTable(file: FileChange): string {
  if (file.patch === undefined) return '<p class="small">No text to show.</p>';
  let before = 0;
  let after = 0;
  const lines = file.patch.split("\n");
  const rows = lines.slice(0, diffLines).map((line) => {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(line);
    if (hunk !== null) {
      before = Number(hunk[1]);
      after = Number(hunk[2]);
      return `<tr class="h"><td class="no"></td><td class="no"></td><td>${escapeHtml(line)}</td></tr>`;
    }
    if (line.startsWith("+"))
      return `<tr class="a"><td class="no"></td><td class="no">${after++}</td><td>${escapeHtml(line)}</td></tr>`;
    if (line.startsWith("-"))
      return `<tr class="d"><td class="no">${before++}</td><td class="no"></td><td>${escapeHtml(line)}</td></tr>`;
    if (line.startsWith("\\"))
      return `<tr class="h"><td class="no"></td><td class="no"></td><td>${escapeHtml(line)}</td></tr>`;
    return `<tr><td class="no">${before++}</td><td class="no">${after++}</td><td>${escapeHtml(line)}</td></tr>`;
  });
  const rest =
    lines.length > diffLines ? `<p class="small">${lines.length - diffLines} more lines are not shown.</p>` : "";
  return `<div class="diff" tabindex="0" role="region" aria-label="Changes to ${escapeHtml(file.path)}"><table><tbody>${rows.join("")}</tbody></table></div>${rest}`;
}

function fileHtml(file: FileChange): string {
  const name = file.previousPath === undefined ? file.path : `${file.previousPath} → ${file.path}`;
  return `<details class="file" open><summary>${escapeHtml(name)} <span class="plus">+${file.additions}</span> <span class="minus">−${file.deletions}</span> <span class="small">${file.status}</span></summary>${diffTable(file)}</details>`;
}

function actionsHtml(pull: PullRecord, mergeable: boolean | undefined, token: string): string {
  if (pull.state === "merged")
    return `<div class="actions"><p>Merged ${when(pull.closedTime ?? pull.updatedTime)}${pull.mergedBy === undefined ? "" : ` by ${escapeHtml(pull.mergedBy)}`} as <span class="ref">${(pull.mergeCommit ?? "").slice(0, 12)}</span>.</p></div>`;
  if (pull.state === "closed")
    return `<div class="actions stuck"><p>Closed without merging ${when(pull.closedTime ?? pull.updatedTime)}.</p></div>`;
  const form = (action: string, button: string): string =>
    `<form method="post" action="${pull.number}/${action}"><input type="hidden" name="token" value="${escapeHtml(token)}"><input type="hidden" name="sha" value="${pull.headSha}">${button}</form>`;
  const merge = mergeable === true ? form("merge", '<button class="go" type="submit">Merge pull request</button>') : "";
  const words =
    mergeable === true
      ? `Merges cleanly. <strong>Merging is the approval</strong> of what the diff below changes in <span class="ref">${escapeHtml(pull.base)}</span>.`
      : `Conflicts with <span class="ref">${escapeHtml(pull.base)}</span>: it cannot be merged as it is.`;
  return `<div class="actions${mergeable === true ? "" : " stuck"}"><p>${words}</p>${merge}${form("close", '<button type="submit">Close</button>')}</div>`;
}

/** A verdict on the head, of a status or of a check run. */
export interface Verdict {
  readonly name: string;
  readonly state: "success" | "failure" | "pending";
  readonly title: string;
  readonly author: string;
  /** Markdown; empty where there is none. */
  readonly summary: string;
  readonly lines: readonly { readonly path: string; readonly line: number; readonly message: string }[];
}

const verdictWords = { success: "passed", failure: "failed", pending: "under way" } as const;
const verdictDots = { success: "open", failure: "closed", pending: "merged" } as const;

function verdictHtml({ name, state, title, author, summary, lines }: Verdict): string {
  const notes = lines
    .map(
      ({ path, line, message }) =>
        `<li><span class="ref">${escapeHtml(path)}:${line}</span> ${escapeHtml(message)}</li>`,
    )
    .join("");
  const more =
    summary.trim() === "" && notes === ""
      ? ""
      : `<details><summary>Details</summary><div class="text">${renderMarkdown(summary)}<ul>${notes}</ul></div></details>`;
  return `<li><span class="dot ${verdictDots[state]}"></span><strong>${escapeHtml(name)}</strong> ${verdictWords[state]}: ${escapeHtml(title)} <span class="small">${escapeHtml(author)}</span>${more}</li>`;
}

function verdictsHtml(verdicts: readonly Verdict[]): string {
  return verdicts.length === 0 ? "" : `<h2>Checks</h2><ul class="list card">${verdicts.map(verdictHtml).join("")}</ul>`;
}

/** An issue. */
export function issuePage(at: ForgeAddress, issue: IssueRecord): Answer {
  const state = issue.state === "open" ? "open" : "closed";
  return pageAnswer(
    at,
    200,
    `${issue.title} #${issue.number}`,
    `<h1>${escapeHtml(issue.title)} <span class="n">#${issue.number}</span></h1><p class="meta"><span class="badge ${state}">${state === "open" ? "Open" : "Closed"}</span>${escapeHtml(issue.author)} opened this issue ${when(issue.createdTime)}</p><article class="card"><header><strong>${escapeHtml(issue.author)}</strong> wrote, last edited ${when(issue.updatedTime)}</header><div class="text">${renderMarkdown(issue.body)}</div></article>`,
  );
}

export interface PullView {
  readonly pull: PullRecord;
  readonly verdicts: readonly Verdict[];
  readonly mergeable: boolean | undefined;
  readonly files: readonly FileChange[];
  readonly commits: readonly CommitDetails[];
  /** What a form must send back: only a page of this server, shown for this pull request, knows it. */
  readonly token: string;
}

/** One pull request. */
export function pullPage(at: ForgeAddress, view: PullView): Answer {
  const { pull, files, commits } = view;
  const card = (author: string, time: string, text: string, does: string): string =>
    `<article class="card"><header><strong>${escapeHtml(author)}</strong> ${does} ${when(time)}</header><div class="text">${text.trim() === "" ? '<p class="small">No description.</p>' : renderMarkdown(text)}</div></article>`;
  const main = [
    `<h1>${escapeHtml(pull.title)} <span class="n">#${pull.number}</span></h1>`,
    `<p class="meta"><span class="badge ${pull.state}">${stateWord(pull.state)}</span>${escapeHtml(pull.author)} proposes ${commits.length} ${commits.length === 1 ? "commit" : "commits"} from <span class="ref">${escapeHtml(pull.head)}</span> into <span class="ref">${escapeHtml(pull.base)}</span>${labelsHtml(pull)}</p>`,
    card(pull.author, pull.createdTime, pull.body, "wrote"),
    ...pull.comments.map((comment) => card(comment.author, comment.createdTime, comment.body, "commented")),
    verdictsHtml(view.verdicts),
    actionsHtml(pull, view.mergeable, view.token),
    `<h2>Commits</h2><ul class="list card">${commits.map((commit) => `<li><span class="ref">${commit.sha.slice(0, 12)}</span> ${escapeHtml(commit.message.split("\n")[0] ?? "")} <span class="small">${escapeHtml(commit.author.name)}</span></li>`).join("")}</ul>`,
    `<h2>${files.length} ${files.length === 1 ? "file" : "files"} changed</h2>`,
    ...files.map(fileHtml),
  ];
  return pageAnswer(at, 200, `${pull.title} #${pull.number}`, main.join("\n"));
}

/** A refusal for people. */
export function problemPage(at: ForgeAddress, status: number, message: string): Answer {
  return pageAnswer(
    at,
    status,
    message,
    `<h1>${escapeHtml(message)}</h1><p><a href="/${escapeHtml(at.owner)}/${escapeHtml(at.repository)}/pulls">All pull requests</a></p>`,
  );
}
