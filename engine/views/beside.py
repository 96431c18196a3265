"""What stands beside a live figure: the card of what is selected, the strongest pairs, every base, the words.

All of it is nodes (`engine.views.live`): texts, or ``[tag, attributes, ...children]``. Rows name their positions (1-based, the changed base of a
pair first) in ``data-places``, so that the script can hide those out of view and mark the selected one; a click on a row selects them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analyses.findings import pairs_of, signed
from engine.core.results import place
from engine.core.sequence import BASES, Alphabet
from engine.views.evidence import MOST_LETTERS
from engine.views.live import KINDS, Node
from engine.views.palettes import DIVERGING, base_colours, interpolated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.analyses.band import DependencyBand
    from engine.analyses.dependency import DependencyMap
    from engine.analyses.pair import PairTable
    from engine.core.sequence import NucleotideSequence
    from engine.views.evidence import FigureStyle, LocusEvidence

MOST_PAIRS = 200
MOST_BASES = 2048
"""Rows of the tables; the table of bases of longer sequences says where the others are."""
AROUND = 12
MOST_FEATURES, MOST_QUALIFIERS, LONGEST = 6, 16, 160
"""Of the annotation at a base: features, qualifiers of each, letters of one."""


def tabs(evidence: LocusEvidence, style: FigureStyle, facts: Mapping[str, Any], words: Sequence[str]) -> dict[str, list[Node]]:
    """The tabs ``pairs``, ``bases`` and ``words``."""
    if not evidence.has_letters:
        zoom = [_hint(f"Zoom in to at most {MOST_LETTERS:,} bases to read them one by one.")]
        return {"pairs": zoom, "bases": zoom, "words": zoom}
    return {"pairs": _pairs(evidence, style), "bases": _bases(evidence, style, facts), "words": [["p", {}, text] for text in words if text]}


def _pairs(evidence: LocusEvidence, style: FigureStyle) -> list[Node]:
    found = _map_or_band(evidence)
    if found is None:
        return [_hint("There is no map yet, so there are no pairs.")]
    if not found.complete:
        return [_hint("The map is partial; its strongest pairs are read when all of its rows are there.")]
    places = _strongest(evidence, style)
    if not len(places):
        return [_hint("No pair passes the distance and threshold of the display.")]
    rows = [_pair_row(found, int(i), int(j)) for i, j in places]
    unit, sequence = found.unit, evidence.sequence
    head = _row("th", ["Changed", "Read", "Apart", f"Loss or gain, {unit}" if signed(found) else unit, "Bases"])
    text = f"The strongest pairs in view, at least {style.minimum_distance} apart; n and p step through them."
    kind = "RNA" if sequence.alphabet is Alphabet.RNA else "DNA"
    return [_hint(f"{text} Complementary bases could pair in {kind}; that alone says nothing."), _table("fv-rows", head, rows)]


def _map_or_band(evidence: LocusEvidence) -> DependencyMap | DependencyBand | None:
    """What says how bases depend on each other."""
    found: DependencyMap | DependencyBand | None = evidence.results.get("dependency") or evidence.results.get("band")
    return found


def _strongest(evidence: LocusEvidence, style: FigureStyle) -> NDArray[np.int64]:
    """The strongest pairs of the map or the band, int64 (n, 2), i < j."""
    found: DependencyMap | None = evidence.results.get("dependency")
    if found is not None:
        return pairs_of(found, MOST_PAIRS, style.minimum_distance, style.threshold).places
    places: NDArray[np.int64] = evidence.results["band"].strongest(MOST_PAIRS, style.minimum_distance, style.threshold)[0]
    return places


def _pair_row(found: DependencyMap | DependencyBand, i: int, j: int) -> Node:
    sequence = found.sequence
    there, back = found.cell(i, j), found.cell(j, i)
    if not abs(there) >= abs(back):
        i, j, there = j, i, back
    cells = [_name(sequence, i), _name(sequence, j), f"{abs(i - j):,}", _value(there), kind_of(sequence, i, j)]
    return _row("td", cells, **_picks(i + 1, j + 1))


def _bases(evidence: LocusEvidence, style: FigureStyle, facts: Mapping[str, Any]) -> list[Node]:
    shown = [panel for panel in facts["panels"] if panel["tags"]]
    sequence, count = evidence.sequence, min(len(evidence.sequence), MOST_BASES)
    colours = base_colours(style.bases, dark=style.dark)
    rows = []
    for index in range(count):
        letter = ["b", {"style": f"color:{colours.get(sequence.letters[index], 'inherit')}"}, sequence.letters[index]]
        rows.append(_row("td", [place(sequence, index), letter, *(panel["tags"][index] for panel in shown)], **_picks(index + 1)))
    head = _row("th", ["Position", "Base", *(panel["title"] for panel in shown)])
    note = (
        f"The first {count:,} bases; compute a region on its own for those after them." if count < len(sequence) else "Every base in view."
    )
    return [_hint(note), _table("fv-rows", head, rows)]


def pair_card(
    evidence: LocusEvidence, style: FigureStyle, pair: tuple[int, int], table: PairTable | None = None, note: str = ""
) -> list[Node]:
    """Of a pair (changed, read; 0-based): its values, its 4 × 4 table or a ``note`` in its place, both contexts."""
    i, j = pair
    sequence = evidence.sequence
    found = _map_or_band(evidence)
    unit = found.unit if found is not None else ""
    facts = [
        ("Changed", _at(sequence, i)),
        ("Read", _at(sequence, j)),
        ("Apart", f"{abs(i - j):,} bases"),
        ("Difference" if found is not None and signed(found) else "Effect", _cell(found, i, j, unit)),
        ("Other way", _cell(found, j, i, unit)),
        ("Bases", kind_of(sequence, i, j) or "not complementary"),
    ]
    structures = [result for result in evidence.results.values() if "structure" in result.faces and "pairs" in result.faces]
    for result in structures:
        paired = {(int(a), int(b)) for a, b in result.pairs_of_bases().indices}
        facts.append(("Possible base pair", "yes, in the dot-bracket" if (min(pair), max(pair)) in paired else "no"))
    places = f"{i + 1},{j + 1}"
    acts = [
        _button("⇄ Swap", "Change the other base instead", f"pick {j + 1},{i + 1}"),
        _button("Zoom to pair", "Show both bases", f"showPair {places}"),
    ]
    title = ["h3", {}, *_lettered(sequence, style, i), " → ", *_lettered(sequence, style, j)]
    four = [["p", {"class": "fv-hint", "data-role": "pair-waiting"}, note]] if note else []
    four = _four(sequence, i, j, table) if table is not None else four
    return [
        title,
        ["div", {"class": "fv-actions"}, *acts],
        _facts(facts),
        *four,
        ["h4", {}, "Contexts"],
        _context(sequence, i),
        _context(sequence, j),
    ]


def base_card(evidence: LocusEvidence, style: FigureStyle, facts: Mapping[str, Any], base: int) -> list[Node]:
    """Of a base (0-based): what every panel says about it, and its context."""
    sequence = evidence.sequence
    rows = [("Position", _at(sequence, base))]
    rows += [
        (panel["title"], panel["tags"][base].replace("  ", ", ")) for panel in facts["panels"] if panel["tags"] and panel["tags"][base]
    ]
    rows += [row for result in evidence.results.values() for row in result.at(base)]
    head = [["h3", {}, *_lettered(sequence, style, base)], _facts(rows, "base-table")]
    return [*head, *_annotated(evidence, base), ["h4", {}, "Context"], _context(sequence, base)]


def _annotated(evidence: LocusEvidence, base: int) -> list[Node]:
    """What is annotated at a base, with its qualifiers, the widest first."""
    found: list[Node] = []
    here = [item for item in evidence.features if item.start <= base < item.end]
    for item in sorted(here, key=lambda item: -item.width_bp)[:MOST_FEATURES]:
        ends = f"{place(evidence.sequence, item.start)}–{place(evidence.sequence, item.end - 1)}"
        strand = {"+": ", as shown", "-": ", on the other strand"}.get(item.strand, "")
        rows = [("Place", f"{ends}, {item.width_bp:,} bases{strand}")]
        rows += [(name, value if len(value) <= LONGEST else f"{value[:LONGEST]}…") for name, value in item.attributes.items() if value]
        title = f"{item.kind.replace('_', ' ')} {item.name}".strip()
        found += [["h4", {}, title], _facts(rows[:MOST_QUALIFIERS])]
    return found


def kind_of(sequence: NucleotideSequence, i: int, j: int) -> str:
    """Whether two bases are complementary or a wobble; else empty."""
    return KINDS.get(f"{sequence.letters[i]}{sequence.letters[j]}", "")


def _four(sequence: NucleotideSequence, i: int, j: int, table: PairTable) -> list[Node]:
    """4 × 4: rows are the new base, columns the base whose log2 odds change; the row of the reference is empty."""
    bases = BASES.replace("T", "U") if sequence.alphabet is Alphabet.RNA else BASES
    limit = max(1.0, float(np.nanmax(np.abs(table.values), initial=0.0)))
    head = _row("th", [f"{sequence.letters[i]}→", *bases])
    rows = [
        ["tr", {}, ["th", {}, base], *(_coloured(float(value), limit) for value in row)]
        for base, row in zip(bases, table.values, strict=True)
    ]
    words = "Change of the log2 odds of the column's base; the row of the reference base is empty."
    heading = f"Base read at {place(sequence, j)} when {place(sequence, i)} becomes …"
    return [["h4", {}, heading], _table("fv-four", head, rows, "pair-table"), _hint(words)]


def _coloured(value: float, limit: float) -> Node:
    if not np.isfinite(value):
        return ["td", {"class": "fv-empty"}, "·"]
    colour = interpolated(DIVERGING, (1 + value / limit) / 2)
    ink = "#ffffff" if abs(value / limit) > 0.62 else "#1a1d21"
    return ["td", {"style": f"background:{colour};color:{ink}"}, _value(value)]


def _cell(found: DependencyMap | DependencyBand | None, i: int, j: int, unit: str) -> str:
    if found is None or not found.covers(i, j):
        return "—"
    value = found.cell(i, j)
    if np.isfinite(value):
        return f"{_value(value)} {unit}"
    return "not comparable: the model's tokens moved" if found.has_row(i) else "not computed yet"


def _context(sequence: NucleotideSequence, index: int) -> Node:
    letters, low, high = sequence.letters, max(0, index - AROUND), min(len(sequence), index + AROUND + 1)
    before, after = ("…" if low else "") + letters[low:index], letters[index + 1 : high] + ("…" if high < len(letters) else "")
    return ["div", {"class": "fv-context"}, ["span", {}, place(sequence, index)], ["code", {}, before, ["mark", {}, letters[index]], after]]


def _value(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _name(sequence: NucleotideSequence, index: int) -> str:
    return f"{sequence.letters[index]} {place(sequence, index)}"


def _at(sequence: NucleotideSequence, index: int) -> str:
    where = f" ({sequence.locus.contig}:{sequence.locus.position_of(index):,})" if sequence.locus is not None else ""
    return f"{sequence.letters[index]} at {index + 1:,}{where}"


def _lettered(sequence: NucleotideSequence, style: FigureStyle, index: int) -> list[Node]:
    colour = base_colours(style.bases, dark=style.dark).get(sequence.letters[index], "inherit")
    return [["b", {"style": f"color:{colour}"}, sequence.letters[index]], f" {place(sequence, index)}"]


def _picks(*places: int) -> dict[str, str]:
    text = ",".join(str(number) for number in places)
    return {"data-places": text, "data-act": f"pick {text}", "tabindex": "0"}


def _row(tag: str, cells: Sequence[Node], **attributes: str) -> Node:
    return ["tr", {name.replace("_", "-"): value for name, value in attributes.items()}, *([tag, {}, cell] for cell in cells)]


def _table(kind: str, head: Node, rows: Sequence[Node], role: str = "") -> Node:
    return ["table", {"class": kind, **({"data-table": role} if role else {})}, ["thead", {}, head], ["tbody", {}, *rows]]


def _facts(facts: Sequence[tuple[str, str]], role: str = "facts") -> Node:
    rows = [["tr", {}, ["th", {"scope": "row"}, name], ["td", {}, value]] for name, value in facts]
    return ["table", {"class": "fv-facts", "data-table": role}, ["tbody", {}, *rows]]


def _button(text: str, title: str, act: str) -> Node:
    return ["button", {"type": "button", "data-act": act, "title": title}, text]


def _hint(text: str) -> Node:
    return ["p", {"class": "fv-hint"}, text]
