"""AlphaGenome: Google DeepMind's hosted model, asked through its official client (variant scores and interval tracks).

The key comes from the environment variable ``ALPHA_GENOME_API_KEY`` and is never written or logged. Nothing is sent before the terms are
accepted. Source: google-deepmind/alphagenome, ``alphagenome/models/dna_client.py``; Nature 2026, 649:1206.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.asking import asking
from engine.core.card import Capability, ModelCard
from engine.core.errors import InputError, LocusError, ParameterError, ResourceExhausted, SourceUnavailable, WeightsMissing
from engine.core.protocols import VariantScore
from engine.core.quoting import quoted
from engine.core.results import PredictedTracks
from engine.core.sequence import IUPAC_DNA, Alphabet
from engine.core.settings import Settings
from engine.models.entry import LoadOptions, ModelEntry
from engine.models.scorers.terms import missing_acceptance

if TYPE_CHECKING:
    import grpc
    import pandas as pd

CARD = ModelCard(
    id="alphagenome",
    title="AlphaGenome",
    alphabet=Alphabet.DNA,
    max_length=1_048_576,
    capabilities=frozenset({Capability.VARIANT_SCORES, Capability.TRACKS}),
    revision="hosted",
    weights_sha256="",
    licence="non-commercial use only, outputs may not be used to train other models (AlphaGenome API terms)",
    source="https://deepmind.google.com/science/alphagenome",
    description="Asks a hosted model what a variant does to expression, splicing, accessibility, binding and contacts, tissue by tissue.",
    organisms="Human (GRCh38) and mouse (GRCm38).",
    limitations=(
        "Needs the network and a personal key; coordinates and alleles leave this machine; for thousands of variants, not millions; "
        "not for diagnosis."
    ),
    citation="Avsec et al., Nature 2026, 649:1206",
    masked=False,
    remote=True,
)

KEY_VARIABLE = "ALPHA_GENOME_API_KEY"
OFFICIAL_ADDRESS = "dns:///gdmscience.googleapis.com:443"
WIDTHS_BP = (16_384, 131_072, 524_288, 1_048_576)
"""Interval widths the service takes."""

OUTPUTS = ("ATAC", "CAGE", "CHIP_HISTONE", "CHIP_TF", "DNASE", "PROCAP", "RNA_SEQ", "SPLICE_SITES", "SPLICE_SITE_USAGE")
"""Outputs that are tracks along the sequence."""

_ORGANISMS = {"grch38": "HOMO_SAPIENS", "hg38": "HOMO_SAPIENS", "grcm38": "MUS_MUSCULUS", "mm10": "MUS_MUSCULUS"}
_ANSWER_SECONDS = 120.0


class AlphaGenome:
    """The hosted model behind a gRPC channel; safe to use from several threads."""

    def __init__(self, channel: grpc.Channel, key: str) -> None:
        import grpc
        from alphagenome.models import dna_client

        self._client = dna_client.DnaClient(channel=grpc.intercept_channel(channel, _deadlines()), metadata=[("x-goog-api-key", key)])

    @property
    def card(self) -> ModelCard:
        """Identity and terms."""
        return CARD

    @property
    def device(self) -> str:
        """Computed elsewhere."""
        return "remote"

    @property
    def dtype(self) -> str:
        """Chosen by the service."""
        return "remote"

    def score(
        self, assembly: str, contig: str, position: int, reference: str, alternate: str, width_bp: int = WIDTHS_BP[-1]
    ) -> tuple[VariantScore, ...]:
        """Scores of one variant by the recommended scorers: one for each scorer, gene and track.

        ``position`` is 1-based on the forward strand, alleles are as in a VCF. ``name`` is the kind of output, ``value`` the raw score,
        ``label`` the quantile among common variants where the service gives one, ``context`` gene, track and tissue.

        Raises
        ------
        LocusError, InputError
            Another assembly; a position or alleles that the service does not accept.
        SourceUnavailable, WeightsMissing, ResourceExhausted
            The service cannot be reached, refuses the key, or the quota is used up.
        """
        from alphagenome.data import genome
        from alphagenome.models import dna_client

        organism = dna_client.Organism[_organism(assembly)]
        _check_variant(position, reference, alternate)
        with _translated():
            variant = genome.Variant(_contig(contig), position, reference.upper(), alternate.upper())
            interval = variant.reference_interval.resize(_checked_width(width_bp))
            answer = self._client.score_variant(_inside(interval), variant, organism=organism)
            return tuple(_scores(answer))

    def tracks(
        self,
        assembly: str,
        contig: str,
        start: int,
        end: int,
        outputs: tuple[str, ...] = ("RNA_SEQ",),
        ontology_terms: tuple[str, ...] = (),
    ) -> tuple[PredictedTracks, ...]:
        """Predicted tracks of ``contig[start:end]`` (0-based half-open), asked for in the smallest interval the service takes around it.

        ``ontology_terms``: tissues or cell types such as ``UBERON:0002048``; empty = all. Raises as `score`, and `ParameterError` for an
        unknown output.
        """
        from alphagenome.data import genome
        from alphagenome.models import dna_client

        organism = dna_client.Organism[_organism(assembly)]
        unknown = [name for name in outputs if name not in OUTPUTS]
        if unknown or not outputs:
            raise ParameterError(f"AlphaGenome has no track output {(unknown or ['(none)'])[0]}; allowed: {', '.join(OUTPUTS)}.")
        if not 0 <= start < end or end - start > WIDTHS_BP[-1]:
            raise LocusError(
                f"The interval {contig}:{start + 1:,}-{end:,} is not allowed; at most {WIDTHS_BP[-1]:,} bases, start before end."
            )
        width = next(width for width in WIDTHS_BP if width >= end - start)
        with _translated():
            interval = _inside(genome.Interval(_contig(contig), start, end).resize(width))
            kinds = [dna_client.OutputType[name] for name in outputs]
            terms = list(ontology_terms) or None
            answer = self._client.predict_interval(interval, organism=organism, requested_outputs=kinds, ontology_terms=terms)
            found = [(name, answer.get(kind)) for name, kind in zip(outputs, kinds, strict=True)]
            return tuple(_cropped(name, data, interval.start, contig, start, end) for name, data in found if data is not None)

    def track_counts(self, assembly: str) -> dict[str, int]:
        """Number of tracks of each output. Raises as `score`."""
        from alphagenome.models import dna_client

        organism = dna_client.Organism[_organism(assembly)]
        with _translated():
            metadata = self._client.output_metadata(organism)
            tables = {name: getattr(metadata, name.lower(), None) for name in OUTPUTS}
            return {name: len(table) for name, table in tables.items() if table is not None}


def _deadlines() -> Any:
    """An interceptor that gives every call of the client a time limit; the client itself sets none."""
    import grpc

    @dataclass(frozen=True)
    class Details(grpc.ClientCallDetails):
        method: str
        timeout: float | None
        metadata: Any
        credentials: Any
        wait_for_ready: bool | None
        compression: Any

    def limited(details: Any) -> Details:
        return Details(
            details.method,
            details.timeout or _ANSWER_SECONDS,
            details.metadata,
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )

    class Deadlines(grpc.StreamStreamClientInterceptor, grpc.UnaryStreamClientInterceptor):
        def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
            return continuation(limited(client_call_details), request_iterator)

        def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
            return continuation(limited(client_call_details), request)

    return Deadlines()


def _organism(assembly: str) -> str:
    name = _ORGANISMS.get(assembly.strip().lower().split(".p", maxsplit=1)[0])
    if name is None:
        raise LocusError(f"AlphaGenome does not know assembly {quoted(assembly)}; GRCh38 (hg38) and GRCm38 (mm10) are allowed.")
    return name


def _contig(name: str) -> str:
    return name if name.startswith("chr") else f"chr{'M' if name == 'MT' else name}"


def _check_variant(position: int, reference: str, alternate: str) -> None:
    if position < 1:
        raise LocusError(f"Position {position:,} does not exist; positions are counted from 1.")
    for allele in (reference.upper(), alternate.upper()):
        if not allele or set(allele) - IUPAC_DNA or set(allele) - set("ACGTN"):
            raise InputError("An allele is empty or has letters other than A, C, G, T, N; write alleles as in a VCF.")


def _checked_width(width_bp: int) -> int:
    if width_bp not in WIDTHS_BP:
        raise ParameterError(f"The interval width is {width_bp:,} bp; allowed: {', '.join(f'{width:,}' for width in WIDTHS_BP)}.")
    return width_bp


def _inside(interval: Any) -> Any:
    """The interval moved right where it would begin before the chromosome."""
    if interval.start >= 0:
        return interval
    return type(interval)(interval.chromosome, 0, interval.width)


def _scores(answer: Any) -> Iterator[VariantScore]:
    from alphagenome.models import variant_scorers

    table: pd.DataFrame | None = variant_scorers.tidy_scores(answer)
    if table is None:
        return
    for row in table.to_dict("records"):
        quantile = row.get("quantile_score")
        place = float(quantile) if quantile is not None and np.isfinite(quantile) else None
        label = f"quantile {place:.5f}" if place is not None else ""
        parts = [row.get(name) for name in ("gene_name", "gene_id", "track_name", "track_strand", "biosample_name", "gtex_tissue")]
        context = " ".join(str(part) for part in parts if isinstance(part, str) and part)
        yield VariantScore(str(row["output_type"]), float(row["raw_score"]), label, context, place)


def _cropped(name: str, data: Any, origin: int, contig: str, start: int, end: int) -> PredictedTracks:
    """The bins that touch ``start:end``; the interval grows to whole bins."""
    resolution = int(data.resolution)
    first, last = (start - origin) // resolution, -(-(end - origin) // resolution)
    metadata = data.metadata
    samples = metadata["biosample_name"] if "biosample_name" in metadata else [""] * len(metadata)
    return PredictedTracks(
        output=name,
        contig=contig,
        start=origin + first * resolution,
        end=origin + last * resolution,
        resolution_bp=resolution,
        values=np.asarray(data.values[first:last], dtype=np.float32),
        names=tuple(map(str, metadata["name"])),
        strands=tuple(map(str, metadata["strand"])),
        biosamples=tuple(sample if isinstance(sample, str) else "" for sample in samples),
    )


@contextmanager
def _translated() -> Iterator[None]:
    """One question to the service; errors of the client and of gRPC as one sentence each, the key is in none of them."""
    import grpc

    asking(CARD.title)
    try:
        yield
    except grpc.RpcError as error:
        raise _of_status(error) from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise SourceUnavailable(
            f"AlphaGenome's answer does not parse ({type(error).__name__}); the service may have changed, update the alphagenome package."
        ) from error


def _of_status(error: Any) -> InputError | WeightsMissing | ResourceExhausted | SourceUnavailable:
    import grpc

    code = error.code()
    told = str(error.details() or "").splitlines()[:1]
    reason = f" ({told[0][:200]})" if told else ""
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return WeightsMissing(f"AlphaGenome refuses the key in {KEY_VARIABLE}; check it, or get one at {CARD.source}.")
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return ResourceExhausted("AlphaGenome's quota for this key is used up; ask fewer variants or try again later.")
    if code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.NOT_FOUND):
        return InputError(f"AlphaGenome does not accept the question{reason}; check contig, position and alleles.")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return SourceUnavailable(f"AlphaGenome did not answer within {_ANSWER_SECONDS:.0f} seconds; try again later.")
    return SourceUnavailable(f"AlphaGenome cannot be reached ({code.name}); check the network and try again later.")


def available(settings: Settings) -> str:
    """What is missing before first use: the terms, the key, or the network."""
    missing = missing_acceptance(CARD, settings.home)
    if missing:
        return missing
    if settings.offline:
        return "AlphaGenome needs the network but LOCUSCOPE_OFFLINE is set; unset it to use this model."
    if settings.no_services:
        return f"AlphaGenome is not asked because {settings.no_services}."
    if not settings.alphagenome_key.strip():
        return f"AlphaGenome needs a personal key in the environment variable {KEY_VARIABLE}; get one at {CARD.source}."
    return ""


def connect(key: str, address: str = OFFICIAL_ADDRESS) -> AlphaGenome:
    """A client of the service at ``address`` over TLS."""
    import grpc

    unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    return AlphaGenome(grpc.secure_channel(address, grpc.ssl_channel_credentials(), options=unlimited), key)


def load(directory: Path, options: LoadOptions) -> AlphaGenome:
    """The service with the key of the settings. Raises `WeightsMissing` when terms or key are missing."""
    settings = options.settings or Settings(home=directory)
    missing = available(settings)
    if missing:
        raise WeightsMissing(missing)
    return connect(settings.alphagenome_key.strip())


ENTRIES: dict[str, ModelEntry] = {"alphagenome": ModelEntry(CARD, load, available=available)}
"""Registry rows."""
