/**
 * What becomes of every code point before a tokenizer, and of some sequences of them, read from the tables that the
 * Python package uses too (`normalization-1.txt` for WordPiece, `normalization-nmt-nfkc-1.txt` for Unigram; their heads
 * explain their grammar).
 */

const LEADS = [0x1100, 0x1113]; // of Hangul: from the first on, and up to, without, the second
const VOWELS = [0x1161, 0x1176];
const TAILS = [0x11a8, 0x11c3];
const SYLLABLES = [0xac00, 0xd7a4];
const RULES = new Set(["-", "_", "|", "hangul"]);
const REMEMBERED = 40_000;

export class Normalization {
  /** @param {string} table content of the table's file */
  constructor(table) {
    /** @type {Map<number, string>} */
    this.images = new Map();
    /** @type {{first: number, last: number, rule: string}[]} */
    this.ranges = [];
    /** @type {Map<string, string>} */
    this.sequences = new Map();
    this.jamo = false;
    for (const line of table.split("\n")) {
      if (line && !line.startsWith("#")) this.#read(line);
    }
    this.ranges.sort((a, b) => a.first - b.first);
    // Most texts hold nothing that can stand second or later in a sequence, and are read without looking for one.
    this.later = new Set([...this.sequences.keys()].flatMap((source) => Array.from(source).slice(1)));
    this.longest = Math.max(0, ...Array.from(this.sequences.keys(), (source) => Array.from(source).length));
  }

  /**
   * @param {string} text any string, lone surrogates included
   * @returns {string} the normalised text; spaces part its words, and nothing else does
   */
  apply(text) {
    if (this.longest > 0 || this.jamo) return this.#applySequences(Array.from(text));
    let result = "";
    for (const character of text) result += this.#image(character);
    return result;
  }

  /** From left to right, the longest sequence that stands there, else the code point. */
  #applySequences(characters) {
    let result = "";
    for (let at = 0; at < characters.length; ) {
      const [length, image] = this.#sequence(characters, at) ?? [1, this.#image(characters[at])];
      result += image;
      at += length;
    }
    return result;
  }

  #sequence(characters, at) {
    if (at + 1 >= characters.length) return null;
    if (this.later.has(characters[at + 1])) {
      for (let length = Math.min(this.longest, characters.length - at); length > 1; length -= 1) {
        const image = this.sequences.get(characters.slice(at, at + length).join(""));
        if (image !== undefined) return [length, image];
      }
    }
    return this.jamo ? composed(...characters.slice(at, at + 3).map((character) => character.codePointAt(0))) : null;
  }

  #image(character) {
    const point = character.codePointAt(0);
    return this.images.get(point) ?? this.#find(point, character);
  }

  #read(line) {
    if (line === "jamo") {
      this.jamo = true;
      return;
    }
    const [source, ...targets] = line.split(" ");
    if (source.includes("+")) {
      const [from, to] = [source.split("+"), targets].map((points) =>
        String.fromCodePoint(...points.map((point) => parseInt(point, 16))),
      );
      this.sequences.set(from, to);
      return;
    }
    const [, start, end, step] = /^([0-9A-F]+)(?:-([0-9A-F]+))?(?:\/(2))?$/.exec(source);
    const first = parseInt(start, 16);
    const last = end ? parseInt(end, 16) : first;
    if (targets.length === 1 && RULES.has(targets[0])) {
      this.ranges.push({ first, last, rule: targets[0] });
      return;
    }
    for (let point = first; point <= last; point += Number(step ?? 1)) {
      const parts = targets.map((t) => (t === "_" ? " " : String.fromCodePoint(parseInt(t, 16) + point - first)));
      this.images.set(point, parts.join(""));
    }
  }

  #find(point, character) {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ranges[middle].first <= point) low = middle + 1;
      else high = middle;
    }
    const range = this.ranges[low - 1];
    const image = range && point <= range.last ? applyRule(range.rule, point, character) : character;
    if (this.images.size < REMEMBERED) this.images.set(point, image);
    return image;
  }
}

function applyRule(rule, point, character) {
  if (rule === "-") return "";
  if (rule === "_") return " ";
  if (rule === "|") return ` ${character} `;
  const index = point - 0xac00; // the arithmetic of Hangul syllables, Unicode chapter 3.12
  const tail = index % 28;
  const lead = 0x1100 + Math.floor(index / 588);
  const vowel = 0x1161 + Math.floor((index % 588) / 28);
  return String.fromCodePoint(lead, vowel) + (tail ? String.fromCodePoint(0x11a7 + tail) : "");
}

/** Length and syllable of the jamo that a text begins with, by the same arithmetic. */
function composed(first, second, third = 0) {
  const isOf = ([from, until], point) => from <= point && point < until;
  if (isOf(LEADS, first) && isOf(VOWELS, second)) {
    const syllable = 0xac00 + ((first - 0x1100) * 21 + second - 0x1161) * 28;
    const [length, tail] = isOf(TAILS, third) ? [3, third - 0x11a7] : [2, 0];
    return [length, String.fromCodePoint(syllable + tail)];
  }
  if (isOf(SYLLABLES, first) && (first - 0xac00) % 28 === 0 && isOf(TAILS, second)) {
    return [2, String.fromCodePoint(first + second - 0x11a7)];
  }
  return null;
}
