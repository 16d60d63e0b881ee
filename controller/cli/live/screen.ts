// A terminal that is drawn again and again in place. It takes the alternate screen, as pagers do, so that nothing of what stood there is
// lost and no resize leaves half lines; only lines that changed are written, in one write, so that nothing flickers. The end gives the
// screen and the cursor back, whatever happened.
import type { Sink } from "../output.ts";
import { cutLine } from "../views/drawing.ts";

export interface Screen {
  /** Shows these lines instead of those before; what is below the last row is counted in it. */
  draw(lines: readonly string[]): void;
  /** Gives the terminal back. Again: nothing. */
  end(): void;
}

const ENTER = "\u001b[?1049h\u001b[?25l\u001b[H\u001b[2J";
const LEAVE = "\u001b[?25h\u001b[?1049l";

/** Takes the terminal. `size` is asked at every drawing: a person may change the window. */
export function openScreen(out: Sink, size: () => { readonly columns: number; readonly rows: number }): Screen {
  let shown: readonly string[] = [];
  let known = size();
  let open = true;
  out.write(ENTER);
  return {
    draw(lines) {
      if (!open) return;
      const { columns, rows } = size();
      const fresh = columns !== known.columns || rows !== known.rows;
      known = { columns, rows };
      const frame = fitRows(lines, rows).map((line) => cutLine(line, columns));
      const before = fresh ? [] : shown;
      const changes = frame.flatMap((line, at) => (line === before[at] ? [] : [`\u001b[${at + 1};1H${line}\u001b[K`]));
      if (frame.length < before.length) changes.push(`\u001b[${frame.length + 1};1H\u001b[J`);
      if (fresh || changes.length > 0) out.write(`${fresh ? "\u001b[2J" : ""}${changes.join("")}`);
      shown = frame;
    },
    end() {
      if (!open) return;
      open = false;
      out.write(LEAVE);
    },
  };
}

/** As many lines as there are rows; the last says how many are missing. */
function fitRows(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const kept = Math.max(0, rows - 1);
  return [...lines.slice(0, kept), `… ${lines.length - kept} more lines; make the window higher`];
}
