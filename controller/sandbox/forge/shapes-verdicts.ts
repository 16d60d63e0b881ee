// Verdicts on commits in the shape of GitHub's REST API. Pure.
import type { StatusRecord } from "../../forge/memory/records.ts";
import type { CheckRecord } from "./checks.ts";
import { apiUrl, appShape, type ForgeAddress, type Json, numberOf, userShape } from "./shapes-repository.ts";

export function statusShape(at: ForgeAddress, status: StatusRecord): Json {
  return {
    id: status.id,
    node_id: `SC_${status.id}`,
    url: `${apiUrl(at)}/statuses/${status.commit}`,
    avatar_url: `${at.url}/avatars/${status.author}`,
    state: status.state,
    description: status.title === "" ? null : status.title,
    target_url: null,
    context: status.name,
    created_at: status.time,
    updated_at: status.time,
    creator: userShape(at, status.author),
  };
}

export function checkShape(at: ForgeAddress, run: CheckRecord): Json {
  const api = `${apiUrl(at)}/check-runs/${run.id}`;
  return {
    id: run.id,
    node_id: `CR_${run.id}`,
    head_sha: run.commit,
    external_id: run.externalId,
    url: api,
    html_url: `${at.url}/${at.owner}/${at.repository}/runs/${run.id}`,
    details_url: at.url,
    status: run.status,
    conclusion: run.conclusion ?? null,
    started_at: run.startedTime,
    completed_at: run.completedTime ?? null,
    output: {
      title: run.title ?? null,
      summary: run.summary ?? null,
      text: null,
      annotations_count: run.annotations.length,
      annotations_url: `${api}/annotations`,
    },
    name: run.name,
    check_suite: { id: 1 },
    app: appShape(at, { appId: numberOf(run.author), slug: run.author.replace(/\[bot\]$/, "") }),
    pull_requests: [],
  };
}
