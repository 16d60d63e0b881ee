import { describe, expect, it } from "vitest";
import { defineCounter, defineGauge, defineHistogram } from "../../controller/metrics.ts";
import { createPrometheus } from "../../controller/serve/prometheus.ts";

const COUNTS = defineCounter("test_total", "Counts.", ["kind"]);
const LEVEL = defineGauge("test_level", "A level.", ["ring"]);
const TIMES = defineHistogram("test_seconds", "Times.", [0.1, 1], ["kind"]);

describe("a registry", () => {
  it("exposes what was counted, in the text format, and nothing of another registry", async () => {
    const [one, other] = [createPrometheus({ process: false }), createPrometheus({ process: false })];
    one.meter.counter(COUNTS).add({ kind: "a" });
    // Whoever asks again counts on in the same series.
    one.meter.counter(COUNTS).add({ kind: "a" }, 2);
    one.meter.histogram(TIMES).observe({ kind: "a" }, 0.5);
    other.meter.counter(COUNTS).add({ kind: "b" });

    expect((await one.scrape()).trim().split("\n")).toEqual([
      "# HELP test_total Counts.",
      "# TYPE test_total counter",
      'test_total{kind="a"} 3',
      "",
      "# HELP test_seconds Times.",
      "# TYPE test_seconds histogram",
      'test_seconds_bucket{le="0.1",kind="a"} 0',
      'test_seconds_bucket{le="1",kind="a"} 1',
      'test_seconds_bucket{le="+Inf",kind="a"} 1',
      'test_seconds_sum{kind="a"} 0.5',
      'test_seconds_count{kind="a"} 1',
    ]);
    expect(await other.scrape()).not.toContain('"a"');
  });

  it("reads gauges at each scrape, and forgets what is gone", async () => {
    const prometheus = createPrometheus({ process: false });
    const { meter } = prometheus;
    const level = meter.gauge(LEVEL);
    let rings = ["canary", 'odd"\n'];
    meter.beforeScrape(() => {
      throw new Error("a reader's mistake costs nobody the scrape");
    });
    meter.beforeScrape(() => {
      level.clear();
      for (const ring of rings) level.set({ ring }, ring.length);
    });

    expect(await prometheus.scrape()).toContain('test_level{ring="odd\\"\\n"} 5');
    rings = ["prod"];
    const text = await prometheus.scrape();
    expect(text).toContain('test_level{ring="prod"} 4');
    expect(text).not.toContain("canary");
  });

  it("shows a gauge without labels only while it is set, and a histogram that has begun", async () => {
    const prometheus = createPrometheus({ process: false });
    const { meter } = prometheus;
    const [age, times] = [meter.gauge(defineGauge("test_age_seconds", "An age.")), meter.histogram(TIMES)];
    age.clear();
    times.begin({ kind: "a" });
    const before = await prometheus.scrape();
    age.set({}, 7);
    times.observe({ kind: "a" }, 0.5);
    times.begin({ kind: "a" });
    const after = await prometheus.scrape();

    expect(before).not.toMatch(/^test_age_seconds /m);
    expect(before).toContain('test_seconds_count{kind="a"} 0');
    expect(after).toContain("test_age_seconds 7");
    expect(after).toContain('test_seconds_count{kind="a"} 1');
  });

  it("waits for what takes its time", async () => {
    const prometheus = createPrometheus({ process: false });
    const level = prometheus.meter.gauge(LEVEL);
    prometheus.meter.beforeScrape(async () => {
      await Promise.resolve();
      level.set({ ring: "late" }, 1);
    });

    expect(await prometheus.scrape()).toContain('test_level{ring="late"} 1');
  });

  it("has memory, CPU and the event loop of this process", async () => {
    const text = await createPrometheus({ process: true }).scrape();

    for (const name of [
      "process_resident_memory_bytes",
      "process_cpu_seconds_total",
      "nodejs_eventloop_lag_p99_seconds",
    ])
      expect(text).toMatch(new RegExp(`^${name} [0-9.e+-]+$`, "m"));
  });
});
