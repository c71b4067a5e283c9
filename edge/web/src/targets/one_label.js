/** One label: the most probable one, or of two the one that a threshold gives. */

import { BundleError } from "../errors.js";

export class OneLabel {
  static kind = "one_label";
  static output = "probabilities";
  static decidedBy = ["label", "threshold"];

  /**
   * @param {object} section the manifest's `target`
   * @param {string[]} labels in the order of the model's output
   * @param {{label: string, threshold: number} | undefined} decision the manifest's, about one of two labels
   */
  constructor(section, labels, decision) {
    this.labels = labels;
    this.decision = decision;
    if (decision && (labels.length !== 2 || !labels.includes(decision.label))) {
      const told = labels.join(", ");
      throw new BundleError(`the decision is about ${decision.label} of two labels, the labels are ${told}`);
    }
  }

  /**
   * @param {number[]} scores of each label
   * @returns {{label: string, score: number, scores: Record<string, number>}}
   */
  answer(scores) {
    const best = decide(scores, this.labels, this.decision);
    const named = Object.fromEntries(this.labels.map((label, index) => [label, scores[index]]));
    return { label: this.labels[best], score: scores[best], scores: named };
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
