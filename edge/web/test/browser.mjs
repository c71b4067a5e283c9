/**
 * Asks the built page in headless Chromium, for a comparison with the Python package:
 * `node test/browser.mjs FOLDER QUESTIONS.json`, answers as JSON on stdout.
 *
 * Questions are `{"texts": [...], "tokenize": [...], "cuts": [[longText, maxWindows], ...], "damaged": base64,
 * "decide": [[scores, labels, decision], ...], "offers": {"path": bundle of records, "records": [...], "typed":
 * {"text": ..., "fields": [...]}}, "pieces": {"path": bundle with a table of pieces, "texts": [...]}, "others": [{"path":
 * bundle, "asked": [{"text": ..., "fields": [...]}, ...]}, ...]}`: `typed` and `asked` are what a visitor types into the
 * page's fields, in their order; of a picture, the path of a file.
 */

import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

import { serve } from "../serve.mjs";

const [folder, questionsPath] = process.argv.slice(2);
const questions = JSON.parse(await readFile(questionsPath, "utf8"));
const { path: offersPath, records, typed } = questions.offers;
const server = await serve(folder, 0);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: [
    "--no-sandbox", // containers run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  const page = await browser.newPage();
  const problems = [];
  const foreign = [];
  const home = `http://127.0.0.1:${server.address().port}/`;
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    // LiteRT.js writes its log to stderr, which the browser shows as errors.
    if (message.type() === "error" && !/^(INFO|WARNING): /.test(message.text())) problems.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(home) && !/^(data|blob):/.test(request.url())) foreign.push(request.url());
  });
  await page.goto(home);
  await page.waitForFunction(() => window.edgeline !== undefined, null, { timeout: 60_000 });
  const answers = await page.evaluate(async ({ texts, tokenize, cuts, damaged, decide }) => {
    const { classifier, error } = window.edgeline;
    if (!classifier) return { error };
    const predictions = [];
    for (const text of texts) predictions.push(await classifier.predict(text));
    const rows = (text, cut) =>
      classifier.tokenizer
        .encode(text, ...cut)
        .map(({ tokenIds, paddingMask }) => [Array.from(tokenIds), Array.from(paddingMask)]);
    const ids = cuts.map((cut) => tokenize.map((text) => rows(text, cut)));
    const { Classifier } = await import("./src/classifier.js");
    const target = await import("./src/targets/one_label.js");
    const decided = decide.map((asked) => target.decide(...asked));
    const bytes = Uint8Array.from(atob(damaged), (character) => character.charCodeAt(0));
    const refusal = await Classifier.load(bytes.buffer).then(
      () => null,
      (reason) => `${reason.name}: ${reason.message}`,
    );
    return { predictions, ids, refusal, decided };
  }, questions);
  if (!answers.error) {
    // As a visitor would: type, and read what the page shows.
    await page.fill("#text", questions.texts[0]);
    await page.waitForSelector("#answer:not([hidden])");
    answers.shown = {
      label: await page.textContent("#label"),
      latency: await page.textContent("#latency"),
      rows: await page.locator("#scores tr").count(),
      status: await page.textContent("#status"),
    };
    answers.offers = await askOffers(page);
    answers.pieces = await ask(page, questions.pieces.path, questions.pieces.texts);
    answers.others = [];
    for (const { path, asked } of questions.others) answers.others.push(await visit(page, path, asked));
  }
  console.log(JSON.stringify({ ...answers, problems, foreign }));
} finally {
  await browser.close();
  server.close();
}

/** Loads another bundle as a visitor would, and asks it in the page's own words; what it says to a wrong row. */
async function ask(page, path, rows) {
  await page.evaluate(() => (window.edgeline = null));
  await page.setInputFiles("#file", path);
  await page.waitForFunction(() => window.edgeline);
  return page.evaluate(async (asked) => {
    const { classifier, error } = window.edgeline;
    if (!classifier) return { error };
    const predictions = [];
    for (const row of asked) predictions.push(await classifier.predict(row));
    const problem = await classifier.predict(classifier.takesRecords ? "a text" : 7).catch((reason) => reason.message);
    return { predictions, problem };
  }, rows);
}

/** The bundle of records, also by the page's fields. */
async function askOffers(page) {
  const found = await ask(page, offersPath, records);
  await type(page, typed);
  const labels = await page.locator("#text-label, #fields label").allTextContents();
  await page.waitForFunction(() => !document.getElementById("answer").hidden);
  await page.evaluate(() => window.edgeline.classifier.turn); // the answer to the last key stroke
  await page.waitForTimeout(50);
  return { ...found, labels, scores: await page.locator("#scores td:last-child").allTextContents() };
}

/** Fills in the page's fields as a visitor would. */
async function type(page, { text, fields }) {
  if (text !== undefined) await page.fill("#text", text);
  const inputs = await page.locator("#fields input").all();
  for (const [index, value] of fields.entries()) {
    if ((await inputs[index].getAttribute("type")) === "file") await inputs[index].setInputFiles(value || []);
    else await inputs[index].fill(value);
  }
}

/** A bundle of other inputs or another target: what the page shows to each row that a visitor types. */
async function visit(page, path, asked) {
  await ask(page, path, []);
  const found = [];
  for (const typed of asked) {
    await type(page, typed);
    await page.waitForFunction(() => window.edgeline.isIdle());
    const isAnswered = await page.locator("#answer").isVisible();
    found.push({
      problem: await page.textContent("#problem"),
      told: isAnswered ? await page.textContent("#label") : null,
      lines: isAnswered ? await page.locator("#scores tr").allTextContents() : [],
      answered: await page.locator("#scores tr.answered th").allTextContents(),
      canvases: await page.locator("#fields canvas:visible").count(),
      hasText: await page.locator("#text").isVisible(),
    });
    const folder = process.env.EDGELINE_SCREENSHOTS; // to look at the page
    if (folder) await page.screenshot({ path: `${folder}/${path.split("/").at(-2)}-${found.length}.png` });
  }
  const labels = await page.locator("#fields label").allTextContents();
  return { error: await page.evaluate(() => window.edgeline.error), labels, found };
}
