"""The INFO field of splice changes, in the layout of SpliceAI's own, so that what reads that reads this."""

from __future__ import annotations

from engine.core.splicing import SiteChange, SpliceScore

FIELD = "LCS_SPLICE"
DESCRIPTION = (
    "Changes of splice sites, one entry an allele and gene (the strand where no gene is known). DS: largest gain or loss of probability; "
    "DP: where, in bases from POS; AG, AL: acceptor gain, loss; DG, DL: donor gain, loss. "
    "Format: ALLELE|SYMBOL|DS_AG|DS_AL|DS_DG|DS_DL|DP_AG|DP_AL|DP_DG|DP_DL"
)
HEADER = f'##INFO=<ID={FIELD},Number=.,Type=String,Description="{DESCRIPTION}">'


def entry(row: SpliceScore) -> str:
    """One allele in one gene."""
    changes = [change or SiteChange(0.0) for change in row.changes]
    deltas = [f"{change.delta:.4f}" for change in changes]
    places = ["." if change.position is None else str(change.position - row.variant.position) for change in changes]
    symbol = "".join(letter if letter.isalnum() or letter in "._-+" else "_" for letter in row.gene or row.strand)
    return "|".join((row.variant.alternate, symbol, *deltas, *places))
