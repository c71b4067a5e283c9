/** Pieces of a text to rows of ids of one length: what every tokenizer does alike, whatever its pieces are. */

export class Rows {
  /**
   * @param {number} sequenceLength length of a row
   * @param {{start: number, end: number, pad: number}} special ids of what stands first and last, and fills a row up
   */
  constructor(sequenceLength, special) {
    this.sequenceLength = sequenceLength;
    this.special = special;
  }

  /**
   * @param {string} text
   * @param {"head" | "head_tail" | "windows"} longText what to read of a text that does not fit, as the manifest says
   * @param {number} [maxWindows] most windows of a text
   * @returns {{tokenIds: Int32Array, paddingMask: Int32Array}[]} one row, or one a window: start pieces end pad …
   */
  encode(text, longText = "head", maxWindows = Infinity) {
    const room = this.sequenceLength - 2;
    const pieces = this.pieces(text, longText === "head" ? room : Infinity);
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
    const { start, end, pad } = this.special;
    const row = [start, ...pieces, end];
    const tokenIds = new Int32Array(this.sequenceLength).fill(pad);
    tokenIds.set(row);
    return { tokenIds, paddingMask: new Int32Array(this.sequenceLength).fill(1, 0, row.length) };
  }
}
