/**
 * Ids of texts by the page's tokenizer, in Node.js, and how much of the processor's time they take, for
 * `edge/tools/compare_readers.py`: `node test/tokenize.mjs BUNDLE DATA TEXTS IDS ROUNDS`. TEXTS is the JSON of a list;
 * the microseconds a text, of the best of the rounds, go to stdout.
 */

import { readFile, writeFile } from "node:fs/promises";

import { readBundle } from "../src/bundle.js";
import { Normalization } from "../src/normalization.js";
import { kindOf, tableFile } from "../src/tokenizer/kinds.js";

const [path, data, textsPath, idsPath, rounds] = process.argv.slice(2);
const { text, vocabulary } = await readBundle(new Uint8Array(await readFile(path)).buffer);
const rules = await readFile(`${data}/${tableFile(text.normalization)}`, "utf8");
const { Tokenizer } = kindOf(text.tokenizer);
const tokenizer = new Tokenizer(vocabulary, text.sequence_length, new Normalization(rules));
const texts = JSON.parse(await readFile(textsPath, "utf8"));

let best = Infinity;
let ids = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const started = process.cpuUsage();
  ids = texts.map((one) => tokenizer.encode(one)[0].tokenIds);
  const { user, system } = process.cpuUsage(started);
  best = Math.min(best, (user + system) / texts.length);
}
await writeFile(idsPath, JSON.stringify(ids.map((row) => Array.from(row))));
console.log(best);
