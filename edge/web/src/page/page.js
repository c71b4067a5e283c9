/** The page: loads a bundle, answers as one types. */

import { Classifier } from "../classifier.js";
import { shown } from "./answers.js";
import { makeFields } from "./fields.js";

const element = (id) => document.getElementById(id);
let classifier = null;
let fields = makeFields([]);
let asked = 0; // rows so far, and the last of them that is answered
let answered = 0;
const times = [];

async function load(content, name) {
  element("status").textContent = `loading ${name} …`;
  element("status").classList.remove("error");
  try {
    const started = performance.now();
    const loaded = await Classifier.load(content);
    await classifier?.close();
    classifier = loaded;
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    const { task, recipe } = classifier.manifest;
    const length = classifier.text ? [`${classifier.text.sequence_length} tokens`] : [];
    const size = `${(content.byteLength / 1e6).toFixed(2)} MB`;
    element("status").textContent = [task, recipe, size, ...length, `loaded in ${seconds} s`].join(" · ");
    element("text-label").textContent = classifier.text?.column || "Text";
    for (const id of ["text-label", "text"]) element(id).hidden = !classifier.text;
    fields = makeFields(classifier.table);
    element("fields").replaceChildren(...fields.elements);
    element("text").disabled = false;
    times.length = 0;
    await answer();
  } catch (error) {
    classifier = null;
    element("text").disabled = true;
    element("fields").replaceChildren();
    element("status").textContent = `${name}: ${error.message}`;
    element("status").classList.add("error");
  }
  // For tests and the console.
  const error = classifier ? null : element("status").textContent;
  window.edgeline = { classifier, error, isIdle: () => answered === asked };
}

/** Answers what is typed in; a later key stroke makes an answer that is under way nobody's. */
async function answer() {
  const turn = ++asked;
  element("problem").textContent = "";
  let prediction = null;
  let problem = "";
  try {
    prediction = await predicted();
  } catch (error) {
    problem = error.message;
  }
  if (turn !== asked) return;
  answered = turn;
  element("problem").textContent = problem;
  element("answer").hidden = !prediction;
  if (prediction) show(prediction);
}

/** The answer to what is typed in; null where there is nothing to ask. */
async function predicted() {
  const text = element("text").value;
  if (!classifier || !(text || classifier.mayLackText)) return null;
  if (!classifier.takesRecords) return classifier.predict(text);
  const own = classifier.text ? { [classifier.text.column]: text } : {};
  return classifier.predict({ ...own, ...(await fields.read()) });
}

function show(prediction) {
  times.push(prediction.milliseconds);
  const median = [...times].sort((a, b) => a - b)[times.length >> 1];
  const { told, lines } = shown(classifier.target.kind, prediction);
  element("label").textContent = told;
  element("latency").textContent =
    `${prediction.milliseconds.toFixed(2)} ms (median of ${times.length}: ${median.toFixed(2)} ms)`;
  element("scores").replaceChildren(...lines);
}

element("text").addEventListener("input", answer);
element("fields").addEventListener("input", answer);
element("file").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (file) await load(await file.arrayBuffer(), file.name);
});

const response = await fetch("./model.tflite");
if (response.ok) await load(await response.arrayBuffer(), "model.tflite");
else element("status").textContent = "choose a bundle (model.tflite)";
