// What is in view: {a, b} in bases from 0, of the columns and of the map's rows.

const LEAST = 8;
const count = (number) => number.toLocaleString("en");

export function fitted({ a: from, b: to }, length) {
  const width = limited(to - from, Math.min(LEAST, length), length);
  const a = limited((from + to - width) / 2, 0, length - width);
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

// Coordinate on the contig of a base, and back; without a locus both are positions in the sequence.
export function coordinate(base, locus) {
  if (!locus) return base + 1;
  return locus.strand === "-" ? locus.end - base : locus.start + base + 1;
}
export function baseAt(place, locus) {
  if (!locus) return place - 1;
  return locus.strand === "-" ? locus.end - place : place - 1 - locus.start;
}

export function regionText(range, locus) {
  const [first, last] = places(range).map((place) => count(coordinate(place - 1, locus)));
  return `${first}-${last}`;
}

// "1,005-1,020", "chrT:1.005..1.020": bases {a, b}, or null. The numbers are the ruler's own, else positions in the sequence.
export function regionOf(text, locus, length) {
  const [, contig, ...ends] =
    /^\s*(?:([^\s:]{1,80}):)?\s*(\d[\d,.]{0,18})\s*[-–—]\s*(\d[\d,.]{0,18})\s*$/.exec(text.replace("..", "-")) || [];
  if (!ends.length || (contig && contig !== locus?.contig)) return null;
  for (const place of locus ? [locus, null] : [null]) {
    const bases = ends.map((part) => baseAt(Number(part.replace(/[,.]/g, "")), place));
    const [first, last] = bases.sort((p, q) => p - q);
    if (first >= 0 && last < length) return { a: first, b: last + 1 };
  }
  return null;
}

// Round places of the ruler, by the rule of engine/views/ruler.py, as Plotly takes them.
export function ticks(range, locus, most) {
  const [first, last] = places(range);
  const step = tickStep(last - first + 1, most);
  const [low, high] = [first, last].map((place) => coordinate(place - 1, locus)).sort((p, q) => p - q);
  const found = first === 1 && !locus && step > 1 ? [1] : [];
  for (let place = Math.ceil(low / step) * step; place <= high; place += step) found.push(place);
  return { tickvals: found.map((place) => baseAt(place, locus) + 1), ticktext: found.map(count) };
}
export function tickStep(span, most) {
  const rough = span / Math.max(2, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  return Math.max(1, [1, 2, 5, 10].find((part) => part * power >= rough * (1 - 1e-9)) * power);
}

// The bases [i, j] whose brick lies under a point of the triangle: x in bases, distance in bases.
export function pairAt(x, distance) {
  const far = Math.round(distance);
  const sum = Math.floor(2 * x) - ((Math.floor(2 * x) - far) & 1);
  return [(sum - far) / 2, (sum + far) / 2];
}
