"""AlphaGenome: Google DeepMind's hosted model, asked through its official client (variant scores, tracks, junctions, contacts, mutagenesis).

The key comes from the environment variable ``ALPHA_GENOME_API_KEY`` and is never written or logged. Nothing is sent before the terms are
accepted. Source: google-deepmind/alphagenome, ``alphagenome/models/dna_client.py``; Nature 2026, 649:1206.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.asking import asking
from engine.core.card import Capability, ModelCard
from engine.core.errors import InputError, LocusError, ParameterError, ResourceExhausted, SourceUnavailable, WeightsMissing
from engine.core.places import MUTAGENESIS_BP, MUTAGENESIS_OUTPUTS, OUTPUTS, WIDTHS_BP, width_of
from engine.core.protocols import VariantScore
from engine.core.quoting import quoted
from engine.core.results import PredictedContacts, PredictedJunctions, PredictedTracks
from engine.core.sequence import IUPAC_DNA, Alphabet
from engine.core.settings import Settings
from engine.models.entry import LoadOptions, ModelEntry
from engine.models.scorers import alphagenome_answers as answers
from engine.models.scorers.terms import missing_acceptance

if TYPE_CHECKING:
    import grpc
    import numpy as np
    from numpy.typing import NDArray

CARD = ModelCard(
    id="alphagenome",
    title="AlphaGenome",
    alphabet=Alphabet.DNA,
    max_length=1_048_576,
    capabilities=frozenset(
        {Capability.VARIANT_SCORES, Capability.TRACKS, Capability.JUNCTIONS, Capability.CHROMATIN, Capability.MUTAGENESIS}
    ),
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
    assemblies=("GRCh38", "hg38", "GRCm38", "mm10"),
)

KEY_VARIABLE = "ALPHA_GENOME_API_KEY"
OFFICIAL_ADDRESS = "dns:///gdmscience.googleapis.com:443"
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
            return tuple(answers.scores(answer))

    def tracks(
        self,
        assembly: str,
        contig: str,
        start: int,
        end: int,
        outputs: tuple[str, ...] = ("RNA_SEQ",),
        terms: tuple[str, ...] = (),
        width_bp: int = 0,
    ) -> tuple[PredictedTracks, ...]:
        """Predicted tracks of ``contig[start:end]`` (0-based half-open), asked for in an interval of ``width_bp`` around it, 0 = the smallest
        that the service takes.

        ``terms``: tissues or cell types such as ``UBERON:0002048``; empty = all. Raises as `score`, and `ParameterError` for an unknown output.
        """
        unknown = [name for name in outputs if name not in OUTPUTS]
        if unknown or not outputs:
            raise ParameterError(f"AlphaGenome has no track output {(unknown or ['(none)'])[0]}; allowed: {', '.join(OUTPUTS)}.")
        with self._predicted(assembly, contig, start, end, outputs, terms, width_bp) as (interval, found):
            pairs = [(name, data) for name, data in zip(outputs, found, strict=True) if data is not None]
            return tuple(answers.cropped_tracks(name, data, interval.start, contig, start, end) for name, data in pairs)

    def junctions(
        self, assembly: str, contig: str, start: int, end: int, terms: tuple[str, ...] = (), width_bp: int = 0
    ) -> PredictedJunctions:
        """Splice junctions both of whose ends lie in ``contig[start:end]``. Raises as `score`."""
        with self._predicted(assembly, contig, start, end, ("SPLICE_JUNCTIONS",), terms, width_bp) as (_, found):
            return answers.cropped_junctions(found[0], contig, start, end)

    def contacts(
        self, assembly: str, contig: str, start: int, end: int, terms: tuple[str, ...] = (), width_bp: int = 0
    ) -> PredictedContacts:
        """Contacts between the bins that touch ``contig[start:end]``. Raises as `score`."""
        with self._predicted(assembly, contig, start, end, ("CONTACT_MAPS",), terms, width_bp) as (interval, found):
            if found[0] is None:
                raise ParameterError(f"AlphaGenome has no contact map of {', '.join(terms) or 'this organism'}; leave the tissue out.")
            return answers.cropped_contacts(found[0], interval.start, contig, start, end)

    def mutagenesis(
        self, assembly: str, contig: str, start: int, end: int, output: str, terms: tuple[str, ...] = (), width_bp: int = WIDTHS_BP[0]
    ) -> tuple[NDArray[np.float32], str]:
        """Scores of every substitution of up to 10 bases, float32 (end - start, 4), by the recommended scorer of ``output``, mean over the
        tracks of ``terms`` (all without); NaN at the reference base. Beside them the reference letters that the service changed.

        Raises as `score`, and `ParameterError` for an output that is not scored around a base, or terms without a track.
        """
        from alphagenome.data import genome
        from alphagenome.models import dna_client, variant_scorers

        if output not in MUTAGENESIS_OUTPUTS:
            raise ParameterError(f"AlphaGenome's {quoted(output)} is not scored around a base; allowed: {', '.join(MUTAGENESIS_OUTPUTS)}.")
        if not 0 <= start < end <= start + MUTAGENESIS_BP:
            raise LocusError(f"{contig}:{start + 1:,}-{end:,} is not allowed; 1 to {MUTAGENESIS_BP} bases are changed in one question.")
        organism = dna_client.Organism[_organism(assembly)]
        scorer = variant_scorers.RECOMMENDED_VARIANT_SCORERS[output]
        with _translated():
            changed = genome.Interval(_contig(contig), start, end)
            around = _inside(changed.resize(_checked_width(width_bp)))
            answer = self._client.score_ism_variants(around, changed, [scorer], organism=organism, progress_bar=False, max_workers=1)
            found = answers.mutagenesis(answer, start, end, terms)
        if found is None:
            raise ParameterError(f"AlphaGenome has no {output} track of {', '.join(terms)}; leave the tissue out, or give another.")
        return found

    @contextmanager
    def _predicted(
        self, assembly: str, contig: str, start: int, end: int, outputs: tuple[str, ...], terms: tuple[str, ...], width_bp: int
    ) -> Iterator[tuple[Any, list[Any]]]:
        """The interval that was asked about and what came of each of ``outputs``; inside, what does not parse is told."""
        from alphagenome.data import genome
        from alphagenome.models import dna_client

        organism = dna_client.Organism[_organism(assembly)]
        if not 0 <= start < end or end - start > WIDTHS_BP[-1]:
            raise LocusError(
                f"The interval {contig}:{start + 1:,}-{end:,} is not allowed; at most {WIDTHS_BP[-1]:,} bases, start before end."
            )
        width = width_of(end - start, width_bp)
        with _translated():
            interval = _inside(genome.Interval(_contig(contig), start, end).resize(width))
            kinds = [dna_client.OutputType[name] for name in outputs]
            answer = self._client.predict_interval(interval, organism=organism, requested_outputs=kinds, ontology_terms=list(terms) or None)
            yield interval, [answer.get(kind) for kind in kinds]


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
