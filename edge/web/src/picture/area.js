/**
 * Pixels as a model takes them, in whole numbers alone, so that every device makes the same bytes of the same pixels: a
 * pixel of the result is the mean of what it covers, halves rounded up.
 */

/** A side and all pixels of a picture, and a side of the result, at most. */
export const MOST_SIDE = 10_000;
export const MOST_PIXELS = 25_000_000;
export const LARGEST_SIZE = 512;
const GREY = [299, 587, 114]; // thousandths of red, green and blue, as ITU-R BT.601 has them

/**
 * @param {{width: number, height: number, data: Uint8Array | Uint8ClampedArray}} picture
 * @param {string} where how a message calls it
 * @returns the picture
 * @throws {TypeError | RangeError} it is none that can be used
 */
export function checked(picture, where) {
  const { width, height, data } = picture;
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new TypeError(`${where}: the pixels must be bytes, 0 to 255, in a Uint8Array or a Uint8ClampedArray`);
  }
  checkSize(width, height, where);
  if (![1, 3, 4].includes(data.length / (width * height))) {
    throw new RangeError(`${where}: ${data.length} bytes are no picture of ${width} × ${height} pixels of 1, 3 or 4`);
  }
  return picture;
}

/** @throws {RangeError} a picture of this size is empty or too large */
export function checkSize(width, height, where) {
  const isSide = (side) => Number.isInteger(side) && side > 0 && side <= MOST_SIDE;
  if (!isSide(width) || !isSide(height) || width * height > MOST_PIXELS) {
    throw new RangeError(`${where}: a picture of ${width} × ${height} pixels is empty or too large`);
  }
}

/**
 * @param {{width: number, height: number, data: Uint8Array | Uint8ClampedArray}} picture of 1, 3 or 4 channels; the
 *   fourth, transparency, is left away
 * @param {number} height of the result, at most `LARGEST_SIZE`
 * @param {number} width likewise
 * @param {number} channels 1 for grey, 3 for colours
 * @returns {Uint8Array} `[height, width, channels]`
 */
export function fitted(picture, height, width, channels) {
  const area = picture.width * picture.height;
  const given = picture.data.length / area;
  const made = new Uint8Array(height * width * channels);
  const [rows, columns] = [cells(picture.height, height), cells(picture.width, width)];
  rows.forEach((row, y) => {
    const sums = new Float64Array(picture.width * channels); // exact: below 2 ** 53
    for (const [source, share] of row) addRow(sums, picture, given, source, share);
    columns.forEach((column, x) => {
      for (let channel = 0; channel < channels; channel += 1) {
        let sum = 0;
        for (const [source, share] of column) sum += share * sums[source * channels + channel];
        made[(y * width + x) * channels + channel] = Math.floor((sum + Math.floor(area / 2)) / area);
      }
    });
  });
  return made;
}

/** For each of `size` equal cells of `count` values: the values that it covers, and how much of each, in 1/size. */
function cells(count, size) {
  return Array.from({ length: size }, (_, cell) => {
    const [begin, end] = [cell * count, (cell + 1) * count];
    const covered = [];
    for (let source = Math.floor(begin / size); source * size < end; source += 1) {
      covered.push([source, Math.min((source + 1) * size, end) - Math.max(source * size, begin)]);
    }
    return covered;
  });
}

/** Adds a share of a row of pixels, in the channels that are wanted. */
function addRow(sums, { width, data }, given, row, share) {
  const channels = sums.length / width;
  for (let x = 0; x < width; x += 1) {
    const at = (row * width + x) * given;
    if (channels === 1) {
      sums[x] += share * (given === 1 ? data[at] : grey(data[at], data[at + 1], data[at + 2]));
    } else {
      const step = given === 1 ? 0 : 1;
      for (let channel = 0; channel < 3; channel += 1) sums[3 * x + channel] += share * data[at + step * channel];
    }
  }
}

function grey(red, green, blue) {
  return Math.floor((red * GREY[0] + green * GREY[1] + blue * GREY[2] + 500) / 1000);
}
