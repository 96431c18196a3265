"""Answers that come with the repository: those of the shipped models on the shipped examples, read-only.

An answer is named by what decides it on any machine (`engine.service.requests.Resolved.shipped_key`: analysis and version, weights, sequence,
parameters), not by the code's hash or the processor, so that it holds until one of those changes; a test computes two of them again.
``make examples`` makes all of them anew, in exact precision, which is what ``auto`` stands for.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import LocuscopeError
from engine.service.requests import Request
from engine.service.store import decode, encode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from engine.core.sequence import NucleotideSequence
    from engine.service.engine import Engine

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples" / "answers"


class ShippedAnswers:
    """Reads the answers of a folder; an answer that is damaged or of another version is as good as absent."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._known = {path.stem for path in folder.glob("*.npz")} if folder.is_dir() else set()

    def get(self, key: str, sequence: NucleotideSequence) -> Any | None:
        """The answer under ``key``, said of ``sequence``; None when none is shipped."""
        if key not in self._known:
            return None
        try:
            with np.load(self._folder / f"{key}.npz", allow_pickle=False) as archive:
                return decode({name: archive[name] for name in archive.files}, sequence)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, LocuscopeError) as error:
            logger.warning("the shipped answer %s is left out: %s", key[:12], type(error).__name__)
            self._known.discard(key)
            return None


def example_requests(engine: Engine) -> Iterator[Request]:
    """What is asked first of each example by the shipped models: of the explorer's every analysis that is always shown, of a single variant
    of triage, too, and of its alternate what is held against that."""
    from engine.sources.examples import EXAMPLES

    for example in EXAMPLES:
        yield from _first_asked(engine, example.sequence)
    yield from _of_variants(engine)


def _first_asked(engine: Engine, sequence: NucleotideSequence, names: Collection[str] = ()) -> Iterator[Request]:
    """The analyses that are always shown, or of those ``names`` only."""
    from engine.analyses.declared import analyses

    for name, analysis in analyses().items():
        if analysis.shown != "always" or (names and name not in names):
            continue
        card = engine.model("locuscope").card
        model = card.id if not analysis.cannot(card) else analysis.default_model
        if model.startswith("locuscope"):
            yield Request(name, sequence, model, analysis.starting(engine.model(model).card))


def _of_variants(engine: Engine) -> Iterator[Request]:
    """Of reference and alternate of the single variants, as the page of triage opens them."""
    from engine.core.sequence import NucleotideSequence
    from engine.core.variants import TriageParameters
    from engine.service.surroundings import surroundings
    from engine.service.triage import ReferenceLetters
    from engine.service.variant_list import read_variant_list
    from engine.sources.door import OWN_FILES
    from engine.sources.triage_examples import SINGLES
    from engine.views.comparison import COMPARED

    for example in SINGLES:
        reference = ReferenceLetters.of_file(example.reference, engine.settings)
        (variant,) = read_variant_list(example.text, reference, OWN_FILES).variants
        found = surroundings(reference, variant, TriageParameters().window_bp)
        letters, change = reference.letters(variant.contig, found.first, found.last), found.change
        if letters[change.start : change.end] != change.reference:
            continue  # the example of a reference that does not fit
        low, high = found.window or (0, len(letters))
        alternate = change.applied(letters)[low : high + len(change.alternate) - len(change.reference)]
        yield from _first_asked(engine, NucleotideSequence(letters[low:high]))
        yield from _first_asked(engine, NucleotideSequence(alternate), ("dependency", *COMPARED))


def exactly(request: Request) -> Request:
    """The same question in exact precision, where it has one."""
    parameters: Any = request.parameters
    return replace(request, parameters=replace(parameters, precision="exact")) if hasattr(parameters, "precision") else request


def make(folder: Path = FOLDER) -> int:
    """Compute every answer and write it to ``folder``, in place of those there; the number of bytes written."""
    from engine.core.settings import Settings
    from engine.service.engine import Engine

    with tempfile.TemporaryDirectory() as home:
        engine = Engine(replace(Settings.from_environment(), home=Path(home)), shipped=ShippedAnswers(Path(home)))
        made: dict[str, Any] = {}
        for request in example_requests(engine):
            made[engine.resolved(request).shipped_key] = engine.run(exactly(request))
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.npz"):
        path.unlink()
    for key, result in made.items():
        np.savez_compressed(folder / f"{key}.npz", allow_pickle=False, **encode(result, key))
    return sum(path.stat().st_size for path in folder.glob("*.npz"))


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m engine.service.answers``."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.service.answers",
        description="Compute the answers of the shipped models on the shipped examples anew (minutes).",
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder that they are written to, in place of those there")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logger.info("%s bytes", f"{make(parser.parse_args(arguments).out):,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
