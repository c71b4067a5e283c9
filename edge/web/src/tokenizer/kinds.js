/** The tokenizers that a bundle can ask for: what each calls its file, and which table normalises its text. */

import { BundleError } from "../errors.js";
import { SPEC, Unigram } from "./unigram.js";
import { WordPiece } from "./wordpiece.js";

const WORDPIECE = { member: "vocab.txt", Tokenizer: WordPiece };
const UNIGRAM = { member: "pieces.tsv", Tokenizer: Unigram };
/** The files of the tables of normalisation, by what a manifest calls them. */
const TABLES = { "bert-uncased": "normalization-1.txt", "nmt-nfkc": "normalization-nmt-nfkc-1.txt" };

/**
 * @param {object | undefined} spec a manifest's `tokenizer`; WordPiece where it says nothing
 * @returns {{member: string, Tokenizer: typeof WordPiece | typeof Unigram}}
 * @throws {BundleError} it is unknown here
 */
export function kindOf(spec) {
  if (spec === undefined) return WORDPIECE;
  const isKnown = Object.keys({ ...spec, ...SPEC }).every((key) => spec[key] === SPEC[key]);
  if (isKnown) return UNIGRAM;
  throw new BundleError(`the tokenizer ${JSON.stringify(spec)}, this page knows WordPiece and ${JSON.stringify(SPEC)}`);
}

/**
 * @param {{name: string, version: number}} normalization of a manifest
 * @returns {string} the file of its table
 * @throws {BundleError} it is unknown here
 */
export function tableFile({ name, version }) {
  if (Object.hasOwn(TABLES, name)) return TABLES[name];
  throw new BundleError(`the bundle normalises text by ${name} version ${version}, which this page does not know`);
}
