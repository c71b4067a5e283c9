/** What a manifest says, where format 1 and format 2 say it in different places. */

import { BundleError } from "./errors.js";

const ANSWERS = ["one_label"];

/**
 * @param {object} manifest
 * @returns {{column: string, sequence_length: number, normalization: object, tokenizer?: object, long_text?: string,
 *   max_windows?: number, optional?: boolean}} what is said of the text; in format 1 its column has no name
 * @throws {BundleError} there is no text, or there are several
 */
export function textOf(manifest) {
  if (!manifest.inputs) return { ...manifest, column: "" };
  const texts = manifest.inputs.filter((section) => section.kind === "text");
  if (texts.length !== 1) throw new BundleError(`${texts.length} inputs of kind text, this page runs bundles with one`);
  return texts[0];
}

/**
 * @param {object} manifest
 * @returns {string[]} the labels in the order of the model's output
 * @throws {BundleError} the model answers with something else
 */
export function labelsOf(manifest) {
  if (!manifest.target) return manifest.labels;
  const { kind, labels } = manifest.target;
  if (!ANSWERS.includes(kind)) {
    throw new BundleError(`a target of kind ${kind}, this page answers ${ANSWERS.join(", ")}; use edgeline_edge`);
  }
  return labels;
}
