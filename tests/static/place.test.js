// Where the view is on its contig and where a step leads; expected values worked out by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { around, onContig, onWindow, ticks, wanted } from "../../static/overview_bar/place.js";

const FORWARD = { start: 1000, end: 1300, reverse: false, bounds: { a: -1000, b: 9000 }, follows: false, most: 2048 };
const REVERSE = { ...FORWARD, reverse: true, bounds: { a: -8700, b: 1300 } };

test("a region of the window is a stretch of the contig, on the reverse strand from its end", () => {
  assert.deepEqual(onContig({ a: 10, b: 30 }, FORWARD), { start: 1010, end: 1030 });
  assert.deepEqual(onContig({ a: 10, b: 30 }, REVERSE), { start: 1270, end: 1290 });
  for (const place of [FORWARD, REVERSE])
    assert.deepEqual(onWindow(onContig({ a: 10, b: 30 }, place), place), { a: 10, b: 30 });
});

test("what is loaded is not asked for, what lies beyond its edge is, as wide as it is in view", () => {
  assert.equal(wanted({ a: 0, b: 300 }, 300, FORWARD), null);
  assert.equal(wanted({ a: 100, b: 120 }, 300, FORWARD), null);
  assert.deepEqual(wanted({ a: -150.5, b: 149.5 }, 300, FORWARD), { start: 850, end: 1150 });
  assert.deepEqual(wanted({ a: 150, b: 450 }, 300, REVERSE), { start: 850, end: 1150 });
  assert.deepEqual(wanted({ a: -150, b: 450 }, 300, FORWARD), { start: 850, end: 1450 });
});

test("a window longer than models read follows the view, one that was asked for as a whole stays", () => {
  const long = { start: 10000, end: 19000, reverse: false, bounds: { a: -10000, b: 90000 }, follows: true, most: 2048 };
  assert.equal(wanted({ a: 0, b: 9000 }, 9000, long), null);
  assert.equal(wanted({ a: 3000, b: 6500 }, 9000, long), null);
  assert.deepEqual(wanted({ a: 4000, b: 6000 }, 9000, long), { start: 14000, end: 16000 }); // models read that much
  assert.deepEqual(wanted({ a: 500, b: 5000 }, 9000, long), { start: 10500, end: 15000 }); // near the edge
  assert.equal(wanted({ a: 500, b: 5000 }, 9000, { ...long, bounds: { a: 0, b: 90000 } }), null); // where the contig begins
});

test("a click puts a base in the middle, ticks are round", () => {
  assert.deepEqual(around(5000, { start: 100, end: 400 }), { start: 4850, end: 5150 });
  assert.deepEqual(
    ticks(4641652, 10).map(({ text }) => text),
    ["0.5 Mb", "1 Mb", "1.5 Mb", "2 Mb", "2.5 Mb", "3 Mb", "3.5 Mb", "4 Mb", "4.5 Mb"],
  );
  assert.deepEqual(ticks(950, 5)[0], { at: 200, text: "0.2 kb" });
});
