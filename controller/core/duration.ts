// The one duration format of Ringward: a whole number and one unit (`45s`, `90m`, `36h`, `7d`).
// Pure and total: any input gives a bounded number of milliseconds or undefined, never a guess.
// A day is 24 hours: durations are absolute, whatever a time zone's clocks do meanwhile.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** From large to small, so that the first that divides a duration is the one to print. */
const UNITS: readonly (readonly [string, number])[] = [
  ["d", DAY],
  ["h", HOUR],
  ["m", MINUTE],
  ["s", SECOND],
];

/** Ten years: beyond any window, soak or deadline, and far below where sums with instants lose precision. */
export const LONGEST_DURATION = 3650 * DAY;

/** For the API schema and for messages. */
export const DURATION_PATTERN = "^(0|[1-9][0-9]{0,8})(s|m|h|d)$";

/** Milliseconds of a duration; undefined if `text` is not in the format or longer than ten years. */
export function parseDuration(text: string): number | undefined {
  const match = /^(0|[1-9][0-9]{0,8})([smhd])$/.exec(text);
  if (match === null) return undefined;
  const unit = UNITS.find(([name]) => name === match[2]);
  if (unit === undefined) return undefined;
  const duration = Number(match[1]) * unit[1];
  return duration > LONGEST_DURATION ? undefined : duration;
}

/**
 * A duration in the documented format, in the largest unit that needs no fraction: 5400000 is "90m".
 * Parts of a second are rounded up, so that a wait is never shown shorter than it is; negative counts as zero.
 */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms / SECOND)) * SECOND;
  if (whole === 0) return "0s";
  const [name, unit] = UNITS.find(([, size]) => whole % size === 0) ?? ["s", SECOND];
  return `${whole / unit}${name}`;
}
