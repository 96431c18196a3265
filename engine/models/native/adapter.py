"""Checkpoints that transformers' own classes run: anybody's (``checkpoint``), and the decoders MarinDNA and Carbon.

Bring your own: a folder with config.json, tokenizer files and weights of a `bert`, `esm`, `roformer`, `modernbert`, `llama`, `qwen3` or `mistral`
that reads one base or one k-mer a token. No code of a publisher runs, and the card says nothing that the files do not show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import ModelCard, checkpoint_title
from engine.core.errors import WeightsInvalid
from engine.core.sequence import Alphabet
from engine.models.checkpoints.identity import identify
from engine.models.checkpoints.layouts import longest_tokens
from engine.models.entry import HubFiles, LoadOptions, ModelEntry
from engine.models.native.marks import (
    ANYBODYS,
    CARBON,
    CAUSAL_CAPABILITIES,
    DNA_CONFIG,
    MARIN,
    MASKED_CAPABILITIES,
    dna_tokens,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.native.model import NativeModel
    from engine.models.native.tokenizer import Reading

_LIMITATIONS = "Sees only what stands before a base, so maps show effects downstream alone, and whole ones with --both-strands."


@cache
def library() -> str:
    """The library whose classes compute, with its version: it decides numbers."""
    return f"transformers {metadata.version('transformers')}"


def network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> nn.Module:
    """The class of config.json filled with published tensors. Raises `WeightsInvalid` when they do not fit."""
    from engine.models.native.network import native_network

    return native_network(evidence, tensors)


def _asked(directory: Path, evidence: Evidence, *, causal: bool) -> Reading:
    from engine.models.native.tokenizer import of_tokenizer

    return of_tokenizer(directory, evidence, causal=causal)


def _stated(directory: Path, evidence: Evidence, *, causal: bool) -> Reading:
    from engine.models.native.tokenizer import of_dna_config

    tokens = dna_tokens(evidence)
    if tokens is None:
        raise WeightsInvalid(f"{evidence.name} has no usable {DNA_CONFIG}; copy it from the publication.")
    return of_dna_config(tokens)


def load(row: Callable[[], ModelEntry], read: Callable[..., Reading], directory: Path, options: LoadOptions) -> NativeModel:
    """A checkpoint directory of one of transformers' classes. Raises `WeightsMissing`, `WeightsInvalid`, `ParameterError`."""
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype
    from engine.models.native.model import NativeCausal, NativeMasked
    from engine.models.native.network import empty_network

    entry = row()
    identity = identify(entry, directory)
    evidence, causal = identity.evidence, identity.card.causal
    empty_network(evidence)  # before the tokenizer, for which the library reads config.json as well
    reading = read(directory, evidence, causal=causal)
    state = read_state(directory, entry.weights)
    net = network(evidence, state.tensors)
    reading.check_ids(next(iter(net.parameters())).shape[0], evidence.name)
    device = resolve_device(options.device)
    dtype = resolve_dtype(options.dtype, device)
    placed(net, device, dtype)
    most = longest_tokens(evidence) - len(reading.before) - len(reading.after)
    longest = (most * reading.k if reading.step > 1 else most + reading.k - 1) if most > 0 else identity.card.max_length
    card = identity.loaded(state.sha256, max_length=longest, assumed=(*identity.card.assumed, *reading.assumed))
    return (NativeCausal if causal else NativeMasked)(card, net, reading, device, dtype)


def _row(model_id: str) -> ModelEntry:
    return ENTRIES[model_id]


def own_checkpoint(model_id: str) -> ModelEntry:
    """The row of somebody's own checkpoint under a name of its own."""
    entry: ModelEntry = ModelEntry(
        ModelCard(
            id=model_id,
            title="Own checkpoint" if model_id == "checkpoint" else checkpoint_title(model_id),
            alphabet=Alphabet.DNA,
            max_length=2_048,
            capabilities=MASKED_CAPABILITIES | CAUSAL_CAPABILITIES,
            revision=library(),
            weights_sha256="",
            licence="that of the checkpoint",
            source="a folder named by --weights, by 'install --from' or by LOCUSCOPE_WEIGHTS",
            description=(
                "Any checkpoint of transformers' own classes bert, esm, roformer, modernbert, llama, qwen3 and mistral that reads one base or one "
                "k-mer a token; its card says only what its files show."
            ),
            organisms="what the checkpoint was trained on",
            limitations="No code of a publisher is run; byte-pair tokens and species tokens are not read.",
        ),
        partial(load, lambda: entry, _asked),
        marks=ANYBODYS,
        network=network,
    )
    return entry


def _decoder(model_id: str, title: str, licence: str, source: str, **rest: object) -> ModelCard:
    values: dict[str, object] = {
        "alphabet": Alphabet.DNA,
        "capabilities": CAUSAL_CAPABILITIES,
        "revision": f"main, {library()}",
        "weights_sha256": "",
        "limitations": _LIMITATIONS,
        "causal": True,
        "masked": False,
    }
    return ModelCard(id=model_id, title=title, licence=licence, source=source, **(values | rest))  # type: ignore[arg-type]


_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json")

ENTRIES: dict[str, ModelEntry] = {
    "marindna": ModelEntry(
        _decoder(
            "marindna",
            "MarinDNA 1B",
            "Apache-2.0 (as its hub page says)",
            "https://huggingface.co/marin-dna/marin-dna-exp135-m5.1",
            max_length=255,
            description="Decoder of 1.1 billion parameters, one base a token; meant for short windows, mean of both strands.",
            organisms="not stated here, see its hub page",
            limitations=f"Trained on 255 bases, longer input is refused. {_LIMITATIONS}",
        ),
        partial(load, partial(_row, "marindna"), _asked),
        HubFiles("marin-dna/marin-dna-exp135-m5.1", patterns=("config.json", *_TOKENIZER), size_bytes=4_483_000_000),
        marks=MARIN,
        network=network,
    ),
    "carbon": ModelEntry(
        _decoder(
            "carbon",
            "Carbon 500M",
            "Apache-2.0",
            "https://huggingface.co/HuggingFaceBio/Carbon-500M",
            max_length=8_191 * 6,
            min_length=1,
            description="Decoder of 500 million parameters over 6-mers with 49 kb of context; the 3B checkpoint loads from a folder as well.",
            organisms="Eukaryotic genes and mRNA, and bacterial genomes of GTDB.",
            limitations=(
                f"Reads 6-mers that do not overlap: bases of one token share a prediction, and ln P of a window is the sum over bases of their "
                f"marginals. {_LIMITATIONS}"
            ),
        ),
        partial(load, partial(_row, "carbon"), _stated),
        HubFiles("HuggingFaceBio/Carbon-500M", patterns=("config.json", DNA_CONFIG, "tokenizer_config.json"), size_bytes=1_070_000_000),
        marks=CARBON,
        network=network,
    ),
    "checkpoint": own_checkpoint("checkpoint"),
}
"""Registry rows."""
