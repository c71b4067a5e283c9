/**
 * What the page's sources make of bundles and records, in Node.js and without a model, for a comparison with the Python
 * package: `node test/encode.mjs QUESTIONS.json`, answers as JSON on stdout.
 *
 * Questions are `{"data": FOLDER, "bundles": {name: path}, "records": {name: [record, ...]}, "outputs": {name: [windows,
 * ...]}}`; an answer is one row a record: the ids and masks of its windows and the tensors of its other fields, or the
 * error's message; of outputs, what the model gave to each window, the answer; for a bundle that is refused, the reason.
 *
 * JSON has neither pictures nor all numbers: `{"height": 2, "width": 1, "pixels": hexadecimal}` stands for a picture,
 * `{"file": hexadecimal}` for one in a file, `{"float": "Infinity"}` for a number.
 */

import { readFile } from "node:fs/promises";

import { readBundle } from "../src/bundle.js";
import { Classifier, meanOf } from "../src/classifier.js";
import { tableOf } from "../src/inputs/kinds.js";
import { Normalization } from "../src/normalization.js";
import { pictureOf } from "../src/picture/file.js";
import { kindOf, tableFile } from "../src/tokenizer/kinds.js";

const questions = JSON.parse(await readFile(process.argv[2], "utf8"), (_, value) => {
  if (typeof value?.float === "string") return Number(value.float);
  if (typeof value?.file === "string") return new Blob([Buffer.from(value.file, "hex")]);
  if (typeof value?.pixels !== "string") return value;
  return { width: value.width, height: value.height, data: new Uint8Array(Buffer.from(value.pixels, "hex")) };
});
const { data, bundles, records, outputs } = questions;
const answers = {};
for (const [name, path] of Object.entries(bundles)) {
  try {
    const bundle = await readBundle(new Uint8Array(await readFile(path)).buffer);
    const table = tableOf(bundle.inputs, bundle.manifest.signature);
    const classifier = new Classifier(bundle, table, await tokenizerOf(bundle), null);
    answers[name] = [];
    for (const record of records[name] ?? []) answers[name].push(await encoded(classifier, record));
    for (const windows of outputs?.[name] ?? []) answers[name].push(classifier.target.answer(meanOf(windows)));
  } catch (error) {
    answers[name] = `${error.name}: ${error.message}`;
  }
}
console.log(JSON.stringify(answers, (_, value) => (Object.is(value, -0) ? { float: "-0" } : value)));

async function tokenizerOf({ text, vocabulary }) {
  if (!text) return null;
  const rules = await readFile(`${data}/${tableFile(text.normalization)}`, "utf8");
  const { Tokenizer } = kindOf(text.tokenizer);
  return new Tokenizer(vocabulary, text.sequence_length, new Normalization(rules));
}

async function encoded(classifier, record) {
  try {
    const [text, others] = classifier.parts(await withPictures(record));
    const tensors = Object.entries(others).map(([tensor, values]) => [tensor, [...values]]);
    if (!classifier.text) return Object.fromEntries(tensors);
    const rows = classifier.windows(text);
    const [ids, mask] = ["token_ids", "padding_mask"].map((part) => rows.map((row) => [...row[part]]));
    return { ids, mask, ...Object.fromEntries(tensors) };
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

/** A record as a page hands it over: files are read before. */
async function withPictures(record) {
  if (typeof record !== "object" || record === null || Array.isArray(record)) return record;
  const read = ([, value]) => (value instanceof Blob ? pictureOf(value) : value);
  const values = await Promise.all(Object.entries(record).map(read));
  return Object.fromEntries(Object.keys(record).map((field, index) => [field, values[index]]));
}
