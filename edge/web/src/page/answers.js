/** The page's answers: what is said in large, and the lines of the table below it, by the kind of target. */

const DIGITS = 6; // of a number that is answered
const SHOWN = {
  one_label: ({ label, scores }) => ({ told: label, lines: Object.entries(scores).map((line) => lineOf(...line)) }),
  many_labels: ({ labels, scores, thresholds }) => ({
    told: labels.join(", ") || "none of the labels",
    lines: Object.entries(scores).map(([label, score]) => lineOf(label, score, thresholds[label], labels)),
  }),
  number: ({ number, low, high }) => ({
    told: rounded(number),
    lines: low === null ? [] : [textLine("interval", `${rounded(low)} to ${rounded(high)}`)],
  }),
};

/**
 * @param {string} kind of the target
 * @param {object} answer as `Classifier.predict` returns it
 * @returns {{told: string, lines: HTMLElement[]}}
 */
export function shown(kind, answer) {
  return SHOWN[kind](answer);
}

function rounded(number) {
  return String(Number(number.toPrecision(DIGITS)));
}

/** A label with its score; where it has a threshold, that as well, and whether it is answered. */
function lineOf(label, score, threshold, answered = []) {
  const meter = Object.assign(document.createElement("meter"), { min: 0, max: 1, value: score });
  const bar = document.createElement("td");
  bar.append(meter);
  const number = Object.assign(document.createElement("td"), { textContent: score.toFixed(4) });
  const line = document.createElement("tr");
  line.append(headOf(label), bar, number);
  if (threshold !== undefined) {
    number.append(Object.assign(document.createElement("small"), { textContent: ` from ${threshold.toFixed(4)} on` }));
    line.classList.toggle("answered", answered.includes(label));
  }
  return line;
}

function textLine(name, text) {
  const line = document.createElement("tr");
  line.append(headOf(name), Object.assign(document.createElement("td"), { textContent: text }));
  return line;
}

function headOf(name) {
  return Object.assign(document.createElement("th"), { scope: "row", textContent: name });
}
