// What is in view: {a, b} in bases from 0, of the columns and of the map's rows.
const LEAST = 8;
const count = new Intl.NumberFormat("en").format;
export function fitted({ a: from, b: to }, { a: low, b: high }) {
  const width = limited(to - from, Math.min(LEAST, high - low), high - low);
  const a = limited((from + to - width) / 2, low, high - width);
  return { a, b: a + width };
}
export const zoomed = ({ a, b }, factor, at) => ({ a: at - (at - a) * factor, b: at + (b - at) * factor });
export const shifted = ({ a, b }, by) => ({ a: a + by, b: b + by });
export const middle = ({ a, b }) => (a + b) / 2;
export const within = (base, { a, b }) => base >= a - 0.5 && base + 0.5 <= b;
export const limited = (number, least, most) => Math.max(least, Math.min(most, number));
// Whole bases from one place to another.
export function spanned(one, other, length) {
  return { a: Math.floor(Math.max(0, Math.min(one, other))), b: Math.ceil(Math.min(length, Math.max(one, other))) };
}
export const places = ({ a, b }) => [Math.floor(a + 0.1) + 1, Math.ceil(b - 0.1)];
// The ruler counts from `first` by `step`, 1 or -1: coordinates on the contig, or positions in the sequence.
export const PLAIN = { first: 1, step: 1 };
export const coordinate = (base, { first, step }) => first + step * base;
export const baseAt = (place, { first, step }) => (place - first) * step;
const counted = (ruler) => (place) => count(coordinate(place - 1, ruler));
export const regionText = (range, ruler) => places(range).map(counted(ruler)).join("-");
// "1,005-1,020", "chrT:1.005..1.020": bases {a, b}, or null, by the rule of engine/views/ruler.py.
const REGION = /^\s*(?:([^\s:]{1,80}):)?\s*(\d[\d,.\u2009\u202f]*)\s*[\p{Pd}−⁃]\s*(\d[\d,.\u2009\u202f]*)\s*$/u;
export function regionOf(text, ruler, length, bounds = { a: 0, b: length }) {
  const [, contig = ruler.contig, ...ends] = REGION.exec(text.replace("..", "-")) || [];
  for (const one of contig === ruler.contig && ends.length ? [ruler, PLAIN] : []) {
    const bases = ends.map((part) => baseAt(Number(part.replace(/\D/g, "")), one));
    const [first, last] = [Math.min(...bases), Math.max(...bases)];
    const { a = 0, b } = one === ruler ? bounds : { b: length };
    if (first >= a && last < b) return { a: first, b: last + 1 };
  }
  return null;
}
// Round places of the ruler, by the rule of the same file, as Plotly takes them.
export function ticks(range, ruler, most) {
  const [first, last] = places(range);
  const rough = (last - first + 1) / Math.max(2, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].find((part) => part * power >= rough * (1 - 1e-9)) * power);
  const ends = [first, last].map((place) => coordinate(place - 1, ruler));
  const found = first === 1 && !ruler.contig && step > 1 ? [1] : [];
  const high = Math.max(...ends);
  for (let place = Math.ceil(Math.min(...ends) / step) * step; place <= high; place += step) found.push(place);
  return { tickvals: found.map((place) => baseAt(place, ruler) + 1), ticktext: found.map(count) };
}
// The bases [i, j] whose brick lies under a point of the triangle: x in bases, distance in bases.
export function pairAt(x, distance) {
  const far = Math.round(distance);
  const sum = Math.floor(2 * x) - ((Math.floor(2 * x) - far) & 1);
  return [(sum - far) / 2, (sum + far) / 2];
}
