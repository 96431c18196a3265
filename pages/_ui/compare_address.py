"""What the address says of the page Compare beside the question of the explorer: what is compared, with what, and where both are aligned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.core.quoting import quoted
from pages._ui.address import LONGEST_SEQUENCE

MODES = {
    "alleles": "Reference against an alternate allele",
    "models": "One model against another",
    "beside": "Models side by side",
    "loci": "Two loci",
}


@dataclass(frozen=True)
class Wanted:
    """``mode`` out of `MODES`; of two loci the text of the ``second``, the ``model`` of both and the bases that stand over each other, 1-based as
    typed, empty for none; ``problems`` one sentence for each value that was left out."""

    mode: str = "alleles"
    second: str = ""
    model: str = ""
    anchors: tuple[str, str] = ("", "")
    problems: tuple[str, ...] = ()

    def texts(self) -> dict[str, str]:
        """For the address, as `read` takes it."""
        values = {"compare": self.mode if self.mode != "alleles" else ""}
        if self.mode == "loci" and self.second:
            values |= {"second": self.second, "by": self.model, "at": ",".join(self.anchors) if any(self.anchors) else ""}
        return {name: text for name, text in values.items() if text}


def read(query: Mapping[str, str], models: tuple[str, ...]) -> Wanted:
    """What an address asks for, by one of these models; what cannot be meant is left out, and said."""
    problems: list[str] = []

    def choice(name: str, allowed: tuple[str, ...], usual: str) -> str:
        text = query.get(name, "")
        if text and text not in allowed:
            problems.append(f"The address has {name}={quoted(text, 40)}; it can be {', '.join(allowed) or 'none'}, so it was left out.")
        return text if text in allowed else usual

    second = query.get("second", "").strip()
    if len(second) > LONGEST_SEQUENCE or not second.isprintable():
        problems.append(
            f"The address has a second locus of {len(second):,} characters; {LONGEST_SEQUENCE:,} that can be shown are the most."
        )
        second = ""
    places = query.get("at", "").strip()
    anchors = tuple(part.strip() for part in places.split(","))
    if places and not (len(anchors) == 2 and all(part.isascii() and part.isdigit() and len(part) < 10 for part in anchors)):
        problems.append(f"The address has at={quoted(places, 40)}; it takes a base of each locus with a comma between, so it was left out.")
        anchors = ()
    one, other = anchors if len(anchors) == 2 else ("", "")
    return Wanted(choice("compare", tuple(MODES), "alleles"), second, choice("by", models, ""), (one, other), tuple(problems))
