import type { Measured, Sample } from "./measure.ts";

/** One line of the result: medians over the rounds, and the best round. */
export interface Row {
  readonly name: string;
  readonly connections: number;
  readonly perSecondMedian: number;
  readonly perSecondBest: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly cpuUsPerRequest: number | null;
  readonly residentMiB: number | null;
  readonly foreign: number | null;
}

/** A line for each server and number of connections. */
export function toRows(all: readonly Measured[]): readonly Row[] {
  return all.flatMap((one) => {
    const counts = [...new Set(one.samples.map((sample) => sample.connections))];
    return counts.map((connections) => toRow(one, connections));
  });
}

function toRow(one: Measured, connections: number): Row {
  const samples = one.samples.filter((sample) => sample.connections === connections);
  const of = (key: keyof Sample) => samples.map((sample) => sample[key]).filter((value) => typeof value === "number");
  return {
    name: one.contender.name,
    connections,
    perSecondMedian: median(of("perSecond")) ?? 0,
    perSecondBest: Math.max(...of("perSecond")),
    p50Us: median(of("p50Us")) ?? 0,
    p99Us: median(of("p99Us")) ?? 0,
    cpuUsPerRequest: median(of("cpuUsPerRequest")),
    residentMiB: one.residentMiB,
    foreign: median(of("foreign")),
  };
}

/** Null of nothing. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  return upper === undefined || lower === undefined ? null : (upper + lower) / 2;
}

/** The report in Markdown: where, what, figures, ratios. */
export function toMarkdown(all: readonly Measured[], machine: readonly string[], rounds: string): string {
  const rows = toRows(all);
  return [
    ...machine.map((line) => `- ${line}`),
    `- ${rounds}`,
    ...all.map(({ contender }) => `- ${contender.name}: ${contender.about}`),
    "",
    "| server | connections | requests/s (median) | (best) | p50 µs | p99 µs | CPU µs/request | MiB | foreign CPU |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ...rows.map(rowLine),
    "",
    ...ratioLines(rows),
    ...disturbance(rows),
    ...all
      .filter(({ records }) => records !== null)
      .map(({ contender, answered, records }) => recordLine(contender.name, answered, records)),
    "",
  ].join("\n");
}

function rowLine(row: Row): string {
  const cells = [
    row.name,
    row.connections,
    whole(row.perSecondMedian),
    whole(row.perSecondBest),
    whole(row.p50Us),
    whole(row.p99Us),
    row.cpuUsPerRequest === null ? "n/a" : row.cpuUsPerRequest.toFixed(1),
    row.residentMiB === null ? "n/a" : whole(row.residentMiB),
    row.foreign === null ? "n/a" : `${Math.round(row.foreign * 100)} %`,
  ];
  return `| ${cells.join(" | ")} |`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** A neighbour on the same core slows whom it meets: say so instead of printing a ratio as if nothing had happened. */
function disturbance(rows: readonly Row[]): readonly string[] {
  const names = rows.filter(({ foreign }) => (foreign ?? 0) > 0.1).map(({ name, connections }) => `${name} (${connections})`);
  if (names.length === 0) return [];
  return [`DISTURBED: other processes used the core during ${names.join(", ")}; repeat on a quiet machine.`, ""];
}

function recordLine(name: string, answered: number, records: number | null): string {
  return `${name}: ${whole(answered)} answers, all as expected; ${whole(records ?? 0)} records in its decision log.`;
}

/** Ratios to Remit: requests per second, and CPU per request, which a busy neighbour moves least. */
function ratioLines(rows: readonly Row[]): readonly string[] {
  const remits = rows.filter((row) => row.name.startsWith("Remit"));
  if (remits.length === 0) return [];
  const lines = remits.flatMap((remit) =>
    rows
      .filter((row) => row.connections === remit.connections && isPeerOf(remit.name, row.name))
      .map((peer) => `| ${remit.name} / ${peer.name} | ${remit.connections} | ${speed(remit, peer)} | ${cpu(remit, peer)} |`),
  );
  return ["| ratio | connections | requests/s | requests per CPU second |", "|---|---:|---:|---:|", ...lines, ""];
}

/** Each Remit is compared with the other programs, and with the bare server on its own Node. */
function isPeerOf(remit: string, other: string): boolean {
  if (other.startsWith("Remit")) return false;
  return other.startsWith("bare") ? other === remit.replace("Remit", "bare node:http") : true;
}

function speed(remit: Row, peer: Row): string {
  return `${(remit.perSecondMedian / peer.perSecondMedian).toFixed(2)} ×`;
}

function cpu(remit: Row, peer: Row): string {
  if (remit.cpuUsPerRequest === null || peer.cpuUsPerRequest === null) return "n/a";
  return `${(peer.cpuUsPerRequest / remit.cpuUsPerRequest).toFixed(2)} ×`;
}
