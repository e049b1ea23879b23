import { type LabelSpec, type MetricSpec, noneValue, otherValue } from "./metric-table.ts";

/** The series of one metric, by label values in table order. Looking up a series that exists costs one Map lookup. */
export interface MetricFamily<Series> {
  series(...values: (string | null)[]): Series;
  /** Series made so far. */
  readonly size: number;
}

interface FamilyOptions<Series> {
  readonly spec: MetricSpec;
  /** Hard bound on the series of this metric, above the bounds of the labels. */
  readonly seriesMax: number;
  readonly bind: (labels: Record<string, string>) => Series;
}

const valueCharsMax = 128;
// A comma would let two label sets share prom-client's series key; controls, format characters (bidi) and lone surrogates do not survive a scrape.
const unsafeCharacters = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp},]/gu;

/**
 * Bounds the series of a metric: values outside a closed set, above a label's number of distinct values,
 * or, when the metric has all the series it may have, of any open label become `other`. Memory stays bounded whatever is thrown at it.
 */
export function createFamily<Series>(options: FamilyOptions<Series>): MetricFamily<Series> {
  const names = Object.keys(options.spec.labels);
  const labels = Object.values(options.spec.labels);
  const folds = labels.map(createFold);
  const known = new Map<string, Series>();

  function add(values: readonly string[]): Series {
    const existing = known.get(values.join("\n"));
    if (existing !== undefined) return existing;
    const folded = known.size >= options.seriesMax ? values.map((value, index) => (isOpen(labels[index]) ? otherValue : value)) : values;
    const foldedKey = folded.join("\n");
    const overflow = known.get(foldedKey);
    if (overflow !== undefined) return overflow;
    const series = options.bind(Object.fromEntries(folded.map((value, index) => [names[index] ?? "", value])));
    known.set(foldedKey, series);
    return series;
  }

  return {
    series(...values) {
      // Joined as given: a value that needs folding never becomes a key, so it misses here and takes the slow way.
      return known.get(values.join("\n")) ?? add(folds.map((fold, index) => fold(values[index] ?? "")));
    },
    get size() {
      return known.size;
    },
  };
}

function isOpen(label: LabelSpec | undefined): boolean {
  return label === undefined || "distinctMax" in label;
}

/** Label values made safe to expose: bounded length, no control or bidi characters; empty becomes `none`. */
export function cleanLabelValue(value: string): string {
  return value === "" ? noneValue : value.slice(0, valueCharsMax).replace(unsafeCharacters, "_");
}

function createFold(spec: LabelSpec): (value: string) => string {
  if ("single" in spec) return cleanLabelValue;
  if ("values" in spec) {
    const closed = new Set(spec.values);
    return (value) => closedValue(closed, value);
  }
  const seen = new Set<string>([otherValue, noneValue]);
  const sizeMax = spec.distinctMax + seen.size;
  return (value) => {
    const clean = cleanLabelValue(value);
    if (seen.has(clean)) return clean;
    if (seen.size >= sizeMax) return otherValue;
    seen.add(clean);
    return clean;
  };
}

function closedValue(closed: ReadonlySet<string>, value: string): string {
  const clean = cleanLabelValue(value);
  return closed.has(clean) ? clean : otherValue;
}
