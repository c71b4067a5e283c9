/**
 * What becomes of every code point before WordPiece, read from the table that the Python package uses too
 * (`normalization-1.txt`; its head explains its grammar).
 */

const RULES = new Set(["-", "_", "|", "hangul"]);
const REMEMBERED = 40_000;

export class Normalization {
  /** @param {string} table content of the table's file */
  constructor(table) {
    /** @type {Map<number, string>} */
    this.images = new Map();
    /** @type {{first: number, last: number, rule: string}[]} */
    this.ranges = [];
    for (const line of table.split("\n")) {
      if (line && !line.startsWith("#")) this.#read(line);
    }
    this.ranges.sort((a, b) => a.first - b.first);
  }

  /**
   * @param {string} text any string, lone surrogates included
   * @returns {string} the normalised text; spaces part its words, and nothing else does
   */
  apply(text) {
    let result = "";
    for (const character of text) {
      const point = character.codePointAt(0);
      result += this.images.get(point) ?? this.#find(point, character);
    }
    return result;
  }

  #read(line) {
    const [source, ...targets] = line.split(" ");
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
