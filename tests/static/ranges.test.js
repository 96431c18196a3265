// What is in view, and what the ruler says of it; expected values worked out by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  baseAt,
  coordinate,
  fitted,
  PLAIN,
  pairAt,
  places,
  regionOf,
  regionText,
  spanned,
  ticks,
  within,
  zoomed,
} from "../../static/figure_view/ranges.js";

const FORWARD = { contig: "chrI", first: 1001, step: 1 };
const REVERSE = { contig: "chrT", first: 1076, step: -1 };

test("a region stays inside the sequence and is never narrower than eight bases", () => {
  assert.deepEqual(fitted({ a: -5, b: 15 }, { a: 0, b: 76 }), { a: 0, b: 20 });
  assert.deepEqual(fitted({ a: 70, b: 90 }, { a: 0, b: 76 }), { a: 56, b: 76 });
  assert.deepEqual(fitted({ a: 30, b: 32 }, { a: 0, b: 76 }), { a: 27, b: 35 });
  assert.deepEqual(fitted({ a: 0, b: 999 }, { a: 0, b: 76 }), { a: 0, b: 76 });
  assert.deepEqual(fitted({ a: 1, b: 2 }, { a: 0, b: 5 }), { a: 0, b: 5 });
  assert.deepEqual(fitted({ a: -90, b: -10 }, { a: -50, b: 76 }), { a: -50, b: 30 }); // the contig begins 50 bases before
});

test("zooming keeps the base under the pointer where it is", () => {
  const { a, b } = zoomed({ a: 0, b: 80 }, 0.5, 20);
  assert.deepEqual([a, b], [10, 50]);
  assert.equal((20 - a) / (b - a), 20 / 80);
});

test("a base that is hardly seen at an edge does not count as shown", () => {
  assert.deepEqual(places({ a: 9, b: 30 }), [10, 30]);
  assert.deepEqual(places({ a: 8.95, b: 30.05 }), [10, 30]);
  assert.deepEqual(places({ a: 8.5, b: 30.5 }), [9, 31]);
});

test("coordinates run down on the reverse strand and come back to the same base", () => {
  assert.equal(coordinate(0, REVERSE), 1076);
  assert.equal(coordinate(75, REVERSE), 1001);
  assert.equal(regionText({ a: 0, b: 76 }, REVERSE), "1,076-1,001");
  assert.equal(regionText({ a: 0, b: 76 }, FORWARD), "1,001-1,076");
  for (const ruler of [PLAIN, FORWARD, REVERSE])
    for (const base of [0, 7, 75]) assert.equal(baseAt(coordinate(base, ruler), ruler) + 0, base);
});

test("the region box reads the ruler's numbers, positions in the sequence, and nothing else", () => {
  for (const text of ["1,070-1,051", "1,051-1,070", "chrT:1.051-1.070", " 1051 – 1070 ", "1051..1070", "7-26"])
    assert.deepEqual(regionOf(text, REVERSE, 76), { a: 6, b: 26 }, text);
  for (const text of ["chrX:1,051-1,070", "7-99", "0-5", "seven", "", "5", "1-2-3", `${"9".repeat(40)}-1`])
    assert.equal(regionOf(text, REVERSE, 76), null, text);
  assert.deepEqual(regionOf("1-76", { contig: "", ...PLAIN }, 76), { a: 0, b: 76 });
  assert.deepEqual(regionOf("901-1,100", FORWARD, 76, { a: -1000, b: 500 }), { a: -100, b: 100 }); // of the contig around it
  assert.equal(regionOf("901-1,100", FORWARD, 76, { a: -50, b: 500 }), null);
});

test("ticks stand on round numbers of the ruler, and the first base of a sequence has one", () => {
  const plain = { contig: "", first: 1, step: 1 };
  assert.deepEqual(ticks({ a: 0, b: 76 }, plain, 8).tickvals, [1, 10, 20, 30, 40, 50, 60, 70]);
  assert.deepEqual(ticks({ a: 0, b: 8 }, plain, 8).ticktext, ["1", "2", "3", "4", "5", "6", "7", "8"]);
  const { tickvals, ticktext } = ticks({ a: 0, b: 76 }, REVERSE, 4);
  assert.deepEqual(ticktext, ["1,020", "1,040", "1,060"]);
  assert.deepEqual(tickvals, [57, 37, 17]); // 1,076 - 1,020 + 1 and so on
});

test("every pair of the triangle is found under the whole of its brick", () => {
  for (let i = 0; i < 12; i++)
    for (let j = i; j < 12; j++)
      for (const x of [0.01, 0.49, 0.51, 0.99]) assert.deepEqual(pairAt((i + j) / 2 + x, j - i + 0.4), [i, j]);
});

test("a dragged span has whole bases and ends with the sequence", () => {
  assert.deepEqual(spanned(30.2, 9.7, 76), { a: 9, b: 31 });
  assert.deepEqual(spanned(-4, 90, 76), { a: 0, b: 76 });
  assert.equal(within(10, { a: 10.4, b: 20 }), true);
  assert.equal(within(10, { a: 10.6, b: 20 }), false);
});
