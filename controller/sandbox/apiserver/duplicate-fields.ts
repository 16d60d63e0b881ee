// Finds members that a JSON text gives twice in one object: JSON.parse keeps the last silently, a real server says so.

/** Paths of members given twice, `spec.timeZone` or `items[0].name`, in the order of the text. The text must be valid JSON. */
export function duplicateFields(text: string): readonly string[] {
  const found: string[] = [];
  let at = 0;

  const space = (): void => {
    while (/\s/u.test(text[at] ?? "")) at++;
  };

  function readText(): string {
    const from = at;
    at++;
    while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    at++;
    return JSON.parse(text.slice(from, at)) as string;
  }

  function readObject(path: string): void {
    const seen = new Set<string>();
    at++;
    space();
    while (at < text.length && text[at] !== "}") {
      const key = readText();
      const below = path === "" ? key : `${path}.${key}`;
      if (seen.has(key)) found.push(below);
      seen.add(key);
      space();
      at++;
      readValue(below);
      if (text[at] === ",") at++;
      space();
    }
    at++;
  }

  function readList(path: string): void {
    at++;
    space();
    for (let index = 0; at < text.length && text[at] !== "]"; index++) {
      readValue(`${path}[${index}]`);
      if (text[at] === ",") at++;
      space();
    }
    at++;
  }

  function readValue(path: string): void {
    space();
    if (text[at] === "{") readObject(path);
    else if (text[at] === "[") readList(path);
    else if (text[at] === '"') readText();
    else while (at < text.length && !/[,\]}\s]/u.test(text[at] ?? "")) at++;
    space();
  }

  readValue("");
  return found;
}
