/** The kinds of target that this page answers, one file each, and that of a bundle. */

import { BundleError } from "../errors.js";
import { ManyLabels } from "./many_labels.js";
import { NumberTarget } from "./number.js";
import { OneLabel } from "./one_label.js";

const KINDS = Object.fromEntries([OneLabel, ManyLabels, NumberTarget].map((Kind) => [Kind.kind, Kind]));

/**
 * @param {object} manifest of format 1, which has labels alone, or of format 2
 * @returns {{kind: string, output: string, labels: string[], answer: (outputs: number[]) => object}} `output` is what
 *   the model's output is called, and `answer` makes of it what `Classifier.predict` returns
 * @throws {BundleError} the kind is unknown here, or the manifest contradicts it
 */
export function targetOf(manifest) {
  const { target = { kind: OneLabel.kind, output: OneLabel.output, labels: manifest.labels }, decision } = manifest;
  const known = Object.keys(KINDS).join(", ");
  if (!Object.hasOwn(KINDS, target.kind)) {
    throw new BundleError(`a target of kind ${target.kind}, this page answers ${known}; use edgeline_edge`);
  }
  const Kind = KINDS[target.kind];
  if (target.output !== Kind.output) {
    throw new BundleError(`the target's output is ${target.output}; of kind ${target.kind} it is ${Kind.output}`);
  }
  const decided = Object.keys(decision ?? {}).sort().join(", ");
  if (decision && decided !== Kind.decidedBy.join(", ")) {
    const wanted = Kind.decidedBy.join(", ");
    throw new BundleError(`the decision has ${decided}; of a target of kind ${target.kind} it has ${wanted}`);
  }
  const { kind, output } = Kind;
  const found = new Kind(target, target.labels ?? [], decision);
  return Object.assign(found, { kind, output });
}
