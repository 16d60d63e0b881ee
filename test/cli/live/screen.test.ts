// Drawing in place: after any pictures and sizes the screen shows the last picture and nothing of those before; what did not change is not
// written again, and the terminal is given back.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openScreen } from "../../../controller/cli/live/screen.ts";
import { createTerminal } from "./terminal.ts";

const SIZE = { columns: 20, rows: 5 };

describe("a screen", () => {
  it("shows the last picture, whatever came before and however the window was resized", () => {
    const line = fc.stringMatching(/^[a-z ]{0,30}$/).map((text) => text.trimEnd());
    const frame = fc.record({
      lines: fc.array(line, { maxLength: 9 }),
      size: fc.record({ columns: fc.integer({ min: 10, max: 40 }), rows: fc.integer({ min: 2, max: 8 }) }),
    });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 8 }), (frames) => {
        const terminal = createTerminal();
        let size = frames[0]?.size ?? SIZE;
        const screen = openScreen(terminal, () => size);
        for (const one of frames) {
          ({ size } = one);
          screen.draw(one.lines);

          const { columns, rows } = size;
          const kept = one.lines.length <= rows ? one.lines : one.lines.slice(0, rows - 1);
          const shown = kept.map((text) => (text.length <= columns ? text : `${text.slice(0, columns - 1)}…`));
          const missing = one.lines.length - kept.length;
          const last = missing === 0 ? [] : [`… ${missing} more lines; make the window higher`];
          const cut = last.map((text) => (text.length <= columns ? text : `${text.slice(0, columns - 1)}…`));
          const whole = [...shown, ...cut];
          expect(terminal.screen()).toEqual(whole.slice(0, whole.findLastIndex((text) => text !== "") + 1));
        }
      }),
      { numRuns: 150 },
    );
  });

  it("writes only the line that changed, and nothing where nothing did", () => {
    const terminal = createTerminal();
    const screen = openScreen(terminal, () => SIZE);
    screen.draw(["one", "two", "three"]);
    const before = terminal.writes.length;

    screen.draw(["one", "two", "three"]);
    screen.draw(["one", "2", "three"]);

    expect(terminal.writes.slice(before)).toEqual(["\u001b[2;1H2\u001b[K".length]);
    expect(terminal.screen()).toEqual(["one", "2", "three"]);
  });

  it("gives the terminal back once, and draws nothing after", () => {
    const terminal = createTerminal();
    const screen = openScreen(terminal, () => SIZE);
    screen.draw(["one"]);
    expect([terminal.alternate(), terminal.cursorShown()]).toEqual([true, false]);

    screen.end();
    const writes = terminal.writes.length;
    screen.end();
    screen.draw(["two"]);

    expect([terminal.alternate(), terminal.cursorShown()]).toEqual([false, true]);
    expect(terminal.writes.length).toBe(writes);
  });
});
