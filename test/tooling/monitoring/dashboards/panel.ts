// Panels for Grafana (Classic JSON model), each from the few things that it says: title, description, unit, queries. Everything else is the
// same everywhere. Colours never stand alone: what they mean is also a text.

export interface Target {
  readonly expr: string;
  readonly legend: string;
  /** Asked at one instant instead of over the range. */
  readonly instant?: boolean;
}

/** Something that a value means: a text, and a colour. */
export interface Meaning {
  readonly value: number;
  readonly text: string;
  readonly color: Color;
}

export type Color = "green" | "yellow" | "orange" | "red" | "blue" | "purple" | "text";
/** From this value on; the first has none. */
export type Steps = readonly { readonly color: Color; readonly value: number | null }[];

export interface PanelSpec {
  readonly type: "stat" | "timeseries" | "state-timeline" | "table" | "bargauge";
  readonly title: string;
  readonly description: string;
  /** Grafana's name of the unit. */
  readonly unit: string;
  readonly targets: readonly Target[];
  /** In units of a 24th of the width. */
  readonly width: number;
  readonly height?: number;
  readonly steps?: Steps;
  readonly meanings?: readonly Meaning[];
  readonly stacked?: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Of a table: titles of the columns that come from values, in the order of targets, with their units. */
  readonly columns?: readonly { readonly title: string; readonly unit: string }[];
  readonly decimals?: number;
  /** What stands there where nothing answers, because that is a good answer. */
  readonly nothing?: string;
}

export const DATASOURCE = { type: "prometheus", uid: "$datasource" } as const;
const NO_STEPS: Steps = [{ color: "text", value: null }];

export const GOOD_AT_ONE: Steps = [
  { color: "red", value: null },
  { color: "orange", value: 0.8 },
  { color: "green", value: 1 },
];
export const BAD_ABOVE_ZERO: Steps = [
  { color: "green", value: null },
  { color: "red", value: 1 },
];

type PanelInit = Omit<PanelSpec, "type">;

export const stat = (init: PanelInit): PanelSpec => ({ type: "stat", height: 4, ...init });
export const series = (init: PanelInit): PanelSpec => ({ type: "timeseries", height: 8, ...init });
export const timeline = (init: PanelInit): PanelSpec => ({ type: "state-timeline", height: 8, ...init });
export const table = (init: PanelInit): PanelSpec => ({ type: "table", height: 8, ...init });
export const bars = (init: PanelInit): PanelSpec => ({ type: "bargauge", height: 8, ...init });

export const ask = (expr: string, legend: string): Target => ({ expr, legend });
/** Asked once, at the end of the range. */
export const now = (expr: string, legend = ""): Target => ({ expr, legend, instant: true });

/** A panel as Grafana stores it. */
export function renderPanel(
  spec: PanelSpec,
  place: { readonly id: number; readonly x: number; readonly y: number },
): Readonly<Record<string, unknown>> {
  return {
    id: place.id,
    type: spec.type,
    title: spec.title,
    description: spec.description,
    datasource: DATASOURCE,
    gridPos: { h: spec.height ?? 8, w: spec.width, x: place.x, y: place.y },
    targets: spec.targets.map((target, index) => renderTarget(target, index, spec)),
    fieldConfig: { defaults: fieldDefaults(spec), overrides: columnOverrides(spec) },
    options: optionsOf(spec),
    ...(spec.type === "table" ? { transformations: transformationsOf(spec) } : {}),
  };
}

function renderTarget({ expr, legend, instant = false }: Target, index: number, { type }: PanelSpec): object {
  return {
    refId: String.fromCharCode(65 + index),
    datasource: DATASOURCE,
    editorMode: "code",
    expr,
    legendFormat: legend,
    instant,
    range: !instant,
    ...(type === "table" ? { format: "table" } : {}),
  };
}

function fieldDefaults({ type, unit, steps, meanings = [], stacked, min, max, decimals, nothing }: PanelSpec): object {
  const custom =
    type === "timeseries"
      ? {
          drawStyle: "line",
          lineInterpolation: "stepAfter",
          lineWidth: 1,
          fillOpacity: stacked === true ? 40 : 5,
          showPoints: "never",
          spanNulls: false,
          stacking: { mode: stacked === true ? "normal" : "none", group: "A" },
        }
      : type === "state-timeline"
        ? { fillOpacity: 70, lineWidth: 0 }
        : {};
  return {
    unit,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(decimals === undefined ? {} : { decimals }),
    ...(nothing === undefined ? {} : { noValue: nothing }),
    color: { mode: type === "timeseries" ? "palette-classic" : "thresholds" },
    thresholds: { mode: "absolute", steps: steps ?? NO_STEPS },
    mappings: meanings.length === 0 ? [] : [{ type: "value", options: mappingsOf(meanings) }],
    custom,
  };
}

function mappingsOf(meanings: readonly Meaning[]): Readonly<Record<string, object>> {
  return Object.fromEntries(meanings.map(({ value, text, color }, index) => [String(value), { text, color, index }]));
}

function columnOverrides({ columns = [] }: PanelSpec): readonly object[] {
  return columns.map(({ title, unit }) => ({
    matcher: { id: "byName", options: title },
    properties: [{ id: "unit", value: unit }],
  }));
}

function optionsOf({ type }: PanelSpec): object {
  const reduceOptions = { calcs: ["lastNotNull"], fields: "", values: false };
  switch (type) {
    case "stat":
      return {
        reduceOptions,
        colorMode: "value",
        graphMode: "none",
        textMode: "auto",
        justifyMode: "auto",
        orientation: "auto",
      };
    case "bargauge":
      return { reduceOptions, displayMode: "basic", orientation: "horizontal", showUnfilled: true };
    case "timeseries":
      return {
        legend: { displayMode: "list", placement: "bottom", showLegend: true, calcs: [] },
        tooltip: { mode: "multi", sort: "desc" },
      };
    case "state-timeline":
      return {
        mergeValues: true,
        showValue: "auto",
        alignValue: "left",
        rowHeight: 0.8,
        legend: { displayMode: "list", placement: "bottom", showLegend: true },
        tooltip: { mode: "single", sort: "none" },
      };
    case "table":
      return {
        showHeader: true,
        cellHeight: "sm",
        footer: { show: false, reducer: ["sum"], countRows: false, fields: "" },
      };
  }
}

/** One row for each label set, with a column for each query. */
function transformationsOf({ columns = [] }: PanelSpec): readonly object[] {
  const renamed = columns.map(({ title }, index) => [`Value #${String.fromCharCode(65 + index)}`, title] as const);
  return [
    { id: "merge", options: {} },
    {
      id: "organize",
      options: { excludeByName: { Time: true }, renameByName: Object.fromEntries(renamed), indexByName: {} },
    },
  ];
}
