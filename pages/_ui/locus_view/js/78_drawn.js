// The drawing half of a locus view: colours, letters, and what is drawn again when something changes.

class DrawnView {
  constructor(root) {
    this.root = root;
    this.glyphs = new Map();
    this.dirty = new Set();
  }

  colourOf(base, theme) {
    return BASE_COLOURS[this.display.bases][theme.dark ? "dark" : "light"][base === "U" ? "T" : base] || theme.faint;
  }

  baseColour(i, theme) {
    return this.colourOf(this.scene.base(i), theme);
  }

  glyph(ctx, letter) {
    if (!this.glyphs.has(letter)) {
      const font = `bold 100px ${this.fonts.family}`;
      ctx.save();
      ctx.font = font;
      ctx.textAlign = "left";
      ctx.textBaseline = "alphabetic";
      const m = ctx.measureText(letter);
      ctx.restore();
      this.glyphs.set(letter, { font, left: m.actualBoundingBoxLeft, width: m.actualBoundingBoxLeft + m.actualBoundingBoxRight, ascent: m.actualBoundingBoxAscent, height: m.actualBoundingBoxAscent + m.actualBoundingBoxDescent });
    }
    return this.glyphs.get(letter);
  }

  effectLimit() {
    const found = this.scene.results.effects;
    if (!found) return 1;
    if (!found.limit) {
      const sizes = Array.from(found.arrays.llr || found.arrays.delta || [], Math.abs).filter((v) => v >= 0).sort((a, b) => a - b);
      found.limit = Number((sizes[Math.floor(0.98 * (sizes.length - 1))] || 1).toPrecision(2)) || 1;
    }
    return found.limit;
  }

  // Top of the letters' scale: the most informative base of the whole sequence, at least a fifth of a bit.
  informationTop() {
    const found = this.scene.results.probabilities;
    if (!found.top) {
      let most = 0.2;
      for (let i = 0; i < this.scene.length; i++) most = Math.max(most, 2 - this.scene.entropy(i) || 0);
      found.top = Number(most.toPrecision(2));
    }
    return found.top;
  }

  influenceTop() {
    const found = this.scene.results.effects;
    if (!found) return 1;
    found.top ||= this.scene.letters.split("").reduce((most, _, i) => Math.max(most, this.scene.influence(i) || 0), 0) || 1;
    return found.top;
  }

  // ── drawing: at most once a frame, only what changed ─────────────────────
  refresh(what) {
    this.dirty.add(what);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = null;
      const dirty = this.dirty;
      this.dirty = new Set();
      if (this.scene && this.region) this.draw(dirty);
    });
  }

  canvasOf(name) {
    const canvas = this.dom[name];
    return { canvas, ctx: canvas.getContext("2d"), dpr: this.dpr };
  }

  arrange() {
    this.theme = readTheme(this.root);
    this.fonts = { family: getComputedStyle(this.root).fontFamily };
    this.fonts.small = `11px ${this.fonts.family}`;
    this.fonts.title = `600 12px ${this.fonts.family}`;
    this.fonts.letters = (px) => `600 ${px.toFixed(1)}px 'Source Code Pro',ui-monospace,Menlo,monospace`;
    const sideBySide = this.root.clientWidth > 820;
    this.root.classList.toggle("lv-narrow", !sideBySide);
    const available = this.root.clientWidth - (sideBySide ? Math.max(300, this.root.clientWidth * 0.27) + 16 : 0);
    this.layout = buildPanels(this, plotWidth(this, available));
    this.dpr = Math.min(3, window.devicePixelRatio || 1);
    for (const name of ["main", "overlay"]) {
      const { canvas } = this.canvasOf(name);
      const [w, h] = [this.layout.width + GUTTER.left + GUTTER.right, this.layout.height];
      if (canvas.width !== Math.round(w * this.dpr) || canvas.height !== Math.round(h * this.dpr)) {
        canvas.width = Math.round(w * this.dpr);
        canvas.height = Math.round(h * this.dpr);
        canvas.style.width = `${w}px`;
        canvas.style.height = `${h}px`;
      }
    }
    this.dom.stage.style.width = this.dom.main.style.width;
    this.dom.stage.style.height = this.dom.main.style.height;
    if (sideBySide) this.dom.side.side.style.maxHeight = `${Math.max(420, this.layout.height)}px`;
    else this.dom.side.side.style.maxHeight = "none";
  }

  draw(dirty) {
    if (dirty.has("layout")) this.arrange();
    if (!this.layout) return;
    const view = dirty.has("layout") || dirty.has("view");
    if (view) this.drawPanels();
    if (view || dirty.has("cursor") || dirty.has("selection")) {
      drawOverlay(this);
      this.dom.read.textContent = this.message || readout(this);
    }
    if (view || dirty.has("bar") || dirty.has("selection")) this.drawBar();
    if (view || dirty.has("selection") || dirty.has("side")) this.scheduleSide(dirty.has("selection") || dirty.has("side"));
    if (dirty.has("status") || dirty.has("layout")) this.drawStatus();
    this.publishState();
  }

  drawPanels() {
    const { ctx, dpr } = this.canvasOf("main");
    ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
    ctx.clearRect(0, 0, this.layout.width + GUTTER.left + GUTTER.right, this.layout.height);
    for (const panel of this.layout.panels) {
      drawTitle(this, ctx, panel, this.theme);
      ctx.save();
      if (panel.id === "map") drawMap(this, ctx, panel, this.theme, dpr);
      else PAINTERS[panel.id](this, ctx, panel, this.theme);
      ctx.restore();
    }
  }

  // Tables are rebuilt after the view has rested: scrolling and zooming stay at a frame a step.
  scheduleSide(now) {
    clearTimeout(this.sideTimer);
    const fill = () => (fillSide(this), this.dom.main.setAttribute("aria-label", describeScene(this).join(" ")));
    if (now) fill();
    else this.sideTimer = setTimeout(fill, 140);
  }

  drawBar() {
    const { region, modes, tool } = this.dom.toolbar;
    if (document.activeElement !== region) region.value = this.regionText();
    for (const mode of modes) mode.setAttribute("aria-pressed", String(mode.dataset.mode === this.display.mode));
    tool.setAttribute("aria-pressed", String(this.tool === "select"));
  }

  drawStatus() {
    const box = this.dom.progress;
    const status = this.status;
    if (!status || status.view !== this.scene.meta.view || !status.lines.length) return box.replaceChildren();
    const line = status.lines.find((one) => one.running) || status.lines[0];
    const others = status.lines.length - 1;
    box.title = status.lines.map((one) => one.text).join("\n");
    const parts = [element("span", { text: line.text })];
    if (line.total && line.running) {
      parts.unshift(element("progress", { max: line.total, value: line.done, "aria-label": line.text }));
      parts.push(element("span", { className: "lv-left", text: duration(line.seconds_left) }));
    }
    if (others) parts.push(element("span", { text: `+${others}`, title: status.lines.map((one) => one.text).join("\n") }));
    if (status.running.length) parts.push(button("Cancel", "Stop computing; what is there stays, marked partial", () => this.send("cancel", { view: this.scene.meta.view })));
    box.className = line.failed ? "lv-progress lv-line lv-failed" : "lv-progress lv-line";
    box.replaceChildren(...parts);
  }

  // State for tests and for other software on the page.
  publishState() {
    const { dataset } = this.root;
    dataset.region = `${Math.floor(this.region.a) + 1}-${Math.ceil(this.region.b)}`;
    dataset.selection = this.selection ? (this.selection.kind === "pair" ? `${this.selection.i + 1},${this.selection.j + 1}` : `${this.selection.i + 1}`) : "";
    dataset.loaded = Object.keys(this.scene.results).sort().join(" ");
    dataset.complete = String(!!this.scene.map?.complete);
    dataset.view = this.scene.meta.view;
    dataset.letters = String(scaleOf(this).px >= LETTER_PX);
    dataset.panels = this.layout.panels.map((p) => `${p.id}:${Math.round(p.y)}:${Math.round(p.height)}`).join(" ");
    dataset.plot = `${GUTTER.left}:${Math.round(this.layout.width)}`;
    dataset.ready = "true";
  }
}

const PAINTERS = {
  ruler: drawRuler,
  features: drawFeatures,
  arcs: drawArcs,
  sequence: drawSequence,
  structure: drawStructure,
  tokens: drawTokens,
  logo: drawLogo,
  effects: drawEffects,
  influence: (view, ctx, panel, theme) =>
    view.scene.results.effects ? drawBars(view, ctx, panel, theme, (i) => view.scene.influence(i), view.influenceTop(), theme.bar) : drawNote(view, ctx, panel, theme, view.waitingWords("effects")),
  entropy: (view, ctx, panel, theme) =>
    view.scene.results.probabilities ? drawBars(view, ctx, panel, theme, (i) => view.scene.entropy(i), 2, theme.dark ? "#b6a1dc" : "#7a5ea8") : drawNote(view, ctx, panel, theme, view.waitingWords("probabilities")),
  segmentation: drawSegmentation,
};
