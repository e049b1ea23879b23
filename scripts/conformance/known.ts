import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { knownFile } from "./tally.ts";

const KnownDifference = z.strictObject({ note: z.string(), reason: z.string().min(20) });
/** A case of OPA's suite that is not equal, by its note, and why. */
export type KnownDifference = z.infer<typeof KnownDifference>;

export function readKnown(): readonly KnownDifference[] {
  return z.array(KnownDifference).parse(parse(readFileSync(knownFile, "utf8")));
}
