/** A category: its number in Transform's vocabulary; one for a value that is not in it, one for none. */

import { needed, tensorsOf, typeName } from "./sections.js";

const MISSING = 0;
const UNKNOWN = 1;
const FIRST = 2;

export class CategoryInput {
  constructor(section) {
    this.kind = section.kind;
    this.column = section.column;
    [this.tensor] = tensorsOf(section);
    this.values = needed(section, "values");
    this.ids = new Map(this.values.map((value, index) => [value, FIRST + index]));
    this.signature = { [this.tensor]: { dtype: "int32", shape: [1] } };
  }

  /** @param {string | null | undefined} value */
  encode(value) {
    return { [this.tensor]: Int32Array.of(this.#number(value)) };
  }

  #number(value) {
    if (value === null || value === undefined || value === "") return MISSING;
    if (typeof value === "string") return this.ids.get(value) ?? UNKNOWN;
    throw new TypeError(`${this.column} must be a string or null, is ${typeName(value)}`);
  }
}
