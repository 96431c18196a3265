// What there is to show: the sequence, the results that have arrived, and questions about them. No drawing here.

const BASES = "ACGT";

class Scene {
  constructor(meta) {
    this.meta = meta;
    this.letters = meta.letters;
    this.length = meta.letters.length;
    this.results = {};
    this.layers = [];
  }

  take(envelope) {
    const { header } = envelope;
    if (header.view !== this.meta.view || header.generation !== this.meta.generation) return false;
    this.results[header.kind] = envelope;
    if (header.kind === "map" || header.kind === "window") this.rebuildLayers();
    return true;
  }

  // Finest last, so that drawing in order puts the exact window over the pooled overview.
  rebuildLayers() {
    this.layers = ["map", "window"]
      .filter((kind) => this.results[kind] && (kind === "map" || this.results.map))
      .map((kind) => new MapLayer(this.results[kind]));
  }

  get map() {
    return this.results.map?.header || null;
  }

  base(i) {
    return this.letters[i] ?? "";
  }

  // Index 0..3 of the reference base, or -1 for an ambiguous letter.
  code(i) {
    return BASES.indexOf(this.base(i) === "U" ? "T" : this.base(i));
  }

  letterOf(code) {
    return code === 3 && this.meta.alphabet === "RNA" ? "U" : BASES[code];
  }

  // {value, exact}: what changing base i does at base j; null where nothing is known.
  pairValue(i, j, symmetry = "none") {
    for (let k = this.layers.length - 1; k >= 0; k--) {
      const found = this.layers[k].lookup(i, j, symmetry);
      if (found) return found;
    }
    return null;
  }

  track(kind, name) {
    return this.results[kind]?.arrays[name] || null;
  }

  // Reconstruction entropy in bits at base i, NaN while unknown.
  entropy(i) {
    const p = this.track("probabilities", "values");
    if (!p) return NaN;
    let bits = 0;
    for (let k = 0; k < 4; k++) {
      const q = p[4 * i + k];
      if (!Number.isFinite(q)) return NaN;
      if (q > 0) bits -= q * Math.log2(q);
    }
    return bits;
  }

  // Largest influence of the three substitutions at base i.
  influence(i) {
    const values = this.track("effects", "influence") || this.track("effects", "delta");
    if (!values) return NaN;
    let best = NaN;
    for (let k = 0; k < 4; k++) {
      const v = Math.abs(values[4 * i + k]);
      if (v >= 0 && !(best >= v)) best = v;
    }
    return best;
  }

  effect(i, k) {
    const values = this.track("effects", "llr") || this.track("effects", "delta");
    return values ? values[4 * i + k] : NaN;
  }

  // 1-based coordinate on the contig, or null without a locus.
  coordinate(i) {
    const locus = this.meta.locus;
    if (!locus) return null;
    return locus.strand === "-" ? locus.end - i : locus.start + i + 1;
  }

  positionWords(i) {
    const place = this.coordinate(i);
    const index = (i + 1).toLocaleString("en");
    return place === null ? index : `${index} (${this.meta.locus.contig}:${place.toLocaleString("en")})`;
  }
}

class MapLayer {
  constructor({ header, arrays }) {
    this.bin = header.bin;
    this.offset = header.offset;
    this.width = header.width;
    this.signed = !!header.signed;
    this.exact = header.bin === 1;
    this.raw = arrays.values;
    this.done = new Uint8Array(this.width);
    for (let r = 0; r < this.width; r++) this.done[r] = Number.isNaN(this.raw[r * this.width + r]) ? 0 : 1;
    this.shownKey = "";
  }

  lookup(i, j, symmetry) {
    const row = Math.floor((i - this.offset) / this.bin);
    const column = Math.floor((j - this.offset) / this.bin);
    if (row < 0 || column < 0 || row >= this.width || column >= this.width) return null;
    const value = combine(this.raw[row * this.width + column], this.raw[column * this.width + row], symmetry);
    return { value, exact: this.exact, known: Number.isFinite(value), done: !!this.done[row] };
  }

  // Values as displayed: symmetrised, near pairs and values under the threshold left out; pyramid of maxima for zoomed-out drawing.
  pyramid(display) {
    const key = `${display.symmetry}|${display.hideNear}|${display.threshold}`;
    if (key === this.shownKey) return this.levels;
    this.shownKey = key;
    this.images = [];
    const shown = new Float32Array(this.raw.length);
    let source = 0;
    for (let r = 0; r < this.width; r++) {
      if (this.done[r]) source = r; // rows not computed yet repeat the row above until they are; drawn dimmed
      for (let c = 0; c < this.width; c++) {
        let v = combine(this.raw[source * this.width + c], this.raw[c * this.width + r], this.done[r] ? display.symmetry : "none");
        if (Math.abs(r - c) * this.bin < display.hideNear || (display.threshold > 0 && Math.abs(v) < display.threshold)) v = 0;
        shown[r * this.width + c] = v;
      }
    }
    this.levels = [{ width: this.width, step: 1, values: shown }];
    while (this.levels.at(-1).width > 192) this.levels.push(halved(this.levels.at(-1)));
    return this.levels;
  }

  // Canvas of one level, coloured; cached until a display setting changes.
  image(level, display, limits, table, missing, key) {
    const levels = this.pyramid(display);
    const at = Math.min(level, levels.length - 1);
    const cached = this.images[at];
    if (cached && cached.key === key) return cached;
    const { width, values, step } = levels[at];
    const canvas = cached?.canvas || document.createElement("canvas");
    canvas.width = canvas.height = width;
    const context = canvas.getContext("2d");
    const picture = context.createImageData(width, width);
    paint(new Uint32Array(picture.data.buffer), values, limits, table, missing);
    if (this.done.includes(0)) dim(picture.data, width, (r) => this.done[Math.min(this.width - 1, r * step)]);
    context.putImageData(picture, 0, 0);
    return (this.images[at] = { key, canvas, step, width });
  }
}

function combine(one, other, symmetry) {
  if (symmetry === "max") return Number.isNaN(other) ? one : Number.isNaN(one) ? other : Math.abs(one) >= Math.abs(other) ? one : other;
  if (symmetry === "mean") return (one + other) / 2;
  return one;
}

// Two by two, the value of largest magnitude survives, so that a lone contact stays visible.
function halved({ width, values, step }) {
  const half = Math.ceil(width / 2);
  const out = new Float32Array(half * half).fill(NaN);
  for (let r = 0; r < width; r++) {
    const row = (r >> 1) * half;
    for (let c = 0; c < width; c++) {
      const v = values[r * width + c];
      const k = row + (c >> 1);
      if (Number.isNaN(out[k]) || Math.abs(v) > Math.abs(out[k])) out[k] = v;
    }
  }
  return { width: half, step: step * 2, values: out };
}

function paint(pixels, values, [low, high], table, missing) {
  const gain = 255 / Math.max(high - low, 1e-12);
  for (let k = 0; k < values.length; k++) {
    const v = values[k];
    if (v !== v) {
      pixels[k] = missing;
      continue;
    }
    const level = (v - low) * gain;
    pixels[k] = table[level <= 0 ? 0 : level >= 255 ? 255 : level | 0];
  }
}

function dim(bytes, width, isDone) {
  for (let r = 0; r < width; r++) {
    if (isDone(r)) continue;
    for (let c = 0; c < width; c++) bytes[4 * (r * width + c) + 3] = 120;
  }
}
