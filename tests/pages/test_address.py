"""The address bar, read: every value checked, every refusal in words."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl

import pytest

from engine.core.sequence import NucleotideSequence
from engine.sources.door import Bounds
from engine.sources.examples import EXAMPLES
from engine.sources.records import read_file
from engine.sources.understood import Understood, of_records
from engine.views.evidence import FigureStyle
from pages._ui import address, choices
from pages._ui.figure_view.asked import style_of
from pages._ui.question import Question, Shown, address_of, narrowed, resolve


def shown(letters: str, kind: str = "letters") -> Shown:
    sequence = NucleotideSequence(letters)
    return Shown(sequence, sequence, (), kind, (), ("",), None)


def test_a_full_address_is_understood() -> None:
    state = address.parse(
        {
            "locus": "R64:chrI:5-90",
            "model": "gpn",
            "metric": "log_ratio",
            "region": "3-40",
            "select": "7",
            "rows": "50-60",
            "map": "triangle",
            "scale": "log",
            "percentile": "90.5",
            "near": "3",
            "hide": "reconstruction,arcs",
        }
    )
    assert state.text == "R64:chrI:5-90"
    assert (state.model, state.settings, state.region, state.select) == ("gpn", (("metric", "log_ratio"),), (2, 40), (6,))
    assert state.rows == (49, 60)
    assert state.display == {"shape": "triangle", "scale": "log", "percentile": 90.5, "near": 3, "hidden": ["reconstruction", "arcs"]}
    assert state.initial(60)["rows"] == [49, 60]
    assert "rows" not in state.initial(59)
    assert state.problems == ()


def test_the_address_of_a_drawn_figure_gives_its_style_back() -> None:
    style = FigureStyle(
        shape="triangle",
        colours="magma",
        colour_limit=2.5,
        percentile=95.0,
        log=True,
        threshold=0.25,
        hide_near=2,
        arcs=7,
        minimum_distance=9,
        first=5,
        last=60,
        rows=(10, 20),
        off=("elements/RBS_region forward", "annotation/site"),
        hidden=("entropy",),
        order=("map", "arcs"),
        heights={"map": 333, "arcs": 90},
        selected=(3, 70),
        dark=True,
        width=1200,
    )
    found = address.parse(address.of_style(style, 76))
    assert found.problems == ()
    assert (found.region, found.rows, found.select) == ((4, 60), (9, 20), (3, 70))
    again = replace(style_of(found.display, dark=False, live=False), hidden=tuple(found.display["hidden"]), **found.figure)
    assert replace(again, first=5, last=60, rows=(10, 20), selected=(3, 70)) == style


def test_the_usual_figure_has_only_its_theme_in_the_address() -> None:
    assert address.of_style(FigureStyle(shape="wide"), 76) == {"theme": "light"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("map", "cube"),
        ("theme", "pink"),
        ("order", "map,everything"),
        ("heights", "map"),
        ("heights", "map:9"),
        ("heights", "everything:90"),
        ("off", "<b>/x"),
        ("width", "9"),
        ("high", "-1"),
        ("high", "1e999"),
        ("high", "٣"),
        ("arcs", "401"),
        ("region", "0-5"),
        ("region", "9-3"),
        ("region", "1-2-3"),
        ("select", "4,4"),
        ("select", "0"),
        ("model", "A B"),
        ("strand", "up"),
        ("hide", "everything"),
        ("rows", "9-3"),
        ("percentile", "49"),
        ("scale", "cubic"),
        ("record", "0"),
        ("metric", "{}"),
        ("window", "5"),
    ],
)
def test_a_value_that_is_not_allowed_is_left_out_with_one_sentence(name: str, value: str) -> None:
    usual = address.parse({})
    state = address.parse({name: value})
    assert len(state.problems) == 1
    assert name in state.problems[0]
    assert "allowed" in state.problems[0]
    assert state.display == usual.display
    assert (state.region, state.select, state.model, state.window, state.reverse) == (None, (), "", None, False)


def test_what_is_known_of_a_list_stays_when_a_part_of_it_is_not() -> None:
    one, other, *_ = choices.on_demand()
    state = address.parse(
        {
            "analyses": f"{one},colour,{other},{one},a,b,c",
            "hide": "arcs,everything",
            "order": "map,everything,arcs",
            "heights": "map:300,arcs:9,own-1:40",
            "off": "annotation/site,<b>/x",
        }
    )
    assert state.asked == (one, other)
    assert state.display == {"hidden": ["arcs"]}
    assert state.figure == {"order": ("map", "arcs"), "heights": {"map": 300}, "off": ("annotation/site",)}
    assert len(state.problems) == 5
    told = next(words for words in state.problems if "analyses" in words)
    assert told.startswith("The address has 'colour', 'a', 'b' and 1 more among analyses; allowed is any of ")
    assert told.endswith(", so they were left out.")


def test_positions_outside_the_sequence_are_left_out() -> None:
    state = address.parse({"region": "5-50", "select": "3,40"})
    assert state.initial(40) == {"display": {}, "select": [2, 39]}
    assert state.initial(39) == {"display": {}}
    assert state.outside(50) == ""
    told = "The address asks for the region 5-50 and the selection 3, 40, but the sequence has 39 bases, so it was left out."
    assert state.outside(39) == told


def test_letters_go_into_the_address_and_come_back() -> None:
    text = address_of(Question("acgtacgtaa", "locuscope"), shown("ACGTACGTAA"), "locuscope")
    assert text is not None
    assert parse_qs(text) == {"sequence": ["ACGTACGTAA"]}


def test_generated_letters_are_called_so_in_the_address() -> None:
    name = "generated_by_megadna_T1_seed0_after_4_of_x"
    sequence = NucleotideSequence("ACGTACGTAA", name=name)
    text = address_of(Question("x", "locuscope"), Shown(sequence, sequence, (), "letters", (), ("",), None), "locuscope")
    assert text is not None
    again = address.parse(dict(parse_qsl(text)))
    assert (again.text, again.problems) == (f">{name}\nACGTACGTAA", ())


@pytest.mark.parametrize(
    ("title", "window", "reverse", "kept"),
    [
        ("mine", None, False, ">mine\nACGTACGTAAGG"),
        ("mine of a friend", None, True, ">mine\nACGTACGTAAGG"),
        ("mine", (2, 8), False, ">mine:3-8\nGTACGT"),
        ("a:b", (2, 8), False, ">{a:b}:3-8\nGTACGT"),
        ("chrII:11-22", (2, 8), True, ">chrII:13-18\nGTACGT"),
        ("chrII:11-22:-", (2, 8), False, ">chrII:15-20:-\nGTACGT"),
        ("long" * 30, None, False, "ACGTACGTAAGG"),
    ],
)
def test_the_name_of_a_pasted_record_comes_back_with_the_place_of_what_is_shown(
    title: str, window: tuple[int, int] | None, reverse: bool, kept: str
) -> None:
    question = Question(f">{title}\nACGTACGTAAGG", "locuscope", window=window, reverse=reverse)
    first = resolve(question, _read(question.text))
    text = address_of(question, first, "locuscope")
    assert text is not None
    state = address.parse(dict(parse_qsl(text)))
    assert (state.text, state.problems) == (kept, ())
    again = Question.of_address(state, "")
    second = resolve(again, _read(again.text))
    assert second.sequence.letters == first.sequence.letters
    assert address_of(again, second, "") == address_of(replace(question, model=""), first, "")
    if first.sequence.locus is not None:
        assert second.sequence.locus == first.sequence.locus


def _read(text: str) -> Understood:
    return of_records(read_file("", text.encode(), Bounds()))


def test_the_reverse_strand_keeps_the_letters_of_the_forward_one() -> None:
    forward = shown("ACGTACGTAA")
    turned = Shown(forward.sequence.reverse_complement(), forward.whole, (), "letters", (), ("",), None)
    text = address_of(Question("ACGTACGTAA", "gpn", reverse=True), turned, "locuscope")
    assert text is not None
    assert parse_qs(text) == {"sequence": ["ACGTACGTAA"], "model": ["gpn"], "strand": ["reverse"]}


def test_letters_of_a_file_have_no_address() -> None:
    assert address_of(Question("file mine.fa 1"), shown("ACGTACGTAA"), "locuscope") is None


def test_too_many_letters_have_no_address() -> None:
    assert address_of(Question("x"), shown("A" * 8001), "locuscope") is None


def test_an_example_goes_by_its_name_and_a_locus_by_its_place() -> None:
    item = EXAMPLES[0]
    example = Shown(item.sequence, item.sequence, (), "example", (), ("",), item)
    assert address_of(Question(item.id, window=(4, 20)), example, "locuscope") == f"example={item.id}&window=5-20"
    assert address_of(Question("R64:chrI:5-14"), shown("ACGTACGTAA", "locus"), "locuscope") == "locus=R64:chrI:5-14"


def test_a_window_of_a_window_on_the_other_strand_is_the_right_letters() -> None:
    whole = NucleotideSequence("AAACCCGGGTTTACGTAC")
    first = Question("x", window=(2, 14), reverse=True)  # ACCCGGGTTTAC turned: GTAAACCCGGGT
    turned = Shown(whole.window(2, 14).reverse_complement(), whole, (), "letters", (), ("",), None)
    inner = narrowed(first, turned, 2, 6)  # AAAC
    assert inner.window is not None
    assert whole.window(*inner.window).reverse_complement().letters == "AAAC"
