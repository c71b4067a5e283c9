/** WordPiece in the browser: the ids of `edgeline_edge.tokenizer.Tokenizer`, for every text. */

const MAX_WORD_BYTES = 100;
const REMEMBERED_WORDS = 50_000;
const encoder = new TextEncoder();

export class Tokenizer {
  /**
   * @param {string[]} vocabulary the tokens in the order of their ids; nothing is assumed about which id a token has
   * @param {number} sequenceLength length of a row
   * @param {import("./normalization.js").Normalization} normalization
   */
  constructor(vocabulary, sequenceLength, normalization) {
    this.sequenceLength = sequenceLength;
    this.normalization = normalization;
    this.heads = new Map(vocabulary.map((token, number) => [token, number]));
    this.tails = new Map();
    for (const [token, number] of this.heads) {
      if (token.startsWith("##")) this.tails.set(token.slice(2), number);
    }
    this.longest = vocabulary.reduce((longest, token) => Math.max(longest, token.length), 0);
    [this.pad, this.unknown, this.start, this.end] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map((token) => {
      if (!this.heads.has(token)) throw new Error(`the vocabulary lacks ${token}`);
      return this.heads.get(token);
    });
    this.words = new Map();
  }

  /**
   * @param {string} text
   * @param {"head" | "head_tail" | "windows"} longText what to read of a text that does not fit, as the manifest says
   * @param {number} [maxWindows] most windows of a text
   * @returns {{tokenIds: Int32Array, paddingMask: Int32Array}[]} one row, or one a window: [CLS] pieces [SEP] [PAD] …
   */
  encode(text, longText = "head", maxWindows = Infinity) {
    const room = this.sequenceLength - 2;
    const pieces = [];
    for (const word of this.normalization.apply(text).split(" ")) {
      if (word) pieces.push(...this.#pieces(word));
      if (longText === "head" && pieces.length >= room) break;
    }
    const spare = Math.max(0, pieces.length - room);
    if (longText === "windows") {
      const count = Math.min(Math.max(1, Math.ceil(pieces.length / room)), maxWindows);
      const starts = Array.from({ length: count }, (_, index) => Math.floor((index * spare) / Math.max(1, count - 1)));
      return starts.map((start) => this.#row(pieces.slice(start, start + room)));
    }
    if (longText === "head_tail" && spare > 0) pieces.splice(Math.ceil(room / 2), spare);
    return [this.#row(pieces.slice(0, room))];
  }

  #row(pieces) {
    const row = [this.start, ...pieces, this.end];
    const tokenIds = new Int32Array(this.sequenceLength).fill(this.pad);
    tokenIds.set(row);
    return { tokenIds, paddingMask: new Int32Array(this.sequenceLength).fill(1, 0, row.length) };
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
