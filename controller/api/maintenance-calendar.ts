// MaintenanceCalendar: when work may start. Windows open, freezes shut; a window limits starts only (patch-semantics §1.3).
import {
  AtomicList,
  Conditions,
  Duration,
  type KindDefinition,
  ObservedGeneration,
  type Resource,
  rules,
  type Static,
  StringEnum,
  Type,
} from "./schema.ts";

const CalendarTime = (description: string) =>
  Type.String({
    description: `${description} RFC 3339, or local time (\`2026-11-23T00:00\`) in the calendar's zone.`,
    maxLength: 40,
    pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?$",
  });

export const MaintenanceCalendarSpec = Type.Object(
  {
    scope: Type.Optional(
      StringEnum(["Referenced", "Cluster"] as const, "`Cluster`: holds for every ring, referenced or not.", {
        default: "Referenced",
      }),
    ),
    timeZone: Type.Optional(Type.String({ maxLength: 64, description: "IANA time zone.", default: "UTC" })),
    windows: Type.Optional(
      AtomicList(
        Type.Object({
          name: Type.Optional(Type.String({ maxLength: 63, description: "Shown to people." })),
          schedule: Type.String({
            minLength: 9,
            maxLength: 64,
            description: "Cron, five fields: when the window opens.",
          }),
          duration: Duration("How long it stays open, in absolute time."),
          cutoff: Type.Optional(Duration("No start in this last part of the window.", { default: "0s" })),
        }),
        "Times when work may start. None: always.",
        32,
      ),
    ),
    freezes: Type.Optional(
      AtomicList(
        Type.Object(
          {
            name: Type.Optional(Type.String({ maxLength: 63, description: "Shown to people." })),
            startTime: CalendarTime("First instant of the freeze."),
            endTime: CalendarTime("First instant after the freeze."),
            override: Type.Optional(
              StringEnum(["Never", "Expedite"] as const, "`Expedite`: an expedited entry that skips Freezes passes.", {
                default: "Never",
              }),
            ),
            reason: Type.String({ minLength: 1, maxLength: 256, description: "Shown to people." }),
          },
          {},
        ),
        "Times when nothing starts.",
        64,
      ),
    ),
  },
  rules({
    rule: "has(self.windows) || has(self.freezes)",
    message: "windows or freezes are required",
  }),
);

export const MaintenanceCalendarStatus = Type.Object({
  observedGeneration: Type.Optional(ObservedGeneration),
  conditions: Type.Optional(Conditions),
});

export type MaintenanceCalendarSpec = Static<typeof MaintenanceCalendarSpec>;
export type MaintenanceCalendar = Resource<
  "MaintenanceCalendar",
  MaintenanceCalendarSpec,
  Static<typeof MaintenanceCalendarStatus>
>;

export const maintenanceCalendar: KindDefinition = {
  kind: "MaintenanceCalendar",
  plural: "maintenancecalendars",
  singular: "maintenancecalendar",
  shortNames: ["mcal"],
  scope: "Cluster",
  authoredIn: "Policy",
  description: "A MaintenanceCalendar says when updates may start: windows that open and freezes that shut.",
  spec: MaintenanceCalendarSpec,
  status: MaintenanceCalendarStatus,
  columns: [
    { name: "Scope", type: "string", jsonPath: ".spec.scope" },
    { name: "Zone", type: "string", jsonPath: ".spec.timeZone" },
    { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
};
