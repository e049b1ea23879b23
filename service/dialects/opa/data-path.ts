import { RemitError } from "../../errors.ts";
import type { PolicyQuery } from "../dialect.ts";

/** The parts of a path below `prefix`, decoded; empty parts do not count. Throws RemitError `request_invalid`. */
export function readDataPath(path: string, prefix: string): readonly string[] {
  const parts = path.slice(prefix.length).split("/");
  return parts.filter((part) => part !== "").map(decode);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RemitError("request_invalid", `invalid path: \`${part.slice(0, 100)}\` is not percent-encoded UTF-8`);
  }
}

/** What a path asks for: the longest entrypoint that it begins with, and the rest as the way down from there. */
export type DataPath = Pick<PolicyQuery, "entrypoint" | "below"> & { readonly known: boolean };

/**
 * Finds the entrypoint. Where none is found, `a%2Fb` is taken for `a/b`: some of OPA's clients send it. A path that leads to no entrypoint
 * is asked about as it is, and is undefined.
 */
export function resolveDataPath(parts: readonly string[], entrypoints: ReadonlySet<string>): DataPath {
  const found = resolve(parts, entrypoints) ?? resolve(parts.join("/").split("/"), entrypoints);
  return found ?? { entrypoint: parts.join("/"), known: false };
}

function resolve(parts: readonly string[], entrypoints: ReadonlySet<string>): DataPath | undefined {
  for (let length = parts.length; length > 0; length--) {
    const entrypoint = parts.slice(0, length).join("/");
    if (entrypoints.has(entrypoint)) return { entrypoint, below: parts.slice(length).map(stepOf), known: true };
  }
  return undefined;
}

/** What looks like an integer is one, as in OPA. */
function stepOf(part: string): string | number {
  if (!/^[+-]?\d{1,15}(\.0*)?$/.test(part)) return part;
  // `-0` is the key `0`.
  return Number(part) + 0;
}

const name = /^[A-Za-z_][A-Za-z0-9_]*$/;
const keywords: ReadonlySet<string> = new Set(
  "not package import as default else with null true false some if contains in every".split(" "),
);

/** The document as OPA's messages name it: `data.app["some key"][1]`. */
export function referenceText(parts: readonly string[]): string {
  const steps = parts.map(stepOf).map((step) => {
    if (typeof step === "number") return `[${step}]`;
    return name.test(step) && !keywords.has(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  });
  return `data${steps.join("")}`;
}
