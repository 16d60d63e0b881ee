// Each step is a branch of its own: without knowing which one was taken nobody comes to the end.
export function takeSteps(text: string): number {
  let steps = 0;
  if (text.startsWith("key")) {
    steps += 1;
    if (text.startsWith(": ", 3)) {
      steps += 1;
      if (text.charAt(5) === "[") {
        steps += 1;
        if (text.charAt(6) === "!") throw new Error("reached");
      }
    }
  }
  return steps;
}
