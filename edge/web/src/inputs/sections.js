/** What the manifest says of an input, by field. */

import { BundleError } from "../errors.js";

/**
 * @param {object} section an item of the manifest's `inputs`
 * @param {string} field that inputs of its kind must have
 * @throws {BundleError} it is missing
 */
export function needed(section, field) {
  if (section[field] === undefined) {
    throw new BundleError(`the input ${section.name} of kind ${section.kind} says nothing of its ${field}`);
  }
  return section[field];
}

/**
 * @param {object} section
 * @param {number[]} counts how many tensors an input of its kind may have
 * @returns {string[]} their names
 * @throws {BundleError} it has another number of them
 */
export function tensorsOf({ name, kind, tensors }, counts = [1]) {
  if (!counts.includes(tensors.length)) {
    throw new BundleError(`the input ${name} of kind ${kind} has the tensors ${tensors.join(", ")}`);
  }
  return tensors;
}

/** What a message calls a value of the wrong type. */
export function typeName(value) {
  return Array.isArray(value) ? "array" : typeof value;
}
