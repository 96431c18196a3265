"""The figure of a locus, read back from its traces, axes and meta."""

from __future__ import annotations

import base64
import io
import itertools
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import engine.views.panels
from engine.analyses.models_beside import influence_of
from engine.core.alleles import Change
from engine.core.errors import ParameterError
from engine.core.features import Feature
from engine.core.locus import Locus
from engine.core.own_tracks import OwnTrack, Rows
from engine.core.provenance import Provenance
from engine.core.sequence import NucleotideSequence
from engine.views.comparison import track_differences
from engine.views.evidence import FigureStyle, Highlight, LocusEvidence, Mark, PanelState
from engine.views.figure import locus_figure, side_by_side
from engine.views.panel import panels
from tests.views import samples

FEATURES = (
    Feature("gene", "alaW", 0, 72, "+"),
    Feature("stem", "anticodon", 26, 43, "."),
    Feature("stem", "T", 50, 60, "-"),
)


def everything(length: int = 76, *, locus: bool = False, rows: int | None = None) -> LocusEvidence:
    given = samples.sequence(length, locus=locus)
    results: dict[str, Any] = {
        "dependency": samples.dependency(given, rows),
        "effects": samples.effects(given),
        "probabilities": samples.probabilities(given),
        "segmentation": samples.segmentation(given),
        "tokens": samples.tokens(given),
    }
    if length == 76 and rows is None:
        results["contacts"] = samples.contacts(given)
    return LocusEvidence(given, results, FEATURES)


def layout(figure: Any) -> dict[str, Any]:
    found: dict[str, Any] = figure.to_plotly_json()["layout"]
    return found


def traces_of(figure: Any, panel: str) -> list[Any]:
    axis = next(item["axis"] for item in figure.layout.meta["panels"] if item["id"] == panel)
    return [trace for trace in figure.data if trace.yaxis == axis]


def panel_of(figure: Any, panel: str) -> dict[str, Any]:
    return next(item for item in figure.layout.meta["panels"] if item["id"] == panel)


STYLES = [
    FigureStyle(shape=shape, live=live, still=still, dark=dark, first=first, last=last)  # type: ignore[arg-type]
    for shape in ("square", "wide", "triangle")
    for live, still, dark, first, last in ((True, False, True, None, None), (False, False, False, 11, 40), (False, True, True, None, None))
]


@pytest.mark.parametrize(
    "style", STYLES, ids=lambda style: f"{style.shape}-{'live' if style.live else 'still' if style.still else 'whole'}"
)
def test_every_panel_stands_on_one_x_axis_and_inside_a_y_axis_of_its_own(style: FigureStyle) -> None:
    figure = locus_figure(everything(locus=True), style)
    found = layout(figure)
    names = [item["id"] for item in figure.layout.meta["panels"]]
    assert names == [
        *([] if style.live else ["ruler"]), "genes", "annotation", "arcs", "sequence", "dot_bracket", "tokens", "map", "reconstruction", "effects", "influence",
        "entropy", "elements",
    ]  # fmt: skip
    assert {trace.xaxis for trace in figure.data} == {"x"}
    assert {trace.yaxis for trace in figure.data} == {item["axis"] for item in figure.layout.meta["panels"]}
    domains = []
    for item in figure.layout.meta["panels"]:
        axis = found[f"yaxis{item['axis'][1:]}"]
        assert len(axis["range"]) == 2  # a fixed range: what lies outside is cut off at every zoom
        assert axis["automargin"] is False
        assert axis["ticklabeloverflow"] == "allow"
        domains.append(axis["domain"])
    assert all(above[0] > below[1] for above, below in itertools.pairwise(domains))
    assert all(trace.cliponaxis is not False for trace in figure.data if trace.type == "scatter")
    for drawn in [*found.get("images", ()), *found.get("shapes", ())]:
        assert drawn["xref"] == "x"
        assert drawn["yref"] in {item["axis"] for item in figure.layout.meta["panels"]}


@pytest.mark.parametrize(
    "style", STYLES, ids=lambda style: f"{style.shape}-{'live' if style.live else 'still' if style.still else 'whole'}"
)
def test_no_scatter_trace_has_a_gap_or_text(style: FigureStyle) -> None:
    for evidence in (everything(locus=True), everything(200, rows=50)):
        for trace in locus_figure(evidence, style).data:
            if trace.type == "scatter":
                assert "text" not in (trace.mode or "")
                for values in (trace.x, trace.y):
                    assert values is None or np.isfinite(np.asarray(values, float)).all()


def test_json_of_the_figure_has_typed_arrays_and_no_long_lists() -> None:
    found = json.loads(locus_figure(everything(300), FigureStyle(live=True)).to_json())
    scatter = [trace for trace in found["data"] if trace["type"] == "scatter" and isinstance(trace["x"], dict)]
    assert scatter
    assert all(trace["x"]["dtype"] == "f4" for trace in scatter)
    readout = next(item for item in found["layout"]["meta"]["panels"] if item["id"] == "entropy")["readout"][0]["values"]
    values = np.frombuffer(base64.b64decode(readout["bdata"]), "<f4")
    assert readout["dtype"] == "f4"
    assert values.shape == (300,)


def test_a_live_figure_leaves_out_the_cells_of_the_map_titles_and_colour_bars() -> None:
    live = locus_figure(everything(), FigureStyle(live=True))
    assert {trace.type for trace in traces_of(live, "map")} == {"scatter"}
    assert not live.layout.annotations
    assert not any(getattr(trace, "showscale", False) for trace in live.data)
    about = live.layout.meta["map"]
    assert (about["axis"], about["offset"], about["width"], about["bin"], about["unit"]) == (
        panel_of(live, "map")["axis"],
        0,
        76,
        1,
        "bits",
    )
    assert (about["shape"], about["signed"], about["metric"]) == ("square", False, "log2_odds")


def test_the_map_shows_row_i_column_j_at_1_based_positions() -> None:
    found = samples.dependency()
    trace = traces_of(locus_figure(LocusEvidence(samples.sequence(), {"dependency": found})), "map")[0]
    assert trace.type == "heatmap"
    assert (trace.x0 + 71 * trace.dx, trace.y0) == (72, 1)
    assert trace.z[0][71] == found.values[0, 71] == 6


def test_the_triangle_hangs_with_the_stronger_direction_of_each_pair_at_its_midpoint_and_distance() -> None:
    figure = locus_figure(LocusEvidence(samples.sequence(), {"dependency": samples.dependency()}), FigureStyle(shape="triangle"))
    trace = traces_of(figure, "map")[0]
    column = round(((1 + 72) / 2 - trace.x0 - 0.25) / trace.dx)
    assert trace.z[71][column] == 6
    assert trace.z[71][column + 1] == 6
    assert layout(figure)[f"yaxis{panel_of(figure, 'map')['axis'][1:]}"]["range"] == [76, 0]


def test_a_map_of_a_window_lies_on_its_bases_and_so_do_its_arcs() -> None:
    whole = samples.dependency()
    window = replace(whole, values=whole.values[20:50, 20:50], offset=20)
    figure = locus_figure(LocusEvidence(samples.sequence(), {"dependency": window}), FigureStyle(arcs=1))
    trace = traces_of(figure, "map")[0]
    assert (trace.x0, trace.y0, trace.z.shape) == (21, 21, (30, 30))
    arcs = panel_of(figure, "arcs")["arcs"]
    assert (arcs["i"][0], arcs["j"][0]) == (27, 43)  # the outer pair of the anticodon stem
    assert (figure.layout.meta["map"]["offset"], figure.layout.meta["map"]["width"]) == (20, 30)


def test_a_map_wider_than_1024_bases_is_pooled_and_says_so_unless_the_region_is_narrow() -> None:
    given = samples.sequence(1100)
    evidence = LocusEvidence(given, {"dependency": samples.dependency(given)})
    trace = traces_of(locus_figure(evidence), "map")[0]
    assert (trace.z.shape, trace.x0, trace.dx) == ((550, 550), 1.5, 2)
    assert trace.z[0][35] == 6  # bases 1 and 72 are in blocks 0 and 35
    assert "the largest of 2 × 2 cells" in trace.hovertemplate
    trace = traces_of(locus_figure(evidence, FigureStyle(first=1, last=200)), "map")[0]
    assert (trace.z.shape, trace.x0, trace.dx) == ((200, 200), 1, 1)


def test_cells_of_a_file_are_a_picture_of_many_pixels_a_cell_on_the_same_place() -> None:
    figure = locus_figure(everything(), FigureStyle(still=True, colour_limit=6))
    axis = panel_of(figure, "map")["axis"]
    image = next(item for item in figure.layout.images if item.yref == axis)
    assert (image.x, image.y, image.sizex, image.sizey) == (0.5, 0.5, 76, 76)
    with Image.open(io.BytesIO(base64.b64decode(image.source.partition(",")[2]))) as opened:
        assert opened.size == (76 * 22, 76 * 22)  # 22 = ceil(1664 / 76)
        pixels = opened.convert("RGBA")
    assert pixels.getpixel((71 * 22 + 11, 11)) == (0xFE, 0xE8, 0x38, 255)  # 6 bits of 6: the last colour
    assert pixels.getpixel((11, 11)) == (0x00, 0x22, 0x4E, 255)  # the diagonal is 0: the first


def test_missing_rows_of_a_picture_are_clear_and_lie_on_a_ground_of_their_own() -> None:
    figure = locus_figure(everything(rows=19), FigureStyle(still=True))
    axis = panel_of(figure, "map")["axis"]
    image = next(item for item in figure.layout.images if item.yref == axis)
    with Image.open(io.BytesIO(base64.b64decode(image.source.partition(",")[2]))) as opened:
        pixels = opened.convert("RGBA")
    assert pixels.getpixel((5, 22 + 11))[3] == 0
    assert pixels.getpixel((5, 11))[3] == 255
    assert any(shape.yref == axis and shape.fillcolor == "#e4e7eb" for shape in figure.layout.shapes)


def test_the_x_axis_has_genome_coordinates_that_run_down_on_the_reverse_strand_and_says_so() -> None:
    figure = locus_figure(everything(locus=True), FigureStyle(still=True))  # chrT:1001-1076, reverse: base 1 is 1,076
    assert dict(zip(figure.layout.xaxis.ticktext, figure.layout.xaxis.tickvals, strict=True)) == {
        "1,070": 7, "1,060": 17, "1,050": 27, "1,040": 37, "1,030": 47, "1,020": 57, "1,010": 67,
    }  # fmt: skip
    assert panel_of(figure, "ruler")["title"] == "toy chrT, reverse strand: coordinates run down"
    assert any("coordinates run down" in note.text for note in figure.layout.annotations)
    assert figure.layout.meta["locus"] == {"assembly": "toy", "contig": "chrT", "start": 1000, "end": 1076, "strand": "-"}


def test_without_the_script_the_axes_are_in_coordinates_so_that_ticks_are_round_at_any_zoom() -> None:
    """chrT:1001-1076 on the reverse strand: base 1 is 1,076, which stands at -1076, left of all others."""
    figure, plain = locus_figure(everything(locus=True)), locus_figure(everything())
    map_axis = f"yaxis{panel_of(figure, 'map')['axis'][1:]}"
    for axis in (figure.layout.xaxis, figure.layout[map_axis]):
        assert axis.tickmode == "auto"
        assert (axis.labelalias["\u22121076"], axis.labelalias["\u22121001"], len(axis.labelalias)) == ("1,076", "1,001", 76)
    assert tuple(figure.layout.xaxis.range) == (-1076.5, -1000.5)
    assert tuple(figure.layout[map_axis].range) == (-1000.5, -1076.5)
    for moved, trace in zip(figure.data, plain.data, strict=True):
        if trace.x is not None:
            assert np.allclose(moved.x, np.asarray(trace.x, float) - 1077, equal_nan=True)
        if trace.type == "heatmap":
            assert (moved.x0, moved.dx) == (trace.x0 - 1077, trace.dx)
        assert (
            moved.type != "scatter"
            or moved.y is None
            or np.allclose(np.asarray(moved.y, float), np.asarray(trace.y, float), equal_nan=True)
        )
    assert plain.layout.xaxis.tickformat == ",d"


def test_on_the_forward_strand_the_axis_has_the_coordinates_themselves() -> None:
    evidence = everything(locus=True)
    turned = replace(evidence.sequence, locus=Locus.parse("toy:chrT:1001-1076"))
    results = {name: replace(found, sequence=turned) for name, found in evidence.results.items()}
    figure = locus_figure(replace(evidence, sequence=turned, results=results))
    assert tuple(figure.layout.xaxis.range) == (1000.5, 1076.5)
    assert (figure.layout.xaxis.tickformat, figure.layout.xaxis.labelalias) == (",d", None)


def test_the_region_shown_is_that_of_the_style_and_letters_stand_where_they_fit() -> None:
    wide, near = (locus_figure(everything(300), FigureStyle(first=first, last=last)) for first, last in ((None, None), (11, 60)))
    assert tuple(near.layout.xaxis.range) == (10.5, 60.5)
    assert layout(near)[f"yaxis{panel_of(near, 'map')['axis'][1:]}"]["range"] == [60.5, 10.5]
    corners = {trace.name: len(trace.x) for trace in traces_of(near, "sequence")}
    blocks = {trace.name: len(trace.x) for trace in traces_of(wide, "sequence")}
    count = samples.sequence(300).letters.count("T")
    assert blocks["T"] == 7 * count  # a box of five points, and the ways to it
    assert corners["T"] == 11 * count  # an outline of nine


def test_live_letters_are_pictures_near_the_axis_and_blocks_further_down() -> None:
    figure = locus_figure(everything(300), FigureStyle(live=True))
    about = panel_of(figure, "sequence")
    letters, blocks = (item for item in figure.layout.images if item.yref == about["axis"])
    assert about["near"][0] < letters.y - letters.sizey < letters.y < about["near"][1]
    assert about["far"][0] < blocks.y - blocks.sizey < blocks.y < about["far"][1]
    assert (letters.x, letters.sizex) == (0.5, 300)
    text = base64.b64decode(letters.source.partition(",")[2]).decode()
    assert 'viewBox="0 0 30000 100"' in text
    assert text.count("z") == 300
    assert layout(figure)[f"yaxis{about['axis'][1:]}"]["range"] == about["far"]  # 2.8 pixels a base


def test_a_panel_without_a_result_says_why_and_takes_little_room() -> None:
    states = {"effects": PanelState("cannot", "the model has no mask"), "segmentation": PanelState("waiting", "waits for its turn")}
    evidence = LocusEvidence(samples.sequence(), {"dependency": samples.dependency()}, states=states)
    figure = locus_figure(evidence)
    assert [(panel_of(figure, name)["state"], panel_of(figure, name)["words"]) for name in ("effects", "influence", "elements", "map")] == [
        ("cannot", "the model has no mask"),
        ("cannot", "the model has no mask"),
        ("waiting", "waits for its turn"),
        ("result", ""),
    ]
    assert panel_of(figure, "effects")["height"] == 43
    assert any(note.text == "waits for its turn" for note in figure.layout.annotations)


def test_a_model_without_influence_has_nothing_else_drawn_under_its_name() -> None:
    found = replace(samples.effects(), influence=None, delta_log_likelihood=samples.effects().llr, llr=None)
    figure = locus_figure(LocusEvidence(samples.sequence(), {"effects": found}))
    assert panel_of(figure, "influence")["state"] == "cannot"
    assert panel_of(figure, "influence")["words"] == "Sample model has no influence: its answer has none"
    assert panel_of(figure, "influence")["readout"] is None
    assert panel_of(figure, "effects")["unit"] == "Δ ln P"


def test_the_influence_of_a_base_is_one_number_in_panel_files_and_comparison() -> None:
    """Its three substitutions have 0.1, 0.2 and 0.6 bits: 0.3 everywhere, and not the largest in one place."""
    found = samples.effects()
    assert found.influence is not None
    influence = found.influence.copy()
    influence[0] = 0.1, 0.2, np.nan, 0.6  # the base is G
    influence[1] = np.nan
    found = replace(found, influence=influence)
    drawn = panel_of(locus_figure(LocusEvidence(samples.sequence(), {"effects": found})), "influence")
    assert drawn["readout"][0]["values"][0] == pytest.approx(0.3)
    assert np.isnan(drawn["readout"][0]["values"][1])
    track = found.tracks()[0]
    assert (track.title, track.values[0]) == ("influence, mean over the three substitutions", pytest.approx(0.3))
    beside = influence_of(samples.dependency(), found.influence)
    np.testing.assert_array_equal(drawn["readout"][0]["values"], track.values)
    np.testing.assert_array_equal(beside, track.values)
    nothing = replace(found, influence=np.zeros_like(influence))
    differences = track_differences(samples.sequence(), Change(0, "G", "A"), {"effects": nothing}, {"effects": found})
    assert differences is not None
    assert differences.influence is not None
    assert differences.influence[0] == pytest.approx(0.3)


def test_a_partial_map_says_how_much_of_it_is_there_unless_the_page_knows_more() -> None:
    figure = locus_figure(everything(rows=19))
    assert panel_of(figure, "map")["state"] == "partial"
    assert panel_of(figure, "map")["words"] == "partial, 19 of 76 rows"
    live = locus_figure(everything(rows=19), FigureStyle(live=True))
    assert [panel_of(live, name)["words"] for name in ("map", "arcs")] == ["partial", "partial: pairs of these rows only"]
    told = replace(everything(rows=19), states={"dependency": PanelState("partial", "partial, 19 of 76 rows, 8 s left")})
    assert panel_of(locus_figure(told), "map")["words"] == "partial, 19 of 76 rows, 8 s left"


def test_a_partial_map_draws_only_arcs_between_computed_rows_and_fewer_of_them() -> None:
    found = samples.dependency(rows_done=38)  # every second row
    figure = locus_figure(LocusEvidence(samples.sequence(), {"dependency": found}), FigureStyle(arcs=40))
    arcs = panel_of(figure, "arcs")["arcs"]
    done = np.asarray(found.rows_done)
    assert len(arcs["i"]) == 10  # half of the rows: a quarter of the pairs
    assert done[arcs["i"] - 1].all()
    assert done[arcs["j"] - 1].all()
    few = locus_figure(LocusEvidence(samples.sequence(), {"dependency": samples.dependency(rows_done=4)}))
    assert panel_of(few, "arcs")["words"] == "partial, 4 of 76 rows: too few to tell which pairs are strongest"
    assert "arcs" not in panel_of(few, "arcs")


def test_an_arc_spans_its_two_bases_and_is_as_high_as_its_meta_says() -> None:
    figure = locus_figure(LocusEvidence(samples.sequence(), {"dependency": samples.dependency()}), FigureStyle(arcs=1))
    (trace,) = (item for item in traces_of(figure, "arcs") if item.mode == "lines")
    x, y = np.asarray(trace.x), np.asarray(trace.y)
    inside = y >= -1e-6
    assert (x[inside].min(), x[inside].max()) == (1, 72)
    arcs = panel_of(figure, "arcs")["arcs"]
    assert (arcs["i"][0], arcs["j"][0], arcs["value"][0]) == (1, 72, 6)
    assert y.max() == pytest.approx(arcs["height"][0], rel=0.01)
    assert y.max() <= 1


def test_arcs_have_four_strengths_and_those_of_base_pairs_a_colour_of_their_own() -> None:
    figure = locus_figure(everything(), FigureStyle(arcs=60))
    drawn = [trace for trace in traces_of(figure, "arcs") if trace.mode == "lines"]
    assert len({trace.line.width for trace in drawn}) == 4
    assert {trace.line.color for trace in drawn} == {"#b5460f", "#2f6ea5"}


def test_overlapping_features_get_lanes_of_their_own_and_each_kind_a_choice() -> None:
    features = (Feature("stem", "a", 0, 30, "+"), Feature("site", "b", 10, 20, "-"), Feature("stem", "c", 40, 50, "."))
    figure = locus_figure(LocusEvidence(samples.sequence(), {"effects": samples.effects()}, features))
    about = panel_of(figure, "annotation")
    assert {item["text"]: item["y"] for item in about["labels"]} == {"a": 0, "b": -1, "c": 0}
    assert [(item["name"], figure.data[item["trace"]].name) for item in about["choices"]] == [("site", "site"), ("stem", "stem")]
    assert about["height"] == 34


def test_parts_of_a_gene_lie_in_the_gene_they_name_even_within_another() -> None:
    features = (
        Feature("gene", "outer", 0, 70, "+"),
        Feature("gene", "inner", 10, 40, "+"),
        Feature("CDS", "inner", 12, 36, "+"),
        Feature("CDS", "outer", 5, 60, "+"),
    )
    figure = locus_figure(LocusEvidence(samples.sequence(), {"effects": samples.effects()}, features))
    (trace,) = (trace for trace in traces_of(figure, "genes") if trace.name == "protein")
    x, y = np.asarray(trace.x), np.asarray(trace.y)
    high = x[(y > -1.5) & (y < -0.5) & (np.abs(y + 1) > 0.1)]  # of the second lane, without the line of the whole gene
    assert high.min() == 12.5
    assert 35 < high.max() <= 36.5  # the tip is in the middle


def test_a_row_is_a_gene_or_a_transcript_and_no_names_of_a_lane_overlap() -> None:
    def part(kind: str, start: int, end: int, **attributes: str) -> Feature:
        return Feature(kind, "g", start, end, "+", attributes=attributes)

    features = (
        part("gene", 0, 70, ID="gene:g"),
        part("mRNA", 0, 70, ID="t1", Parent="gene:g", Name="g-201"),
        part("mRNA", 0, 70, ID="t2", Parent="gene:g", Name="g-202"),
        part("exon", 0, 20, Parent="t1,t2"),
        part("exon", 50, 70, Parent="t1"),
        part("CDS", 5, 20, Parent="t2"),
        Feature("tRNA_gene", "trn", 71, 74, "-"),
    )
    evidence = LocusEvidence(samples.sequence(), {"effects": samples.effects()}, features)
    merged = panel_of(locus_figure(evidence), "genes")
    assert [label["text"] for label in merged["labels"]] == ["g", "trn"]
    assert [item["name"] for item in merged["choices"]] == ["protein", "tRNA"]
    rows = panel_of(locus_figure(evidence, FigureStyle(genes="transcripts")), "genes")
    assert {label["text"]: label["y"] for label in rows["labels"]} == {"g-201": 0, "g-202": -1, "trn": 0}
    many = tuple(Feature("gene", f"gene{number}", number, 60 + number, "+") for number in range(12))
    crowded = panel_of(locus_figure(LocusEvidence(samples.sequence(), {"effects": samples.effects()}, many)), "genes")
    assert [label["text"] for label in crowded["labels"]] == [f"gene{number}" for number in range(8)]  # the others share the last lane


def test_a_region_is_a_block_with_its_name_and_a_column_through_all_panels() -> None:
    evidence = replace(samples.everything(samples.sequence()), highlights=(Highlight(4, 20, "a box", "#56b4e9", "seen"),))
    for style in (FigureStyle(), FigureStyle(live=True)):
        figure = locus_figure(evidence, style)
        (column,) = (shape for shape in figure.layout.shapes if shape.fillcolor == "#56b4e9")
        assert (column.x0, column.x1, column.yref, column.y0, column.y1) == (4.5, 20.5, "paper", 0, 1)
        assert panel_of(figure, "regions")["labels"] == [{"text": "a box", "start": 4.5, "end": 20.5, "y": 0, "note": "seen"}]


def test_elements_that_are_never_likely_become_one_line_with_their_highest_value() -> None:
    found = samples.segmentation()
    values = found.values.copy()
    values[:, 1] = 0.2
    evidence = LocusEvidence(samples.sequence(), {"segmentation": replace(found, values=values)})
    about = panel_of(locus_figure(evidence), "elements")
    assert [item["name"] for item in about["choices"]] == ["gene", "tRNA"]
    assert about["labels"][0]["text"] == "nothing else reaches 0.5: CDS 0.20"
    assert about["height"] == 3 * 15
    assert [item["label"] for item in about["readout"]] == ["gene", "CDS", "tRNA"]
    assert len(panel_of(locus_figure(evidence, FigureStyle(folded=False)), "elements")["choices"]) == 3
    off = locus_figure(evidence, FigureStyle(off=(f"elements/{about['choices'][0]['name']}",)))
    key = panel_of(off, "elements")["axis"].replace("y", "yaxis")
    usual, now = (list(figure.to_dict()["layout"][key]["ticktext"]) for figure in (locus_figure(evidence), off))
    assert now == [f"{usual[0]} off", *usual[1:]]


def test_panels_can_be_left_out_put_in_another_order_and_be_of_other_height() -> None:
    style = FigureStyle(hidden=("tokens", "arcs"), order=("map", "sequence"), heights={"entropy": 90})
    figure = locus_figure(everything(), style)
    names = [item["id"] for item in figure.layout.meta["panels"]]
    assert names[:3] == ["map", "sequence", "ruler"]
    assert not {"tokens", "arcs"} & set(names)
    assert panel_of(figure, "entropy")["height"] == 90


def test_marked_and_selected_bases_are_columns_through_all_panels_and_the_pair_is_a_cell() -> None:
    evidence = replace(everything(), marks=(Mark(30, "C31A"),))
    figure = locus_figure(evidence, FigureStyle(selected=(3, 68)))
    columns = [(shape.x0, shape.x1) for shape in figure.layout.shapes if shape.yref == "paper"]
    assert columns == [(30.5, 31.5), (3.5, 4.5), (68.5, 69.5)]
    cell = next(shape for shape in figure.layout.shapes if shape.yref == panel_of(figure, "map")["axis"])
    assert (cell.x0, cell.x1, cell.y0, cell.y1) == (68.5, 69.5, 3.5, 4.5)
    assert any("C31A" in note.text for note in figure.layout.annotations)
    assert figure.layout.meta["marks"] == [{"place": 31, "label": "C31A"}]


def test_a_title_that_is_wider_than_the_figure_goes_on_in_a_second_line() -> None:
    evidence = replace(everything(locus=True), title="SAM riboswitch of Bacillus subtilis, leader of the gene yitJ")
    wide, narrow = (locus_figure(evidence, FigureStyle(width=width)) for width in (1600, 700))
    titles = [figure.layout.title.text.partition("<br><span")[0].split("<br>") for figure in (wide, narrow)]
    assert [len(lines) for lines in titles] == [1, 2]
    assert titles[1][1].startswith("<b>· ")
    assert " ".join(line.removeprefix("<b>").removesuffix("</b>") for line in titles[1]) == titles[0][0][3:-4]
    sentences = [figure.layout.title.text.count("<br>") - len(lines) + 1 for figure, lines in zip((wide, narrow), titles, strict=True)]
    more = narrow.layout.margin.t - wide.layout.margin.t - 15 * (sentences[1] - sentences[0])
    assert more == 20


def test_names_from_files_are_no_markup() -> None:
    hostile = (Feature("gene", '<a href="http://evil">x</a>', 0, 76, "+"),)
    evidence = replace(everything(), features=hostile, title="<b>t</b>", marks=(Mark(3, "<i>m</i>"),))
    figure = locus_figure(evidence)
    texts = [note.text for note in figure.layout.annotations] + [figure.layout.title.text]
    assert not any("<a " in text or "<i>" in text or "<b>t" in text for text in texts)
    assert any("&lt;a href" in text for text in texts)
    rows = Rows(np.array([3]), np.array([9]), np.ones(1, np.float32))
    own = OwnTrack("own_1", "<b>peaks</b>.bdg", "signal", "#ff0000", rows, values=np.ones(76, np.float32))
    hovered = [text for trace in locus_figure(replace(evidence, own=(own,))).data for text in (getattr(trace, "text", None) or ())]
    assert any("&lt;b&gt;peaks" in text for text in hovered)
    assert not any("<b>" in text for text in hovered)


def test_what_a_pointer_reads_in_a_figure_without_script_is_one_label_a_panel() -> None:
    figure = locus_figure(everything(locus=True))
    for name in ("reconstruction", "effects", "influence", "entropy", "elements"):
        labels = [trace for trace in traces_of(figure, name) if trace.hovertemplate]
        assert len(labels) == 1
        assert len(labels[0].text) == 76
        assert not any("nan" in text.casefold() for text in labels[0].text)
    entropy = next(trace for trace in traces_of(figure, "entropy") if trace.hovertemplate)
    assert entropy.text[0] == "uncertainty 1.90 bits"
    paired = next(trace for trace in traces_of(figure, "dot_bracket") if trace.hovertemplate)
    assert (paired.text[0], paired.text[8]) == ("from the map 1,005, stem counter 1,005", "no value")  # 1-72 of chrT:1001-1076 reverse
    effects = next(trace for trace in traces_of(figure, "effects") if trace.hovertemplate)
    assert effects.text[0] == "→A 0.00 ln ratio, →C 0.00 ln ratio, →T 0.00 ln ratio"
    assert effects.text[75] == "→C -4.00 ln ratio, →G -4.00 ln ratio, →T -4.00 ln ratio"


def test_dark_and_light_differ_in_every_ink() -> None:
    light, dark = (locus_figure(everything(), FigureStyle(dark=dark)) for dark in (False, True))
    assert light.layout.paper_bgcolor == "#ffffff"
    assert dark.layout.paper_bgcolor != light.layout.paper_bgcolor
    for one, other in zip(light.data, dark.data, strict=True):
        assert one.type == "heatmap" or one.fillcolor is None or one.fillcolor != other.fillcolor


def test_a_difference_is_blue_where_lost_red_where_gained_and_says_so() -> None:
    found = samples.dependency()
    values = np.zeros_like(found.values)
    values[0, 71], values[10, 30] = -5, 3
    figure = locus_figure(LocusEvidence(samples.sequence(), {"dependency": replace(found, values=values)}, marks=(Mark(0, "G1A"),)))
    assert panel_of(figure, "map")["title"] == "Difference of dependency maps"
    assert panel_of(figure, "arcs")["title"] == "Pairs gained and lost"
    trace = traces_of(figure, "map")[0]
    assert (trace.zmin, trace.zmax) == (-trace.zmax, trace.zmax)
    assert (trace.colorscale[0][1], trace.colorscale[5][1], trace.colorscale[-1][1]) == ("#08306b", "#f4f4f2", "#67001f")
    assert figure.layout.meta["map"]["signed"] is True
    assert (
        figure.layout.meta["sentence"]
        == "G1A: of pairs at least 4 bases apart, the largest loss is G at 1 with C at 72 (5.00 bits), the largest gain is C at 11 with C at 31 (3.00 bits)."
    )


def test_two_maps_side_by_side_share_one_colour_scale_one_zoom_and_the_mark() -> None:
    first = samples.dependency()
    second = replace(first, values=first.values * 2)
    sides = [LocusEvidence(samples.sequence(), {"dependency": item}, marks=(Mark(0, "G1A"),)) for item in (first, second)]
    figure = side_by_side(sides[0], sides[1], ("reference", "G1A"), FigureStyle(percentile=100))
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert [trace.zmax for trace in maps] == [12, 12]
    assert [trace.showscale for trace in maps] == [False, None]
    assert [trace.xaxis for trace in maps] == ["x", "x2"]
    assert figure.layout.xaxis2.matches == "x"
    assert layout(figure)[f"yaxis{maps[1].yaxis[1:]}"]["matches"] == maps[0].yaxis
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]
    assert [shape.xref for shape in figure.layout.shapes if shape.yref == "paper"] == ["x", "x2"]
    titles = [note.text for note in figure.layout.annotations]
    assert titles.count("<b>G1A</b>") == 3  # the right column's title, and the mark under both


def test_sequences_of_two_lengths_stand_side_by_side_with_one_scale_and_each_its_own_zoom() -> None:
    short = LocusEvidence(samples.sequence(), {"dependency": samples.dependency()})
    long = samples.sequence(90)
    other = LocusEvidence(long, {"dependency": samples.dependency(long)})
    figure = side_by_side(short, other, ("a", "b"))
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert maps[0].zmax == maps[1].zmax
    assert [np.asarray(trace.z).shape for trace in maps] == [(76, 76), (90, 90)]
    assert figure.layout.xaxis2.matches is None
    assert tuple(figure.layout.xaxis2.range) == (0.5, 90.5)


def test_results_of_another_sequence_an_empty_figure_and_unknown_styles_are_refused() -> None:
    with pytest.raises(ParameterError, match="another sequence"):
        LocusEvidence(NucleotideSequence("ACGT"), {"dependency": samples.dependency()})
    with pytest.raises(ParameterError, match="nothing to draw"):
        locus_figure(LocusEvidence(samples.sequence(300)))
    with pytest.raises(ParameterError, match="No panel of the figure shows pair"):
        locus_figure(LocusEvidence(samples.sequence(), {"pair": samples.pair(0, 71)}))
    with pytest.raises(ParameterError, match="allowed: square, wide, triangle"):
        FigureStyle(shape="round")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="outside the sequence"):
        LocusEvidence(samples.sequence(), {}, marks=(Mark(76, "x"),))


def test_every_panel_has_an_id_a_title_a_unit_where_it_reads_values_and_one_sentence_of_help() -> None:
    figure = locus_figure(everything())
    found = panels()
    assert len({panel.id for panel in found}) == len(found) > 20
    for panel in found:
        assert panel.title
        assert panel.help.endswith(".")
        assert panel.help.count(". ") == 0
        assert panel.reading.endswith(".")
    for item in figure.layout.meta["panels"]:
        assert item["readout"] is None or item["unit"]
        assert item["model"] or not next(panel for panel in found if panel.id == item["id"]).analyses


TOY = """
from engine.views.panel import Drawn, Panel, Readout
from engine.views.paths import filled, steps

def draw(evidence, style):
    found = evidence.results["toy"]
    return Drawn((filled(steps(found.values), "#123456"),), {"range": [0, 1]}, readout=(Readout("toy", found.values),))

PANEL = Panel("toy", "Toy", "toys", "How much toy each base is.", 65, 40, draw, ("toy",), reading="High is toy.")
"""


@dataclass(frozen=True)
class ToyResult:
    sequence: NucleotideSequence
    values: np.ndarray
    provenance: Provenance


def test_a_panel_planted_in_the_package_is_in_the_figure_and_on_the_help_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy_panel.py").write_text(TOY, encoding="utf-8")
    monkeypatch.setattr(engine.views.panels, "__path__", [*engine.views.panels.__path__, str(tmp_path)])
    given = samples.sequence()
    toy = ToyResult(given, np.linspace(0, 1, 76, dtype=np.float32), samples.provenance("toy", given))
    try:
        figure = locus_figure(LocusEvidence(given, {"toy": toy, "effects": samples.effects()}))
        names = [item["id"] for item in figure.layout.meta["panels"]]
        assert names == ["ruler", "sequence", "toy", "effects", "influence"]
        assert traces_of(figure, "toy")[0].fillcolor == "#123456"
        waiting = LocusEvidence(given, {"effects": samples.effects()}, states={"toy": PanelState("waiting", "waits")})
        assert panel_of(locus_figure(waiting), "toy")["state"] == "waiting"
        from pages._ui.help_text import panel_table

        assert "| **Toy** | How much toy each base is. | High is toy. |" in panel_table()
    finally:
        sys.modules.pop("engine.views.panels.toy_panel", None)
