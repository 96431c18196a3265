"""GROVER: a masked model of the human genome with byte-pair tokens of 1 to 16 bases.

Its authors define scores of tokens only. Scores of bases here are sums over the tokens that could stand where the base's token stands:
p(base j = n) = sum of p(token) over tokens that reach j's place in the token and have n there, renormalised over n. A substitution can
move token boundaries; bases whose token begins or ends elsewhere than in the reference cannot be compared and are NaN.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import Capability, ModelCard
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.checkpoints.identity import identify
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.grover.marks import MARKS
from engine.models.networks.unbuilt import bert_network

if TYPE_CHECKING:
    from engine.models.grover.model import GroverModel

FLANK_BP = 100
"""Bases the authors add on each side before tokenising, and drop afterwards, because tokens at the ends are unstable."""

CARD = ModelCard(
    id="grover",
    title="GROVER",
    alphabet=Alphabet.DNA,
    max_length=8_160,
    capabilities=frozenset({Capability.PROBABILITIES, Capability.DEPENDENCY, Capability.EFFECTS, Capability.TOKENS, Capability.EMBEDDINGS}),
    revision="main",
    weights_sha256="",
    licence="none stated by the publisher (research use; ask the authors)",
    source="https://huggingface.co/PoetschLab/GROVER",
    description="Reads the human genome in words of one to sixteen bases; shows the words and how expected each is.",
    organisms="Human.",
    limitations=(
        "At most 510 tokens, about 2,000 bases; its own scores are of tokens, so per-base values are sums over tokens and positions whose "
        "token boundaries a substitution moved are left out as not comparable; give 100 bases more on each side, edge tokens are unstable."
    ),
    citation="Sanabria et al., Nature Machine Intelligence 2024, doi 10.1038/s42256-024-00872-0",
)


def layout_note(model_id: str, sequence: NucleotideSequence) -> str:
    """What a user should know about the ends of a sequence given without flanks."""
    return (
        f"{model_id} splits sequences into words; words within {FLANK_BP} bases of either end of these {len(sequence):,} depend on where the "
        f"sequence was cut, so give {FLANK_BP} bases more on each side and read the middle; where a substitution moves word boundaries the answers "
        "cannot be compared with the reference's, and are left empty."
    )


def load(directory: Path, options: LoadOptions) -> GroverModel:
    """A GROVER checkpoint in the published layout: config.json, tokenizer.json and BERT weights."""
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype
    from engine.models.grover.model import GroverModel, checked_limits
    from engine.models.reading.byte_pairs import PairTokenizer

    identity = identify(ENTRIES["grover"], directory)
    tokenizer, state = PairTokenizer(directory), read_state(directory)
    net = bert_network(identity.evidence, state.tensors)
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    most_tokens, most_bases = checked_limits(net.config, tokenizer)
    card = identity.loaded(state.sha256, max_length=most_bases)
    return GroverModel(card, net, tokenizer, most_tokens, placed(net, device, dtype), dtype)


ENTRIES: dict[str, ModelEntry] = {
    "grover": ModelEntry(
        CARD,
        load,
        HubFiles(
            "PoetschLab/GROVER",
            patterns=("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
            size_bytes=348_000_000,
        ),
        note=partial(layout_note, "grover"),
        marks=MARKS,
        network=bert_network,
    )
}
"""Registry rows."""
