"""What of a track lies on a window, on either strand."""

from __future__ import annotations

import numpy as np

from engine.core.own_tracks import OwnTrack, Rows, TrackFile, TrackKind


def track(kind: TrackKind, rows: Rows, start: int, end: int, *, reverse: bool = False) -> OwnTrack:
    return OwnTrack.of(TrackFile("a", kind, {"c": rows}), ("c",), start, end, reverse=reverse, id="own-1", name="a", colour="#000000")


def signal(*runs: tuple[int, int, float]) -> Rows:
    return Rows(np.array([run[0] for run in runs]), np.array([run[1] for run in runs]), np.array([run[2] for run in runs], np.float32))


def test_a_signal_is_a_value_a_base_and_nothing_where_the_file_has_none() -> None:
    given = signal((0, 12, 1.0), (14, 15, 3.0), (18, 40, np.nan))
    assert np.array_equal(track("signal", given, 10, 20).values, [1, 1, *[np.nan] * 2, 3, *[np.nan] * 5], equal_nan=True)
    assert np.array_equal(track("signal", given, 10, 20, reverse=True).values, [*[np.nan] * 5, 3, *[np.nan] * 2, 1, 1], equal_nan=True)


def test_runs_that_overlap_are_averaged() -> None:
    assert track("signal", signal((0, 4, 1.0), (2, 6, 3.0)), 0, 6).values.tolist() == [1, 1, 2, 2, 3, 3]


def test_blocks_are_cut_and_turned_with_their_strand() -> None:
    given = Rows(np.array([5, 50]), np.array([12, 60]), np.array([np.nan, np.nan], np.float32), ("a", "b"), ("+", "-"))
    found = track("blocks", given, 10, 55, reverse=True).rows
    assert found.starts.tolist() == [43, 0]
    assert found.ends.tolist() == [45, 5]
    assert found.strands == ("-", "+")


def test_variants_are_complemented_on_the_reverse_strand() -> None:
    given = Rows(np.array([10]), np.array([11]), np.array([np.nan], np.float32), ("A>G",), (".",))
    found = track("variants", given, 0, 20, reverse=True)
    assert found.rows.names == ("T>C",)
    assert found.rows.starts.tolist() == [9]


def test_pairs_need_both_anchors_in_the_window() -> None:
    values = np.array([1, 2], np.float32)
    given = Rows(np.array([10, 12]), np.array([11, 13]), values, ("a", "b"), (".", "."), np.array([[30, 31], [90, 91]]))
    assert track("pairs", given, 0, 50).rows.others.tolist() == [[30, 31]]
    turned = track("pairs", given, 0, 50, reverse=True).rows
    assert (turned.starts.tolist(), turned.others.tolist()) == ([39], [[19, 20]])


def test_a_contig_that_the_file_does_not_have_is_empty() -> None:
    found = OwnTrack.of(TrackFile("a", "signal", {}), (), 0, 5, reverse=False, id="own-1", name="a", colour="#000000")
    assert len(found.rows.starts) == 0
    assert np.isnan(found.values).all()


def test_rows_of_several_names_of_a_contig_are_one_in_the_order_of_the_starts() -> None:
    one = Rows(np.array([5, 9]), np.array([7, 10]), np.array([1, 2], np.float32), ("a", "c"), ("+", "-"))
    other = Rows(np.array([6]), np.array([8]), np.array([3], np.float32), ("b",), (".",), note="n")
    found = Rows.joined([one, other, Rows.none("n")])
    assert (found.starts.tolist(), found.ends.tolist(), found.values.tolist()) == ([5, 6, 9], [7, 8, 10], [1, 3, 2])
    assert (found.names, found.strands, found.others.shape, found.note) == (("a", "b", "c"), ("+", ".", "-"), (0, 2), "n")
    assert Rows.joined([one]) is one
    assert len(Rows.joined([]).starts) == 0


def test_pairs_of_several_names_keep_their_second_anchors() -> None:
    rows = [
        Rows(np.array([at]), np.array([at + 1]), np.array([1], np.float32), ("",), (".",), np.array([[at + 5, at + 6]])) for at in (3, 1)
    ]
    assert Rows.joined(rows).others.tolist() == [[6, 7], [8, 9]]
