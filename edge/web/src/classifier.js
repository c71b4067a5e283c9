/** Text or record in, label out: the browser's counterpart of the Python package's `Classifier`. */

import { readBundle, sha256 } from "./bundle.js";
import { BundleError } from "./errors.js";
import { tableOf } from "./inputs.js";
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
    this.labels = bundle.labels;
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
    return this.takesRecords && Boolean(this.text.optional);
  }

  /**
   * @param {string | Record<string, unknown>} row a text, or where there are further inputs a record by column, such as
   *   `{text: "good film", price: 3.5, shop: null}`; a field that is missing or null is one that the record has not
   * @returns {Promise<{label: string, score: number, scores: Record<string, number>, milliseconds: number}>}
   * @throws {TypeError} what is wrong, by the field's name
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
   * @returns {[string, Record<string, Float32Array | Int32Array>]} its text, and the tensors of its other fields
   * @throws {TypeError} what is wrong, by the field's name
   */
  parts(row) {
    const isRecord = typeof row === "object" && row !== null && !Array.isArray(row);
    const fields = this.columns.join(", ");
    if (this.takesRecords && !isRecord) throw new TypeError(`the row must be a record with the fields ${fields}`);
    if (isRecord && this.columns.length > 0) {
      const unknown = Object.keys(row).find((name) => !this.columns.includes(name));
      if (unknown !== undefined) throw new TypeError(`the record has the field ${unknown}; the model reads ${fields}`);
    }
    const text = isRecord && this.columns.length > 0 ? own(row, this.text.column) : row;
    const isNone = text === undefined || text === null || text === "";
    if (isNone ? !this.mayLackText : typeof text !== "string") {
      throw new TypeError(`the ${this.text.column || "text"} must be a string that is not empty`);
    }
    const others = this.table.map((part) => [part.tensor, part.encode(own(row, part.column))]);
    return [text ?? "", Object.fromEntries(others)];
  }

  /** Frees the model's memory, once all questions are answered. */
  async close() {
    await this.turn;
    this.runtime.close();
  }

  async #answer(text, others) {
    const started = performance.now();
    const { long_text: longText, max_windows: maxWindows } = this.text;
    const { calibration } = this.manifest;
    const windows = [];
    for (const { tokenIds, paddingMask } of this.tokenizer.encode(text, longText, maxWindows)) {
      const raw = await this.runtime.run({ token_ids: tokenIds, padding_mask: paddingMask, ...others });
      windows.push(calibrate(raw, calibration?.temperature ?? 1));
    }
    const values = this.labels.map((_, index) => windows.reduce((sum, one) => sum + one[index], 0) / windows.length);
    const milliseconds = performance.now() - started;
    const best = decide(values, this.labels, this.manifest.decision);
    const scores = Object.fromEntries(this.labels.map((label, index) => [label, values[index]]));
    return { label: this.labels[best], score: values[best], scores, milliseconds };
  }
}

async function tokenizerOf({ text, vocabulary }) {
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

/**
 * Index of the label that is answered: the one with the highest score, or of two what the manifest's threshold says,
 * compared as float32 as everywhere else.
 */
export function decide(values, labels, decision) {
  if (!decision) return values.reduce((winner, value, index) => (value > values[winner] ? index : winner), 0);
  const asked = labels.indexOf(decision.label);
  return Math.fround(values[asked]) >= Math.fround(decision.threshold) ? asked : 1 - asked;
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
