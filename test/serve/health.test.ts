import { describe, expect, it } from "vitest";
import { manualClock } from "../../controller/clock.ts";
import { answerChecks } from "../../controller/serve/health.ts";
import { startPulse } from "../../controller/serve/pulse.ts";
import { settle } from "../kube/support.ts";

const check = (name: string, ok: boolean, says: string) => ({ name, run: () => ({ ok, says }) });

describe("a health endpoint", () => {
  it("says what holds, one line each", () => {
    expect(answerChecks("readyz", [check("caches", true, "all are synced"), check("policy", true, "read")])).toEqual({
      status: 200,
      contentType: "text/plain; charset=utf-8",
      body: "[+]caches ok: all are synced\n[+]policy ok: read\nreadyz check passed\n",
    });
  });

  it("says what does not hold, and why, on one line whatever was thrown", () => {
    const thrown = {
      name: "broken",
      run: () => {
        throw new Error("bad\r\n[+]faked ok: yes");
      },
    };

    const { status, body } = answerChecks("healthz", [check("passes", false, "none for 700 s"), thrown]);

    expect(status).toBe(503);
    expect(body).toBe(
      "[-]passes failed: none for 700 s\n[-]broken failed: bad [+]faked ok: yes\nhealthz check failed\n",
    );
  });
});

describe("the pulse", () => {
  it("does not mind one long pause, but an event loop that is held up again and again", async () => {
    const clock = manualClock(0);
    const pulse = startPulse(clock);
    const block = async (ms: number): Promise<void> => {
      clock.advance(ms);
      await settle(2);
    };

    for (let second = 0; second < 120; second += 1) await block(1_000);
    expect(pulse.check.run()).toMatchObject({ ok: true });
    await block(40_000);
    expect(pulse.check.run()).toMatchObject({ ok: true });
    expect(pulse.check.run().says).toContain("the longest ever was 39000 ms");
    await block(6_500);
    await block(6_500);
    expect(pulse.check.run()).toMatchObject({ ok: false });

    for (let second = 0; second < 60; second += 1) await block(1_000);
    expect(pulse.check.run()).toMatchObject({ ok: true });
    pulse.stop();
  });
});
