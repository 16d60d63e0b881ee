// What a GitHub App asks as itself: who it is, and a token for one of its installations.
import type { IncomingMessage } from "node:http";
import type { Apps } from "./apps.ts";
import { Refusal } from "./refusal.ts";
import { appShape, type ForgeAddress } from "./shapes-repository.ts";
import { type Answer, errorAnswer, jsonAnswer } from "./wire.ts";

/** Answers one request below /api/v3/app. */
export function answerApps(at: ForgeAddress, apps: Apps, request: IncomingMessage, url: URL): Answer {
  request.resume();
  try {
    const app = apps.authenticate(request.headers.authorization);
    const path = url.pathname.slice("/api/v3/app".length);
    if (request.method === "GET" && path === "") return jsonAnswer(request, 200, appShape(at, app));
    const match = request.method === "POST" ? /^\/installations\/(\d+)\/access_tokens$/.exec(path) : null;
    if (match === null) return errorAnswer(404, "Not Found");
    const { token, expiresAt } = apps.issue(app, Number(match[1]));
    const permissions = {
      checks: "write",
      contents: "write",
      issues: "write",
      metadata: "read",
      pull_requests: "write",
      statuses: "write",
    };
    return jsonAnswer(request, 201, { token, expires_at: expiresAt, permissions, repository_selection: "selected" });
  } catch (error) {
    if (error instanceof Refusal) return errorAnswer(error.status, error.message);
    throw error;
  }
}
