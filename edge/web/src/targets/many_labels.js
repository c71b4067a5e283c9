/** Several labels, or none: each from a score of its own on. */

import { BundleError } from "../errors.js";

const HALF = 0.5; // of a bundle that has no thresholds yet

export class ManyLabels {
  static kind = "many_labels";
  static output = "probabilities";
  static decidedBy = ["thresholds"];

  /**
   * @param {object} section the manifest's `target`
   * @param {string[]} labels in the order of the model's output
   * @param {{thresholds: Record<string, number>} | undefined} decision the manifest's, with one for each label
   */
  constructor(section, labels, decision) {
    this.labels = labels;
    const said = decision?.thresholds ?? Object.fromEntries(labels.map((label) => [label, HALF]));
    const isOf = (name) => Object.hasOwn(said, name) && labels.includes(name);
    const other = [...Object.keys(said), ...labels].find((name) => !isOf(name));
    if (other !== undefined) {
      throw new BundleError(`the decision has no threshold for each label and none else: ${other}`);
    }
    this.thresholds = Object.fromEntries(labels.map((label) => [label, Math.fround(said[label])]));
  }

  /**
   * @param {number[]} scores of each label
   * @returns {{labels: string[], scores: Record<string, number>, thresholds: Record<string, number>}} the labels whose
   *   score is their threshold or more, both as float32, in the model's order
   */
  answer(scores) {
    const reached = this.labels.filter((label, index) => Math.fround(scores[index]) >= this.thresholds[label]);
    const named = Object.fromEntries(this.labels.map((label, index) => [label, scores[index]]));
    return { labels: reached, scores: named, thresholds: { ...this.thresholds } };
  }
}
