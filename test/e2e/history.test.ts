// How etcd's changes and the audit log become one history: needs no control plane.
import { describe, expect, it } from "vitest";
import type { AuditEvent } from "./support/audit.ts";
import type { StoredChange } from "./support/etcd.ts";
import { joinHistory, UNKNOWN_USER } from "./support/history.ts";

const START = Date.parse("2026-11-28T00:00:00Z");

function pod(revision: number, seen: number, more: object = {}, spec: object = {}): StoredChange {
  const metadata = { name: "a", namespace: "shop", uid: "u1", ...more };
  const value = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec });
  return { revision, key: "/registry/pods/shop/a", value, seen: START + seen };
}

function gone(revision: number, seen: number): StoredChange {
  return { revision, key: "/registry/pods/shop/a", value: undefined, seen: START + seen };
}

function wrote(user: string, verb: string, at: number, more: Partial<AuditEvent> = {}): AuditEvent {
  const time = new Date(START + at).toISOString();
  return {
    auditID: `${user}-${at}`,
    stage: "ResponseComplete",
    verb,
    requestURI: "/api/v1/namespaces/shop/pods/a",
    user: { username: user },
    objectRef: { resource: "pods", namespace: "shop", name: "a" },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: time,
    stageTimestamp: time,
    ...more,
  };
}

const answered = (revision: number): Partial<AuditEvent> => ({
  responseObject: { metadata: { name: "a", resourceVersion: String(revision) } },
});
const eviction = { objectRef: { resource: "pods", namespace: "shop", name: "a", subresource: "eviction" } };

describe("the history of a real server", () => {
  it("names who wrote each version, also where only the object tells: generated names, bindings, evictions, the kubelet's last word", () => {
    const changes = [
      pod(1, 10),
      pod(2, 20, {}, { nodeName: "n1" }),
      pod(3, 30, { annotations: { reason: "evicted" } }, { nodeName: "n1" }),
      pod(4, 31, { deletionTimestamp: "2026-11-28T00:00:31Z" }, { nodeName: "n1" }),
      gone(5, 40),
    ];
    const events = [
      wrote("replicasets", "create", 9, { ...answered(1), objectRef: { resource: "pods", namespace: "shop" } }),
      wrote("scheduler", "create", 19, {
        objectRef: { resource: "pods", namespace: "shop", name: "a", subresource: "binding" },
      }),
      wrote("drainer", "create", 28, eviction),
      wrote("kubelet", "delete", 39),
    ];

    const history = joinHistory(changes, events);

    expect(history.map(({ type, user }) => `${type} ${user}`)).toEqual([
      "ADDED replicasets",
      "MODIFIED scheduler",
      "MODIFIED drainer",
      "MODIFIED drainer",
      "DELETED kubelet",
    ]);
    expect(history.map(({ key, revision }) => `${key}@${revision}`)[4]).toBe("pods/shop/a@5");
  });

  it("says so when nobody can be named, and a refused eviction names nobody", () => {
    const changes = [pod(1, 10), pod(2, 30, { deletionTimestamp: "2026-11-28T00:00:31Z" })];

    const history = joinHistory(changes, [
      wrote("drainer", "create", 29, { ...eviction, responseStatus: { code: 429 } }),
    ]);

    expect(history.map(({ user }) => user)).toEqual([UNKNOWN_USER, UNKNOWN_USER]);
  });

  it("names the client that was gone when its write was answered, once for each write", () => {
    const left = { responseStatus: { code: 504 } };
    const changes = [pod(1, 10), pod(2, 20, { labels: { a: "b" } }), pod(3, 30, { labels: { a: "c" } }), gone(4, 40)];

    const history = joinHistory(changes, [
      wrote("ringward", "create", 9, left),
      wrote("ringward", "patch", 19, left),
      wrote("refused", "patch", 29, { responseStatus: { code: 409 } }),
      wrote("cleaner", "delete", 39, left),
      wrote("late", "patch", 41, left),
    ]);

    expect(history.map(({ type, user, time }) => [type, user, time - START])).toEqual([
      ["ADDED", "ringward", 10],
      ["MODIFIED", "ringward", 20],
      ["MODIFIED", UNKNOWN_USER, 30],
      ["DELETED", "cleaner", 40],
    ]);
  });

  it("dates a deletion that waited for a finalizer by its end, not by its request", () => {
    const leaving = { deletionTimestamp: "2026-11-28T00:00:31Z", finalizers: ["example.com/hold"] };
    const changes = [pod(1, 10), pod(2, 30, leaving), gone(3, 60_000)];

    const history = joinHistory(changes, [wrote("drainer", "create", 28, eviction)]);

    expect(history.map(({ time }) => time - START)).toEqual([10, 30, 60_000]);
  });

  it("never lets time run backwards: what came before cannot have been later", () => {
    const changes = [pod(1, 900), pod(2, 30)];

    expect(joinHistory(changes, []).map(({ time }) => time - START)).toEqual([30, 30]);
  });
});
