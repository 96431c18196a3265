"""A local gRPC server that implements AlphaGenome's published protocol, with every way to fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
from alphagenome import tensor_utils
from alphagenome.protos.v1 import dna_model_pb2 as messages
from alphagenome.protos.v1 import dna_model_service_pb2 as service
from alphagenome.protos.v1 import dna_model_service_pb2_grpc as rpc

KEY = "a-personal-key"


@dataclass
class Behaviour:
    """How the server answers; ``requests`` holds what it was asked, ``keys`` the keys it was given."""

    status: grpc.StatusCode | None = None
    details: str = ""
    fail_times: int = 10_000
    seconds: float = 0.0
    rubbish: bool = False
    introns: tuple[tuple[int, int, str], ...] = ()
    letters: Callable[[int], str] = lambda position: "ACGT"[position % 4]
    requests: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    address: str = ""


def tracks(names: tuple[str, ...], strands: str) -> list[messages.TrackMetadata]:
    kinds = {"+": messages.STRAND_POSITIVE, "-": messages.STRAND_NEGATIVE, ".": messages.STRAND_UNSTRANDED}
    return [
        messages.TrackMetadata(
            name=name,
            strand=kinds[strand],
            biosample=messages.Biosample(type=messages.BIOSAMPLE_TYPE_TISSUE, name="lung"),
            ontology_term=messages.OntologyTerm(ontology_type=messages.ONTOLOGY_TYPE_UBERON, id=2048),
        )
        for name, strand in zip(names, strands, strict=True)
    ]


class _Servicer(rpc.DnaModelServiceServicer):
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour

    def _begin(self, request: Any, context: grpc.ServicerContext) -> None:
        given = self.behaviour
        key = dict(context.invocation_metadata()).get("x-goog-api-key", "")
        given.keys.append(key)
        given.requests.append(request)
        time.sleep(given.seconds)
        if key != KEY:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no such key")
        if given.status is not None and given.fail_times > 0:
            given.fail_times -= 1
            context.abort(given.status, given.details)

    def ScoreVariant(self, request_iterator: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """Per scorer: one value a track, the index of the scorer plus a tenth of the track; gene scorers for two genes."""
        request = next(request_iterator)
        self._begin(request, context)
        for index, scorer in enumerate(request.variant_scorers):
            yield from self._scored(request.variant, index, scorer, service.ScoreVariantResponse)

    def ScoreIsmVariant(self, request_iterator: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """Of every substitution of the letters `reference_letter`: the last two digits of the position, and a tenth for each further base."""
        request = next(request_iterator)
        self._begin(request, context)
        for start in range(request.ism_interval.start, request.ism_interval.end):
            own = self.behaviour.letters(start)
            for rank, base in enumerate("ACGT"):
                if base != own:
                    variant = messages.Variant(
                        chromosome=request.ism_interval.chromosome, position=start + 1, reference_bases=own, alternate_bases=base
                    )
                    for scorer in request.variant_scorers:
                        yield from self._scored(variant, start % 100 + rank / 10, scorer, service.ScoreIsmVariantResponse)

    def _scored(self, variant: Any, value: float, scorer: Any, response: Any) -> Iterator[Any]:
        with_genes = scorer.WhichOneof("scorer") in ("gene_mask", "gene_mask_active", "gene_mask_splicing", "splice_junction", "pa_qtl")
        genes = (
            [
                messages.GeneScorerMetadata(gene_id=f"ENSG{n}.1", name=f"GENE{n}", strand=messages.STRAND_POSITIVE, type="protein_coding")
                for n in (1, 2)
            ]
            if with_genes
            else []
        )
        raw = np.array([[value + 0.1 * track for track in range(2)]] * max(1, len(genes)), dtype=np.float32)
        values, chunks = tensor_utils.pack_tensor(np.stack((raw, raw / 100)), bytes_per_chunk=8)
        data = messages.VariantData(
            values=values,
            metadata=messages.VariantMetadata(variant=variant, track_metadata=tracks(("first", "second"), "+."), gene_metadata=genes),
        )
        yield response(output=messages.ScoreVariantOutput(variant_data=data))
        for chunk in chunks[: 1 if self.behaviour.rubbish else None]:
            yield response(tensor_chunk=chunk)

    def PredictInterval(self, request_iterator: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """Track values: the bin's index, and minus it; 128 bp bins for histone marks, else single bases. Contacts: one over the bins apart plus
        one, and minus the bins apart. Junctions as `_junctions`."""
        request = next(request_iterator)
        self._begin(request, context)
        width = request.interval.end - request.interval.start
        for kind in request.requested_outputs:
            if kind == messages.OUTPUT_TYPE_SPLICE_JUNCTIONS:
                yield from self._junctions(request.interval)
                continue
            if kind == messages.OUTPUT_TYPE_CONTACT_MAPS:
                resolution, bins = 2048, np.arange(width // 2048, dtype=np.float32)
                apart = np.abs(bins[:, None] - bins)
                values, chunks = tensor_utils.pack_tensor(np.stack((1 / (1 + apart), -apart), axis=2), bytes_per_chunk=1 << 16)
            else:
                resolution = 128 if kind == messages.OUTPUT_TYPE_CHIP_HISTONE else 1
                bins = np.arange(width // resolution, dtype=np.float32)
                values, chunks = tensor_utils.pack_tensor(np.stack((bins, -bins), axis=1), bytes_per_chunk=1 << 16)
            data = messages.TrackData(
                values=values, metadata=tracks(("up", "down"), "+-"), resolution=resolution, interval=request.interval
            )
            yield service.PredictIntervalResponse(output=messages.Output(output_type=kind, track_data=data))
            for chunk in chunks:
                yield service.PredictIntervalResponse(tensor_chunk=chunk)

    def _junctions(self, interval: Any) -> Iterator[Any]:
        """The introns of `Behaviour.introns`; reads are 10, 20, … in the first track and a tenth in the second."""
        reads = np.array([[10.0 * (row + 1), row + 1.0] for row in range(len(self.behaviour.introns))], dtype=np.float32).reshape(-1, 2)
        values, chunks = tensor_utils.pack_tensor(reads, bytes_per_chunk=1 << 16)
        strands = {"+": messages.STRAND_POSITIVE, "-": messages.STRAND_NEGATIVE}
        data = messages.JunctionData(
            values=values,
            metadata=[
                messages.JunctionMetadata(name=name, biosample=messages.Biosample(type=messages.BIOSAMPLE_TYPE_TISSUE, name=name))
                for name in ("lung", "liver")
            ],
            junctions=[
                messages.Interval(chromosome=interval.chromosome, start=start, end=end, strand=strands[strand])
                for start, end, strand in self.behaviour.introns
            ],
            interval=interval,
        )
        yield service.PredictIntervalResponse(output=messages.Output(output_type=messages.OUTPUT_TYPE_SPLICE_JUNCTIONS, junction_data=data))
        for chunk in chunks:
            yield service.PredictIntervalResponse(tensor_chunk=chunk)

    def GetMetadata(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        self._begin(request, context)
        yield service.MetadataResponse(
            output_metadata=[
                messages.OutputMetadata(
                    output_type=messages.OUTPUT_TYPE_RNA_SEQ, tracks=messages.TracksMetadata(metadata=tracks(("a", "b", "c"), "+-."))
                )
            ]
        )


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[Behaviour]:
    """Serve on a free local port and set ``behaviour.address``."""
    server = grpc.server(ThreadPoolExecutor(4))
    rpc.add_DnaModelServiceServicer_to_server(_Servicer(behaviour), server)
    port = server.add_insecure_port("127.0.0.1:0")
    behaviour.address = f"127.0.0.1:{port}"
    server.start()
    try:
        yield behaviour
    finally:
        server.stop(grace=None).wait()
