// A parser with a bug behind three steps that noise does not take, and one without any branch: what the loop says of each. Run as a process of its
// own, because coverage has to begin before the code is compiled.
import fc from "fast-check";
import { seededRandom } from "../../../controller/clock.ts";
import { startCoverage } from "../coverage.ts";
import { runLoop, shrink } from "../loop.ts";
import type { Parser } from "../parser.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const coverage = startCoverage(ROOT, (path) => path === "test/fuzz/support/steps.ts");
const { takeSteps } = await import("./steps.ts");

const rest = { form: "text", covers: [], grammar: fc.string(), seeds: ["k"], words: ["key", ": ", "[", "!"] } as const;
const parser: Parser = { name: "test/steps", run: takeSteps, ...rest };
const blind: Parser = { name: "test/blind", run: (text) => text, ...rest };

const options = { coverage, kept: [], isOver: (executions: number) => executions > 60_000 };
const { finding } = await runLoop(parser, { ...options, random: seededRandom(1) });
if (finding === undefined) throw new Error("the loop found nothing");
const { input, problem } = await shrink(parser, finding);
process.stdout.write(`FOUND: ${problem}\nINPUT: ${JSON.stringify(input)}\n`);
const flat = await runLoop(blind, { ...options, isOver: (executions) => executions > 200, random: seededRandom(1) });
process.stdout.write(`NO GROWTH of the blind one: ${flat.covered <= flat.blind}\n`);
coverage.close();
