// Toolbar above the figure, display settings and keyboard help.

function buildToolbar(view) {
  const region = element("input", { className: "lv-region", name: "region", "aria-label": "Region shown, 1-based start-end", spellcheck: "false" });
  region.addEventListener("change", () => view.goToText(region.value));
  const group = (...buttons) => element("span", { className: "lv-group" }, buttons);
  const modes = ["square", "wide", "triangle"].map((mode) => {
    const made = button({ square: "■ Square", wide: "▬ Wide", triangle: "▼ Triangle" }[mode], `Map as ${mode}`, () => view.setDisplay({ mode }), { "data-mode": mode });
    return made;
  });
  const tool = button("⬚ Select", "Drag selects a region (s); otherwise drag moves the view", () => view.setTool(view.tool === "select" ? "move" : "select"), { "data-tool": "select" });
  const settings = button("Display", "Colours, limits, filters, panels (d)", () => view.toggle("settings"), { "aria-expanded": "false" });
  const bar = element("div", { className: "lv-bar", role: "toolbar", "aria-label": "Locus view" }, [
    region,
    group(button("−", "Zoom out (−)", () => view.zoom(2)), button("+", "Zoom in (+)", () => view.zoom(0.5)), button("Whole", "Whole sequence (0)", () => view.show(0, view.scene.length))),
    group(button("‹", "Previous strongest pair (p)", () => view.stepPair(-1)), button("›", "Next strongest pair (n)", () => view.stepPair(1))),
    group(...modes),
    tool,
    button("⇄ Reverse complement", "Show and compute the other strand (v)", () => view.reverse()),
    settings,
    button("Copy link", "Copy the address of exactly this view", () => view.copyLink()),
    button("?", "Keyboard and mouse help (?)", () => view.toggle("help")),
  ]);
  const settingsBox = element("div", { className: "lv-pop", hidden: true, role: "dialog", "aria-label": "Display settings" });
  const helpBox = element("div", { className: "lv-pop lv-help", hidden: true, role: "dialog", "aria-label": "Help" }, helpRows());
  return { bar, region, modes, tool, settings, settingsBox, helpBox };
}

const HELP = [
  ["← → ↑ ↓", "move the cursor by one base (on the map: column, row)"],
  ["Shift + ← →", "move the view by a quarter"],
  ["+  −  0", "zoom in, zoom out, whole sequence"],
  ["n  p", "next, previous strongest pair"],
  ["Enter", "select what is under the cursor"],
  ["Esc", "clear selection, close boxes"],
  ["s", "drag selects a region (or hold Shift while dragging)"],
  ["m", "square, wide, triangle map"],
  ["v", "reverse complement"],
  ["d", "display settings"],
  ["/", "to the search box"],
  ["?", "this help"],
  ["Mouse", "drag moves; Ctrl + wheel zooms (plain wheel once the figure is active); double click zooms in; click selects"],
];

function helpRows() {
  const rows = HELP.map(([keys, text]) => element("tr", {}, [element("th", { text: keys, scope: "row" }), element("td", { text })]));
  return [element("table", {}, [element("tbody", {}, rows)])];
}

function fillSettings(view, box) {
  const { display } = view;
  const set = (name) => (value) => view.setDisplay({ [name]: value });
  const whole = (name, least) => (value) => view.setDisplay({ [name]: Math.round(value ?? least) });
  const unit = view.scene.map?.unit || "";
  const panels = [["features", "annotation"], ["arcs", "pairs"], ["map", "map"], ["logo", "reconstruction"], ["effects", "substitutions"], ["influence", "influence"], ["entropy", "entropy"], ["segmentation", "elements"], ["structure", "contacts"], ["tokens", "tokens"]];
  box.replaceChildren(
    element("div", { className: "lv-fields" }, [
      chooser("Palette", "palette", Object.keys(PALETTES).map((name) => [name, name]), display.palette, set("palette")),
      chooser("Directions", "symmetry", [["none", "both shown"], ["max", "maximum of both"], ["mean", "mean of both"]], display.symmetry, set("symmetry")),
      chooser("Base colours", "bases", [["safe", "colour-blind safe"], ["igv", "IGV"]], display.bases, set("bases")),
      numberField(`Lowest colour ${unit}`, "low", display.low, { min: 0, step: 0.1 }, (value) => view.setDisplay({ low: value ?? 0 })),
      numberField(`Highest colour ${unit}`, "high", display.high, { min: 0.001, step: 0.1, placeholder: view.scene.layers[0] ? `auto ${automaticLimit(view.scene.layers[0])}` : "auto" }, set("high")),
      numberField(`Threshold ${unit}`, "threshold", display.threshold, { min: 0, step: 0.1 }, (value) => view.setDisplay({ threshold: value ?? 0 })),
      numberField("Pairs at least … apart", "distance", display.distance, { min: 1, max: 100000, step: 1 }, whole("distance", 1)),
      numberField("Hide map nearer than", "hideNear", display.hideNear, { min: 1, max: 1000, step: 1 }, whole("hideNear", 1)),
      numberField("Arcs", "arcs", display.arcs, { min: 0, max: 400, step: 5 }, whole("arcs", 0)),
    ]),
    element("fieldset", {}, [
      element("legend", { text: "Panels" }),
      ...panels.map(([id, text]) => {
        const input = element("input", { type: "checkbox", name: `panel-${id}`, checked: !display.hidden.includes(id) });
        input.addEventListener("change", () => view.setDisplay({ hidden: input.checked ? display.hidden.filter((h) => h !== id) : [...display.hidden, id] }));
        return element("label", { className: "lv-check" }, [input, element("span", { text })]);
      }),
    ]),
    element("div", { className: "lv-actions" }, [
      button("Usual settings", "Back to the usual display settings", () => (view.setDisplay({ ...USUAL_DISPLAY }), fillSettings(view, box))),
      button("Close", "Close the display settings (Esc)", () => view.toggle("settings")),
    ]),
  );
}
