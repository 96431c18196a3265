// What is said about bases and pairs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readout, regionWords, selectionWords } from "../../static/figure_view/words.js";

const KINDS = { GC: "complementary", GT: "wobble" };
const facts = {
  letters: "GGCT",
  length: 4,
  ruler: { contig: "", first: 1, step: 1 },
  kinds: KINDS,
  map: { unit: "bits", signed: false },
};
const values = { "0,2": 6, "2,0": 5, "0,3": 12.34 };
const lookup = (i, j) => ({ value: values[`${i},${j}`], known: `${i},${j}` in values, done: i !== 1, exact: true });
const laid = [
  { say: "expected bases", tags: ["G 0.90  A 0.10", "", "", ""] },
  { say: "", tags: ["influence 0.038 bits", "", "", ""] },
  { say: "map", tags: null },
];
const view = (more) => ({
  facts,
  lookup,
  laid,
  layers: [{ bin: 1 }],
  meta: { title: "Sample" },
  region: { a: 0, b: 4 },
  ...more,
});

test("a pair is told with both directions, its distance and its kind", () => {
  const words = readout(view({ cursor: { i: 0, j: 2 } }));
  assert.equal(words, "Changing G at 1 changes C at 3 by 6.00 bits, the other way 5.00; 2 bases apart, complementary.");
  const other = readout(view({ cursor: { i: 0, j: 3 } }));
  assert.equal(other, "Changing G at 1 changes T at 4 by 12.3 bits; 3 bases apart, wobble.");
});

test("what is not there is said, and why", () => {
  assert.match(readout(view({ cursor: { i: 1, j: 3 } })), /^G at 2 → T at 4: not computed yet; 2 bases apart/);
  assert.match(readout(view({ cursor: { i: 2, j: 3 } })), /the model's tokens moved, no comparison; 1 base apart/);
  assert.match(readout(view({ cursor: { i: 0, j: 2 }, lookup: () => undefined })), /no value here/);
});

test("rounded and pooled values are told as such, differences as differences", () => {
  const rounded = (i, j) => ({ ...lookup(i, j), exact: false });
  assert.match(readout(view({ cursor: { i: 0, j: 2 }, lookup: rounded })), /by about 6.00 bits/);
  assert.match(
    readout(view({ cursor: { i: 0, j: 2 }, lookup: rounded, layers: [{ bin: 2 }] })),
    /by up to about 6.00 bits/,
  );
  const signed = { ...facts, map: { unit: "bits", signed: true } };
  assert.match(readout(view({ cursor: { i: 0, j: 2 }, facts: signed })), /^G at 1 → C at 3: difference 6.00 bits/);
});

test("a base is told by every panel that has something at it", () => {
  const words = "G at 1; expected bases G 0.90, A 0.10; influence 0.038 bits.";
  assert.equal(readout(view({ cursor: { i: 0, j: 0 } })).replace("  ", " "), words);
  assert.equal(selectionWords(view({ selection: { i: 1, j: 1 } })), "Selected: G at 2.");
});

test("positions have their coordinates where there is a locus", () => {
  const placed = { ...facts, ruler: { contig: "chrT", first: 1076, step: -1 } };
  assert.equal(readout(view({ cursor: { i: 1, j: 1 }, facts: placed })), "G at 2 (chrT:1,075).");
});

test("the region is said with the rows of a block", () => {
  const plain = view({ rows: { a: 0, b: 4 }, isBlock: () => false });
  assert.equal(regionWords(plain), "Showing 1-4: 4 of 4 bases.");
  const block = view({ region: { a: 0, b: 2 }, rows: { a: 2, b: 4 }, isBlock: () => true });
  assert.equal(regionWords(block), "Showing 1-2, rows 3-4: 2 of 4 bases.");
});
