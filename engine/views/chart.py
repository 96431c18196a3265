"""What figures that stand alone on a page have in common, such as a map of places or of a protein."""

from __future__ import annotations

from typing import Any


def frame(colours: dict[str, str], height: int) -> dict[str, Any]:
    """Layout without axes: ground, ink and size."""
    return {
        "template": "none",
        "paper_bgcolor": colours["background"],
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours["ink"], "size": 12},
        "height": height,
        "showlegend": False,
    }


def clickable(colours: dict[str, str], height: int) -> dict[str, Any]:
    """`frame` of a figure whose points are clicked and that is dragged."""
    return {**frame(colours, height), "hovermode": "closest", "clickmode": "event+select", "dragmode": "pan"}


def axis(colours: dict[str, str], **more: Any) -> dict[str, Any]:
    """A quiet axis with ticks outside."""
    return {"gridcolor": colours["line"], "zeroline": False, "linecolor": colours["faint"], "ticks": "outside", **more}
