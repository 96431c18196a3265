// The bar over the figure: the contig, its genes, what of it is in view. It asks the server for what lies beyond the
// loaded window once the view has come to rest; the figure itself knows nothing of it.

import { around, onContig, onWindow, ticks, wanted, whole } from "./place.js";

const REST = 180; // milliseconds without a drawn frame
const TYPING = "input, textarea, select, [contenteditable=true]";
const [MIDDLE, HIGH, LEAST, TEXT] = [15, 12, 3, 10]; // pixels: line of the contig, genes, viewport, letters
const many = (number) => Math.round(number).toLocaleString("en");

class OverviewBar {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.words = root.querySelector(".ov-words");
    root.addEventListener("click", ({ target }) => this.pressed(target.closest("button")));
    const does = { down: "down", move: "moved", up: "up", leave: "away", cancel: "away" };
    for (const [name, method] of Object.entries(does))
      this.canvas.addEventListener(`pointer${name}`, (event) => this[method](event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.later()).observe(this.canvas);
  }
  update(data, send) {
    Object.assign(this, { data, send });
    this.canvas.hidden = data.length === null;
    for (const button of this.root.querySelectorAll("[data-all], [data-hop]")) button.hidden = data.length === null;
    this.watch();
    this.later();
  }
  // The figure writes this attribute of its root with every frame that it draws.
  watch() {
    const figure = document.querySelector(".fv");
    if (!figure || figure === this.figure) return;
    this.figure = figure;
    this.observer?.disconnect();
    this.observer = new MutationObserver(() => this.drawn());
    this.observer.observe(figure, { attributes: true, attributeFilter: ["data-ready"] });
  }
  get view() {
    return globalThis.__locuscope?.views?.get(this.data.target);
  }
  // What is in view, on the contig; the window as long as the figure shows another one.
  get seen() {
    const { view, data } = this;
    const isOfWindow = view?.region && view.meta?.view === data.view;
    return isOfWindow ? onContig(view.region, data) : { start: data.start, end: data.end };
  }
  drawn() {
    this.later();
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.rested(), REST);
  }
  rested() {
    const { view, data } = this;
    if (held || !this.root.isConnected || view?.meta?.view !== data.view || !view.region) return;
    const target = view.region === this.left ? null : wanted(view.region, view.length, data);
    if (target) this.ask("move", target);
  }
  // The view moves by itself inside the loaded window; the server is asked for what lies beyond.
  go(target) {
    const { view, data } = this;
    const isLoaded = target.start >= data.start && target.end <= data.end && view?.meta?.view === data.view;
    isLoaded ? view.show(onWindow(target, data)) : this.ask("move", target);
  }
  // Until the view moves again, nothing is asked for the region that is being left.
  ask(name, values) {
    clearTimeout(this.rest);
    this.left = this.view?.region;
    this.send(name, { ...values, wish: `${Date.now()}-${Math.random()}` });
  }
  pressed(button) {
    if (!button) return;
    const { hop, turn, zoom, all } = button.dataset;
    if (hop) this.ask("hop", { by: Number(hop), ...whole(this.seen) });
    if (turn) this.view?.turn(Number(turn));
    if (zoom) this.view?.zoom(Number(zoom));
    if (all) this.go({ start: 0, end: this.data.length });
    this.view?.focus();
  }
  key(event) {
    const step = { ArrowLeft: -0.5, ArrowRight: 0.5, PageUp: -1, PageDown: 1 }[event.key];
    if (step) event.preventDefault();
    if (step) this.view?.turn(this.data.reverse ? -step : step);
  }

  get scale() {
    return this.canvas.clientWidth / this.data.length;
  }
  baseAt = ({ offsetX }) => Math.max(0, Math.min(this.data.length, offsetX / this.scale));
  // Whether a drag from here carries the view along: where it is wide enough to be seen, and not nearly everything.
  carries(base, { start, end } = this.seen) {
    const width = end - start;
    return width * this.scale >= 12 && width < 0.9 * this.data.length && base >= start && base <= end;
  }
  down(event) {
    const from = this.baseAt(event);
    this.drag = { from, to: from, carries: this.carries(from) };
    this.canvas.setPointerCapture(event.pointerId);
  }
  moved(event) {
    const base = this.baseAt(event);
    if (this.drag) this.drag.to = base;
    this.pointed = base;
    this.later();
  }
  away() {
    this.pointed = this.drag = null;
    this.later();
  }
  up() {
    const target = this.target();
    this.drag = null;
    if (target) this.go(target);
    this.later();
  }
  // Where a drag leads: the view carried along, a stretch marked, or after a click the view around a base.
  target() {
    const { from, to, carries } = this.drag || {};
    if (from === undefined) return null;
    if (carries) return around((this.seen.start + this.seen.end) / 2 + to - from, this.seen);
    if (Math.abs(to - from) * this.scale < 4) return around(to, this.seen);
    return whole({ start: Math.min(from, to), end: Math.max(from, to) });
  }

  later() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = null;
      if (this.root.isConnected && this.data) this.draw();
    });
  }
  draw() {
    const { canvas, data, seen } = this;
    if (data.length !== null) {
      const ratio = window.devicePixelRatio || 1;
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      this.drawContig(pen, width, height);
      this.drawView(pen, seen, 0.3);
      if (this.drag && Math.abs(this.drag.to - this.drag.from) * this.scale >= 4)
        this.drawView(pen, this.target(), 0.15);
    }
    const places = `${many(seen.start + 1)}–${many(seen.end)}`;
    const text = `${many(seen.end - seen.start)} of ${data.length === null ? "a contig of" : many(data.length)} bases`;
    canvas.setAttribute("aria-valuemax", data.length ?? 0);
    canvas.setAttribute("aria-valuenow", Math.round((seen.start + seen.end) / 2));
    canvas.setAttribute("aria-valuetext", `${data.name} ${places}, ${text}`);
    const pointed =
      this.pointed == null ? "" : ` · pointer at ${many(this.pointed + 1)}: a click goes there, a drag marks`;
    this.words.textContent = `${data.name} · ${places} in view, ${text}${data.words && ` · ${data.words}`}${pointed}`;
  }
  drawContig(pen, width, height) {
    const { data } = this;
    const style = getComputedStyle(this.root);
    const colours = { ink: style.color, line: style.getPropertyValue("--line") };
    pen.font = `${TEXT}px ${style.fontFamily}`;
    pen.textAlign = "center";
    pen.fillStyle = colours.ink;
    pen.globalAlpha = 0.25;
    pen.fillRect(0, MIDDLE - 0.5, width, 1);
    pen.globalAlpha = 0.62;
    for (const { at, text } of ticks(data.length, width / 90)) {
      const x = at * this.scale;
      pen.fillRect(x, MIDDLE + HIGH, 1, 3);
      if (x > 20 && x < width - 24) pen.fillText(text, x, height - 1);
    }
    pen.fillStyle = data.colour;
    pen.globalAlpha = 0.9;
    data.genes.forEach((digits, row) => {
      for (let x = 0; x < width; x++) {
        const share = Number(digits[Math.floor((x / width) * digits.length)]) / 9;
        if (share) pen.fillRect(x, row ? MIDDLE + 1 : MIDDLE - 1 - share * HIGH, 1, share * HIGH);
      }
    });
    pen.globalAlpha = 1;
  }
  drawView(pen, { start, end }, strength) {
    const accent = getComputedStyle(this.root).getPropertyValue("--accent");
    const width = Math.max(LEAST, (end - start) * this.scale);
    const x = ((start + end) / 2) * this.scale - width / 2;
    pen.fillStyle = pen.strokeStyle = accent;
    pen.globalAlpha = strength;
    pen.fillRect(x, 0, width, MIDDLE + HIGH);
    pen.globalAlpha = 1;
    pen.strokeRect(x + 0.5, 0.5, width - 1, MIDDLE + HIGH);
    if (width < 8) pen.fillText("▼", x + width / 2, TEXT - 2); // found although narrower than a pixel
  }
}

let held = false;
const bars = new Set();
function pointer({ type }) {
  held = type === "pointerdown";
  if (!held) for (const bar of bars) bar.drawn();
}
function typed(event) {
  const { target, key, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey || target.closest?.(TYPING)) return;
  if (target !== document.body && !target.closest?.(".fv, .ov")) return;
  for (const { root } of bars) {
    const button = root.isConnected && root.querySelector(`[data-keys="${CSS.escape(key)}"]`);
    if (!button || button.hidden) continue;
    event.preventDefault();
    button.click();
  }
}
for (const name of ["pointerdown", "pointerup", "pointercancel"]) document.addEventListener(name, pointer, true);
document.addEventListener("keydown", typed);

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ov");
  root.bar ||= new OverviewBar(root);
  for (const bar of bars) if (!bar.root.isConnected) bars.delete(bar);
  bars.add(root.bar);
  root.bar.update(data, setTriggerValue);
}
