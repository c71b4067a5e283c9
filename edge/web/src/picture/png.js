/**
 * A PNG to pixels, byte by byte as in training. A browser's own decoder would multiply colours by their transparency
 * and correct them by the file's profile; here both are left away, as Transform does.
 */

const NAMES = { 0: "grey", 2: "colours", 3: "palette", 4: "grey and transparency", 6: "colours and transparency" };
const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const DEPTHS = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] };
// Where the seven passes of an interlaced picture begin, and their steps: x, y, x step, y step.
const PASSES = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
const BEGIN = 8; // of the first chunk

/**
 * @param {Uint8Array} content a file that begins as a PNG does
 * @returns {{width: number, height: number, depth: number, colour: number, isInterlaced: boolean}}
 * @throws {RangeError} it has no header that can be read
 */
export function headerOf(content) {
  const view = viewOf(content);
  if (content.length < BEGIN + 25 || name(content, BEGIN + 4) !== "IHDR") {
    throw new RangeError("it is damaged: a PNG without a header");
  }
  const [depth, colour, , , interlace] = content.subarray(BEGIN + 16, BEGIN + 21);
  const [width, height] = [view.getUint32(BEGIN + 8), view.getUint32(BEGIN + 12)];
  return { width, height, depth, colour, isInterlaced: interlace === 1 };
}

/**
 * @param {Uint8Array} content the file
 * @returns {Promise<{width: number, height: number, data: Uint8Array}>} red, green and blue of each pixel
 * @throws {RangeError} it is damaged
 */
export async function decoded(content) {
  const header = headerOf(content);
  const { width, height, depth, colour, isInterlaced } = header;
  if (!DEPTHS[colour]?.includes(depth)) {
    throw new RangeError(`it is damaged: a PNG of ${NAMES[colour] ?? `colours ${colour}`} with ${depth} bits`);
  }
  const { palette, packed } = chunksOf(content);
  if (colour === 3 && palette.length === 0) throw new RangeError("it is damaged: a PNG without its palette");
  const passes = (isInterlaced ? PASSES : [[0, 0, 1, 1]])
    .map(([left, top, across, down]) => {
      const [columns, rows] = [Math.ceil((width - left) / across), Math.ceil((height - top) / down)];
      return { left, top, across, down, columns, rows, bytes: Math.ceil((columns * SAMPLES[colour] * depth) / 8) };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
  const rows = await inflated(packed, passes.reduce((sum, pass) => sum + pass.rows * (pass.bytes + 1), 0));
  const data = new Uint8Array(3 * width * height);
  let at = 0;
  for (const pass of passes) {
    let above = new Uint8Array(pass.bytes);
    for (let row = 0; row < pass.rows; row += 1) {
      const line = unfiltered(rows.subarray(at, at + pass.bytes + 1), above, Math.ceil((SAMPLES[colour] * depth) / 8));
      for (let column = 0; column < pass.columns; column += 1) {
        const to = (pass.top + row * pass.down) * width + pass.left + column * pass.across;
        put(data, 3 * to, line, column, header, palette);
      }
      above = line;
      at += pass.bytes + 1;
    }
  }
  return { width, height, data };
}

/** The palette and the compressed rows; a file that is cut off or altered is none. */
function chunksOf(content) {
  const view = viewOf(content);
  let palette = new Uint8Array(0);
  const packed = [];
  for (let at = BEGIN, kind = ""; kind !== "IEND"; ) {
    if (content.length < at + 12) throw new RangeError("it is damaged: a PNG that is cut off");
    const end = at + 8 + view.getUint32(at);
    kind = name(content, at + 4);
    if (content.length < end + 4 || checksum(content.subarray(at + 4, end)) !== view.getUint32(end)) {
      throw new RangeError(`it is damaged: its part ${kind} is not whole`);
    }
    if (kind === "PLTE") palette = content.subarray(at + 8, end);
    if (kind === "IDAT") packed.push(content.subarray(at + 8, end));
    at = end + 4;
  }
  return { palette, packed };
}

/** The first `length` bytes of what was compressed; what may follow is nobody's. */
async function inflated(packed, length) {
  const reader = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const found = new Uint8Array(length);
  let at = 0;
  try {
    while (at < length) {
      const { done, value } = await reader.read();
      if (done) throw new RangeError("it is damaged: its rows end too early");
      found.set(value.subarray(0, length - at), at);
      at += value.length;
    }
  } catch (error) {
    throw error instanceof RangeError ? error : new RangeError("it is damaged: its rows cannot be read");
  } finally {
    reader.cancel().catch(() => {}); // of what nobody reads
  }
  return found;
}

/** The bytes of a row, from what they differ by from those before and above. */
function unfiltered(row, above, step) {
  const [filter, line] = [row[0], row.subarray(1)];
  if (filter > 4) throw new RangeError(`it is damaged: a row with the filter ${filter}`);
  for (let at = 0; at < line.length; at += 1) {
    const [left, up] = [at < step ? 0 : line[at - step], above[at]];
    if (filter === 1) line[at] += left;
    else if (filter === 2) line[at] += up;
    else if (filter === 3) line[at] += (left + up) >> 1;
    else if (filter === 4) line[at] += paeth(left, up, at < step ? 0 : above[at - step]);
  }
  return line;
}

/** Of left, above and the corner between, the one that is nearest to left + above - corner. */
function paeth(left, up, corner) {
  const [a, b, c] = [up - corner, left - corner, left + up - 2 * corner].map(Math.abs);
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** Writes a pixel: of 16 bits the upper eight, of fewer than eight spread over 0 … 255, transparency left away. */
function put(data, to, line, column, { depth, colour }, palette) {
  const sample = (channel) => {
    const at = column * SAMPLES[colour] + channel;
    if (depth >= 8) return line[(at * depth) / 8];
    return (line[(at * depth) >> 3] >> (8 - depth - ((at * depth) & 7))) & ((1 << depth) - 1);
  };
  for (let channel = 0; channel < 3; channel += 1) {
    if (colour === 3) data[to + channel] = palette[3 * sample(0) + channel] ?? 0;
    else if (SAMPLES[colour] < 3) data[to + channel] = depth < 8 ? (sample(0) * 255) / ((1 << depth) - 1) : sample(0);
    else data[to + channel] = sample(channel);
  }
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function checksum(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function name(content, at) {
  return String.fromCharCode(...content.subarray(at, at + 4));
}

function viewOf(content) {
  return new DataView(content.buffer, content.byteOffset, content.byteLength);
}
