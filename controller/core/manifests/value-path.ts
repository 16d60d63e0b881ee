// Paths of values in a chart's file of values, as policy writes them.

/** `image.tag`, `sidecars[0].image`, `a\.b.tag` (a dot in a key). Undefined: it is not one. */
export function parseValuePath(text: string): readonly (string | number)[] | undefined {
  const parts: (string | number)[] = [];
  let end = 0;
  for (const match of text.matchAll(/(?:(^|\.)((?:\\.|[^.[\]\\])+)|\[(\d{1,4})\])/gy)) {
    const [whole, , name, index] = match;
    parts.push(name === undefined ? Number(index) : name.replace(/\\(.)/g, "$1"));
    end = match.index + whole.length;
  }
  return end === text.length && typeof parts[0] === "string" ? parts : undefined;
}
