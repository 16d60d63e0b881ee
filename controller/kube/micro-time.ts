// The time format of Leases and events. Its own file, so that neither needs the other.
import type { Instant } from "../clock.ts";

/** `metav1.MicroTime`: RFC 3339 in UTC with six digits after the second. */
export function microTime(instant: Instant): string {
  return new Date(instant).toISOString().replace("Z", "000Z");
}
