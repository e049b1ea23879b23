/**
 * What may still be done for one text or result, in units of about a tenth of a microsecond. Texts can be made so that a little of them costs
 * much; whoever does a piece of work pays for it first, and stops when nothing is left.
 */
export class Effort {
  #left: number;

  constructor(units: number) {
    this.#left = units;
  }

  /** Nothing is left: what was not done by now is left out. */
  get isSpent(): boolean {
    return this.#left <= 0;
  }

  /** False: nothing is left, and the work must not be done. */
  spend(units: number): boolean {
    if (this.#left > 0) this.#left -= units;
    return this.#left > 0;
  }
}
