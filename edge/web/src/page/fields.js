/** The page's fields: one for each input beside the text, by its kind. An empty one is none of the record's. */

import { pictureOf } from "../picture/file.js";

const SHOWN_VALUES = 1000; // of a category; any other may be typed
const MAKERS = {
  number: numberField,
  category: categoryField,
  time: timeField,
  vector: vectorField,
  image: imageField,
};

/**
 * @param {{kind: string, column: string}[]} table the inputs, as `tableOf` makes them
 * @returns {{elements: HTMLElement[], read: () => Promise<Record<string, unknown>>}} what to show, and what it holds as
 *   a record
 */
export function makeFields(table) {
  const made = table.map((part, index) => MAKERS[part.kind](part, `field-${index}`));
  return {
    elements: made.map(({ element }) => element),
    read: async () => {
      const values = await Promise.all(made.map(({ value }) => value()));
      return Object.fromEntries(table.map((part, index) => [part.column, values[index]]));
    },
  };
}

function numberField({ column }, id) {
  const input = inputOf({ id, type: "number", step: "any" });
  return {
    element: labelled(column, input),
    value: () => {
      if (input.validity.badInput) throw new TypeError(`${column} is not a number`);
      return input.value === "" ? null : input.valueAsNumber;
    },
  };
}

function categoryField({ column, values }, id) {
  const list = Object.assign(document.createElement("datalist"), { id: `${id}-values` });
  list.append(...values.slice(0, SHOWN_VALUES).map((value) => Object.assign(new Option(), { value })));
  const input = inputOf({ id, type: "text" });
  input.setAttribute("list", list.id);
  return { element: labelled(column, input, list), value: () => input.value || null };
}

/** A date and a time of day as the clock of the input has it; where that is UTC, the field says so. */
function timeField({ column, isLocal }, id) {
  const input = inputOf({ id, type: "datetime-local", step: 1 });
  const zone = isLocal ? "" : Object.assign(document.createElement("span"), { textContent: "UTC" });
  return {
    element: labelled(column, input, zone),
    value: () => {
      if (input.validity.badInput) throw new TypeError(`${column} is not a whole date and time`);
      return input.value || null;
    },
  };
}

function vectorField({ column, steps, channels }, id) {
  const count = steps > 1 ? `${steps} × ${channels} numbers` : `${channels} numbers`;
  const input = inputOf({ id, type: "text", placeholder: `none, or ${count}: 0.5 null 2 …` });
  return { element: labelled(column, input), value: () => input.value || null };
}

/** A file, chosen or dropped, and beside it what the model sees of it. */
function imageField(part, id) {
  const { column, height, width } = part;
  const input = inputOf({ id, type: "file", accept: "image/png,image/jpeg" });
  const canvas = Object.assign(document.createElement("canvas"), { width, height, hidden: true });
  let read = { file: null, picture: null };
  return {
    element: labelled(column, input, canvas),
    value: async () => {
      const file = input.files[0] ?? null;
      if (read.file !== file) {
        canvas.hidden = true;
        read = { file, picture: file && (await pictureOf(file)) };
        if (file) show(canvas, part.encode(read.picture)[part.tensor]);
      }
      return read.picture;
    },
  };
}

/** Draws what a model takes, grey or in colours. */
function show(canvas, pixels) {
  const { width, height } = canvas;
  const channels = pixels.length / (width * height);
  const image = new ImageData(width, height);
  image.data.forEach((_, at) => {
    const channel = at % 4;
    image.data[at] = channel === 3 ? 255 : pixels[Math.floor(at / 4) * channels + (channels === 1 ? 0 : channel)];
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.hidden = false;
}

function inputOf(attributes) {
  return Object.assign(document.createElement("input"), { placeholder: "none", ...attributes });
}

function labelled(text, input, ...more) {
  const label = Object.assign(document.createElement("label"), { htmlFor: input.id, textContent: text });
  const row = document.createElement("p");
  row.append(label, " ", input, ...more);
  return row;
}
