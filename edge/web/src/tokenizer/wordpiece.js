/** WordPiece in the browser: the ids of `edgeline_edge.tokenizer.Tokenizer`, for every text. */

import { Rows } from "./rows.js";

const MAX_WORD_BYTES = 100;
const REMEMBERED_WORDS = 50_000;
const encoder = new TextEncoder();

export class WordPiece extends Rows {
  /**
   * @param {string[]} vocabulary the tokens in the order of their ids; nothing is assumed about which id a token has
   * @param {number} sequenceLength length of a row
   * @param {import("../normalization.js").Normalization} normalization
   */
  constructor(vocabulary, sequenceLength, normalization) {
    const heads = new Map(vocabulary.map((token, number) => [token, number]));
    const [pad, unknown, start, end] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map((token) => {
      if (!heads.has(token)) throw new Error(`the vocabulary lacks ${token}`);
      return heads.get(token);
    });
    super(sequenceLength, { start, end, pad });
    this.normalization = normalization;
    this.unknown = unknown;
    this.heads = heads;
    this.tails = new Map();
    for (const [token, number] of this.heads) {
      if (token.startsWith("##")) this.tails.set(token.slice(2), number);
    }
    this.longest = vocabulary.reduce((longest, token) => Math.max(longest, token.length), 0);
    this.words = new Map();
  }

  /**
   * @param {string} text
   * @param {number} limit enough
   * @returns {number[]} the ids of its pieces, without special tokens: all, or `limit` and perhaps a few more
   */
  pieces(text, limit = Infinity) {
    const pieces = [];
    for (const word of this.normalization.apply(text).split(" ")) {
      if (word) pieces.push(...this.#pieces(word));
      if (pieces.length >= limit) break;
    }
    return pieces;
  }

  #pieces(word) {
    let pieces = this.words.get(word);
    if (pieces === undefined) {
      pieces = this.#cut(word);
      if (this.words.size >= REMEMBERED_WORDS) this.words.clear();
      this.words.set(word, pieces);
    }
    return pieces;
  }

  /** Cuts a word into the longest pieces from the left; the unknown token for all of it if that fails. */
  #cut(word) {
    if (word.length * 3 > MAX_WORD_BYTES && encoder.encode(word).length > MAX_WORD_BYTES) return [this.unknown];
    const pieces = [];
    let table = this.heads;
    for (let start = 0; start < word.length; table = this.tails) {
      let end = Math.min(word.length, start + this.longest);
      while (end > start && !table.has(word.slice(start, end))) end -= 1;
      if (end === start) return [this.unknown];
      pieces.push(table.get(word.slice(start, end)));
      start = end;
    }
    return pieces;
  }
}
