/** A picture's file to pixels: a PNG by `png.js`, byte by byte as in training; a JPEG by the browser. */

import { checkSize } from "./area.js";
import * as png from "./png.js";

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG = [0xff, 0xd8, 0xff];
// Segments of a JPEG that say how large it is: baseline, extended, progressive; and others that decoders may not know.
const USUAL_FRAMES = [0xc0, 0xc1, 0xc2];
const TABLES = [0xc4, 0xc8, 0xcc];
const [JFIF, LAST_OWN, ADOBE, SCAN] = [0xe0, 0xef, 0xee, 0xda];

/**
 * @param {Blob} file a PNG or a JPEG
 * @returns {Promise<{width: number, height: number, data: Uint8Array | Uint8ClampedArray}>}
 * @throws {RangeError} it is no picture that can be used; the message says why
 */
export async function pictureOf(file) {
  const content = new Uint8Array(await file.arrayBuffer());
  const where = file.name ?? "the picture";
  const begins = (magic) => magic.every((byte, index) => content[index] === byte);
  try {
    if (begins(PNG)) {
      const { width, height } = png.headerOf(content);
      checkSize(width, height, "it");
      return await png.decoded(content);
    }
    if (begins(JPEG)) return await byBrowser(plainJpeg(content));
  } catch (error) {
    throw error instanceof RangeError ? new RangeError(`${where} cannot be used: ${error.message}`) : error;
  }
  throw new RangeError(`${where} cannot be used: it is neither a JPEG nor a PNG`);
}

/**
 * A JPEG without what a browser might turn or correct it by: orientation and colour profile are ignored in training.
 *
 * @param {Uint8Array} content
 * @returns {Uint8Array[]} its parts
 * @throws {RangeError} decoders disagree about it, or it is damaged
 */
export function plainJpeg(content) {
  const parts = [content.subarray(0, 2)];
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  let isSized = false;
  for (let at = 2; at + 4 <= content.length && content[at] === 0xff; ) {
    const kind = content[at + 1];
    if (kind === 0xff) {
      at += 1; // filling
      continue;
    }
    if (kind === 0x01 || (kind >= 0xd0 && kind <= 0xd8)) {
      at += 2; // markers that hold nothing
      continue;
    }
    if (kind === SCAN) {
      if (isSized) return [...parts, content.subarray(at)];
      break;
    }
    const end = at + 2 + view.getUint16(at + 2);
    if (kind >= 0xc0 && kind <= 0xcf && !TABLES.includes(kind)) {
      if (content.length < at + 10) break;
      checkFrame(kind, view, at + 4);
      isSized = true;
    }
    const isOwn = kind >= JFIF && kind <= LAST_OWN;
    if (!isOwn || kind === JFIF || kind === ADOBE) parts.push(content.subarray(at, end));
    at = end;
  }
  throw new RangeError("it is damaged: a JPEG that does not say how large it is");
}

function checkFrame(kind, view, at) {
  if (!USUAL_FRAMES.includes(kind)) {
    throw new RangeError("a JPEG that is coded arithmetically or without loss; save it as a usual one");
  }
  const [bits, components] = [view.getUint8(at), view.getUint8(at + 5)];
  const [height, width] = [view.getUint16(at + 1), view.getUint16(at + 3)];
  if (bits !== 8 || ![1, 3].includes(components)) {
    throw new RangeError(`a JPEG with ${components} colours of ${bits} bits; save it as RGB`);
  }
  checkSize(width, height, "it");
}

async function byBrowser(parts) {
  const options = { colorSpaceConversion: "none" };
  const bitmap = await createImageBitmap(new Blob(parts, { type: "image/jpeg" }), options).catch((error) => {
    throw new RangeError(`it is damaged: ${error.message}`);
  });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
