// One figure: its state and what changes it. Buttons and keys call these methods by name; Streamlit calls the function at the end.

import { draw } from "./draw.js";
import { attachActs, attachPointer } from "./inputs.js";
import { GUTTER } from "./layout.js";
import { MapLayer } from "./map.js";
import {
  addressOf,
  board,
  element,
  figureOf,
  isChosen,
  made,
  NO_PANELS,
  panels,
  plotly,
  usual,
  writeAddress,
} from "./page.js";
import { fitted, limited, middle, regionOf, regionText, shifted, within, zoomed } from "./ranges.js";
import { many, readout, regionWords, selectionWords } from "./words.js";

const SHAPES = ["wide", "square", "triangle"];
const TOOLS = {
  move: "Dragging moves the view.",
  box: "Dragging zooms into a box.",
  select: "Dragging selects a region.",
};
const BY_SERVER = ["shape", "distance", "threshold", "arcs", "bases", "symmetry", "near"];
const KEPT = ["meta", "display", "region", "rows", "selection"]; // when the visitor comes back from another page

class FigureView {
  constructor(root, left = {}) {
    Object.assign(this, {
      root,
      tool: "move",
      wishes: 0,
      dirty: new Set(),
      arrangement: panels(),
      display: usual(root),
    });
    this.dom = Object.fromEntries([...root.querySelectorAll("[data-role]")].map((part) => [part.dataset.role, part]));
    for (const name of KEPT) this[name] = left[name] || this[name];
    attachActs(this);
    attachPointer(this);
    new ResizeObserver(() => this.refresh("layout")).observe(root);
  }

  // ── what arrives ─────────────────────────────────────────────────────────
  update(meta, send) {
    const before = this.meta;
    Object.assign(this, { meta, length: meta.letters.length });
    this.send = (name, values) => send(name, { view: meta.view, ...values, wish: `${Date.now()}-${++this.wishes}` });
    const moved = before?.view !== meta.view;
    if (moved && before?.view === meta.reverse_of) this.mirror();
    else if (moved) this.start(before ? {} : meta.initial);
    if (moved || before.generation !== meta.generation || !this.results)
      this.put({ results: {}, layers: [], figure: null, cursor: null, brush: null }, "layout");
    for (const [name, envelope] of board.parked) if (name.startsWith(`${meta.target}/`)) this.receive(envelope);
    this.loading ||= plotly(meta.plotly).then((Plotly) => this.put({ Plotly }, "layout"));
    if (this.selection && !this.results.card) this.ask();
    const { wish, places } = meta.focus || {}; // a selection that the server asks for once
    if (wish && board.focused !== wish) this.pick(places.map((place) => place + 1).join());
    board.focused = wish || board.focused;
  }
  start({ display = {}, region: [a, b] = [0, this.length], rows, select } = {}) {
    Object.assign(this.display, display);
    if (display.hidden) this.arrangement = { ...this.arrangement, folded: display.hidden };
    this.show({ a, b }, rows && { a: rows[0], b: rows[1] });
    this.selection = select ? { i: select[0], j: select[1] } : null;
  }
  mirror() {
    const turned = ({ a, b }) => ({ a: this.length - b, b: this.length - a });
    const { i, j } = this.selection || {};
    this.show(turned(this.region), turned(this.rows));
    if (i >= 0) this.selection = { i: this.length - 1 - i, j: j >= 0 ? this.length - 1 - j : undefined };
  }
  receive(envelope) {
    const { kind, view, generation, options } = envelope.header;
    if (view !== this.meta?.view || generation !== this.meta.generation || this.results[kind] === envelope) return;
    this.results[kind] = envelope;
    if (kind === "picture") return this.Plotly.downloadImage(figureOf(envelope), options);
    if (kind === "figure") this.figure = figureOf(envelope);
    if (kind === "figure") this.facts = this.figure.facts;
    if (kind === "map" || kind === "window") {
      for (const layer of this.layers) layer.release();
      const found = [this.results.map, this.results.window].filter(Boolean);
      this.layers = found.map((one) => new MapLayer(one)); // the exact window lies over the pooled whole
    }
    this.refresh(["figure", "map", "window"].includes(kind) ? "layout" : kind);
  }

  // ── questions ────────────────────────────────────────────────────────────
  scale = () => this.width / (this.region.b - this.region.a);
  isBlock = () => this.rows.a !== this.region.a || this.rows.b !== this.region.b;
  panel = (id) => this.laid.find((panel) => panel.id === id);
  lookup = (i, j) => this.layers.map((layer) => layer.lookup(i, j)).findLast(Boolean);
  // How the map is coloured: magnitudes up to the limit, or signed values on both sides of zero.
  look = () => {
    const { display, facts, layers } = this;
    const limit = display.high ?? layers[0].percentiles[Math.round(2 * display.percentile)];
    const ramp = facts.ramps[layers[0].centre > 0 ? "diverging" : display.palette];
    return { display, limit, ramp, missing: facts.missing };
  };
  // A pair in its stronger direction, the changed base first.
  stronger(i, j) {
    const [there, back] = [this.lookup(i, j), this.lookup(j, i)];
    return back?.known && !(there?.known && Math.abs(there.value) >= Math.abs(back.value)) ? { i: j, j: i } : { i, j };
  }

  // ── what is in view ──────────────────────────────────────────────────────
  show(region, rows = region) {
    this.put({ region: fitted(region, this.length), rows: fitted(rows, this.length) }, "view");
  }
  zoom(factor, at = this.cursor?.base ?? middle(this.region), row = middle(this.rows)) {
    this.show(zoomed(this.region, factor, at), zoomed(this.rows, factor, this.isBlock() ? row : at));
  }
  pan = (bases) => this.show(shifted(this.region, bases), this.isBlock() ? this.rows : undefined);
  turn = (part) => this.pan(part * (this.region.b - this.region.a));
  whole = () => this.show({ a: 0, b: this.length });
  showPair(places) {
    const [low, high] = places
      .split(",")
      .map(Number)
      .sort((p, q) => p - q);
    const margin = Math.max(6, (high - low) / 4);
    this.show({ a: low - 1 - margin, b: high + margin });
  }
  goTo(text) {
    const found = regionOf(text, this.facts.locus, this.length);
    const all = regionText({ a: 0, b: this.length }, this.facts.locus);
    if (found) this.show(found);
    else this.hint(`“${text.slice(0, 80)}” is no region of this sequence; give start-end inside ${all}.`);
  }
  // A pooled or rounded overview is replaced by exact values where the view has come near enough.
  askWindow() {
    const [map, exact] = [this.results.map?.header, this.results.window?.header];
    const [start, end] = [Math.floor(this.region.a), Math.ceil(this.region.b)];
    const there = exact?.offset <= start && exact.offset + exact.width >= end;
    const near = map && !map.exact && !this.isBlock() && end - start <= map.window_limit;
    if (near && !there) this.send("window", { start, end });
  }

  // ── display and panels ───────────────────────────────────────────────────
  set(change) {
    Object.assign(this.display, change);
    if (BY_SERVER.some((name) => name in change)) this.send("display", this.display);
    this.put({}, "view", "shape" in change ? "layout" : "status");
  }
  setShape(shape = SHAPES[(SHAPES.indexOf(this.display.shape) + 1) % 3]) {
    this.set({ shape });
    this.say(`Map as ${shape}.`);
  }
  use(tool) {
    this.put({ tool: this.tool === tool ? "move" : tool }, "layout");
    this.hint(TOOLS[this.tool]);
  }
  arrange = (change) => this.put({ arrangement: panels(change) }, "layout");
  usual() {
    this.arrange(NO_PANELS);
    this.set(usual(this.root));
  }
  switch(list, ...words) {
    const [found, name] = [this.arrangement[list], words.join(" ")];
    this.arrange({ [list]: found.includes(name) ? found.filter((other) => other !== name) : [...found, name] });
  }
  resize(id, height) {
    this.arrange({ heights: { ...this.arrangement.heights, [id]: Math.round(limited(height, 16, 1600)) } });
  }
  stretch = (id, factor) => this.resize(id, this.panel(id).height * factor);
  move(id, by) {
    const order = this.laid.map((panel) => panel.id);
    const from = order.indexOf(id);
    order.splice(Math.max(0, from + by), 0, ...order.splice(from, 1));
    this.arrange({ order });
  }
  open(role, id) {
    const box = this.dom[role];
    if (id) box.replaceChildren(...this.panel(id).about.map(made));
    for (const field of box.querySelectorAll("[data-usual]")) field.value = this.display[field.name] ?? "";
    for (const field of box.querySelectorAll("[type=checkbox]"))
      field.checked = !this.arrangement.off.includes(field.name);
    box.togglePopover();
    this.say(`${box.ariaLabel} ${box.matches(":popover-open") ? "open" : "closed"}.`);
  }
  picture(format) {
    const { display, region, rows, selection, arrangement, width } = this;
    const mapHeight = this.panel("map")?.height;
    this.send("picture", { format, display, region, rows, selection, arrangement, width, mapHeight });
  }

  // ── selection ────────────────────────────────────────────────────────────
  select(wanted) {
    if (!wanted && !this.selection) return;
    const { index, i = index, j = i } = wanted || {};
    this.selection = wanted && { i, j: i === j ? undefined : j };
    this.openTab("card");
    if (!wanted) return this.say("Nothing is selected.");
    if (i === j && !within(i, this.region)) this.pan(i + 0.5 - middle(this.region));
    else if (!within(i, this.rows) || !within(j, this.region)) this.showPair(`${i + 1},${j + 1}`);
    this.ask();
    if (this.figure) this.say(selectionWords(this));
  }
  pick(places) {
    const [i, j] = String(places)
      .split(",")
      .map((place) => place - 1);
    this.select({ i, j });
  }
  ask() {
    const { i, j } = this.selection;
    if (j === undefined) this.send("base", { at: i });
    else this.send("pair", { changed: i, read: j });
  }
  enter() {
    if (this.brush) this.openMenu(0).focus();
    else if (this.cursor) this.select(this.cursor);
  }
  step(direction) {
    const rows = [...this.dom.pairs.querySelectorAll("[data-places]")];
    if (!rows.length) return this.hint("There are no pairs to step through: the map is not complete.");
    const at = rows.findIndex((row) => isChosen(row, this.selection));
    this.pick(rows.at((at < 0 && direction < 0 ? -1 : at + direction) % rows.length).dataset.places);
  }
  openTab(tab) {
    this.root.dataset.tab = tab;
    this.refresh("side");
  }

  // ── cursor, region, messages ─────────────────────────────────────────────
  setCursor = (cursor) => this.put({ cursor, message: "" }, "cursor");
  moveCursor(rows, columns) {
    const step = (base, by) => limited(base + by, 0, this.length - 1);
    const { i, j, index = j ?? i ?? Math.floor(middle(this.region)) } = this.cursor || this.selection || {};
    const at = step(index, columns);
    const pair = !this.brush && (rows || j !== undefined) && { i: step(j === undefined ? at : i, rows), j: at };
    this.pan(Math.min(0, at - this.region.a) + Math.max(0, at + 1 - this.region.b));
    this.setCursor({ index: at, base: at + 0.5, ...pair });
    if (this.brush) this.mark(at);
    else this.say(readout(this));
  }
  // A region marked by keys: from where the cursor is to where it goes.
  mark(at = this.cursor?.index ?? this.selection?.i ?? Math.floor(middle(this.region))) {
    const { from = at } = this.brush || {};
    this.setBrush({ from, a: Math.min(at, from), b: Math.max(at, from) + 1 });
    const name = `${regionText(this.brush, this.facts.locus)} marked, ${this.brush.b - this.brush.a} bases`;
    this.say(`Region ${name}; arrows change it, Enter says what can be done, Escape leaves it.`);
  }
  setBrush = (brush) => this.put({ brush }, "cursor");
  // A box or a region was drawn by pointer.
  brushed(left) {
    const { rows, ...region } = this.brush;
    if (this.tool !== "box") return this.openMenu(left);
    this.leaveRegion();
    this.show(region, rows ? { a: rows[0], b: rows[1] } : undefined);
    this.say(regionWords(this));
  }
  openMenu(left) {
    const { menu } = this.dom;
    const count = this.brush.b - this.brush.a;
    const [zoom, copy, compute] = menu.children;
    zoom.textContent = `Zoom to ${regionText(this.brush, this.facts.locus)}`;
    copy.textContent = `Copy ${many(count)} bases`;
    compute.hidden = this.meta.fixed || count < 8;
    menu.style.left = `${limited(left, GUTTER.left, GUTTER.left + this.width - 140)}px`;
    menu.hidden = false;
    return zoom;
  }
  withRegion(what) {
    const { a, b } = this.brush;
    this.leaveRegion();
    this.root.focus({ preventScroll: true });
    if (what === "zoom") this.show({ a, b });
    if (what === "compute") this.send("compute", { start: a, end: b });
    if (what === "copy") this.copy(this.meta.letters.slice(a, b), `${many(b - a)} bases copied.`);
  }
  leaveRegion() {
    this.dom.menu.hidden = true;
    this.setBrush(null);
  }
  clear() {
    const open = this.root.querySelector(":popover-open");
    if (open) return open.hidePopover();
    if (!this.brush) this.select(this.setCursor(null));
    this.leaveRegion();
  }
  copy(text, words) {
    const area = element("textarea", { style: "position:fixed;opacity:0" }, text);
    const { activeElement } = document;
    document.body.append(area);
    area.select();
    document.execCommand("copy"); // navigator.clipboard is not there on pages without https
    area.remove();
    activeElement.focus({ preventScroll: true });
    this.root.dataset.copied = text;
    this.hint(words);
  }
  copyLink() {
    const none = "This view has no address of its own: it is a comparison, or its sequence is too long for a link.";
    if (this.meta.address === null) this.hint(none);
    else this.copy(new URL(addressOf(this), window.location).href, "Address copied; it opens exactly this view.");
  }
  reverse() {
    const none = "A comparison is shown on the strand it was computed on; turn it in the explorer.";
    this.hint(this.meta.fixed ? none : "The other strand is asked for.");
    if (!this.meta.fixed) this.send("reverse", {});
  }
  cancel = () => this.send("cancel", {});
  search = () => document.querySelector(".st-key-search textarea")?.focus();
  hint(message) {
    this.put({ message }, "cursor");
    this.say(message);
  }
  say(text) {
    this.dom.live.textContent = text;
  }

  // Drawn at most once a frame, and only what changed.
  put(change, ...what) {
    Object.assign(this, change);
    for (const one of what) this.refresh(one);
  }
  refresh(what) {
    this.dirty.add(what);
    this.frame ||= requestAnimationFrame(() => {
      const { dirty } = this;
      Object.assign(this, { frame: null, dirty: new Set() });
      if (!this.Plotly || !this.figure || !this.root.isConnected) return;
      draw(this, dirty);
      clearTimeout(this.rest);
      this.rest = setTimeout(() => this.rested(), 150);
    });
  }
  rested() {
    writeAddress(this);
    this.askWindow();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fv");
  root.view ||= new FigureView(root, board.views.get(data.target));
  board.views.set(data.target, root.view);
  root.view.update(data, setTriggerValue);
  document.querySelector(".fv-skip")?.remove();
  document.body.prepend(element("button", { class: "fv-skip", type: "button" }, "Skip to the figure")); // the first Tab stop
  document.querySelector(".fv-skip").addEventListener("click", () => root.focus());
}
