// As much of a terminal as a redrawn picture needs (ECMA-48: CUP, EL, ED; DEC private modes 25 and 1049): what stands on it, and what was
// written to it. Anything else fails.

export interface Terminal {
  write(text: string): void;
  /** The lines of the screen that is shown, without those that are empty at the end. */
  screen(): readonly string[];
  /** What stays when the alternate screen is left. */
  readonly scrollback: () => string;
  readonly alternate: () => boolean;
  readonly cursorShown: () => boolean;
  /** Sizes of the writes. */
  readonly writes: readonly number[];
}

/** An empty terminal. */
export function createTerminal(): Terminal {
  let rows: string[] = [];
  let [row, column] = [0, 0];
  let alternate = false;
  let cursorShown = true;
  let scrollback = "";
  const writes: number[] = [];
  const line = (): string => rows[row] ?? "";
  function put(text: string): void {
    while (rows.length <= row) rows.push("");
    rows[row] = line().padEnd(column).slice(0, column) + text + line().slice(column + text.length);
    column += text.length;
  }
  function control(code: string): void {
    const [, row1] = /^\[(\d+);1H$/.exec(code) ?? [];
    if (row1 !== undefined) [row, column] = [Number(row1) - 1, 0];
    else if (code === "[H") [row, column] = [0, 0];
    else if (code === "[2J") rows = [];
    else if (code === "[J") rows = [...rows.slice(0, row), line().slice(0, column)];
    else if (code === "[K") rows[row] = line().slice(0, column);
    else if (/^\[\d*m$/.test(code)) return;
    else if (code === "[?1049h") alternate = true;
    else if (code === "[?1049l") alternate = false;
    else if (code === "[?25l") cursorShown = false;
    else if (code === "[?25h") cursorShown = true;
    else throw new Error(`the terminal does not know ESC ${code}`);
  }
  return {
    write(text) {
      writes.push(text.length);
      // oxlint-disable-next-line no-control-regex
      for (const [, code, plain] of text.matchAll(/\u001b(\[\??[\d;]*[A-Za-z])|([^\u001b]+)/g)) {
        if (code !== undefined) control(code);
        else if (plain !== undefined && alternate) {
          if (plain.includes("\n")) throw new Error("a line break scrolls");
          put(plain);
        } else scrollback += plain ?? "";
      }
    },
    screen: () => rows.slice(0, rows.findLastIndex((text) => text !== "") + 1),
    scrollback: () => scrollback,
    alternate: () => alternate,
    cursorShown: () => cursorShown,
    writes,
  };
}
