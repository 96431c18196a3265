"""CI-SpliceAI: acceptor and donor sites of human genes, and of changed letters (Strauch et al., PLoS ONE 2022).

The weights are published inside the Python package ``cispliceai``. The package is fetched as a file and never installed or run: its frozen
graph is read once (`engine.models.splice.published`) and kept as safetensors beside its tables of genes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.card import Capability, ModelCard, Offer, WindowRule
from engine.core.sequence import Alphabet, NucleotideSequence
from engine.models.checkpoints.identity import identify
from engine.models.entry import LoadOptions, ModelEntry, PackageFiles
from engine.models.splice.genes import GENE_TABLES
from engine.models.splice.marks import CONTEXT_BP, KIND, MARKS

if TYPE_CHECKING:
    from torch import Tensor

    from engine.models.checkpoints.evidence import Evidence
    from engine.models.splice.model import SpliceSites
    from engine.models.splice.network import SpliceNet

WINDOW_BP = 15_000
"""Bases of one pass of the published networks; those inside the context are answered for."""

CARD = ModelCard(
    id="cispliceai",
    title="CI-SpliceAI",
    alphabet=Alphabet.DNA,
    max_length=WINDOW_BP,
    capabilities=frozenset({Capability.SEGMENTATION, Capability.SPLICING}),
    revision="1.2.2",
    weights_sha256="",
    licence="CC BY 4.0",
    source="https://pypi.org/project/cispliceai/1.2.2",
    description="Splice acceptors and donors per base and strand, and how a variant changes them: the mean of five networks.",
    organisms="Human (isoforms of GENCODE, all chromosomes).",
    limitations=(
        "Reads 5,000 bases at either side of a base; what is beyond the ends of the sequence counts as N, so near them it knows less. "
        "Trained on all chromosomes, so no human gene is new to it; tissues are not told apart; not for diagnosis."
    ),
    citation="Strauch et al., PLoS ONE 2022, doi 10.1371/journal.pone.0269159",
    masked=False,
)


def network(evidence: Evidence, tensors: Mapping[str, Tensor]) -> SpliceNet:
    """The networks filled with converted tensors. Raises `WeightsInvalid` when they do not fit."""
    from engine.models.checkpoints.weights import load_tensors, unfilled
    from engine.models.splice.network import SpliceNet
    from engine.models.splice.published import SpliceConfig

    with unfilled():
        net = SpliceNet(SpliceConfig.read(evidence.config))
    load_tensors(net, tensors)
    return net


def load(directory: Path, options: LoadOptions) -> SpliceSites:
    """Read an installed folder. Raises `WeightsMissing`, `WeightsInvalid`, `ParameterError`. ``auto`` is float32 on every device."""
    from engine.models.checkpoints.weights import placed, read_state, resolve_device, resolve_dtype
    from engine.models.splice.model import SpliceSites
    from engine.models.splice.published import tensors_sha256

    identity, state = identify(ENTRIES["cispliceai"], directory), read_state(directory)
    net = network(identity.evidence, state.tensors)
    device = resolve_device(options.device)
    dtype = resolve_dtype("float32" if options.dtype in ("", "auto") else options.dtype, device)
    sha256 = tensors_sha256(state.tensors)
    placed(net, device, dtype)
    return SpliceSites(identity.loaded(sha256), net, identity.card.max_length, (device, dtype))


def unpack(wheel: Path, folder: Path) -> None:
    """Convert the package file (a wheel) to ``model.safetensors`` and ``config.json`` in ``folder``, its tables and licence beside them.

    Raises `WeightsInvalid` when the wheel does not hold what is published.
    """
    import json

    from safetensors.numpy import save_file

    from engine.models.checkpoints.package import members
    from engine.models.splice.published import GRAPH_FILE, read_graph

    wanted = {f"cispliceai/data/{GRAPH_FILE}": GRAPH_FILE, "LICENSE": "LICENSE"}
    wanted |= {f"cispliceai/data/{name}": name for name in GENE_TABLES.values()}
    members(wheel, wanted, folder)
    graph = folder / GRAPH_FILE
    published = read_graph(graph)
    save_file(published.tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    (folder / "config.json").write_text(json.dumps({"model": KIND, **published.config.as_dict()}), encoding="utf-8")
    graph.unlink()


def layout_note(sequence: NucleotideSequence) -> str:
    """One sentence when bases of a sequence lack context, which is always so near its ends."""
    length = len(sequence)
    whole = max(0, length - 2 * CONTEXT_BP)
    if not whole:
        return (
            f"{CARD.title} reads {CONTEXT_BP:,} bases at either side of a base; this sequence of {length:,} has none with all of them, "
            "what is missing counts as N: give a longer stretch around it."
        )
    return (
        f"{CARD.title} reads {CONTEXT_BP:,} bases at either side; the {CONTEXT_BP:,} bases at each end of this sequence lack some of them."
    )


ENTRIES: dict[str, ModelEntry] = {
    "cispliceai": ModelEntry(
        CARD,
        load,
        offer=Offer(windows=WindowRule(fixed_bp=WINDOW_BP, output_start=CONTEXT_BP, output_end=WINDOW_BP - CONTEXT_BP)),
        note=layout_note,
        marks=MARKS,
        network=network,
        package=PackageFiles(
            "cispliceai",
            "1.2.2",
            sha256="def1db5358848a19533fd387e0620fc0df79784b9e6e1cba1a045ad6678e1da7",
            size_bytes=16_996_547,
            unpack=unpack,
        ),
    )
}
"""Registry rows."""
