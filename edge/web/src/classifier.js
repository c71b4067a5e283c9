/** Text in, label out: the browser's counterpart of the Python package's `Classifier`. */

import { BundleError, readBundle, sha256 } from "./bundle.js";
import { Normalization } from "./normalization.js";
import { loadRuntime } from "./runtime.js";
import { Tokenizer } from "./tokenizer.js";

const TABLE = "./vendor/normalization-1.txt";

export class Classifier {
  /**
   * @param {ArrayBuffer} content a bundle
   * @returns {Promise<Classifier>}
   * @throws {BundleError} the file is not a bundle that this page can run
   */
  static async load(content) {
    const bundle = await readBundle(content);
    const response = await fetch(TABLE);
    if (!response.ok) throw new Error(`${TABLE}: ${response.status}`);
    const table = await response.arrayBuffer();
    if ((await sha256(table)) !== bundle.manifest.normalization.sha256) {
      const { name, version } = bundle.manifest.normalization;
      throw new BundleError(`the bundle normalises text by ${name} version ${version}, which this page does not know`);
    }
    const normalization = new Normalization(new TextDecoder().decode(table));
    const tokenizer = new Tokenizer(bundle.vocabulary, bundle.manifest.sequence_length, normalization);
    return new Classifier(bundle, tokenizer, await loadRuntime(bundle.content, bundle.manifest.signature));
  }

  constructor(bundle, tokenizer, runtime) {
    this.manifest = bundle.manifest;
    this.labels = bundle.labels;
    this.tokenizer = tokenizer;
    this.runtime = runtime;
    this.turn = Promise.resolve();
  }

  /**
   * @param {string} text
   * @returns {Promise<{label: string, score: number, scores: Record<string, number>, milliseconds: number}>}
   */
  async predict(text) {
    if (typeof text !== "string" || text === "") throw new TypeError("the text must be a string that is not empty");
    // One interpreter has one set of buffers: calls take turns.
    const answer = this.turn.then(() => this.#answer(text));
    this.turn = answer.catch(() => {});
    return answer;
  }

  /** Frees the model's memory, once all questions are answered. */
  async close() {
    await this.turn;
    this.runtime.close();
  }

  async #answer(text) {
    const started = performance.now();
    const { long_text: longText, max_windows: maxWindows, calibration } = this.manifest;
    const windows = [];
    for (const { tokenIds, paddingMask } of this.tokenizer.encode(text, longText, maxWindows)) {
      const raw = await this.runtime.run({ token_ids: tokenIds, padding_mask: paddingMask });
      windows.push(calibrate(raw, calibration?.temperature ?? 1));
    }
    const values = this.labels.map((_, index) => windows.reduce((sum, one) => sum + one[index], 0) / windows.length);
    const milliseconds = performance.now() - started;
    const best = decide(values, this.labels, this.manifest.decision);
    const scores = Object.fromEntries(this.labels.map((label, index) => [label, values[index]]));
    return { label: this.labels[best], score: values[best], scores, milliseconds };
  }
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
