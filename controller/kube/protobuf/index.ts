// Reads lists and watches of Kubernetes' own kinds as protobuf: a fifth of JSON's work, and only of what Ringward keeps. The objects
// that come out are what JSON has, without the fields that nobody here reads (tables.ts). Kinds without a table stay JSON.
import type { BinaryReader, ListPart } from "../port.ts";
import type { Resource } from "../resources.ts";
import { createListReader } from "./list-stream.ts";
import { tableOf } from "./tables.ts";
import { readWatchEvent, readWatchFrames } from "./watch-frames.ts";
import { createWords, type Words } from "./words.ts";

export { createWords } from "./words.ts";

export const PROTOBUF = "application/vnd.kubernetes.protobuf";

/** A reader of a kind's protobuf; undefined: the kind is read as JSON. Readers may share their words. */
export function protobufReader(resource: Resource, words: Words = createWords()): BinaryReader | undefined {
  const fields = tableOf(resource);
  if (fields === undefined) return undefined;
  return {
    mediaType: PROTOBUF,
    async *readList(body): AsyncGenerator<ListPart, void, undefined> {
      const reader = createListReader(resource, fields, words);
      for await (const chunk of body) {
        const items = reader.push(chunk);
        if (items.length > 0) yield { items };
      }
      yield { items: [], end: reader.end() };
    },
    readWatch: (body) => readWatchFrames(body, (frame) => readWatchEvent(frame, resource, fields, words)),
  };
}
