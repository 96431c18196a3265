// Where the view is on its contig, and where a step leads; bases are 0-based, the contig's forward strand.

// What of the contig a view shows: {a, b} in indices of its window turned into bases of the contig.
export function onContig({ a, b }, { start, end, reverse }) {
  return reverse ? { start: end - b, end: end - a } : { start: start + a, end: start + b };
}
export const onWindow = (target, { start, end, reverse }) =>
  reverse ? { a: end - target.end, b: end - target.start } : { a: target.start - start, b: target.end - start };
export const whole = ({ start, end }) => ({
  start: Math.round(start),
  end: Math.round(start) + Math.round(end - start),
});

// What to ask the server for when the view has come to rest, or null: what lies beyond the window that is loaded, and,
// while the window `follows` the view (it is longer than models read), its part when that is much shorter.
export function wanted(region, length, { bounds, follows, most, ...place }) {
  const width = region.b - region.a;
  const beyond = region.a < -1 || region.b > length + 1;
  const margin = width < length - 1 ? width / 4 : 0; // what was asked for as a whole stays
  const near = (region.a < margin && bounds.a < 0) || (region.b > length - margin && bounds.b > length);
  const closer = width * 3 < length || (length > most && (near || width <= most));
  return beyond || (follows && closer) ? whole(onContig(region, place)) : null;
}
// The same stretch around another base.
export const around = (base, { start, end }) =>
  whole({ start: base - (end - start) / 2, end: base + (end - start) / 2 });

// Round places for ticks on `length` bases, at most `most` of them, with their texts: "1.5 Mb".
export function ticks(length, most) {
  const power = 10 ** Math.floor(Math.log10(length / most));
  const step = [1, 2, 5, 10].find((part) => (part * power * most) / length >= 1 - 1e-9) * power;
  const [size, unit] = step >= 1e5 ? [1e6, "Mb"] : step >= 100 ? [1e3, "kb"] : [1, "b"];
  const found = [];
  for (let at = step; at < length; at += step)
    found.push({ at, text: `${Number((at / size).toPrecision(6))} ${unit}` });
  return found;
}
