/** A time: its places in the day, the week and the year, in whole numbers, then their sine and cosine. */

import { BundleError } from "../errors.js";
import { needed, tensorsOf, typeName } from "./sections.js";

const PLACES = { hour_of_day: 1440, day_of_week: 7, day_of_year: 366 };
const DAY = 86_400;
// Blanks and digits are those of ASCII, as everywhere else that reads a time.
const ISO = new RegExp(
  "^[ \\t-\\r]*([0-9]{4})-([0-9]{2})-([0-9]{2})" +
    "(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?" +
    "[ \\t-\\r]*(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2})|[+-]00)?)?[ \\t-\\r]*$",
);
const SECONDS = /^[ \t-\r]*([0-9]{9,11})(?:\.[0-9]+)?[ \t-\r]*$/;

export class TimeInput {
  constructor(section) {
    this.kind = section.kind;
    this.column = section.column;
    [this.tensor] = tensorsOf(section);
    this.cycles = needed(section, "cycles");
    this.isLocal = needed(section, "clock") === "local";
    const unknown = this.cycles.find((name) => !Object.hasOwn(PLACES, name));
    if (unknown !== undefined) throw new BundleError(`the input ${section.name} of kind time has the cycle ${unknown}`);
    this.signature = { [this.tensor]: { dtype: "float32", shape: [1, 2 * this.cycles.length + 1] } };
  }

  /**
   * @param {string | number | bigint | null | undefined} value a date of ISO 8601 with or without a time of day, or
   *   seconds since 1970
   * @throws {TypeError | RangeError} it is of another type, or no time
   */
  encode(value) {
    const text = this.#text(value);
    if (text === "") return { [this.tensor]: Float32Array.of(...this.cycles.flatMap(() => [0, 0]), 1) };
    const places = placesOf(this.#seconds(text));
    const found = this.cycles.flatMap((name) => {
      const angle = (2 * Math.PI * places[name]) / PLACES[name];
      return [Math.sin(angle), Math.cos(angle)];
    });
    return { [this.tensor]: Float32Array.of(...found, 0) };
  }

  /** A value as a cell of a file has it, empty where there is none. */
  #text(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "";
    if (typeof value === "number") return String(Math.trunc(value));
    if (typeof value === "string" || typeof value === "bigint") return String(value);
    throw new TypeError(`${this.column} must be a time or null, is ${typeName(value)}`);
  }

  /** Seconds since 1970. */
  #seconds(text) {
    const whole = SECONDS.exec(text);
    if (whole) return Number(whole[1]);
    const found = ISO.exec(text) ?? [];
    const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0));
    const [hours, minutes] = [found[8], found[9]].map((part) => Number(part ?? 0));
    const days = daysOf(year, month, day);
    const isOff = hour > 23 || minute > 59 || second > 60 || hours > 23 || minutes > 59;
    if (days === null || isOff) {
      throw new RangeError(
        `${this.column} is ${JSON.stringify(text.slice(0, 60))}, which is no time: an ISO 8601 date such as ` +
          "2024-05-03 or 2024-05-03T14:30:00+02:00, or seconds since 1970 (9 to 11 digits)",
      );
    }
    const offset = (hours * 60 + minutes) * 60 * (found[7] === "-" ? -1 : 1);
    return days * DAY + hour * 3600 + minute * 60 + second - (this.isLocal ? 0 : offset);
  }
}

/** Days since 1970; null where there is no such day, or the year is beyond 1000 to 9998. */
function daysOf(year, month, day) {
  if (!(year >= 1000 && year <= 9998)) return null;
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() / (DAY * 1000) : null;
}

function placesOf(seconds) {
  const days = Math.floor(seconds / DAY);
  const year = new Date(days * DAY * 1000);
  year.setUTCMonth(0, 1);
  return {
    hour_of_day: Math.floor((seconds - days * DAY) / 60),
    day_of_week: (((days + 3) % 7) + 7) % 7,
    day_of_year: days - year.getTime() / (DAY * 1000),
  };
}
