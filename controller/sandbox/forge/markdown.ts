// A small Markdown renderer for the forge's pages: headings, paragraphs, lists, task boxes, tables, code, quotes, rules, emphasis,
// links, and the few tags that evidence uses (details, summary, code, br, sub, sup, kbd). Everything else is text: whatever the
// input, the output holds no script, no event handler, no style, no image and no link but http(s) and mailto.

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text made safe for HTML content and double-quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** Escapes, but leaves character references that the author wrote as what they are. */
function escapeText(text: string): string {
  return escapeHtml(text).replace(/&amp;(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});/g, "&$1;");
}

function safeAddress(address: string): string | undefined {
  return /^(https?:\/\/|mailto:|#)[^\s"<>]*$/i.test(address) ? escapeHtml(address) : undefined;
}

const longestLine = 5000;

// The order matters: what matches first is not looked at again. No pattern nests quantifiers over the same text.
const inlinePattern = new RegExp(
  [
    "(?<fence>`+)(?<code>[^`]|[^`].*?[^`])\\k<fence>(?!`)",
    "\\\\(?<escaped>[!-/:-@[-`{-~])",
    "<(?<tag>/?(?:code|br|sub|sup|kbd|b|i|em|strong))\\s*/?>",
    '<(?<auto>https?://[^\\s<>"]{1,500})>',
    "<!--(?<comment>[^]{0,2000}?)-->",
    "!?\\[(?<label>[^\\[\\]]{0,500})\\]\\((?<href>[^()\\s]{0,500})\\)",
    "(?<url>https?://[^\\s<>\"'`|)\\]]{1,500})",
    "\\*\\*(?<strong>(?=\\S)[^*]{0,1000}\\S|\\S)\\*\\*",
    "~~(?<gone>[^~]{1,1000})~~",
    "\\*(?<emphasis>(?=[^\\s*])[^*]{0,1000})\\*",
    "(?<![A-Za-z0-9_])_(?<underscored>(?=[^\\s_])[^_]{0,1000})_(?![A-Za-z0-9_])",
  ].join("|"),
  "g",
);

function renderMatch(groups: Readonly<Record<string, string | undefined>>, whole: string): string {
  if (groups["code"] !== undefined) return `<code>${escapeHtml(groups["code"].replace(/^ (.*) $/, "$1"))}</code>`;
  if (groups["escaped"] !== undefined) return escapeHtml(groups["escaped"]);
  if (groups["tag"] !== undefined) return `<${groups["tag"]}>`;
  if (groups["comment"] !== undefined) return "";
  if (groups["label"] !== undefined) {
    const address = safeAddress(groups["href"] ?? "");
    const label = renderInline(groups["label"]);
    return address === undefined ? label : `<a href="${address}" rel="noopener noreferrer nofollow">${label}</a>`;
  }
  const bare = groups["auto"] ?? groups["url"];
  if (bare !== undefined) {
    const address = bare.replace(/(?<![.,;:!?])[.,;:!?]+$/, "");
    return `<a href="${escapeHtml(address)}" rel="noopener noreferrer nofollow">${escapeHtml(address)}</a>${escapeHtml(bare.slice(address.length))}`;
  }
  if (groups["strong"] !== undefined) return `<strong>${renderInline(groups["strong"])}</strong>`;
  if (groups["gone"] !== undefined) return `<del>${renderInline(groups["gone"])}</del>`;
  const emphasis = groups["emphasis"] ?? groups["underscored"];
  return emphasis === undefined ? escapeText(whole) : `<em>${renderInline(emphasis)}</em>`;
}

/** Closes what a line opened and drops what it never opened, so that no tag reaches past its line. */
function balanceTags(html: string): string {
  const open: string[] = [];
  const balanced = html.replace(/<(\/?)(code|sub|sup|kbd|b|i|em|strong)>/g, (tag, slash: string, name: string) => {
    if (slash === "") {
      open.push(name);
      return tag;
    }
    if (open.at(-1) !== name) return "";
    open.pop();
    return tag;
  });
  return (
    balanced +
    open
      .reverse()
      .map((name) => `</${name}>`)
      .join("")
  );
}

/** Renders one line's worth of Markdown. */
export function renderInline(text: string): string {
  // No person writes such a line; it would only be there to keep the patterns busy.
  if (text.length > longestLine) return escapeText(text);
  let html = "";
  let from = 0;
  for (const match of text.matchAll(inlinePattern)) {
    html += escapeText(text.slice(from, match.index)) + renderMatch(match.groups ?? {}, match[0]);
    from = match.index + match[0].length;
  }
  return balanceTags(html + escapeText(text.slice(from)));
}

function splitRow(line: string): string[] {
  const cells =
    line
      .trim()
      .replace(/^\|/, "")
      .match(/(?:\\.|[^|\\]|\\$)*(?:\||$)/g) ?? [];
  const texts = cells.map((cell) => cell.replace(/\|$/, "").trim());
  while (texts.length > 0 && texts.at(-1) === "") texts.pop();
  return texts;
}

function isDivider(line: string | undefined): boolean {
  return line !== undefined && line.includes("-") && /^\s*\|?(\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*$/.test(line);
}

function renderTable(head: string, divider: string, rows: readonly string[]): string {
  const names = splitRow(head);
  const aligns = splitRow(divider).map((cell) =>
    cell.endsWith(":") ? (cell.startsWith(":") ? ' class="center"' : ' class="right"') : "",
  );
  const header = names
    .map((name, column) => `<th scope="col"${aligns[column] ?? ""}>${renderInline(name)}</th>`)
    .join("");
  const body = rows.map((row) => {
    const cells = splitRow(row);
    return `<tr>${names.map((_, column) => `<td${aligns[column] ?? ""}>${renderInline(cells[column] ?? "")}</td>`).join("")}</tr>`;
  });
  return `<div class="scroll" tabindex="0" role="region" aria-label="Table"><table><thead><tr>${header}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

const itemPattern = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;

function renderItem(text: string): string {
  const box = /^\[([ xX])\]\s+/.exec(text);
  if (box === null) return renderInline(text);
  const done = box[1] !== " ";
  return `<span class="box" role="img" aria-label="${done ? "done" : "not done"}">${done ? "☑" : "☐"}</span> ${renderInline(text.slice(box[0].length))}`;
}

/** Lists nest by indentation, at most six deep. */
function renderList(lines: readonly string[]): string {
  let html = "";
  const stack: { indent: number; tag: string }[] = [];
  for (const line of lines) {
    const item = itemPattern.exec(line);
    if (item === null) {
      html += ` ${renderInline(line.trim())}`;
      continue;
    }
    const indent = (item[1] ?? "").length;
    const tag = /\d/.test(item[2] ?? "") ? "ol" : "ul";
    while (stack.length > 1 && indent < (stack.at(-1)?.indent ?? 0)) html += `</li></${stack.pop()?.tag ?? "ul"}>`;
    const top = stack.at(-1);
    if (top === undefined || (indent > top.indent + 1 && stack.length < 6)) {
      html += `<${tag}><li>`;
      stack.push({ indent, tag });
    } else if (top.tag !== tag && stack.length === 1) {
      // Another kind of marker at the outer level starts another list.
      html += `</li></${top.tag}><${tag}><li>`;
      top.tag = tag;
    } else html += "</li><li>";
    html += renderItem(item[3] ?? "");
  }
  while (stack.length > 0) html += `</li></${stack.pop()?.tag ?? "ul"}>`;
  return html;
}

function isBlockStart(line: string, next: string | undefined): boolean {
  return (
    /^(#{1,6}\s|```|~~~|>\s?|<\/?details|<\/?summary|<!--)/i.test(line.trimStart()) ||
    /^\s*([-*_])(\s*\1){2,}\s*$/.test(line) ||
    itemPattern.test(line) ||
    (line.includes("|") && isDivider(next))
  );
}

/** The state of one pass over the lines of a document. */
interface Pass {
  readonly lines: readonly string[];
  at: number;
  /** How many <details> stand open. */
  depth: number;
}

function takeWhile(pass: Pass, keep: (line: string) => boolean): string[] {
  const taken: string[] = [];
  for (let line = pass.lines[pass.at]; line !== undefined && keep(line); line = pass.lines[++pass.at]) taken.push(line);
  return taken;
}

function renderCode(pass: Pass, fence: string): string {
  pass.at++;
  const body = takeWhile(pass, (line) => !line.trimStart().startsWith(fence));
  pass.at++;
  return `<pre tabindex="0"><code>${escapeHtml(body.join("\n"))}</code></pre>`;
}

function renderTags(pass: Pass, line: string): string {
  pass.at++;
  let html = "";
  for (const part of line.split(/(<\/?details(?:\s+open)?\s*>|<summary>.*?<\/summary>)/i)) {
    if (/^<details/i.test(part)) {
      pass.depth++;
      html += /open/i.test(part) ? "<details open>" : "<details>";
    } else if (/^<\/details/i.test(part)) {
      if (pass.depth > 0) html += "</details>";
      pass.depth = Math.max(0, pass.depth - 1);
    } else if (/^<summary>/i.test(part)) html += `<summary>${renderInline(part.slice(9, -10))}</summary>`;
    else if (part.trim() !== "") html += `<p>${renderInline(part.trim())}</p>`;
  }
  return html;
}

function renderBlock(pass: Pass, line: string): string {
  const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line);
  const fence = /^\s*(```+|~~~+)/.exec(line);
  if (fence !== null) return renderCode(pass, fence[1] ?? "```");
  if (heading !== null) {
    pass.at++;
    const level = Math.min((heading[1] ?? "#").length + 2, 6);
    return `<h${level}>${renderInline(heading[2] ?? "")}</h${level}>`;
  }
  if (/^\s*<\/?(details|summary)/i.test(line)) return renderTags(pass, line);
  if (/^\s*<!--/.test(line)) {
    const hidden = takeWhile(pass, (text) => !text.includes("-->"));
    const rest = (pass.lines[pass.at++] ?? "").split("-->").slice(1).join("-->");
    return hidden.length === 0 || rest.trim() !== ""
      ? rest.trim() === ""
        ? ""
        : `<p>${renderInline(rest.trim())}</p>`
      : "";
  }
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
    pass.at++;
    return "<hr>";
  }
  if (/^\s*>/.test(line)) {
    const quoted = takeWhile(pass, (text) => /^\s*>/.test(text));
    return `<blockquote><p>${quoted.map((text) => renderInline(text.replace(/^\s*>\s?/, ""))).join("<br>")}</p></blockquote>`;
  }
  if (line.includes("|") && isDivider(pass.lines[pass.at + 1])) {
    const divider = pass.lines[pass.at + 1] ?? "";
    pass.at += 2;
    return renderTable(
      line,
      divider,
      takeWhile(pass, (text) => text.includes("|")),
    );
  }
  if (itemPattern.test(line))
    return renderList(takeWhile(pass, (text) => itemPattern.test(text) || /^\s{2,}\S/.test(text)));
  const first = pass.at;
  const paragraph = takeWhile(
    pass,
    (text) => text.trim() !== "" && (pass.at === first || !isBlockStart(text, pass.lines[pass.at + 1])),
  );
  return `<p>${paragraph.map((text) => renderInline(text.trim())).join("<br>")}</p>`;
}

/** Renders a document to HTML that is safe to put into a page. Headings start at h3 (the page has h1 and h2). */
export function renderMarkdown(text: string): string {
  const pass: Pass = { lines: text.replace(/\r\n?/g, "\n").split("\n"), at: 0, depth: 0 };
  let html = "";
  for (let line = pass.lines[pass.at]; line !== undefined; line = pass.lines[pass.at]) {
    if (line.trim() === "") pass.at++;
    else html += renderBlock(pass, line);
  }
  return html + "</details>".repeat(pass.depth);
}
