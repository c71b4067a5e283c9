/** A number, within its bounds, and where there is one the interval around it. */

import { BundleError } from "../errors.js";

export class NumberTarget {
  static kind = "number";
  static output = "number";
  static decidedBy = ["half_width"];

  /**
   * @param {{min?: number, max?: number}} section the manifest's `target`
   * @param {string[]} labels none
   * @param {{half_width: number} | undefined} decision the manifest's
   */
  constructor(section, labels, decision) {
    this.labels = labels;
    // Every step is one operation of float32, as on the server: the same bits.
    [this.lowest, this.highest] = [section.min ?? -Infinity, section.max ?? Infinity].map(Math.fround);
    this.halfWidth = decision ? Math.fround(decision.half_width) : null;
    if (labels.length > 0) throw new BundleError("a target of kind number has no labels");
    if (!(this.lowest < this.highest)) {
      throw new BundleError(`the manifest's target has the bounds ${this.lowest} and ${this.highest}`);
    }
  }

  /**
   * @param {number[]} outputs the one that the model gave
   * @returns {{number: number, low: number | null, high: number | null}}
   */
  answer([raw]) {
    const within = (value) => Math.min(Math.max(Math.fround(value), this.lowest), this.highest);
    const number = within(raw);
    if (this.halfWidth === null) return { number, low: null, high: null };
    return { number, low: within(number - this.halfWidth), high: within(number + this.halfWidth) };
  }
}
