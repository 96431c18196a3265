// Beside the figure: the card of what is selected, the tables that say the same in numbers, the description.

const TABS = [["card", "Selection"], ["pairs", "Pairs"], ["bases", "Bases"], ["words", "In words"]];

function buildSide(view) {
  const body = element("div", { className: "lv-tab-body", role: "tabpanel" });
  const tabs = TABS.map(([id, text]) => element("button", { text, type: "button", role: "tab", "data-tab": id, onclick: () => view.openTab(id) }));
  const side = element("aside", { className: "lv-side", "aria-label": "Selection and tables" }, [element("div", { className: "lv-tabs", role: "tablist" }, tabs), body]);
  return { side, tabs, body };
}

function fillSide(view) {
  const { tabs, body } = view.dom.side;
  for (const tab of tabs) tab.setAttribute("aria-selected", String(tab.dataset.tab === view.tab));
  const content = { card: cardContent, pairs: pairsTable, bases: basesTable, words: wordsContent }[view.tab](view);
  body.replaceChildren(...content);
}

function cardContent(view) {
  const chosen = view.selection;
  if (!chosen) return [element("p", { className: "lv-hint", text: "Click a cell of the map, an arc, a letter, a bar or a table row. The same bases are then marked everywhere and their details stand here." }), ...strongestShort(view)];
  return chosen.kind === "pair" ? pairCard(view, chosen.i, chosen.j) : baseCard(view, chosen.i);
}

function strongestShort(view) {
  const best = view.pairsInView().slice(0, 8);
  if (!best.length) return [];
  return [element("h4", { text: "Strongest pairs in view" }), pairRows(view, best)];
}

function pairCard(view, i, j) {
  const { scene } = view;
  const kind = pairKind(scene, i, j);
  const there = scene.pairValue(i, j);
  const back = scene.pairValue(j, i);
  const unit = scene.map?.unit || "";
  const facts = [
    ["Changed", `${scene.base(i)} at ${scene.positionWords(i)}`],
    ["Read", `${scene.base(j)} at ${scene.positionWords(j)}`],
    ["Distance", `${Math.abs(i - j).toLocaleString("en")} bases`],
    ["Effect", `${valueWords(there)} ${unit}`],
    ["Other way", `${valueWords(back)} ${unit}`],
    ["Could pair", kind || "no"],
    ["Contact", view.isContact(i, j) ? "yes, in the dot-bracket" : "no"],
  ];
  return [
    element("h3", {}, [coloured(view, i), document.createTextNode(` ${i + 1} → `), coloured(view, j), document.createTextNode(` ${j + 1}`)]),
    element("div", { className: "lv-actions" }, [
      button("⇄ Swap", "Change the other base instead", () => view.select({ kind: "pair", i: j, j: i })),
      button("Zoom to pair", "Zoom so that both bases are shown", () => view.showPair(i, j)),
    ]),
    factTable(facts),
    ...(scene.meta.fixed ? [] : [element("h4", { text: `Base read at ${j + 1} when ${i + 1} becomes …` }), ...substitutionTable(view, i, j)]),
    element("h4", { text: "Contexts" }),
    contextLine(view, i),
    contextLine(view, j),
  ];
}

function valueWords(found) {
  if (!found) return "—";
  if (!found.known) return found.done ? "not comparable" : "not computed yet";
  return `${found.exact ? "" : "≤ "}${ORDINARY(found.value)}`;
}

function coloured(view, i) {
  return element("b", { text: view.scene.base(i), style: `color:${view.baseColour(i, view.theme)}` });
}

function factTable(facts) {
  return element("table", { className: "lv-facts" }, [
    element("tbody", {}, facts.map(([name, value]) => element("tr", {}, [element("th", { text: name, scope: "row" }), element("td", { text: value })]))),
  ]);
}

// 4 × 4: rows are the substituted base, columns the base whose odds change; signed.
function substitutionTable(view, i, j) {
  const found = view.pairTable(i, j);
  if (view.pairProblem) return [element("p", { className: "lv-hint", text: view.pairProblem })];
  if (!found) return [element("p", { className: "lv-hint", "data-role": "pair-waiting", text: "Computing the 4 × 4 table…" })];
  const { values } = found.arrays;
  const limit = Math.max(1, ...Array.from(values, (v) => Math.abs(v) || 0));
  const { scene } = view;
  const head = element("tr", {}, [element("th", { text: `${scene.base(i)}→` }), ...[0, 1, 2, 3].map((n) => element("th", { text: scene.letterOf(n), scope: "col" }))]);
  const rows = [0, 1, 2, 3].map((a) => element("tr", {}, [element("th", { text: scene.letterOf(a), scope: "row" }), ...[0, 1, 2, 3].map((n) => substitutionCell(values[4 * a + n], limit))]));
  return [
    element("table", { className: "lv-substitutions", "data-role": "pair-table" }, [element("thead", {}, [head]), element("tbody", {}, rows)]),
    element("p", { className: "lv-hint", text: "Change of the log2 odds of the column's base; the row of the reference base is empty." }),
  ];
}

function substitutionCell(value, limit) {
  if (!Number.isFinite(value)) return element("td", { text: "·", className: "lv-empty" });
  return element("td", { text: value.toFixed(2), style: `background:${divergingCss(value, limit)};color:${inkOn(value, limit)}` });
}

function contextLine(view, i) {
  const from = Math.max(0, i - 12);
  const to = Math.min(view.scene.length, i + 13);
  const line = element("code", { className: "lv-context" });
  line.append(from > 0 ? "…" : "", view.scene.letters.slice(from, i), element("mark", { text: view.scene.base(i) }), view.scene.letters.slice(i + 1, to), to < view.scene.length ? "…" : "");
  return element("div", { className: "lv-context-row" }, [element("span", { text: (i + 1).toLocaleString("en") }), line]);
}

function baseCard(view, i) {
  const { scene } = view;
  const p = scene.track("probabilities", "values");
  const facts = [["Position", scene.positionWords(i)]];
  if (Number.isFinite(scene.entropy(i))) facts.push(["Entropy", `${ORDINARY(scene.entropy(i))} bits`]);
  if (Number.isFinite(scene.influence(i))) facts.push(["Influence", shortNumber(scene.influence(i))]);
  const element_ = strongestElement(scene, i);
  if (element_) facts.push(["Element", element_]);
  const here = view.features.filter((f) => f.start <= i && i < f.end).map((f) => f.name || f.kind);
  if (here.length) facts.push(["Annotation", here.join(", ")]);
  const rows = [0, 1, 2, 3].map((k) => {
    const effect = scene.effect(i, k);
    const isReference = scene.code(i) === k;
    return element("tr", {}, [
      element("th", { text: scene.letterOf(k), scope: "row" }),
      element("td", { text: p ? `${(p[4 * i + k] * 100).toFixed(1)} %` : "—" }),
      isReference ? element("td", { text: "reference", className: "lv-empty" }) : Number.isFinite(effect) ? substitutionCell(effect, view.effectLimit()) : element("td", { text: "—" }),
    ]);
  });
  const partners = view.pairsInView().filter((pair) => pair.i === i || pair.j === i).slice(0, 6);
  return [
    element("h3", {}, [coloured(view, i), document.createTextNode(` ${(i + 1).toLocaleString("en")}`)]),
    factTable(facts),
    element("table", { className: "lv-substitutions", "data-role": "base-table" }, [
      element("thead", {}, [element("tr", {}, ["", "P", scene.results.effects?.header.unit || "effect"].map((text) => element("th", { text, scope: "col" })))]),
      element("tbody", {}, rows),
    ]),
    ...(partners.length ? [element("h4", { text: "Its strongest pairs" }), pairRows(view, partners)] : []),
    element("h4", { text: "Context" }),
    contextLine(view, i),
  ];
}

function pairsTable(view) {
  const pairs = view.pairsInView().slice(0, 100);
  if (!pairs.length) return [element("p", { className: "lv-hint", text: view.scene.layers.length ? "No pair passes the distance and threshold filters here." : view.waitingWords("map") })];
  return [element("p", { className: "lv-hint", text: `The ${pairs.length} strongest pairs in view at least ${view.display.distance} apart; n and p step through them.` }), pairRows(view, pairs)];
}

function pairRows(view, pairs) {
  const { scene } = view;
  const rows = pairs.map((pair) => {
    const [from, to] = pair.forward ? [pair.i, pair.j] : [pair.j, pair.i];
    const chosen = view.selection?.kind === "pair" && Math.min(view.selection.i, view.selection.j) === pair.i && Math.max(view.selection.i, view.selection.j) === pair.j;
    const pick = () => view.select({ kind: "pair", i: from, j: to });
    const row = element("tr", { tabindex: "0", "data-pair": `${pair.i + 1},${pair.j + 1}`, "aria-selected": String(chosen), onclick: pick });
    row.addEventListener("keydown", (event) => event.key === "Enter" && (event.stopPropagation(), pick()));
    row.append(
      element("td", { text: `${scene.base(pair.i)}${pair.i + 1}` }),
      element("td", { text: `${scene.base(pair.j)}${pair.j + 1}` }),
      element("td", { text: (pair.j - pair.i).toLocaleString("en") }),
      element("td", { text: ORDINARY(pair.value) }),
      element("td", { text: pairKind(scene, pair.i, pair.j) || "" }),
    );
    return row;
  });
  const head = ["Base", "Base", "Apart", scene.map?.unit || "", "Could pair"].map((text) => element("th", { text, scope: "col" }));
  return element("table", { className: "lv-rows" }, [element("thead", {}, [element("tr", {}, head)]), element("tbody", {}, rows)]);
}

function basesTable(view) {
  const { scene } = view;
  const shown = view.wholeBases().slice(0, 200);
  const head = ["Position", "Base", ...[0, 1, 2, 3].map((k) => `→${scene.letterOf(k)}`), "Infl.", "H bits"].map((text) => element("th", { text, scope: "col" }));
  const rows = shown.map((i) => {
    const row = element("tr", { tabindex: "0", "data-base": i + 1, "aria-selected": String(view.selection?.kind === "base" && view.selection.i === i), onclick: () => view.select({ kind: "base", i }) });
    row.append(element("td", { text: (scene.coordinate(i) ?? i + 1).toLocaleString("en") }), element("td", {}, [coloured(view, i)]));
    for (let k = 0; k < 4; k++) row.append(Number.isFinite(scene.effect(i, k)) ? substitutionCell(scene.effect(i, k), view.effectLimit()) : element("td", { text: "·", className: "lv-empty" }));
    row.append(element("td", { text: Number.isFinite(scene.influence(i)) ? shortNumber(scene.influence(i)) : "" }), element("td", { text: Number.isFinite(scene.entropy(i)) ? ORDINARY(scene.entropy(i)) : "" }));
    return row;
  });
  const note = shown.length < view.wholeBases().length ? `The first ${shown.length} bases in view; zoom in for the others.` : "Every base in view.";
  return [element("p", { className: "lv-hint", text: note }), element("table", { className: "lv-rows" }, [element("thead", {}, [element("tr", {}, head)]), element("tbody", {}, rows)])];
}

function wordsContent(view) {
  return describeScene(view).map((text) => element("p", { text }));
}
