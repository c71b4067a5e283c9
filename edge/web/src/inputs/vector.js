/** Readings of fixed length: scaled by channel in float32 as Transform scaled them, a flag for each that is missing. */

import { BundleError } from "../errors.js";
import { needed, tensorsOf, typeName } from "./sections.js";

const SEPARATOR = /[ \t-\r,;[\]]+/;
const NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const MISSING = new Set(["null", "nan", "none", "na"]);
// What Python calls a blank, so that a cell of nothing else is a missing one everywhere.
const BLANK = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$/;

export class VectorInput {
  constructor(section) {
    this.kind = section.kind;
    this.column = section.column;
    [this.tensor] = tensorsOf(section);
    [this.steps, this.channels] = needed(section, "shape");
    [this.means, this.factors] = ["means", "factors"].map((key) => Float32Array.from(needed(section, key)));
    this.limit = Math.fround(needed(section, "limit"));
    const isWhole = (values) => values.length === this.channels && values.every(Number.isFinite);
    if (!isWhole(this.means) || !isWhole(this.factors) || !this.factors.every((factor) => factor > 0)) {
      throw new BundleError(`the input ${section.name} has ${this.channels} channels and is not scaled by as many`);
    }
    this.signature = { [this.tensor]: { dtype: "float32", shape: [1, this.steps, 2 * this.channels] } };
  }

  /**
   * @param {unknown} value a list of numbers, step by step, nested or not, typed or not, in which null or NaN is
   *   missing; a text of such a list in JSON, or of numbers between spaces, commas or semicolons; or null
   * @throws {TypeError | RangeError} it is of another type, or has another number of readings
   */
  encode(value) {
    const { steps, channels, limit } = this;
    const isNone = value === null || value === undefined || (typeof value === "string" && BLANK.test(value));
    const readings = isNone ? new Array(steps * channels).fill(NaN) : this.#read(value);
    if (readings.length !== steps * channels) {
      throw new RangeError(`${this.column} has ${readings.length} readings; the model reads ${steps} x ${channels}`);
    }
    const made = new Float32Array(2 * steps * channels);
    readings.forEach((reading, index) => {
      const channel = index % channels;
      const at = 2 * (index - channel) + channel;
      if (Number.isNaN(reading)) {
        made[at + channels] = 1;
      } else {
        // Every operation is one of float32, as in Transform, and gives the same bits.
        const scaled = Math.fround(Math.fround(Math.fround(reading) - this.means[channel]) * this.factors[channel]);
        made[at] = Math.min(Math.max(scaled, -limit), limit);
      }
    });
    return { [this.tensor]: made };
  }

  #read(value) {
    if (typeof value === "string") {
      return value.split(SEPARATOR).filter(Boolean).map((part) => this.#number(part));
    }
    return flat(value).map((item) => {
      if (item === null || item === undefined) return NaN;
      if (typeof item === "number" || typeof item === "bigint") return Number(item);
      throw new TypeError(`${this.column} must be a list of numbers or null, holds ${typeName(item)}`);
    });
  }

  #number(part) {
    if (MISSING.has(part.toLowerCase())) return NaN;
    if (NUMBER.test(part)) return Number(part);
    throw new RangeError(`${this.column} holds ${JSON.stringify(part.slice(0, 40))}, which is no number`);
  }
}

/** The items of a list whose lists are of one length at each depth; where they are not, a list is left as an item. */
function flat(value) {
  let items = listOf(value) ?? [value];
  for (;;) {
    const lists = items.map(listOf);
    if (items.length === 0 || lists.some((list) => list?.length !== lists[0]?.length || !list)) return items;
    items = lists.flat();
  }
}

function listOf(value) {
  if (Array.isArray(value)) return value;
  return ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value) : null;
}
