// For every alert: series under which it fires, with the labels and the text that people get, and series under which it does not. Series
// are in promtool's notation, a value a minute from time 0.

export interface AlertCase {
  readonly alert: string;
  /** Time between two values and two evaluations, at most `5m`; left out: a minute. */
  readonly every?: string;
  /** Series -> values. */
  readonly fires: Readonly<Record<string, string>>;
  /** When, as `30m`. */
  readonly at: string;
  /** The first minute at which the condition holds, and not a look before; it fires when it has held for as long as the alert says. */
  readonly holds: number;
  /** Beside the severity. */
  readonly labels: Readonly<Record<string, string>>;
  readonly says: string;
  /** More that it has to fire under, at the same time; its severity comes by itself. */
  readonly also?: readonly {
    readonly fires: Readonly<Record<string, string>>;
    readonly alerts: readonly { readonly labels: Readonly<Record<string, string>>; readonly says: string }[];
  }[];
  /** Each of these keeps it silent at the same time. */
  readonly silent: readonly Readonly<Record<string, string>>[];
}
