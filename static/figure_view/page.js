// What arrives as bytes, elements of the page, and what is remembered in the address bar and in the browser.
import { places } from "./ranges.js";

const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array };
// Where parts of the page that arrive separately meet: every wire calls `post`, the views stand by name.
globalThis.__locuscope ||= { early: [] };
export const board = Object.assign(globalThis.__locuscope, { views: new Map(), parked: new Map() });
board.post = (bytes) => {
  const envelope = decode(bytes);
  board.parked.set(`${envelope.header.target}/${envelope.header.kind}`, envelope);
  board.views.get(envelope.header.target)?.receive(envelope);
};
for (const bytes of board.early.splice(0)) board.post(bytes);
// An envelope: "LVW1", uint32 length of a JSON header, the header, then arrays at multiples of eight bytes.
export function decode(bytes) {
  const own = bytes.slice(); // starts at offset 0, so the typed arrays below are aligned
  const text = (from, to) => new TextDecoder().decode(own.subarray(from, to));
  if (text(0, 4) !== "LVW1") throw new Error("not an envelope of the figure view");
  const header = JSON.parse(text(8, 8 + new DataView(own.buffer).getUint32(4, true)));
  const arrays = {};
  for (const { name, dtype, offset, count } of header.arrays)
    arrays[name] = new TYPES[dtype](own.buffer, offset, count);
  return { header, arrays };
}
// A figure is JSON in which {array: name} stands for an array of its envelope.
export function figureOf({ arrays }) {
  const filled = (_, value) => (value?.array === undefined ? value : arrays[value.array]);
  return JSON.parse(new TextDecoder().decode(arrays.json), filled);
}
// Text always goes in as text, never as markup.
export function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
// What the server describes: a text, or [tag, attributes, ...children].
export const made = (node) => (typeof node === "string" ? node : element(node[0], node[1], ...node.slice(2).map(made)));
// Draws nodes in a box. An element that stays is the one it was: a button that is pressed or focused is not lost.
export function renew(box, nodes) {
  for (const [k, node] of nodes.entries()) {
    const old = box.childNodes[k];
    const stays = old?.dataset && old.nodeName === node.nodeName && old.dataset.act === node.dataset.act;
    if (!old) box.append(node);
    else if (!stays) old.replaceWith(node);
    else if (!old.isEqualNode(node)) {
      for (const name of old.getAttributeNames()) if (!node.hasAttribute(name)) old.removeAttribute(name);
      for (const { name, value } of node.attributes) old.setAttribute(name, value);
      renew(old, [...node.childNodes]);
    }
  }
  while (box.childNodes.length > nodes.length) box.lastChild.remove();
}
// Settings of the display stand in a form: their usual values, their names there and in the address.
export const fields = (root) => [...root.querySelectorAll("[data-usual]")];
export const settingOf = ({ type }, text) => (text === "" ? null : type === "number" ? Number(text) : text);
export const usual = (root) =>
  Object.fromEntries(fields(root).map((field) => [field.name, settingOf(field, field.dataset.usual)]));
export const picked = (from, names) => Object.fromEntries(names.map((name) => [name, from[name]]));
export const NO_PANELS = { order: [], folded: [], heights: {}, off: [] };
export function panels(change = {}) {
  const key = "locuscope.panels";
  try {
    const found = { ...NO_PANELS, ...JSON.parse(localStorage.getItem(key)), ...change };
    localStorage.setItem(key, JSON.stringify(found));
    return found;
  } catch {
    return { ...NO_PANELS, ...change }; // a browser that keeps nothing
  }
}
// The selection as positions from 1: "12" or "1,72", changed before read.
export const chosen = (selection) => (selection ? [...new Set([selection.i + 1, selection.j + 1])].join() : "");
// A pair is the same in both directions.
export const isChosen = ({ dataset }, selection) =>
  !!selection && [chosen(selection), chosen({ i: selection.j, j: selection.i })].includes(dataset.places);
export function addressOf({ root, meta, display, region, rows, selection, arrangement, length, isBlock }) {
  const parameters = new URLSearchParams(meta.address);
  const put = (name, value) => (value ? parameters.set(name, value) : parameters.delete(name));
  put("region", region.b - region.a < length && places(region).join("-"));
  put("rows", isBlock() && places(rows).join("-"));
  put("select", chosen(selection));
  put("hide", arrangement.folded.join());
  for (const { name, dataset } of fields(root)) {
    const value = String(display[name] ?? "");
    put(dataset.address || name, value !== dataset.usual && value);
  }
  const query = parameters.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return `${window.location.pathname}${query ? `?${query}` : ""}`;
}
// The server reads an address when a session starts; what has none must not stand under that of something else.
export function writeAddress(view) {
  const address = view.meta.address === null ? window.location.pathname : addressOf(view);
  if (!view.meta.fixed) window.history.replaceState(window.history.state, "", address);
}
// The slider of the threshold, labelled in the share of false cells; and the threshold beside it.
export function rate({ dom: { rated }, facts, display: { threshold } }) {
  const { stops = [], limits = [], shares = [], words } = facts?.map?.rated || {};
  const [reached, [, slider, text]] = [(list) => list.filter((limit) => limit <= threshold).length, rated.children];
  rated.hidden = !words;
  Object.assign(slider, { max: stops.length, value: reached(stops.map(({ limit }) => limit)) });
  text.textContent = `q ${(shares[reached(limits) - 1] ?? 1).toPrecision(2)} ${words}`;
  rated.previousElementSibling.lastElementChild.value = threshold;
}
