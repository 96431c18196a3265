"""What an allele does to the influence of each base on all others."""

from __future__ import annotations

from engine.views.signed import difference_panel

PANEL = difference_panel(
    "influence",
    id="delta-influence",
    title="Δ influence",
    name="change of the influence",
    unit="Δ bits",
    least=0.05,
    help="Change of a base's influence, mean over its three substitutions, alternate less reference: red more, blue less.",
    reading="A blue stretch has lost its hold on the rest of the sequence.",
    order=81,
)
