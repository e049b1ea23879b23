import { performance } from "node:perf_hooks";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { createFamily, type MetricFamily } from "./metric-family.ts";
import { type MetricName, type MetricSpec, metricTable } from "./metric-table.ts";

export interface Count {
  inc(value?: number): void;
}
export interface Observation {
  observe(value: number): void;
}

/** One maker for each kind of metric. */
export type Makers = ReturnType<typeof createMakers>;

/** Makes the metrics of the table in a registry; none takes part in the hot path by more than a number kept until the scrape. */
export function createMakers(registry: Registry, seriesMax: number) {
  const common = (name: MetricName) => ({
    name,
    help: metricTable[name].help,
    labelNames: Object.keys(metricTable[name].labels),
    registers: [registry],
  });
  function counters(name: MetricName): MetricFamily<Count> {
    const cells: CountCell[] = [];
    new Counter({
      ...common(name),
      collect() {
        for (const cell of cells) this.inc(cell.labels, cell.take());
      },
    });
    const family = createFamily({ spec: metricTable[name], seriesMax, bind: (labels) => addCell(cells, labels) });
    for (const values of closedSeries(metricTable[name])) family.series(...values);
    return family;
  }
  function histograms(name: MetricName): MetricFamily<Observation> {
    const spec: MetricSpec = metricTable[name];
    const histogram = new Histogram({ ...common(name), buckets: [...(spec.buckets ?? [])] });
    // The bound is on lines of the exposition: a histogram writes one per bucket, and infinity, sum and count.
    const linesPerSeries = (spec.buckets?.length ?? 0) + 3;
    return createFamily({ spec, seriesMax: Math.ceil(seriesMax / linesPerSeries), bind: (labels) => histogram.labels(labels) });
  }
  const gauge = (name: MetricName) => new Gauge(common(name));
  /** A gauge whose value is kept as a plain number, or asked for, and read at the scrape: setting it costs nothing. */
  function sampled(name: MetricName, initial = 0): (value: number | (() => number)) => void {
    let current: number | (() => number) = initial;
    new Gauge({
      ...common(name),
      collect() {
        const value = typeof current === "function" ? current() : current;
        if (Number.isFinite(value)) this.set(value);
      },
    });
    return (value) => {
      current = value;
    };
  }
  function utilization(): void {
    let last = performance.eventLoopUtilization();
    new Gauge({
      ...common("remit_event_loop_utilization_ratio"),
      collect() {
        const now = performance.eventLoopUtilization();
        this.set(performance.eventLoopUtilization(now, last).utilization);
        last = now;
      },
    });
  }
  return { counters, histograms, gauge, sampled, utilization };
}

interface CountCell extends Count {
  readonly labels: Record<string, string>;
  /** What was counted since the last call. */
  take(): number;
}

/** Counts in a plain number and hands it over at the scrape: a fifth of a microsecond less per event than prom-client's own series. */
function addCell(cells: CountCell[], labels: Record<string, string>): CountCell {
  let pending = 0;
  const cell: CountCell = {
    labels,
    inc(value = 1) {
      pending += value;
    },
    take() {
      const taken = pending;
      pending = 0;
      return taken;
    },
  };
  cells.push(cell);
  return cell;
}

/** Label sets known beforehand: they start at 0, so that the first event is an increase and an alert sees it. */
function closedSeries(spec: MetricSpec): string[][] {
  let sets: string[][] = [[]];
  for (const label of Object.values(spec.labels)) {
    if (!("values" in label)) return [];
    sets = sets.flatMap((set) => label.values.map((value) => [...set, value]));
  }
  return sets;
}
