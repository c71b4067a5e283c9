/** A picture: its pixels, resized as Transform resized them, byte by byte; the model scales them itself. */

import { BundleError } from "../errors.js";
import { checked, fitted, LARGEST_SIZE } from "../picture/area.js";
import { needed, tensorsOf, typeName } from "./sections.js";

export class ImageInput {
  constructor(section) {
    this.kind = section.kind;
    this.column = section.column;
    [this.tensor, this.flag] = tensorsOf(section, [1, 2]);
    [this.height, this.width, this.channels] = ["height", "width", "channels"].map((key) => needed(section, key));
    const resize = needed(section, "resize");
    if (resize !== "area") {
      throw new BundleError(`the input ${section.name} is resized by ${resize}, this page knows area`);
    }
    const isSize = (size) => size > 0 && size <= LARGEST_SIZE;
    if (![1, 3].includes(this.channels) || !isSize(this.height) || !isSize(this.width)) {
      const said = [this.height, this.width, this.channels].join(" × ");
      throw new BundleError(`the input ${section.name} is of ${said} pixels`);
    }
    this.signature = { [this.tensor]: { dtype: "uint8", shape: [1, this.height, this.width, this.channels] } };
    if (this.flag) this.signature[this.flag] = { dtype: "float32", shape: [1, 1] };
  }

  /** Whether a record may have no picture. */
  get isOptional() {
    return Boolean(this.flag);
  }

  /**
   * @param {{width: number, height: number, data: Uint8Array | Uint8ClampedArray} | null | undefined | ""} value pixels
   *   of 1, 3 or 4 channels, such as an `ImageData`; `pictureOf` makes them of a file
   * @throws {TypeError | RangeError} it is of another type, is no picture, or is missing where it must not
   */
  encode(value) {
    if (value === null || value === undefined || value === "") {
      if (!this.isOptional) throw new RangeError(`${this.column} is missing, and the model always wants a picture`);
      return this.nothing();
    }
    if (typeof value !== "object" || Array.isArray(value)) {
      throw new TypeError(`${this.column} must be pixels (width, height, data) or null, is ${typeName(value)}`);
    }
    const pixels = fitted(checked(value, this.column), this.height, this.width, this.channels);
    return { [this.tensor]: pixels, ...(this.flag && { [this.flag]: Float32Array.of(1) }) };
  }

  /** The tensors of a record without a picture, zeros; also what a model is tried with that always wants one. */
  nothing() {
    const pixels = new Uint8Array(this.height * this.width * this.channels);
    return { [this.tensor]: pixels, ...(this.flag && { [this.flag]: Float32Array.of(0) }) };
  }
}
