/**
 * Takes a bundle apart: `<flatbuffer><zip of manifest.json, labels.txt, vocab.txt>`, stored without compression, with
 * a SHA-256 over everything before it in the archive's comment. Of a Unigram tokenizer, `pieces.tsv` takes the place of
 * `vocab.txt`. See docs/edge.md.
 */

import { BundleError } from "./errors.js";
import { textOf } from "./manifest.js";
import { targetOf } from "./targets/kinds.js";
import { kindOf } from "./tokenizer/kinds.js";

const FORMAT_VERSIONS = [1, 2];

/**
 * @param {ArrayBuffer} content the whole file
 * @returns {Promise<{manifest: object, text: object | null, inputs: object[], target: object, vocabulary: string[],
 *   content: Uint8Array}>} `text` and `inputs` as in a manifest of format 2, whichever the bundle is of; `text` is null
 *   where the model reads none
 * @throws {BundleError}
 */
export async function readBundle(content) {
  const bytes = new Uint8Array(content);
  const { end, version } = await checkSeal(bytes);
  const { model, files } = readZip(bytes, end);
  if (!files.has("manifest.json")) throw new BundleError("the bundle has no manifest.json");
  const manifest = JSON.parse(text(files.get("manifest.json")));
  if (manifest.format_version !== version) {
    throw new BundleError(`the manifest is of format version ${manifest.format_version}, the seal of ${version}`);
  }
  const ofText = textOf(manifest);
  const { member } = kindOf(ofText?.tokenizer);
  const [held, wanted] = [[...files.keys()], ["manifest.json", "labels.txt", member]].map((names) => names.join(", "));
  if (held !== wanted) throw new BundleError(`the bundle holds ${held}, it should hold ${wanted}`);
  const parts = { tflite: model, vocabulary: files.get(member), labels: files.get("labels.txt") };
  for (const [name, part] of Object.entries(parts)) {
    if ((await sha256(part)) !== manifest.digests[name]) {
      throw new BundleError(`the ${name} is not the one of the manifest`);
    }
  }
  const vocabulary = text(files.get(member)).split("\n").slice(0, -1);
  const inputs = manifest.inputs ?? [];
  return { manifest, text: ofText, inputs, target: targetOf(manifest), vocabulary, content: bytes };
}

/**
 * @param {BufferSource} part
 * @returns {Promise<string>} its SHA-256 in hexadecimal
 */
export async function sha256(part) {
  if (!globalThis.crypto?.subtle) {
    throw new BundleError("the browser checks digests only on https:// pages and on localhost");
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", part));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Checks the digest at the end; returns where the archive's comment begins, and the format's version. */
async function checkSeal(bytes) {
  if (latin(bytes.subarray(4, 8)) !== "TFL3") throw new BundleError("not a TFLite model");
  const seal = /edgeline-bundle\/(\d{1,9}) sha256:([0-9a-f]{64})$/.exec(latin(bytes.subarray(-128)));
  if (!seal) throw new BundleError("a TFLite model, but no bundle, or cut off");
  const version = Number(seal[1]);
  if (!FORMAT_VERSIONS.includes(version)) {
    throw new BundleError(`format version ${version}, this page reads ${FORMAT_VERSIONS.join(" and ")}`);
  }
  const end = bytes.length - seal[0].length;
  if ((await sha256(bytes.subarray(0, end))) !== seal[2]) throw new BundleError("the bundle was altered or damaged");
  return { end, version };
}

function readZip(bytes, end) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const files = new Map();
  let modelEnd = end;
  try {
    const directory = end - 22; // the fixed part of the end record
    if (view.getUint32(directory, true) !== 0x06054b50) throw new BundleError("the zip directory is missing");
    let position = view.getUint32(directory + 16, true);
    for (let left = view.getUint16(directory + 10, true); left > 0; left -= 1) {
      const isEntry = view.getUint32(position, true) === 0x02014b50;
      const isStored = view.getUint16(position + 10, true) === 0;
      if (!isEntry || !isStored) throw new BundleError("a zip entry is not valid");
      const size = view.getUint32(position + 24, true);
      const nameLength = view.getUint16(position + 28, true);
      const offset = view.getUint32(position + 42, true);
      const start = offset + 30 + nameLength;
      if (start + size > directory) throw new BundleError("a zip entry reaches beyond the file");
      files.set(latin(bytes.subarray(position + 46, position + 46 + nameLength)), bytes.subarray(start, start + size));
      modelEnd = Math.min(modelEnd, offset);
      position += 46 + nameLength;
    }
  } catch (error) {
    if (error instanceof RangeError) throw new BundleError("the zip directory cannot be read");
    throw error;
  }
  return { model: bytes.subarray(0, modelEnd), files };
}

function latin(bytes) {
  return String.fromCharCode(...bytes);
}

function text(bytes) {
  // Without ignoreBOM, a first token that begins with U+FEFF would lose it.
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
