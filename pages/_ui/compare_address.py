"""What the address says of the page Compare beside the question of the explorer: what is compared, with what, and where both are aligned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.analyses.models_beside import MOST
from engine.core.quoting import quoted
from pages._ui.address import LONGEST_SEQUENCE
from pages._ui.address_values import AddressValues

MODES = {
    "alleles": "Reference against an alternate allele",
    "models": "One model against another",
    "beside": "Models side by side",
    "loci": "Two loci",
}


@dataclass(frozen=True)
class Wanted:
    """``mode`` out of `MODES`; of two loci the text of the ``second``, the ``model`` of both and the bases that stand over each other, 1-based as
    typed, empty for none; of one model against another the ``model`` and the ``other``, both or neither; of models side by side the ``models``, empty
    for the usual ones, the published variant of ``influence``, and whether ``maps`` are drawn; ``problems`` one sentence for each value that was
    left out."""

    mode: str = "alleles"
    second: str = ""
    model: str = ""
    other: str = ""
    anchors: tuple[str, str] = ("", "")
    models: tuple[str, ...] = ()
    influence: str = ""
    maps: bool = True
    problems: tuple[str, ...] = ()

    def texts(self) -> dict[str, str]:
        """For the address, as `read` takes it."""
        values = {"compare": self.mode if self.mode != "alleles" else ""}
        if self.mode == "loci" and self.second:
            values |= {"second": self.second, "by": self.model, "at": ",".join(self.anchors) if any(self.anchors) else ""}
        if self.mode == "models" and self.other:
            values |= {"by": self.model, "other": self.other}
        if self.mode == "beside" and self.models:
            values |= {"models": ",".join(self.models), "influence": self.influence, "maps": "" if self.maps else "0"}
        return {name: text for name, text in values.items() if text}


def read(query: Mapping[str, str], models: tuple[str, ...], influences: tuple[str, ...] = ()) -> Wanted:
    """What an address asks for, by these models and published variants of influence; what cannot be meant is left out, and said."""
    values = AddressValues(query)
    problems, second = values.problems, values.text("second")
    if len(second) > LONGEST_SEQUENCE or not second.isprintable():
        problems.append(
            f"The address has a second locus of {len(second):,} characters; {LONGEST_SEQUENCE:,} that can be shown are the most."
        )
        second = ""
    places = values.text("at")
    anchors = tuple(part.strip() for part in places.split(","))
    if places and not (len(anchors) == 2 and all(part.isascii() and part.isdigit() and len(part) < 10 for part in anchors)):
        problems.append(f"The address has at={quoted(places, 40)}; it takes a base of each locus with a comma between, so it was left out.")
        anchors = ()
    mode = values.choice("compare", MODES, "alleles")
    first, other = values.choice("by", models), values.choice("other", models)
    if mode == "models" and not (first and other and first != other):
        if (first or other) and not problems:
            problems.append(
                f"The address has by={quoted(first, 40)} and other={quoted(other, 40)}; two models are compared, so it was left out."
            )
        first = other = ""
    return Wanted(
        mode,
        second,
        first,
        other,
        (anchors[0], anchors[1]) if len(anchors) == 2 else ("", ""),
        _models(values, models),
        values.choice("influence", influences),
        values.choice("maps", ("0", "1"), "1") == "1",
        tuple(problems),
    )


def _models(values: AddressValues, known: tuple[str, ...]) -> tuple[str, ...]:
    named = [name.strip() for name in values.text("models").split(",") if name.strip()]
    absent = [name for name in named if name not in known]
    if absent:
        values.problems.append(
            f"The address asks for the models {quoted(', '.join(absent), 60)}, which make no map here, so they were left out; "
            "the page Models says what there is."
        )
    return tuple(dict.fromkeys(name for name in named if name in known))[:MOST]
