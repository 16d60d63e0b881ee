export { addNotified, type Audience, findDue, MOST_NOTIFIED } from "./due.ts";
export { findNotifications } from "./find.ts";
export { type Notification, NOTIFICATION_EVENTS, type NotificationEvent } from "./notification.ts";
export {
  type CommitVerdict,
  findLevelVerdicts,
  findPullVerdicts,
  joinVerdicts,
  type LevelVerdict,
} from "./verdicts.ts";
export { slackBody, webhookBody } from "./payload.ts";
