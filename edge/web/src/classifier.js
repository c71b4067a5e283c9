/** Text or record in, answer out: the browser's counterpart of the Python package's `Classifier`. */

import { readBundle, sha256 } from "./bundle.js";
import { BundleError } from "./errors.js";
import { tableOf } from "./inputs/kinds.js";
import { Normalization } from "./normalization.js";
import { loadRuntime } from "./runtime.js";
import { kindOf, tableFile } from "./tokenizer/kinds.js";

export class Classifier {
  /**
   * @param {ArrayBuffer} content a bundle
   * @returns {Promise<Classifier>}
   * @throws {BundleError} the file is not a bundle that this page can run
   */
  static async load(content) {
    const bundle = await readBundle(content);
    const table = tableOf(bundle.inputs, bundle.manifest.signature);
    const tokenizer = await tokenizerOf(bundle);
    return new Classifier(bundle, table, tokenizer, await loadRuntime(bundle, table));
  }

  constructor(bundle, table, tokenizer, runtime) {
    this.manifest = bundle.manifest;
    this.target = bundle.target;
    /** Names of the answers, in the order of the model's output; none where answers are no names. */
    this.labels = bundle.target.labels;
    /** What is said of the text; null where the model reads none. */
    this.text = bundle.text;
    this.table = table;
    /** The fields of a record; none where a text is the only input and has no name. */
    this.columns = bundle.inputs.map(({ column }) => column);
    this.tokenizer = tokenizer;
    this.runtime = runtime;
    this.turn = Promise.resolve();
  }

  /** Whether `predict` wants records: the model reads more than a text. */
  get takesRecords() {
    return this.table.length > 0;
  }

  /** Whether a record may have no text. */
  get mayLackText() {
    return this.takesRecords && (!this.text || Boolean(this.text.optional));
  }

  /**
   * @param {string | Record<string, unknown>} row a text, or where there are further inputs a record by column, such as
   *   `{text: "good film", price: 3.5, shop: null}`; a field that is missing or null is one that the record has not
   * @returns {Promise<object>} by the bundle's target, `{label, score, scores}` (one label), `{labels, scores,
   *   thresholds}` (several) or `{number, low, high}` (a number, and null without an interval), and `milliseconds`
   * @throws {TypeError | RangeError} what is wrong, by the field's name
   */
  async predict(row) {
    const [text, others] = this.parts(row);
    // One interpreter has one set of buffers: calls take turns.
    const answer = this.turn.then(() => this.#answer(text, others));
    this.turn = answer.catch(() => {});
    return answer;
  }

  /**
   * @param {string | Record<string, unknown>} row as `predict` takes it
   * @returns {[string, Record<string, Float32Array | Int32Array | Uint8Array>]} its text, and the tensors of its other
   *   fields
   * @throws {TypeError | RangeError} what is wrong, by the field's name
   */
  parts(row) {
    const isRecord = typeof row === "object" && row !== null && !Array.isArray(row);
    const fields = this.columns.join(", ");
    if (this.takesRecords && !isRecord) throw new TypeError(`the row must be a record with the fields ${fields}`);
    if (isRecord && this.columns.length > 0) {
      const unknown = Object.keys(row).find((name) => !this.columns.includes(name));
      if (unknown !== undefined) throw new TypeError(`the record has the field ${unknown}; the model reads ${fields}`);
    }
    const others = this.table.map((part) => part.encode(own(row, part.column)));
    return [this.#textOf(row, isRecord), Object.assign({}, ...others)];
  }

  /** Frees the model's memory, once all questions are answered. */
  async close() {
    await this.turn;
    this.runtime.close();
  }

  /**
   * @param {string} text of a row
   * @returns {Record<string, Int32Array>[]} ids and mask of each of its windows; one of neither where no text is read
   */
  windows(text) {
    if (!this.text) return [{}];
    const { long_text: longText, max_windows: maxWindows } = this.text;
    const rows = this.tokenizer.encode(text, longText, maxWindows);
    return rows.map(({ tokenIds, paddingMask }) => ({ token_ids: tokenIds, padding_mask: paddingMask }));
  }

  #textOf(row, isRecord) {
    if (!this.text) return "";
    const text = isRecord && this.columns.length > 0 ? own(row, this.text.column) : row;
    const isNone = text === undefined || text === null || text === "";
    if (isNone ? !this.mayLackText : typeof text !== "string") {
      throw new TypeError(`the ${this.text.column || "text"} must be a string that is not empty`);
    }
    return text ?? "";
  }

  async #answer(text, others) {
    const started = performance.now();
    const { calibration } = this.manifest;
    const given = [];
    for (const window of this.windows(text)) {
      const raw = await this.runtime.run({ ...window, ...others });
      given.push(calibrate(raw, calibration?.temperature ?? 1));
    }
    const answer = this.target.answer(meanOf(given));
    return { ...answer, milliseconds: performance.now() - started };
  }
}

async function tokenizerOf({ text, vocabulary }) {
  if (!text) return null;
  const address = `./vendor/${tableFile(text.normalization)}`;
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  const rules = await response.arrayBuffer();
  if ((await sha256(rules)) !== text.normalization.sha256) {
    const { name, version } = text.normalization;
    throw new BundleError(`the bundle normalises text by ${name} version ${version}, which this page does not know`);
  }
  const { Tokenizer } = kindOf(text.tokenizer);
  return new Tokenizer(vocabulary, text.sequence_length, new Normalization(new TextDecoder().decode(rules)));
}

/** A record's own field: a column may be called `constructor`. */
function own(record, name) {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** The mean of what the model gave to each window, added and divided in float32 as everywhere else. */
export function meanOf(windows) {
  return Array.from(windows[0], (_, index) => {
    const sum = windows.reduce((total, window) => Math.fround(total + Math.fround(window[index])), 0);
    return Math.fround(sum / windows.length);
  });
}

/** Divides the logits by the temperature; up to a constant, logits are the logarithms of the probabilities. */
function calibrate(probabilities, temperature) {
  const values = Array.from(probabilities);
  if (temperature === 1) return values;
  const logits = values.map((value) => Math.log(Math.max(value, 2 ** -126)) / temperature);
  const largest = Math.max(...logits);
  const exponents = logits.map((logit) => Math.exp(logit - largest));
  const sum = exponents.reduce((total, exponent) => total + exponent, 0);
  return exponents.map((exponent) => exponent / sum);
}
