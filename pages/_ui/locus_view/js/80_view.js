// One locus view: its state, what changes it, and when it is drawn again.

class LocusView extends DrawnView {
  constructor(root) {
    super(root);
    this.tab = "card";
    this.tool = "move";
    this.display = { ...USUAL_DISPLAY };
    this.features = [];
    this.buildDom();
    attachPointer(this);
    attachKeyboard(this);
    attachPaste(this);
    new ResizeObserver(() => this.refresh("layout")).observe(this.root);
  }

  buildDom() {
    this.root.tabIndex = 0;
    this.root.setAttribute("aria-label", "Locus view; press ? for the keyboard");
    this.dom = {};
    this.dom.toolbar = buildToolbar(this);
    this.dom.read = element("div", { className: "lv-read", "data-role": "readout" });
    this.dom.live = element("div", { className: "lv-live", "aria-live": "polite" });
    this.dom.progress = element("div", { className: "lv-progress", "data-role": "progress" });
    this.dom.main = element("canvas", { role: "img", "data-role": "figure" });
    this.dom.overlay = element("canvas", { className: "lv-overlay", "aria-hidden": "true" });
    this.dom.menu = element("div", { className: "lv-menu", hidden: true, role: "menu" });
    this.dom.stage = element("div", { className: "lv-stage" }, [this.dom.main, this.dom.overlay, this.dom.menu]);
    this.dom.side = buildSide(this);
    const { bar, settingsBox, helpBox } = this.dom.toolbar;
    bar.append(this.dom.progress);
    this.root.replaceChildren(bar, settingsBox, helpBox, this.dom.read, element("div", { className: "lv-body" }, [element("div", { className: "lv-figure" }, [this.dom.stage]), this.dom.side.side]), this.dom.live);
  }

  // New facts from the server about what is shown. The region survives unless the sequence is another one.
  update(meta, send) {
    this.send = (name, values) => send(name, { ...values, wish: `${Date.now()}-${(this.wishes = (this.wishes || 0) + 1)}` });
    const before = this.scene;
    if (before?.meta.view !== meta.view) {
      const mirrored = before && meta.reverse_of === before.meta.view;
      this.scene = new Scene(meta);
      this.pairProblem = "";
      this.cursor = this.brush = null;
      if (mirrored) this.mirror(before.length);
      else this.start(meta, !before);
      this.collect(meta);
    } else if (before.meta.generation !== meta.generation) {
      this.scene = new Scene(meta); // another model or metric: results go, region and selection stay
      this.pairProblem = "";
      this.collect(meta);
      this.askPair();
    } else this.scene.meta = meta;
    this.features = featureLanes([...meta.features].sort((a, b) => a.start - b.start || b.end - a.end));
    this.refresh("layout");
    writeAddress(this);
    this.focusOn(meta.focus);
  }

  // The server asks for a selection once, for example when a variant was chosen on another page.
  focusOn(focus) {
    if (!focus?.wish || switchboard().focused === focus.wish) return;
    switchboard().focused = focus.wish;
    const [i, j] = focus.places;
    if (focus.places.every((place) => inside(this, place))) this.select(focus.places.length === 2 ? { kind: "pair", i, j } : { kind: "base", i });
  }

  collect(meta) {
    for (const [name, envelope] of switchboard().parked) if (name.startsWith(`${meta.target}/`)) this.receive(envelope);
  }

  adopt(before) {
    if (!before?.scene) return;
    this.display = before.display;
    this.left = { view: before.scene.meta.view, region: before.region, selection: before.selection };
  }

  start(meta, isFirst) {
    if (this.left?.view === meta.view) {
      ({ region: this.region, selection: this.selection } = this.left);
      return this.askPair();
    }
    const initial = isFirst && !this.left ? meta.initial || {} : {};
    if (initial.display) this.display = { ...this.display, ...initial.display };
    const [from, to] = initial.region || [0, this.scene.length];
    this.region = this.fitted(from, to);
    this.selection = null;
    if (initial.select) this.selection = initial.select.length === 2 ? { kind: "pair", i: initial.select[0], j: initial.select[1] } : { kind: "base", i: initial.select[0] };
    if (this.selection) this.askPair();
  }

  mirror(length) {
    const flip = (i) => length - 1 - i;
    this.region = this.fitted(length - this.region.b, length - this.region.a);
    if (this.selection) this.selection = { ...this.selection, i: flip(this.selection.i), ...(this.selection.kind === "pair" ? { j: flip(this.selection.j) } : {}) };
    this.askPair();
  }

  receive(envelope) {
    const { kind } = envelope.header;
    if (kind === "status") this.status = envelope.header;
    else if (!this.scene?.take(envelope)) return;
    if (kind === "pair") this.pairProblem = envelope.header.problem || "";
    this.pairCache = null;
    this.refresh(kind === "status" ? "status" : kind === "pair" ? "side" : "layout");
  }

  // ── what is shown ────────────────────────────────────────────────────────
  fitted(from, to) {
    const length = this.scene.length;
    const width = Math.max(Math.min(8, length), Math.min(length, to - from));
    const middle = (from + to) / 2;
    const a = Math.max(0, Math.min(length - width, middle - width / 2));
    return { a, b: a + width };
  }

  show(from, to) {
    this.region = this.fitted(from, to);
    this.refresh("view");
    writeAddress(this);
    this.askWindow();
  }

  zoom(factor, around) {
    const { a, b } = this.region;
    const centre = around ?? (this.cursor && this.cursor.base) ?? (a + b) / 2;
    this.show(centre - (centre - a) * factor, centre + (b - centre) * factor);
  }

  showPair(i, j) {
    const [low, high] = [Math.min(i, j), Math.max(i, j)];
    const margin = Math.max(6, (high - low) * 0.25);
    this.show(low - margin, high + 1 + margin);
  }

  goToText(text) {
    const found = /^\s*([\d,\s]+)\s*(?:-|–|\.\.)\s*([\d,\s]+)\s*$/.exec(text);
    const [from, to] = found ? [found[1], found[2]].map((part) => Number(part.replace(/[,\s]/g, ""))) : [NaN, NaN];
    if (!(from >= 1 && to >= from && to <= this.scene.length)) {
      this.hint(`Give a region inside 1-${this.scene.length.toLocaleString("en")} as start-end.`);
      return this.refresh("bar");
    }
    this.show(from - 1, to);
  }

  regionText() {
    return `${(Math.floor(this.region.a) + 1).toLocaleString("en")}-${Math.ceil(this.region.b).toLocaleString("en")}`;
  }

  wholeBases() {
    const from = Math.floor(this.region.a);
    return Array.from({ length: Math.ceil(this.region.b) - from }, (_, k) => from + k);
  }

  setDisplay(change) {
    this.display = { ...this.display, ...change };
    this.pairCache = null;
    this.refresh("layout");
    writeAddress(this);
  }

  setTool(tool) {
    this.tool = tool;
    this.refresh("bar");
  }

  // ── selection ────────────────────────────────────────────────────────────
  select(selection) {
    this.selection = selection;
    this.tab = this.tab === "words" ? "card" : this.tab;
    if (selection?.kind === "pair") this.tab = this.tab === "bases" ? "card" : this.tab;
    this.bringIntoView(selection);
    this.pairProblem = "";
    this.askPair();
    this.refresh("selection");
    writeAddress(this);
    if (selection) this.say(selectionWords(this));
  }

  bringIntoView(selection) {
    if (!selection) return;
    const places = selection.kind === "pair" ? [selection.i, selection.j] : [selection.i];
    if (places.every((i) => i >= this.region.a - 1 && i <= this.region.b)) return;
    if (selection.kind === "pair") this.showPair(selection.i, selection.j);
    else this.show(selection.i - (this.region.b - this.region.a) / 2, selection.i + (this.region.b - this.region.a) / 2);
  }

  selectCursor() {
    const cursor = this.cursor;
    if (!cursor) return;
    if (cursor.i !== undefined && cursor.i !== cursor.j) this.select({ kind: "pair", i: cursor.i, j: cursor.j });
    else this.select({ kind: "base", i: cursor.index });
  }

  askPair() {
    const chosen = this.selection;
    if (this.scene.meta.fixed || chosen?.kind !== "pair" || this.pairTable(chosen.i, chosen.j) || chosen.i === chosen.j) return;
    this.send("pair", { view: this.scene.meta.view, changed: chosen.i, read: chosen.j });
  }

  pairTable(i, j) {
    const found = this.scene.results.pair;
    return found && found.header.changed === i && found.header.read === j && found.arrays.values ? found : null;
  }

  // A pooled overview is replaced by exact values where the view has come near enough.
  askWindow() {
    const map = this.scene.map;
    if (!map || map.bin === 1 || this.region.b - this.region.a > map.window_limit) return;
    const [from, to] = [Math.floor(this.region.a), Math.ceil(this.region.b)];
    const exact = this.scene.results.window?.header;
    if (exact && exact.offset <= from && exact.offset + exact.width >= to) return;
    clearTimeout(this.windowTimer);
    this.windowTimer = setTimeout(() => this.send("window", { view: this.scene.meta.view, start: from, end: to }), 180);
  }

  clear() {
    const { settingsBox, helpBox, settings } = this.dom.toolbar;
    if (!settingsBox.hidden || !helpBox.hidden || !this.dom.menu.hidden) {
      settingsBox.hidden = helpBox.hidden = true;
      settings.setAttribute("aria-expanded", "false");
      this.hideMenu();
      return this.setBrush(null);
    }
    this.setBrush(null);
    this.cursor = null;
    this.select(null);
  }

  stepPair(direction) {
    const pairs = this.allPairs();
    if (!pairs.length) return this.hint("There are no pairs to step through yet.");
    const chosen = this.selection?.kind === "pair" ? this.selection : null;
    const at = chosen ? pairs.findIndex((p) => p.i === Math.min(chosen.i, chosen.j) && p.j === Math.max(chosen.i, chosen.j)) : -1;
    const next = at < 0 ? (direction > 0 ? 0 : pairs.length - 1) : (at + direction + pairs.length) % pairs.length;
    const pair = pairs[next];
    this.select({ kind: "pair", i: pair.forward ? pair.i : pair.j, j: pair.forward ? pair.j : pair.i });
  }

  allPairs() {
    const { distance, threshold } = this.display;
    const key = `${distance}|${threshold}`;
    if (this.pairCache?.key !== key) this.pairCache = { key, pairs: strongestPairs(this.scene, distance, threshold, 400) };
    return this.pairCache.pairs;
  }

  pairsInView() {
    const { a, b } = this.region;
    return this.allPairs().filter((pair) => pair.i + 1 > a && pair.j < b);
  }

  isContact(i, j) {
    const found = this.scene.results.contacts;
    if (!found) return false;
    found.keys ||= new Set(Array.from({ length: found.header.pairs }, (_, k) => `${found.arrays.pairs[2 * k]},${found.arrays.pairs[2 * k + 1]}`));
    return found.keys.has(`${Math.min(i, j)},${Math.max(i, j)}`);
  }

  // ── cursor, region menu, messages ────────────────────────────────────────
  setCursor(cursor) {
    this.cursor = cursor;
    this.refresh("cursor");
  }

  moveCursor(rows, columns) {
    const middle = Math.floor((this.region.a + this.region.b) / 2);
    const chosen = this.selection;
    const from = this.cursor || (chosen ? { index: chosen.j ?? chosen.i, i: chosen.kind === "pair" ? chosen.i : undefined, j: chosen.j } : { index: middle });
    const step = (i, by) => clampIndex(this, i + by);
    const next = { panel: "map", index: step(from.j ?? from.index, columns) };
    if (rows || from.i !== undefined) Object.assign(next, { i: step(from.i ?? from.index, rows), j: next.index });
    next.base = next.index + 0.5;
    const width = this.region.b - this.region.a;
    if (next.index < this.region.a) this.show(next.index, next.index + width);
    if (next.index + 1 > this.region.b) this.show(next.index + 1 - width, next.index + 1);
    this.setCursor(next);
    this.say(readout(this));
  }

  setBrush(brush) {
    this.brush = brush;
    this.refresh("cursor");
  }

  openMenu(x, y) {
    const { from, to } = this.brush;
    const name = `${(from + 1).toLocaleString("en")}-${to.toLocaleString("en")}`;
    const act = (does) => () => (this.hideMenu(), this.setBrush(null), does());
    const entries = [
      button(`Zoom to ${name}`, "Show only this region", act(() => this.show(from, to)), { role: "menuitem" }),
      button(`Copy ${to - from} bases`, "Copy the letters of this region", act(() => this.copySequence(from, to)), { role: "menuitem" }),
    ];
    if (to - from >= 8 && !this.scene.meta.fixed) entries.push(button("Compute here", "Run the model on this region alone", act(() => this.send("compute", { view: this.scene.meta.view, start: from, end: to })), { role: "menuitem" }));
    entries.push(button("Cancel", "Close this menu", act(() => {}), { role: "menuitem" }));
    this.dom.menu.replaceChildren(...entries);
    this.dom.menu.hidden = false;
    this.dom.menu.style.left = `${Math.min(x, GUTTER.left + this.layout.width - 130)}px`;
    this.dom.menu.style.top = `${y + 6}px`;
  }

  hideMenu() {
    this.dom.menu.hidden = true;
  }

  copySequence(from, to) {
    this.root.dataset.copied = this.scene.letters.slice(from, to);
    copyText(this.scene.letters.slice(from, to)).then(() => this.hint(`${(to - from).toLocaleString("en")} bases copied.`));
  }

  copyLink() {
    if (this.scene.meta.address === null) return this.hint("This view has no address of its own: it is a comparison, or its sequence is too long for a link.");
    window.history.replaceState(window.history.state, "", addressOf(this));
    copyText(window.location.href).then(() => this.hint("Address copied; it opens exactly this view."));
  }

  reverse() {
    if (this.scene.meta.fixed) return this.hint("A comparison is shown on the strand it was computed on; turn it in the explorer.");
    this.send("reverse", { view: this.scene.meta.view });
  }

  toggle(which) {
    const { settingsBox, helpBox, settings } = this.dom.toolbar;
    const [box, other] = which === "help" ? [helpBox, settingsBox] : [settingsBox, helpBox];
    other.hidden = true;
    box.hidden = !box.hidden;
    settings.setAttribute("aria-expanded", String(!settingsBox.hidden));
    if (!box.hidden && which === "settings") fillSettings(this, box);
  }

  openTab(tab) {
    this.tab = tab;
    this.refresh("side");
  }

  hint(text) {
    this.message = text;
    clearTimeout(this.messageTimer);
    this.messageTimer = setTimeout(() => ((this.message = ""), this.refresh("cursor")), 2600);
    this.refresh("cursor");
  }

  // A sentence that must not be missed: over the page until it is clicked away.
  alarm(text) {
    const box = element("div", { className: "lv-alarm", role: "alert", text, title: "Click to close", onclick: () => box.remove() });
    document.body.append(box);
    setTimeout(() => box.remove(), 12000);
  }

  say(text) {
    this.dom.live.textContent = text;
  }

  restingWords() {
    const { meta, length } = this.scene;
    const count = `${length.toLocaleString("en")} bases`;
    return `${meta.title ? `${meta.title}: ` : ""}${count}, showing ${this.regionText()}. Move over the figure to read values; ? lists the keys.`;
  }

  waitingWords(kind) {
    const problem = this.scene.meta.problems?.[kind];
    if (problem) return problem;
    if (this.status?.running?.length) return "computing…";
    return this.status?.lines?.length ? "not computed" : "not computed yet: press Compute";
  }
}
