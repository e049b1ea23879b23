import { readFileSync } from "node:fs";

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}
interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const linesMax = 45;

/** A table of the functions of a V8 CPU profile by their own time, in microseconds per request. */
export function summarize(path: string, requests: number): string {
  const profile = JSON.parse(readFileSync(path, "utf8")) as Profile;
  const own = ownTimes(profile);
  const total = [...own.values()].reduce((sum, us) => sum + us, 0);
  const byFunction = new Map<string, number>();
  const byFile = new Map<string, number>();
  for (const node of profile.nodes) {
    const us = own.get(node.id) ?? 0;
    const { functionName, url, lineNumber } = node.callFrame;
    const file = shortName(url);
    add(byFunction, `${functionName || "(anonymous)"} ${file}:${lineNumber + 1}`, us);
    add(byFile, file === "" ? functionName : file, us);
  }
  const table = (title: string, times: ReadonlyMap<string, number>) => [
    `| ${title} | own µs/request | share |`,
    "|---|---:|---:|",
    ...top(times).map(([name, us]) => `| ${name} | ${(us / requests).toFixed(2)} | ${((100 * us) / total).toFixed(1)} % |`),
    "",
  ];
  return [...table("file", byFile), ...table("function", byFunction)].join("\n");
}

function ownTimes({ samples, timeDeltas }: Profile): ReadonlyMap<number, number> {
  const own = new Map<number, number>();
  for (const [index, id] of samples.entries()) own.set(id, (own.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  return own;
}

function add(map: Map<string, number>, key: string, us: number): void {
  map.set(key, (map.get(key) ?? 0) + us);
}

function top(times: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...times].sort((a, b) => b[1] - a[1]).slice(0, linesMax);
}

function shortName(url: string): string {
  return url.replace(/^.*\/(dist|node_modules)\//, "").replace(/^wasm:.*$/, "wasm");
}
