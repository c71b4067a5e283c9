/**
 * Unigram in the browser: the ids of `edgeline_edge.unigram.Unigram`, for every text.
 *
 * A text is cut into the pieces whose scores add up to most. Sums are those of SentencePiece to the last bit, float32
 * with a sum in float64 at each comparison: which of two equal ways is taken depends on it.
 */

import { Rows } from "./rows.js";

const SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]; // by their ids; no text holds these
const [START, PAD, END, UNKNOWN] = SPECIAL.keys();
const SPACE = "\u2581";
const UNKNOWN_PENALTY = 10;

/** The `tokenizer` of a manifest that this file is for. */
export const SPEC = { kind: "unigram", first: START, pad: PAD, last: END, unk: UNKNOWN };

export class Unigram extends Rows {
  /**
   * @param {string[]} table lines `PIECE<tab>SCORE`, the number of the line being the id
   * @param {number} sequenceLength length of a row
   * @param {import("../normalization.js").Normalization} normalization
   */
  constructor(table, sequenceLength, normalization) {
    super(sequenceLength, { start: START, end: END, pad: PAD });
    this.normalization = normalization;
    this.root = { next: new Map(), id: -1, score: 0 };
    let worst = Infinity;
    for (const [id, line] of table.entries()) {
      const [piece, score] = line.split("\t");
      if (id < SPECIAL.length) {
        if (piece !== SPECIAL[id]) throw new Error(`line ${id + 1} of the pieces is ${piece}, not ${SPECIAL[id]}`);
        continue;
      }
      const value = Math.fround(Number(score));
      if (!piece || !score || !Number.isFinite(value)) throw new Error(`line ${id + 1} of the pieces is no piece`);
      worst = Math.min(worst, value);
      this.#add(piece, id, value);
    }
    this.unknownScore = Math.fround(worst - UNKNOWN_PENALTY);
  }

  /**
   * @param {string} text
   * @returns {number[]} the ids of its pieces, without special tokens; all of the text decides on each of them
   */
  pieces(text) {
    const words = this.normalization.apply(text).split(" ").filter(Boolean);
    if (words.length === 0) return [];
    return this.#best(Array.from(SPACE + words.join(SPACE), (character) => character.codePointAt(0)));
  }

  #add(piece, id, score) {
    let node = this.root;
    for (const character of piece) {
      const point = character.codePointAt(0);
      node.next ??= new Map();
      if (!node.next.has(point)) node.next.set(point, { next: null, id: -1, score: 0 });
      node = node.next.get(point);
    }
    node.id = id;
    node.score = score;
  }

  /** The ids of the best way through the code points of a normalised text. */
  #best(points) {
    const size = points.length;
    const scores = new Float32Array(size + 1); // of the best way to each place; rounds what it is given
    const ids = new Int32Array(size + 1);
    const begins = new Int32Array(size + 1).fill(-1);
    for (let start = 0; start < size; start += 1) {
      const until = scores[start];
      let alone = false;
      let node = this.root.next.get(points[start]);
      for (let end = start + 1; node; node = end < size ? node.next?.get(points[end++]) : undefined) {
        if (node.id < 0) continue;
        const score = until + node.score;
        if (begins[end] < 0 || score > scores[end]) {
          scores[end] = score;
          ids[end] = node.id;
          begins[end] = start;
        }
        if (end === start + 1) alone = true;
      }
      if (alone) continue;
      const end = start + 1;
      const score = Math.fround(until + this.unknownScore);
      if (begins[end] < 0 || score > scores[end]) {
        scores[end] = score;
        ids[end] = UNKNOWN;
        begins[end] = start;
      }
    }
    const found = [];
    for (let end = size; end > 0; end = begins[end]) {
      // A run of unknown code points is one.
      if (ids[end] !== UNKNOWN || found.at(-1) !== UNKNOWN) found.push(ids[end]);
    }
    return found.reverse();
  }
}
