/**
 * What the page's sources make of bundles and records, in Node.js and without a model, for a comparison with the Python
 * package: `node test/encode.mjs QUESTIONS.json`, answers as JSON on stdout.
 *
 * Questions are `{"data": FOLDER, "bundles": {name: path}, "records": {name: [record, ...]}}`; an answer is one row a
 * record: the ids and masks of its windows and the tensors of its other fields, or the error's message; for a bundle
 * that is refused, the reason. JSON has no numbers such as Infinity: `{"float": "Infinity"}` stands for one.
 */

import { readFile } from "node:fs/promises";

import { readBundle } from "../src/bundle.js";
import { Classifier } from "../src/classifier.js";
import { tableOf } from "../src/inputs.js";
import { Normalization } from "../src/normalization.js";
import { kindOf, tableFile } from "../src/tokenizer/kinds.js";

const { data, bundles, records } = JSON.parse(await readFile(process.argv[2], "utf8"), (_, value) =>
  value?.float ? Number(value.float) : value,
);
const answers = {};
for (const [name, path] of Object.entries(bundles)) {
  try {
    const bundle = await readBundle(new Uint8Array(await readFile(path)).buffer);
    const table = tableOf(bundle.inputs, bundle.manifest.signature);
    const rules = await readFile(`${data}/${tableFile(bundle.text.normalization)}`, "utf8");
    const { Tokenizer } = kindOf(bundle.text.tokenizer);
    const tokenizer = new Tokenizer(bundle.vocabulary, bundle.text.sequence_length, new Normalization(rules));
    const classifier = new Classifier(bundle, table, tokenizer, null);
    answers[name] = (records[name] ?? []).map((record) => encoded(classifier, record));
  } catch (error) {
    answers[name] = `${error.name}: ${error.message}`;
  }
}
console.log(JSON.stringify(answers));

function encoded(classifier, record) {
  try {
    const [text, others] = classifier.parts(record);
    const { long_text: longText, max_windows: maxWindows } = classifier.text;
    const rows = classifier.tokenizer.encode(text, longText, maxWindows);
    const [ids, mask] = ["tokenIds", "paddingMask"].map((part) => rows.map((row) => [...row[part]]));
    const tensors = Object.entries(others).map(([tensor, values]) => [tensor, [...values]]);
    return { ids, mask, ...Object.fromEntries(tensors) };
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}
