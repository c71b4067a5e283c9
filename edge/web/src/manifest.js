/** What a manifest says, where format 1 and format 2 say it in different places. */

import { BundleError } from "./errors.js";

/**
 * @param {object} manifest
 * @returns {{column: string, sequence_length: number, normalization: object, tokenizer?: object, long_text?: string,
 *   max_windows?: number, optional?: boolean} | null} what is said of the text, whose column has no name in format 1;
 *   null where the model reads none
 * @throws {BundleError} there are several
 */
export function textOf(manifest) {
  if (!manifest.inputs) return { ...manifest, column: "" };
  const texts = manifest.inputs.filter((section) => section.kind === "text");
  if (texts.length > 1) {
    throw new BundleError(`${texts.length} inputs of kind text, this page runs bundles with one at most`);
  }
  return texts[0] ?? null;
}
