// What the pointer and the keys say, in words. What is at a base comes from the panels' tags, whatever the panels are.
import { coordinate, places, regionText } from "./ranges.js";

const ordinary = (value) => value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
export const many = new Intl.NumberFormat("en").format;
function baseName({ letters, ruler }, i) {
  return `${letters[i] ?? ""} at ${many(i + 1)}${ruler.contig && ` (${ruler.contig}:${many(coordinate(i, ruler))})`}`;
}
function baseWords({ facts, laid }, i) {
  const said = laid.filter(({ tags }) => tags?.[i]).map(({ say, tags }) => `${say} ${tags[i].replaceAll("  ", ", ")}`);
  return `${[baseName(facts, i), ...said].join("; ")}.`;
}
// "Changing G at 12 changes C at 43 by 5.10 bits, the other way 4.90; 31 bases apart, complementary."
function pairWords({ facts, layers, lookup }, i, j) {
  const [one, other, found, back] = [baseName(facts, i), baseName(facts, j), lookup(i, j), lookup(j, i)];
  const kind = facts.kinds[facts.letters[i] + facts.letters[j]];
  const apart = `${many(Math.abs(i - j))} ${Math.abs(i - j) === 1 ? "base" : "bases"} apart${kind ? `, ${kind}` : ""}`;
  if (!found || !facts.map) return `${one} and ${other}: ${apart}; no value here.`;
  const missing = found.done ? "the model's tokens moved, no comparison" : "not computed yet";
  if (!found.known) return `${one} → ${other}: ${missing}; ${apart}.`;
  const { unit, signed } = facts.map;
  if (signed) return `${one} → ${other}: difference ${ordinary(found.value)} ${unit}; ${apart}.`;
  const about = found.exact ? "" : layers[0].bin > 1 ? "up to about " : "about ";
  const way = back?.known ? `, the other way ${ordinary(back.value)}` : "";
  return `Changing ${one} changes ${other} by ${about}${ordinary(found.value)} ${unit}${way}; ${apart}.`;
}
const words = (view, { i, j }) => (i === j ? baseWords(view, i) : pairWords(view, i, j));
export const selectionWords = (view) => `Selected: ${words(view, view.selection)}`;
export function readout(view) {
  const { cursor, selection, meta, facts, region } = view;
  if (cursor) return words(view, cursor);
  if (selection) return selectionWords(view);
  const shown = `${many(facts.length)} bases, showing ${regionText(region, facts.ruler)}`;
  return `${meta.title}: ${shown}. Move over the figure to read values; ? lists the keys.`;
}
export function regionWords({ region, rows, facts, isBlock }) {
  const [from, to] = places(region);
  const block = isBlock() ? `, rows ${regionText(rows, facts.ruler)}` : "";
  return `Showing ${regionText(region, facts.ruler)}${block}: ${many(to - from + 1)} of ${many(facts.length)} bases.`;
}
