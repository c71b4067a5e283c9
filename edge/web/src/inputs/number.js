/** A number: scaled in float32 as Transform scaled it, and a flag where a record has none. */

import { BundleError } from "../errors.js";
import { needed, tensorsOf, typeName } from "./sections.js";

export class NumberInput {
  constructor(section) {
    this.kind = section.kind;
    this.column = section.column;
    [this.tensor] = tensorsOf(section);
    // Math.fround after each step: every operation is one of float32, as in Transform, and gives the same bits.
    [this.mean, this.factor, this.limit] = ["mean", "factor", "limit"].map((key) => Math.fround(needed(section, key)));
    if (!(Number.isFinite(this.mean) && Number.isFinite(this.factor) && this.factor > 0)) {
      throw new BundleError(`the input ${section.name} is scaled by ${this.mean} and ${this.factor}`);
    }
    this.signature = { [this.tensor]: { dtype: "float32", shape: [1, 2] } };
  }

  /** @param {number | bigint | null | undefined} value */
  encode(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return { [this.tensor]: Float32Array.of(0, 1) };
    if (typeof value !== "number" && typeof value !== "bigint") {
      throw new TypeError(`${this.column} must be a number or null, is ${typeName(value)}`);
    }
    const scaled = Math.fround(Math.fround(Math.fround(Number(value)) - this.mean) * this.factor);
    return { [this.tensor]: Float32Array.of(Math.min(Math.max(scaled, -this.limit), this.limit), 0) };
  }
}
