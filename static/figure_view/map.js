// The dependency map as a picture: a byte a cell, and a palette that holds the colours, so that other colours encode
// nothing anew. A code grows with the root of its value, which keeps the shades of small values.
import { limited } from "./ranges.js";
export const MISSING = 255;
export const DIM = 128; // in a partial map, codes from here on stand in for rows that are not computed yet

// Place of a value between the ends of the colours, 0 to 1; a logarithmic scale spans two powers of ten.
export function partOf(value, { scale, threshold }, limit, signed) {
  const size = (Math.abs(value) < threshold ? 0 : Math.abs(value)) / limit;
  const part = limited(scale === "log" ? 1 + Math.log10(Math.max(size, 1e-12)) / 2 : size, 0, 1);
  return signed ? (1 + Math.sign(value) * part) / 2 : part;
}
export class MapLayer {
  constructor({ header, arrays }) {
    Object.assign(this, header, arrays, { pictures: new Map() });
  }
  decoded(code) {
    const away = (this.partial && code >= DIM ? code - DIM : code) - this.centre;
    return Math.sign(away) * this.step * away ** 2;
  }
  // What changing base i does at base j; undefined outside this layer.
  lookup(i, j) {
    const [row, column] = [i, j].map((base) => Math.floor((base - this.offset) / this.bin));
    if (Math.min(row, column) < 0 || Math.max(row, column) >= this.width) return undefined;
    const at = row * this.width + column;
    const code = (this.raw || this.cells1)[at];
    const done = !(this.partial && code >= DIM);
    return { value: this.values?.[at] ?? this.decoded(code), known: done && code !== MISSING, done, exact: this.exact };
  }
  // Colours of the 256 codes, [b, g, r, 0] each, as a bitmap holds them.
  palette({ ramp, display, limit, missing }) {
    const out = new Uint8Array(1024);
    for (let code = 0; code < 256; code++) {
      const part = partOf(this.decoded(code), display, limit, this.centre > 0);
      const at = 3 * Math.round(255 * part);
      let colour = code === MISSING ? missing : ramp.subarray(at, at + 3);
      if (this.partial && code >= DIM) colour = missing.map((one, k) => (2 * one + colour[k]) / 3);
      out.set([colour[2], colour[1], colour[0]], 4 * code);
    }
    return out;
  }
  // Address of a picture: `kind` cells or bricks (of the triangle), each reduced to the strongest of block × block.
  picture(look, kind, block) {
    const { palette, scale, threshold } = look.display;
    const key = [palette, scale, threshold, look.limit, look.missing].join();
    if (this.key !== key) this.release();
    this.key = key;
    if (!this.pictures.has(kind + block)) {
      const width = Math.ceil(this.width / block) * (kind === "bricks" ? 2 : 1);
      const bytes = bitmap(this[kind + block], width, this.palette(look));
      this.pictures.set(kind + block, URL.createObjectURL(new Blob([bytes], { type: "image/bmp" })));
    }
    return this.pictures.get(kind + block);
  }
  // Later, as Plotly takes out the place of a picture that it can no longer fetch, and with it the next one.
  release() {
    for (const address of this.pictures.values()) setTimeout(() => URL.revokeObjectURL(address), 20_000);
    this.pictures.clear();
  }
}
// A bitmap of 8 bits a pixel: header, palette, rows padded to four bytes.
export function bitmap(codes, width, palette) {
  const [height, stride] = [codes.length / width, (width + 3) & ~3];
  const out = new Uint8Array(1078 + stride * height);
  const head = new DataView(out.buffer);
  const fields = { 2: out.length, 10: 1078, 14: 40, 18: width, 22: -height, 26: 0x80001, 34: stride * height, 46: 256 };
  for (const [at, value] of Object.entries(fields)) head.setInt32(Number(at), value, true);
  out.set([66, 77]);
  out.set(palette, 54);
  for (let row = 0; row < height; row++) out.set(codes.subarray(row * width, (row + 1) * width), 1078 + row * stride);
  return out;
}
