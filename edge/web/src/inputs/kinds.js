/**
 * What a device does before the model with the columns beside the text, as the Python package's `inputs` and Transform
 * do it: number by number the same. One file a kind; each has
 *
 * - `kind`, and `column`, the field of a record that it reads,
 * - `signature`: of each of its tensors the dtype and shape that the model must take,
 * - `encode(value)`: these tensors of a value, by name.
 */

import { BundleError } from "../errors.js";
import { CategoryInput } from "./category.js";
import { ImageInput } from "./image.js";
import { NumberInput } from "./number.js";
import { TimeInput } from "./time.js";
import { VectorInput } from "./vector.js";

const KINDS = { number: NumberInput, category: CategoryInput, time: TimeInput, vector: VectorInput, image: ImageInput };

/**
 * @param {object[]} sections the manifest's `inputs`
 * @param {object} signature the manifest's
 * @returns {(NumberInput | CategoryInput | TimeInput | VectorInput | ImageInput)[]} those beside the text
 * @throws {BundleError} a kind is unknown here, or a section lacks something or contradicts the signature
 */
export function tableOf(sections, signature) {
  const table = sections.filter(({ kind }) => kind !== "text").map((section) => {
    const Kind = Object.hasOwn(KINDS, section.kind) ? KINDS[section.kind] : null;
    if (!Kind) {
      const known = ["text", ...Object.keys(KINDS)].join(", ");
      throw new BundleError(`the input ${section.name} is of kind ${section.kind}, this page knows ${known}`);
    }
    return new Kind(section);
  });
  for (const what of ["name", "column"]) {
    const names = sections.map((section) => section[what]);
    if (new Set(names).size < names.length) throw new BundleError(`two inputs have one ${what}: ${names.join(", ")}`);
  }
  const [taken, given] = [Object.keys(signature.inputs), sections.flatMap(({ tensors }) => tensors)].map((names) =>
    names.sort().join(", "),
  );
  if (sections.length > 0 && taken !== given) {
    throw new BundleError(`the model takes ${taken}, the inputs give ${given}`);
  }
  for (const [tensor, wanted] of table.flatMap((part) => Object.entries(part.signature))) {
    const said = signature.inputs[tensor];
    if (said.dtype !== wanted.dtype || String(said.shape) !== String(wanted.shape)) {
      const [is, must] = [said, wanted].map(({ dtype, shape }) => `${dtype} [${shape}]`);
      throw new BundleError(`the model's input ${tensor} must be ${must}, is ${is}`);
    }
  }
  return table;
}
