// Where the panels lie.

import assert from "node:assert/strict";
import { test } from "node:test";
import { arranged, composed, GUTTER } from "../../static/figure_view/layout.js";

const USUAL = { order: [], folded: [], heights: {}, off: [] };
const ROOM = { width: 800, height: 900 };
const panel = (id, height, more = {}) => ({ id, height, key: `yaxis${id}`, axis: `y${id}`, state: "result", ...more });
const PANELS = [panel("arcs", 74), panel("map", 420), panel("entropy", 40), panel("elements", 60)];
const places = (laid) => laid.map(({ id, top, height }) => `${id} ${top} ${height}`);

test("panels stand one under the other, and the map gets what the first screen leaves", () => {
  const laid = arranged(PANELS, USUAL, "wide", ROOM);
  const spare = 900 - GUTTER.top - 7 - (74 + 7) - (40 + 7) - (60 + 7);
  assert.deepEqual(places(laid), [
    "arcs 40 74",
    `map 121 ${spare}`,
    `entropy ${121 + spare + 7} 40`,
    `elements ${121 + spare + 54} 60`,
  ]);
});

test("a square map is as high as it is wide, a triangle at most half of that", () => {
  assert.equal(arranged(PANELS, USUAL, "square", ROOM)[1].height, 800);
  assert.equal(arranged(PANELS, USUAL, "triangle", { width: 600, height: 2000 })[1].height, 300);
  assert.equal(arranged(PANELS, USUAL, "wide", { width: 800, height: 100 })[1].height, 100);
});

test("on a low screen the whole map is seen with three tracks in all, not three under it", () => {
  const over = [panel("genes", 22), panel("arcs", 74), panel("sequence", 22), panel("dot_bracket", 35)];
  const [laid, low] = [800, 430].map((height) =>
    arranged([...over, ...PANELS.slice(1)], USUAL, "wide", { width: 800, height }),
  );
  assert.equal(laid.at(-1).top + laid.at(-1).height, 800 - 7);
  assert.equal(low[4].top + low[4].height, 430 - 7);
  const few = arranged(PANELS, USUAL, "wide", { width: 800, height: 420 });
  assert.equal(few[3].top + few[3].height, 420 - 7); // one over the map, so two stay under it
});

test("order, folds and heights of the visitor are kept", () => {
  const wanted = { order: ["entropy", "map", "arcs"], folded: ["arcs"], heights: { entropy: 99, map: 300 }, off: [] };
  const laid = arranged(PANELS, wanted, "square", ROOM);
  assert.deepEqual(places(laid), ["entropy 40 99", "map 146 300", "arcs 453 17", "elements 477 60"]);
  assert.deepEqual(
    laid.map(({ folded }) => folded),
    [false, false, true, false],
  );
});

test("a panel that cannot be has one line", () => {
  const panels = [panel("map", 420), panel("tokens", 34, { state: "cannot" })];
  assert.equal(arranged(panels, USUAL, "wide", ROOM)[1].height, 17);
});

test("axes lie where the panels do, folded ones have no height, elements can be switched off", () => {
  const panels = [panel("1", 50), panel("2", 43, { choices: [{ name: "gene", trace: 1 }] })];
  const figure = {
    data: [{ yaxis: "y1" }, { yaxis: "y2" }],
    layout: { xaxis: {}, yaxis1: {}, yaxis2: { visible: false, ticktext: ["gene +", "others"] } },
  };
  const laid = arranged(panels, USUAL, "wide", ROOM);
  const { data, layout } = composed({ figure, laid, width: 800, arrangement: { ...USUAL, off: ["2/gene"] } });
  assert.deepEqual(
    data.map(({ visible }) => visible),
    [true, false],
  );
  assert.deepEqual(layout.yaxis2.ticktext, ["gene + off", "others"]);
  assert.equal(layout.height, 100 + GUTTER.top + GUTTER.bottom);
  assert.deepEqual(layout.yaxis1.domain, [0.5, 1]);
  assert.ok(Math.abs(layout.yaxis2.domain[0]) < 1e-9 && Math.abs(layout.yaxis2.domain[1] - 0.43) < 1e-9);
  assert.deepEqual([layout.yaxis1.visible, layout.yaxis2.visible], [true, false]);
  const folded = arranged(panels, { ...USUAL, folded: ["1"] }, "wide", ROOM);
  const { domain, visible } = composed({ figure, laid: folded, width: 800, arrangement: USUAL }).layout.yaxis1;
  assert.ok(domain[1] - domain[0] < 1e-5);
  assert.equal(visible, false);
});
