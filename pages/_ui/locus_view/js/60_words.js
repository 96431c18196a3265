// What the cursor and the cards say, in words.

const ORDINARY = (value) => (Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2));

function effectWords(scene, i) {
  if (!scene.results.effects) return "";
  const parts = [];
  for (let k = 0; k < 4; k++) {
    const value = scene.effect(i, k);
    if (Number.isFinite(value)) parts.push(`${scene.letterOf(k)} ${value > 0 ? "+" : value < 0 ? "−" : ""}${ORDINARY(Math.abs(value))}`);
  }
  return parts.join("  ");
}

function probabilityWords(scene, i) {
  const values = scene.track("probabilities", "values");
  if (!values) return "";
  return [0, 1, 2, 3]
    .sort((a, b) => values[4 * i + b] - values[4 * i + a])
    .slice(0, 2)
    .map((k) => `${scene.letterOf(k)} ${Math.round(values[4 * i + k] * 100)} %`)
    .join("  ");
}

function strongestElement(scene, i) {
  const found = scene.results.segmentation;
  if (!found) return "";
  const { elements } = found.header;
  let best = 0;
  for (let e = 1; e < elements.length; e++) if (found.arrays.values[i * elements.length + e] > found.arrays.values[i * elements.length + best]) best = e;
  const value = found.arrays.values[i * elements.length + best];
  return Number.isFinite(value) ? `${elements[best].replaceAll("_", " ")} ${value.toFixed(2)}` : "";
}

// "Changing G at 12 changes C at 43 by up to 5.10 bits: 31 bases apart, could pair (Watson–Crick)."
function pairWords(view, i, j) {
  const { scene } = view;
  const found = scene.pairValue(i, j);
  if (i === j) return `${scene.base(i)} at ${scene.positionWords(i)}: a base is not compared with itself.`;
  const both = `${scene.base(i)} at ${scene.positionWords(i)}`;
  const read = `${scene.base(j)} at ${scene.positionWords(j)}`;
  const apart = `${Math.abs(i - j).toLocaleString("en")} ${Math.abs(i - j) === 1 ? "base" : "bases"} apart`;
  const kind = pairKind(scene, i, j);
  if (!found) return `${both} and ${read}: ${apart}; no value here.`;
  if (!found.known) return `${both} → ${read}: ${found.done ? "the model's tokens moved, no comparison" : "not computed yet"}; ${apart}.`;
  const unit = scene.map.unit;
  const about = found.exact ? "" : "up to about ";
  if (scene.map.signed) return `${both} → ${read}: difference ${ORDINARY(found.value)} ${unit}; ${apart}.`;
  const back = scene.pairValue(j, i);
  const reverse = back?.known ? `, the other way ${ORDINARY(back.value)}` : "";
  return `Changing ${both} changes ${read} by ${about}${ORDINARY(found.value)} ${unit}${reverse}; ${apart}${kind ? `, could pair (${kind})` : ""}.`;
}

function baseWords(view, i) {
  const { scene } = view;
  const parts = [`${scene.base(i)} at ${scene.positionWords(i)}`];
  const likely = probabilityWords(scene, i);
  if (likely) parts.push(`the model expects ${likely.replace("  ", ", ")}`);
  const effects = effectWords(scene, i);
  if (effects) parts.push(`substitutions ${effects.replaceAll("  ", ", ")}`);
  if (Number.isFinite(scene.influence(i))) parts.push(`influence ${shortNumber(scene.influence(i))}`);
  const element = strongestElement(scene, i);
  if (element) parts.push(element);
  const token = tokenWords(scene, i);
  if (token) parts.push(token);
  const here = view.features.filter((f) => f.start <= i && i < f.end).map((f) => f.name || f.kind);
  if (here.length) parts.push(`in ${here.slice(0, 3).join(", ")}`);
  return parts.join("; ") + ".";
}

function tokenWords(scene, i) {
  const found = scene.results.tokens;
  if (!found) return "";
  const { spans, probabilities } = found.arrays;
  const t = found.header.tokens.findIndex((_, k) => spans[2 * k] <= i && i < spans[2 * k + 1]);
  return t < 0 ? "" : `token ${found.header.tokens[t]}, P ${Number.isFinite(probabilities[t]) ? probabilities[t].toFixed(2) : "unknown"}`;
}

function readout(view) {
  const cursor = view.cursor;
  if (!cursor) return view.selection ? selectionWords(view) : view.restingWords();
  if (cursor.arc) return pairWords(view, cursor.arc.forward ? cursor.arc.i : cursor.arc.j, cursor.arc.forward ? cursor.arc.j : cursor.arc.i);
  return cursor.i !== undefined ? pairWords(view, cursor.i, cursor.j) : baseWords(view, cursor.index);
}

function selectionWords(view) {
  const chosen = view.selection;
  return `Selected: ${chosen.kind === "pair" ? pairWords(view, chosen.i, chosen.j) : baseWords(view, chosen.i)}`;
}

function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "";
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min left`;
  return `${(seconds / 3600).toFixed(1)} h left`;
}

// Description of the whole figure for readers who cannot see it; rules, not guesses.
function describeScene(view) {
  const { scene } = view;
  const lines = [`${scene.meta.title || "Sequence"}: ${scene.length.toLocaleString("en")} bases of ${scene.meta.alphabet}, shown ${view.regionText()}.`];
  const pairs = view.pairsInView();
  if (scene.map) {
    lines.push(`${scene.map.title} by ${scene.map.model}${scene.map.complete ? "" : " (partial)"}: rows are the base that is changed, columns the base that is read, colour is the size of the change in ${scene.map.unit}.`);
    const best = pairs[0];
    if (best) lines.push(`The strongest pair at least ${view.display.distance} apart is ${scene.base(best.i)} ${best.i + 1} and ${scene.base(best.j)} ${best.j + 1} with ${ORDINARY(Math.abs(best.value))}.`);
    const stems = stemsAmong(scene, pairs.slice(0, 200));
    if (stems.length) lines.push(`Anti-diagonal runs that could be paired stems: ${stems.map((s) => `${s.i + 1}–${s.i + s.size} with ${s.j - s.size + 2}–${s.j + 1}`).join("; ")}.`);
  }
  if (scene.results.contacts) lines.push(`${scene.results.contacts.header.pairs} contacts were read from the map; dot-bracket ${scene.results.contacts.header.dot_bracket.slice(0, 400)}.`);
  const worst = worstSubstitution(view);
  if (worst) lines.push(`The least expected substitution in view is ${scene.base(worst.i)}${worst.i + 1}${scene.letterOf(worst.k)} with ${ORDINARY(worst.value)}.`);
  const surest = surestBase(view);
  if (surest) lines.push(`The base the model is surest of is ${scene.base(surest.i)} at ${surest.i + 1}, entropy ${ORDINARY(surest.value)} bits.`);
  return lines;
}

function stemsAmong(scene, pairs) {
  const keys = new Set(pairs.filter((p) => pairKind(scene, p.i, p.j)).map((p) => `${p.i},${p.j}`));
  const stems = [];
  for (const key of keys) {
    const [i, j] = key.split(",").map(Number);
    if (keys.has(`${i - 1},${j + 1}`)) continue;
    let size = 1;
    while (keys.has(`${i + size},${j - size}`)) size++;
    if (size >= 3) stems.push({ i, j, size });
  }
  return stems.sort((a, b) => b.size - a.size).slice(0, 6);
}

function worstSubstitution(view) {
  if (!view.scene.results.effects) return null;
  let worst = null;
  for (const column of view.wholeBases())
    for (let k = 0; k < 4; k++) {
      const value = view.scene.effect(column, k);
      if (Number.isFinite(value) && (!worst || value < worst.value)) worst = { i: column, k, value };
    }
  return worst;
}

function surestBase(view) {
  let best = null;
  for (const i of view.wholeBases()) {
    const value = view.scene.entropy(i);
    if (Number.isFinite(value) && (!best || value < best.value)) best = { i, value };
  }
  return best;
}
