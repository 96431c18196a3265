"""Lessons: every shipped one comes out as its file expects, numbers are those of the results, and a file that is none says why."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pytest

from engine.analyses.compensation import CompensationParameters
from engine.analyses.declared import declared
from engine.core.base_pairs import pairs_of_dot_bracket
from engine.core.errors import FileFormatError, LocuscopeError, ParameterError
from engine.core.results import Matrix, Track
from engine.core.sequence import NucleotideSequence
from engine.core.settings import Settings
from engine.service import lesson_handout
from engine.service.engine import Engine
from engine.service.lesson_files import FOLDER, Expectation, lesson_called, lessons, read_lesson
from engine.service.lesson_numbers import MEASURES, Number, worked_out
from engine.service.lesson_work import Outcome, Scene
from engine.service.requests import Request
from engine.sources.examples import example
from engine.sources.genomes import GenomeSet
from tests.conftest import ROOT

SHIPPED, _ = lessons()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), offline=True)


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Engine:
    return Engine(settings)


@pytest.fixture(scope="module")
def found(engine: Engine, settings: Settings) -> dict[str, list[Outcome]]:
    genomes = GenomeSet(settings)
    return {name: list(lesson_handout.outcomes(lesson, engine, genomes, settings, engine.run)) for name, lesson in SHIPPED.items()}


def test_at_least_four_lessons_come_along_each_with_its_own_file() -> None:
    assert len(SHIPPED) >= 4
    assert not lessons()[1]
    assert {lesson.source for lesson in SHIPPED.values()} == set(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_a_lesson_expects_is_what_the_results_say(name: str, found: dict[str, list[Outcome]]) -> None:
    for outcome in found[name]:
        assert outcome.problems == ()
        assert outcome.scene.step.expectations
        revealed = outcome.text("reveal")
        assert "{" not in revealed
        assert outcome.text("conclude")
        assert outcome.text("do_not_conclude")
        for number in outcome.scene.step.numbers:
            if f"{{{number.name}}}" in outcome.scene.step.reveal:
                assert number.text(outcome.values[number.name]) in revealed
        assert len(outcome.answer()) == (1 if outcome.scene.changed is None else 2)


def test_the_numbers_of_the_cloverleaf_by_another_route(found: dict[str, list[Outcome]], engine: Engine) -> None:
    trna = example("ecoli-trna-thr")
    assert trna is not None
    values = engine.run(Request("dependency", trna.sequence)).values
    known = [(i, j) for i, j in pairs_of_dot_bracket(trna.structure).tolist() if i < 7]
    first, second, third = found["trna-cloverleaf"]
    assert first.values["acceptor"] == pytest.approx(np.mean([max(values[i, j], values[j, i]) for i, j in known]), rel=1e-6)
    assert (second.values["known"], second.values["found"]) == (21, 21)
    test = engine.run(Request("compensation", trna.sequence, "locuscope", CompensationParameters(27, 41)))
    assert third.values["broken"] == pytest.approx(float(test.values[1, 3]))  # C and U
    assert third.values["mended"] == pytest.approx(float(test.values[1, 2]))  # C and G


def test_bases_are_named_by_the_ruler_of_the_figure_as_its_own_sentences_do(found: dict[str, list[Outcome]]) -> None:
    for name, step in (("trna-cloverleaf", 0), ("how-sure-lac", 2)):
        outcome = found[name][step]
        (words,) = (result.words() for result in outcome.results if result.provenance.analysis == "dependency")
        assert f"bases apart is {outcome.values['strongest']}: " in words
    assert found["trna-cloverleaf"][0].values["strongest"] == "C at 4,175,783 with G at 4,175,793"
    assert found["how-sure-lac"][2].values["strongest"] == "G at 366,344 with T at 366,322"  # the reverse strand


def test_the_stop_codon_by_another_route(found: dict[str, list[Outcome]], engine: Engine) -> None:
    letters = "".join((ROOT / "assets" / "examples" / "lacz.fa").read_text(encoding="utf-8").split("\n")[1:])
    window = letters[140:640]
    assert letters[513:516] == "CAG"
    stopped = window[:373] + "T" + window[374:]
    means = []
    for text in (window, stopped):
        answer = engine.run(Request("segmentation", NucleotideSequence(text), "locuscope-segmenter"))
        means.append(float(answer.values[376:, answer.elements.index("CDS_forward")].mean()))
    second = found["stop-codon"][1]
    assert second.values["behind"] == pytest.approx(means[0], abs=1e-6)
    assert second.values["behind_changed"] == pytest.approx(means[1], abs=1e-6)
    assert second.scene.allele is not None
    assert (second.scene.allele.start, second.scene.allele.reference, second.scene.allele.alternate) == (513, "C", "T")


def test_the_longer_window_is_held_against_the_shorter_one_over_the_same_bases(found: dict[str, list[Outcome]]) -> None:
    second, fourth = found["stop-codon"][1], found["stop-codon"][3]
    for here, there in (("short", "behind"), ("short_changed", "behind_changed"), ("short_fall", "fall")):
        assert fourth.values[here] == second.values[there]
    means = []
    for result in (figure["segmentation"] for figure in fourth.figures):
        (track,) = (track for track in result.tracks() if track.name == "CDS_forward")
        means.append(float(track.values[516:640].astype(np.float64).mean()))
    assert [fourth.values["behind"], fourth.values["behind_changed"]] == pytest.approx(means, abs=1e-6)
    assert fourth.scene.sequence.letters[516:640] == second.scene.sequence.letters[376:500]


def test_who_is_asked_to_compare_two_sequences_is_shown_both(found: dict[str, list[Outcome]], engine: Engine) -> None:
    for name, step, here, there in (("riboswitch", 2, "here", "first"), ("how-sure-lac", 3, "mean", "promoter")):
        outcome, first = found[name][step], found[name][0]
        starting = declared("probabilities").starting(engine.model("locuscope").card)  # as the explorer asks it
        asked = Request("probabilities", first.scene.sequence, "locuscope", starting)
        mean = float(next(track for track in engine.run(asked).tracks() if track.name == "entropy").values.astype(np.float64).mean())
        assert outcome.values[there] == pytest.approx(mean, abs=1e-6)
        for number in (here, there):
            assert f"{outcome.values[number]:.2f}" in outcome.text("reveal")


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_worked_out_of_two_numbers_is_what_a_reader_finds_from_them(name: str, found: dict[str, list[Outcome]]) -> None:
    for outcome in found[name]:
        numbers = {number.name: number for number in outcome.scene.step.numbers}
        for number in numbers.values():
            if number.measure in ("difference", "ratio", "percent"):
                one, other = (
                    float(numbers[part].text(outcome.values[part]).replace(",", "").replace("−", "-")) for part in number.options["of"]
                )
                mine = {"difference": one - other, "ratio": one / other, "percent": 100 * one / other}[number.measure]
                assert outcome.values[number.name] == pytest.approx(mine, abs=0.5 if number.measure == "percent" else 1e-9)


def test_another_result_is_said_to_be_another(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    text = (FOLDER / "how-sure-lac.toml").read_text(encoding="utf-8").replace("above = 1.8", "above = 1.99")
    (tmp_path / "other.toml").write_text(text, encoding="utf-8")
    lesson = read_lesson(tmp_path / "other.toml")
    outcome = Scene.of(lesson, lesson.steps[0], GenomeSet(settings), settings).outcome(engine, engine.run)
    (problem,) = outcome.problems
    assert re.fullmatch(r"mean is 1\.9[0-8]\d, and the lesson expects it above 1\.99\.", problem)
    assert "otherwise than the lesson expects" in lesson_handout.as_text(lesson, [outcome])


def test_the_hand_out_for_students_gives_nothing_away(found: dict[str, list[Outcome]]) -> None:
    lesson, outcomes = SHIPPED["how-sure-lac"], found["how-sure-lac"]
    page, answers = (lesson_handout.as_html(lesson, outcomes, answers=given).decode() for given in (False, True))
    for outcome in outcomes:
        assert outcome.scene.step.question in page
        assert html.escape(outcome.text("conclude")) not in page
        assert html.escape(outcome.text("conclude")) in answers
    assert "Its strongest pair" not in page
    assert page.count("plotly-graph-div") == len(outcomes)
    assert "default-src 'none'" in page
    assert "Locuscope probabilities by locuscope" in answers


def lines(**changes: str) -> str:
    """A lesson that can be read, with some of its lines changed."""
    usual = {
        "title": 'title = "T"',
        "summary": 'summary = "S"',
        "step": '[[step]]\ntitle = "A"\nquestion = "Q"',
        "show": 'show = "ecoli-trna-thr"',
        "reveal": 'reveal = "It is {one}."',
        "more": "",
        "numbers": '[step.numbers]\none = { measure = "bases" }',
    }
    return "\n".join({**usual, **changes}.values())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": ""}, "has no text as title"),
        ({"title": "title = 3"}, "has no text as title"),
        ({"step": ""}, "has no steps"),
        ({"show": ""}, "neither or both of show and file"),
        ({"show": 'file = "../secret.fa"'}, "not beside the lesson"),
        ({"more": 'panels = ["nothing"]'}, "names the panel 'nothing'"),
        ({"more": 'window = "9-3"'}, "write start-end"),
        ({"more": 'choice = ["a"]'}, "'choice', which means nothing there"),
        ({"more": 'choices = ["a", "b"]'}, "nothing under [[step.expect]]"),
        ({"reveal": 'reveal = "It is 0.53."'}, "has the number '0.53.' in reveal; numbers are worked out"),
        ({"reveal": 'reveal = "It is {two}."'}, "nothing of that name under [step.numbers]"),
        ({"numbers": '[step.numbers]\none = { measure = "guess" }'}, "has the measure 'guess'; there are bases"),
        ({"numbers": '[step.numbers]\none = { measure = "mean" }'}, "lacks analysis"),
        ({"numbers": '[step.numbers]\none = { measure = "mean", analysis = "magic" }'}, "names the analysis 'magic'"),
        ({"numbers": '[step.numbers]\none = { measure = "pairs", analysis = "effects" }'}, "asks effects for structure"),
        ({"numbers": '[step.numbers]\none = { measure = "rank", pair = [0, 2] }'}, "as pair; write it as [28, 42]"),
        (
            {"numbers": '[step.numbers]\none = { measure = "bases" }\n[[step.expect]]\nnumber = "two"\nabove = 1'},
            "an expectation that cannot be",
        ),
        ({"numbers": '[step.numbers]\none = { measure = "bases", step = 2 }'}, "the number one of step 2; there are 1 steps"),
        ({"numbers": '[step.numbers]\none = { measure = "bases", step = 0 }'}, "has '0' as step; write the number of a step"),
        ({"step": "[[step]\n"}, "cannot be read as TOML"),
    ],
)
def test_a_file_that_is_no_lesson_says_where_and_why(changes: dict[str, str], words: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(lines(), encoding="utf-8")
    assert read_lesson(path).id == "mine"
    path.write_text(lines(**changes), encoding="utf-8")
    with pytest.raises(FileFormatError) as caught:
        read_lesson(path)
    assert words in str(caught.value)
    assert "'mine.toml'" in str(caught.value)


def test_a_folder_of_ones_own_is_read_beside_the_shipped_ones_and_a_broken_file_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(lines(), encoding="utf-8")
    (tmp_path / "broken.toml").write_text("title = ", encoding="utf-8")
    (tmp_path / "riboswitch.toml").write_text(lines(), encoding="utf-8")
    known, problems = lessons(str(tmp_path))
    assert [*known] == [*SHIPPED, "mine"]
    assert len(problems) == 2
    assert lesson_called("MINE", str(tmp_path)).title == "T"
    with pytest.raises(ParameterError, match=r"There is no lesson 'other'; there are trna-cloverleaf"):
        lesson_called("other", str(tmp_path))
    assert "is not there" in lessons(str(tmp_path / "nowhere"))[1][0]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ('show = "ecoli-trna-thr"\nwindow = "1-900"', "asks for bases 1-900 of 76"),
        ('show = "ecoli-trna-thr"\nchange = "1-A-C"', "G is there"),
        ('show = "no such gene"', "is not a nucleotide"),
    ],
)
def test_a_step_that_does_not_fit_its_sequence_is_one_sentence(step: str, words: str, tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "mine.toml").write_text(lines(show=step), encoding="utf-8")
    lesson = read_lesson(tmp_path / "mine.toml")
    with pytest.raises(LocuscopeError, match=re.escape(words)):
        Scene.of(lesson, lesson.steps[0], GenomeSet(settings), settings)


class Given:
    """An answer with the faces that numbers read."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def tracks(self) -> tuple[Track, ...]:
        return (Track("track", "a track", self.values[0]),)

    def matrix(self) -> Matrix:
        return Matrix(self.values, 0)

    def substitutions(self) -> dict[str, np.ndarray]:
        return {"llr": np.full((10, 4), np.nan, np.float32)}


def a_number(row: dict[str, object], values: np.ndarray, before: dict[str, int | float | str] | None = None) -> str:
    number = Number.read("one", row, "The lesson")
    known = np.array([(0, 9)])
    return number.text(worked_out(number, NucleotideSequence("ACGTACGTAC"), known, (Given(values),), before or {}))  # type: ignore[arg-type]


def test_of_a_pair_the_direction_that_is_known_counts_and_near_bases_never() -> None:
    values = np.full((10, 10), np.nan, np.float32)
    values[0, 8], values[1, 7], values[2, 4], values[9, 0] = 3, 1, 9, 5
    assert a_number({"measure": "strongest pair", "analysis": "dependency"}, values) == "A at 1 with C at 10"
    assert a_number({"measure": "cell", "analysis": "dependency", "pair": [1, 9]}, values) == "3.00"
    assert a_number({"measure": "elsewhere mean", "analysis": "dependency"}, values) == "2.00"
    assert a_number({"measure": "known pairs mean", "analysis": "dependency"}, values) == "5.00"
    assert a_number({"measure": "difference", "of": ["a", "b"]}, values, {"a": 1, "b": 5}) == "−4"


@pytest.mark.parametrize(
    ("row", "before", "words"),
    [
        ({"measure": "highest", "analysis": "probabilities"}, {}, "asks for track where it has no values"),
        ({"measure": "strongest value", "analysis": "dependency"}, {}, "none has a value"),
        ({"measure": "block", "analysis": "dependency", "region": "1-2", "other": "8-9"}, {}, "has no value where"),
        ({"measure": "substitution", "analysis": "effects", "substitution": "28-A-G"}, {}, "nothing is there"),
        ({"measure": "substitution", "analysis": "effects", "substitution": "3-A-G"}, {}, "changes A at 3, but G is there"),
        ({"measure": "substitution", "analysis": "effects", "substitution": "3-G-G"}, {}, "has no value where"),
        ({"measure": "ratio", "of": ["a", "b"]}, {"a": 1, "b": 0}, "divides by b, which is 0"),
        ({"measure": "percent", "of": ["a", "b"]}, {"a": "A1 and C9", "b": 2}, "not both numbers"),
    ],
)
def test_a_number_that_is_not_there_is_a_sentence(row: dict[str, object], before: dict[str, int | float | str], words: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(words)):
        a_number(row, np.full((10, 10), np.nan, np.float32), before)


def test_words_can_be_expected_to_be_equal_only() -> None:
    values = {"a": "A1 and C9", "b": 1.0}
    assert Expectation("a", "equals", "a").words(values) == ""
    assert Expectation("a", "above", "b").words(values) == "a is A1 and C9, and the lesson expects it above 1."
    assert Expectation("b", "equals", "a").words(values) == "b is 1, and the lesson expects it A1 and C9."


def test_the_document_for_teachers_has_every_measure() -> None:
    text = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.*?) \| (.*?) \|$", text.partition("<!-- measures -->")[2], flags=re.MULTILINE)
    assert [row[:2] for row in rows] == [(name, measure.help) for name, measure in MEASURES.items()]
    for _, _, needs, may in rows:
        assert "`" in needs + may or needs + may == ""
