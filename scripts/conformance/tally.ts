import type { SuiteCase } from "../oracle/oracle.ts";
import type { Verdict } from "./judge.ts";
import type { KnownDifference } from "./known.ts";

/** Cases of one group by what became of them. */
export interface GroupCount {
  cases: number;
  equal: number;
  known: number;
  other: number;
}

/** A case that is not as it should be. */
export interface Surprise {
  readonly note: string;
  readonly file: string;
  readonly what: string;
}

/** Collects verdicts: by group, and every case that is neither equal to OPA nor known to differ, or known and yet equal. */
export class Tally {
  readonly groups = new Map<string, GroupCount>();
  readonly surprises: Surprise[] = [];
  readonly #known: ReadonlyMap<string, KnownDifference>;
  readonly #differing = new Set<string>();
  readonly #seen = new Set<string>();

  constructor(known: readonly KnownDifference[]) {
    this.#known = new Map(known.map((difference) => [difference.note, difference]));
  }

  add({ note, file, group }: SuiteCase, { kind, detail }: Verdict): void {
    const count = this.groups.get(group) ?? { cases: 0, equal: 0, known: 0, other: 0 };
    this.groups.set(group, count);
    count.cases++;
    this.#seen.add(note);
    if (kind === "equal") count.equal++;
    else this.#differs({ note, file, what: `${kind}: ${detail}` }, count);
  }

  #differs(surprise: Surprise, count: GroupCount): void {
    if (this.#known.has(surprise.note)) {
      count.known++;
      this.#differing.add(surprise.note);
    } else {
      count.other++;
      this.surprises.push(surprise);
    }
  }

  get total(): GroupCount {
    const total: GroupCount = { cases: 0, equal: 0, known: 0, other: 0 };
    for (const count of this.groups.values()) for (const key of ["cases", "equal", "known", "other"] as const) total[key] += count[key];
    return total;
  }

  /** Listed cases that are equal in every form in which they came, or that did not come although everything did. */
  stale(whole: boolean): readonly Surprise[] {
    return [...this.#known.keys()]
      .filter((note) => !this.#differing.has(note) && (whole || this.#seen.has(note)))
      .map((note) => ({
        note,
        file: knownFile,
        what: this.#seen.has(note) ? "it is equal now: take it off the list" : "there is no such case",
      }));
  }
}

/** Where the list is. */
export const knownFile = "test/conformance/known-differences.yaml";
