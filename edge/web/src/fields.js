/** The page's fields: one for each input beside the text, by its kind. An empty one is none of the record's. */

const SHOWN_VALUES = 1000; // of a category; any other may be typed

/**
 * @param {{column: string, values?: string[]}[]} table the inputs; a category has `values`
 * @returns {{elements: HTMLElement[], read: () => Record<string, unknown>}} what to show, and what it holds as a record
 */
export function makeFields(table) {
  const made = table.map((part, index) => (part.values ? categoryField : numberField)(part, `field-${index}`));
  return {
    elements: made.map(({ element }) => element),
    read: () => Object.fromEntries(table.map((part, index) => [part.column, made[index].value()])),
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

function inputOf(attributes) {
  return Object.assign(document.createElement("input"), { placeholder: "none", ...attributes });
}

function labelled(text, input, ...more) {
  const label = Object.assign(document.createElement("label"), { htmlFor: input.id, textContent: text });
  const row = document.createElement("p");
  row.append(label, " ", input, ...more);
  return row;
}
