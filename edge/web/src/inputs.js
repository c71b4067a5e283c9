/**
 * What a device does before the model with the columns beside the text, as the Python package's `inputs` and Transform
 * do it: number by number the same.
 */

import { BundleError } from "./errors.js";

const MISSING = 0;
const UNKNOWN = 1;
const FIRST = 2;

/** A number: scaled in float32, and a flag where a record has none. */
class NumberInput {
  constructor(section) {
    this.column = section.column;
    this.tensor = onlyTensor(section);
    // Math.fround after each step: every operation is one of float32, as in Transform, and gives the same bits.
    [this.mean, this.factor, this.limit] = ["mean", "factor", "limit"].map((key) => Math.fround(needed(section, key)));
    if (!(Number.isFinite(this.mean) && Number.isFinite(this.factor) && this.factor > 0)) {
      throw new BundleError(`the input ${section.name} is scaled by ${this.mean} and ${this.factor}`);
    }
    this.signature = { dtype: "float32", shape: [1, 2] };
  }

  /** @param {number | bigint | null | undefined} value */
  encode(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return Float32Array.of(0, 1);
    if (typeof value !== "number" && typeof value !== "bigint") {
      throw new TypeError(`${this.column} must be a number or null, is ${typeof value}`);
    }
    const scaled = Math.fround(Math.fround(Math.fround(Number(value)) - this.mean) * this.factor);
    return Float32Array.of(Math.min(Math.max(scaled, -this.limit), this.limit), 0);
  }
}

/** A category: its number in Transform's vocabulary; one for a value that is not in it, one for none. */
class CategoryInput {
  constructor(section) {
    this.column = section.column;
    this.tensor = onlyTensor(section);
    this.values = needed(section, "values");
    this.ids = new Map(this.values.map((value, index) => [value, FIRST + index]));
    this.signature = { dtype: "int32", shape: [1] };
  }

  /** @param {string | null | undefined} value */
  encode(value) {
    if (value === null || value === undefined || value === "") return Int32Array.of(MISSING);
    if (typeof value !== "string") throw new TypeError(`${this.column} must be a string or null, is ${typeof value}`);
    return Int32Array.of(this.ids.get(value) ?? UNKNOWN);
  }
}

const KINDS = { number: NumberInput, category: CategoryInput };

/**
 * @param {object[]} sections the manifest's `inputs`
 * @param {object} signature the manifest's
 * @returns {(NumberInput | CategoryInput)[]} those beside the text
 * @throws {BundleError} a kind is unknown here, or a section lacks something or contradicts the signature
 */
export function tableOf(sections, signature) {
  const table = sections.filter(({ kind }) => kind !== "text").map((section) => {
    const Kind = Object.hasOwn(KINDS, section.kind) ? KINDS[section.kind] : null;
    if (!Kind) {
      const known = ["text", ...Object.keys(KINDS)].join(", ");
      throw new BundleError(`the input ${section.name} is of kind ${section.kind}, this page knows ${known}`);
    }
    return new Kind(section);
  });
  for (const what of ["name", "column"]) {
    const names = sections.map((section) => section[what]);
    if (new Set(names).size < names.length) throw new BundleError(`two inputs have one ${what}: ${names.join(", ")}`);
  }
  const [taken, given] = [Object.keys(signature.inputs), sections.flatMap(({ tensors }) => tensors)].map((names) =>
    names.sort().join(", "),
  );
  if (sections.length > 0 && taken !== given) {
    throw new BundleError(`the model takes ${taken}, the inputs give ${given}`);
  }
  for (const { tensor, signature: wanted } of table) {
    const said = signature.inputs[tensor];
    if (said.dtype !== wanted.dtype || String(said.shape) !== String(wanted.shape)) {
      const [is, must] = [said, wanted].map(({ dtype, shape }) => `${dtype} [${shape}]`);
      throw new BundleError(`the model's input ${tensor} must be ${must}, is ${is}`);
    }
  }
  return table;
}

function needed(section, field) {
  if (section[field] === undefined) {
    throw new BundleError(`the input ${section.name} of kind ${section.kind} says nothing of its ${field}`);
  }
  return section[field];
}

function onlyTensor({ name, kind, tensors }) {
  if (tensors.length !== 1) throw new BundleError(`the input ${name} of kind ${kind} has the tensors ${tensors}`);
  return tensors[0];
}
