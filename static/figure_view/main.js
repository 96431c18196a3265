// One figure: its state and what changes it. Buttons and keys call its methods by name, Streamlit the last function.
import { draw } from "./draw.js";
import { attachActs, attachPointer } from "./inputs.js";
import { GUTTER } from "./layout.js";
import { MapLayer } from "./map.js";
import * as page from "./page.js";
import { fitted, limited, middle, regionOf, regionText, shifted, within, zoomed } from "./ranges.js";
import { many, readout, regionWords, selectionWords } from "./words.js";

const SHAPES = ["wide", "square", "triangle"];
const TOOLS = { move: "Drag moves the view.", box: "Drag zooms into a box.", select: "Drag selects a region." };
const BY_SERVER = ["shape", "distance", "threshold", "arcs", "bases", "symmetry", "near", "genes"];
const SEEN = ["display", "region", "rows", "selection", "arrangement", "width"];
const KEPT = ["meta", "display", "region", "rows", "selection"]; // when the visitor comes back from another page

class FigureView {
  constructor(root, kept = {}) {
    Object.assign(this, { root, tool: "move", tab: "card", wishes: 0, none: [], dirty: new Set() });
    Object.assign(this, { arrangement: page.panels(), display: page.usual(root) });
    this.dom = Object.fromEntries([...root.querySelectorAll("[data-role]")].map((part) => [part.dataset.role, part]));
    Object.assign(this, page.picked({ ...this, ...kept }, KEPT));
    for (const attach of [attachActs, attachPointer]) attach(this);
    new ResizeObserver(() => this.refresh("layout")).observe(root);
    const left = ({ relatedTarget }) => root.contains(relatedTarget) || setTimeout(() => this.tell(), 80);
    for (const event of ["pointerleave", "focusout"]) root.addEventListener(event, left);
  }
  update(meta, send) {
    const before = this.meta;
    Object.assign(this, { meta, length: meta.length });
    this.send = (name, values) => send(name, { view: meta.view, ...values, wish: `${Date.now()}-${++this.wishes}` });
    const [moved, asked] = [before?.view !== meta.view, meta.arrival?.wish];
    if (moved && before?.view === meta.reverse_of) this.mirror();
    else if (moved || (asked && asked !== before.arrival?.wish)) this.start(before ? meta.arrival : meta.initial);
    if (moved || before.generation !== meta.generation || !this.results)
      this.put({ results: {}, layers: [], figure: null, cursor: null, brush: null, message: "" }, "layout");
    for (const [name, envelope] of page.board.parked) if (name.startsWith(`${meta.target}/`)) this.receive(envelope);
    this.loading ||= import(new URL(meta.plotly, document.baseURI).href).then(() => this.refresh("layout"));
    if (this.selection && !this.results.card) this.ask();
    const { wish, places } = meta.focus || {}; // a selection that the server asks for once
    if (wish && page.board.focused !== wish) this.select({ i: places[0], j: places.at(-1) });
    page.board.focused = wish || page.board.focused;
  }
  start({ display = {}, region: [a, b] = [0, this.length], rows, select } = {}) {
    Object.assign(this.display, display);
    if (display.hidden) this.arrangement = { ...this.arrangement, folded: display.hidden };
    this.show({ a, b }, rows && { a: rows[0], b: rows[1] });
    this.selection = select ? { i: select[0], j: select.at(-1) } : null;
  }
  mirror() {
    const turned = ({ a, b }) => ({ a: this.length - b, b: this.length - a });
    const flipped = ({ i, j }) => ({ i: this.length - 1 - i, j: this.length - 1 - j });
    this.selection &&= flipped(this.selection);
    this.show(turned(this.region), turned(this.rows));
  }
  receive(envelope) {
    const { kind, view, generation, options } = envelope.header;
    if (view !== this.meta?.view || generation !== this.meta.generation || this.results[kind] === envelope) return;
    this.results[kind] = envelope;
    if (kind === "picture") return window.Plotly.downloadImage(page.figureOf(envelope), options);
    if (kind === "figure") ({ facts: this.facts } = this.figure = page.figureOf(envelope));
    if (kind === "map" || kind === "window") {
      for (const layer of this.layers) layer.release();
      const found = [this.results.map, this.results.window].filter(Boolean);
      this.layers = found.map((one) => new MapLayer(one)); // the exact window lies over the pooled whole
    }
    this.refresh(["figure", "map", "window"].includes(kind) ? "layout" : kind);
  }
  scale = () => this.width / (this.region.b - this.region.a);
  isBlock = () => this.rows.a !== this.region.a || this.rows.b !== this.region.b;
  panel = (id) => this.laid.find((panel) => panel.id === id);
  lookup = (i, j) => this.layers.map((layer) => layer.lookup(i, j)).findLast(Boolean);
  // How the map is coloured: magnitudes up to the limit, or signed values on both sides of zero.
  look = () => {
    const { display, facts, layers } = this;
    const limit = display.high ?? layers[0].percentiles[Math.round(2 * display.percentile)];
    const name = layers[0].centre > 0 ? "diverging" : display.palette;
    return { display, limit, name, ramp: facts.ramps[name], missing: facts.missing };
  };
  show(region, rows = region) {
    this.put({ region: fitted(region, this.meta.bounds), rows: fitted(rows, this.meta.bounds), message: "" }, "view");
  }
  zoom(factor, at = this.cursor?.base ?? middle(this.region), row = middle(this.rows)) {
    this.show(zoomed(this.region, factor, at), zoomed(this.rows, factor, this.isBlock() ? row : at));
  }
  pan = (bases) => this.show(shifted(this.region, bases), this.isBlock() ? this.rows : undefined);
  turn = (part) => this.pan(part * (this.region.b - this.region.a));
  whole = () => this.show({ a: 0, b: this.length });
  showPair(places) {
    const [one, other] = places.split(",").map(Number);
    const margin = Math.max(6, Math.abs(one - other) / 4);
    this.show({ a: Math.min(one, other) - 1 - margin, b: Math.max(one, other) + margin });
  }
  goTo(text) {
    const found = regionOf(text, this.facts.ruler, this.length, this.meta.bounds);
    const all = regionText(this.meta.bounds, this.facts.ruler);
    if (found) return this.show(found);
    this.hint(`“${text.slice(0, 80)}” is no region of this sequence; give start-end inside ${all}.`);
  }
  set(change) {
    Object.assign(this.display, change);
    if (BY_SERVER.some((name) => name in change)) this.send("display", this.display);
    page.rate(this);
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
  arrange = (change) => this.put({ arrangement: page.panels(change) }, "layout");
  usual() {
    this.arrange(page.NO_PANELS);
    this.set(page.usual(this.root));
  }
  switch(list, ...words) {
    const [found, name] = [this.arrangement[list], words.join(" ")];
    this.arrange({ [list]: found.includes(name) ? found.filter((other) => other !== name) : [...found, name] });
  }
  resize = (id, height) =>
    this.arrange({ heights: { ...this.arrangement.heights, [id]: Math.round(limited(height, 16, 1600)) } });
  stretch = (id, factor) => this.resize(id, this.panel(id).height * factor);
  move(id, by) {
    const order = this.laid.map((panel) => panel.id);
    const from = order.indexOf(id);
    order.splice(Math.max(0, from + by), 0, ...order.splice(from, 1));
    this.arrange({ order });
  }
  open(role, id) {
    const box = this.dom[role];
    if (id) page.renew(box, this.panel(id).about.map(page.made));
    for (const field of box.querySelectorAll("[data-usual]")) field.value = this.display[field.name] ?? "";
    for (const field of box.querySelectorAll("[type=checkbox]"))
      field.checked = !this.arrangement.off.includes(field.name);
    page.rate(this);
    box.togglePopover();
    this.say(`${box.ariaLabel} ${box.matches(":popover-open") ? "open" : "closed"}.`);
  }
  // What is seen: for a file now, or for those of the server, which is told when pointer and keys leave the figure.
  seen = () => ({ ...page.picked(this, SEEN), mapHeight: this.panel("map")?.height });
  picture = (format) => this.send("picture", { format, ...this.seen() });
  tell() {
    const told = this.laid && this.meta.view + JSON.stringify(this.seen());
    if (told && told !== this.told) this.send("seen", this.seen());
    this.told = told;
  }
  select(chosen) {
    if (!chosen && !this.selection) return;
    this.put({ selection: chosen && { i: chosen.i, j: chosen.j }, tab: "card" }, "side");
    if (!chosen) return this.say("Nothing is selected.");
    const { i, j } = chosen;
    if (i === j && !within(i, this.region)) this.pan(i + 0.5 - middle(this.region));
    else if (!within(i, this.rows) || !within(j, this.region)) this.showPair(`${i + 1},${j + 1}`);
    this.ask();
    if (this.figure) this.say(selectionWords(this));
  }
  pick(places) {
    const [i, j = i] = `${places}`.split(",").map((place) => place - 1);
    this.select({ i, j });
  }
  ask() {
    const { i, j } = this.selection;
    this.send(i === j ? "base" : "pair", i === j ? { at: i } : { changed: i, read: j });
  }
  enter() {
    if (this.brush) this.openMenu(0).focus();
    else if (this.cursor) this.select(this.cursor);
  }
  step(direction) {
    const rows = [...this.dom.pairs.querySelectorAll("[data-places]")];
    if (!rows.length) return this.hint("There are no pairs to step through: the map is not complete.");
    const at = rows.findIndex((row) => page.isChosen(row, this.selection));
    this.pick(rows.at((at < 0 && direction < 0 ? -1 : at + direction) % rows.length).dataset.places);
  }
  openTab = (tab) => this.put({ tab }, "side");
  setCursor = (cursor) => this.put({ cursor, message: "" }, "cursor");
  moveCursor(rows, columns) {
    const step = (base, by) => limited(base + by, 0, this.length - 1);
    const { i, j } = this.cursor || this.selection || this.middle();
    const column = step(j, columns);
    const row = !this.brush && (rows || i !== j) ? step(i, rows) : column; // a base moves as a base
    this.pan(Math.min(0, column - this.region.a) + Math.max(0, column + 1 - this.region.b));
    this.setCursor({ i: row, j: column, base: column + 0.5 });
    if (this.brush) this.mark(column);
    else this.say(readout(this));
  }
  middle = (at = Math.floor(middle(this.region))) => ({ i: at, j: at });
  mark(at = (this.cursor || this.selection || this.middle()).j) {
    const { from = at } = this.brush || {};
    this.setBrush({ from, a: Math.min(at, from), b: Math.max(at, from) + 1 });
    const name = `${regionText(this.brush, this.facts.ruler)} marked, ${this.brush.b - this.brush.a} bases`;
    this.say(`Region ${name}; arrows change it, Enter says what can be done, Escape leaves it.`);
  }
  setBrush = (brush) => this.put({ brush }, "cursor");
  brushed(left) {
    const { rows, ...region } = this.brush;
    if (this.tool !== "box") return this.openMenu(left);
    this.leaveRegion();
    this.show(region, rows || undefined);
    this.say(regionWords(this));
  }
  openMenu(left) {
    const { menu } = this.dom;
    const count = this.brush.b - this.brush.a;
    const [zoom, copy, compute, keep] = menu.children;
    zoom.textContent = `Zoom to ${regionText(this.brush, this.facts.ruler)}`;
    copy.textContent = `Copy ${many(count)} bases`;
    [copy.hidden, compute.hidden, keep.hidden] = [!this.meta.letters, this.meta.fixed || count < 8, this.meta.fixed];
    menu.style.left = `${limited(left, GUTTER.left, GUTTER.left + this.width - 140)}px`;
    menu.hidden = false;
    return zoom;
  }
  withRegion(what) {
    const { a, b } = this.brush;
    this.leaveRegion();
    this.focus();
    if (what === "zoom") this.show({ a, b });
    if (what === "compute" || what === "keep") this.send(what, { start: a, end: b });
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
    if (navigator.clipboard) navigator.clipboard.writeText(text);
    else window.prompt("Ctrl + C copies", text); // pages without https have no clipboard
    this.root.dataset.copied = text;
    this.hint(words);
  }
  copyLink() {
    if (this.meta.address === null) this.hint(this.meta.unaddressed);
    else this.copy(new URL(page.addressOf(this), window.location).href, "Address copied; it opens exactly this view.");
  }
  reverse() {
    this.hint(this.meta.fixed || "The other strand is asked for.");
    if (!this.meta.fixed) this.send("reverse", {});
  }
  focus = () => this.root.focus({ preventScroll: true });
  cancel = () => this.send("cancel", {});
  search = () => document.querySelector(".st-key-search textarea")?.focus();
  hint = (message) => this.say(message, this.put({ message }, "cursor"));
  say = (text) => this.dom.live.replaceChildren(text);
  put(change, ...what) {
    Object.assign(this, change);
    for (const one of what) this.refresh(one);
  }
  refresh(what) {
    this.dirty.add(what);
    this.frame ||= requestAnimationFrame(() => {
      const { dirty } = this;
      Object.assign(this, { frame: null, dirty: new Set() });
      if (!window.Plotly || !this.figure || !this.root.isConnected) return;
      draw(this, dirty);
      clearTimeout(this.rest);
      this.rest = setTimeout(() => this.rested(), 150);
    });
  }
  // Once the view has come to rest. A pooled or rounded overview is replaced by exact values where they are few enough.
  rested() {
    page.writeAddress(this);
    if (!this.told) this.tell();
    const [map, exact] = [this.results.map?.header, this.results.window?.header];
    const [start, end] = [Math.floor(this.region.a), Math.ceil(this.region.b)];
    const there = map?.exact || (exact?.offset <= start && exact.offset + exact.width >= end);
    if (map && !there && !this.isBlock() && end - start <= map.window_limit) this.send("window", { start, end });
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fv");
  root.view ||= new FigureView(root, page.board.views.get(data.target));
  page.board.views.set(data.target, root.view);
  root.view.update(data, setTriggerValue);
}
