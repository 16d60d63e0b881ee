// What became of notifications.
import { defineCounter, defineGauge } from "../metrics.ts";

export const NOTIFICATIONS = defineCounter(
  "ringward_notifications_total",
  "Notifications by what became of them: sent; retried (an attempt failed, and another one follows); refused (the receiver never takes it); dropped (too many were waiting); outdated (over before it could be told).",
  ["destination", "event", "result"],
);
export const WAITING = defineGauge(
  "ringward_notifications_waiting",
  "Notifications that wait to be sent to a destination.",
  ["destination"],
);

export const NOTIFY_METRICS = [NOTIFICATIONS, WAITING];
