"""A local gRPC server that implements AlphaGenome's published protocol, with every way to fail."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
            with_genes = scorer.WhichOneof("scorer") in ("gene_mask", "gene_mask_active", "gene_mask_splicing", "splice_junction", "pa_qtl")
            genes = (
                [
                    messages.GeneScorerMetadata(
                        gene_id=f"ENSG{n}.1", name=f"GENE{n}", strand=messages.STRAND_POSITIVE, type="protein_coding"
                    )
                    for n in (1, 2)
                ]
                if with_genes
                else []
            )
            raw = np.array([[index + 0.1 * track for track in range(2)]] * max(1, len(genes)), dtype=np.float32)
            values, chunks = tensor_utils.pack_tensor(np.stack((raw, raw / 100)), bytes_per_chunk=8)
            data = messages.VariantData(
                values=values,
                metadata=messages.VariantMetadata(
                    variant=request.variant, track_metadata=tracks(("first", "second"), "+."), gene_metadata=genes
                ),
            )
            yield service.ScoreVariantResponse(output=messages.ScoreVariantOutput(variant_data=data))
            for chunk in chunks[: 1 if self.behaviour.rubbish else None]:
                yield service.ScoreVariantResponse(tensor_chunk=chunk)

    def PredictInterval(self, request_iterator: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        """Track values: the bin's index, and minus it; 128 bp bins for histone marks, else single bases."""
        request = next(request_iterator)
        self._begin(request, context)
        width = request.interval.end - request.interval.start
        for kind in request.requested_outputs:
            resolution = 128 if kind == messages.OUTPUT_TYPE_CHIP_HISTONE else 1
            bins = np.arange(width // resolution, dtype=np.float32)
            values, chunks = tensor_utils.pack_tensor(np.stack((bins, -bins), axis=1), bytes_per_chunk=1 << 16)
            data = messages.TrackData(
                values=values, metadata=tracks(("up", "down"), "+-"), resolution=resolution, interval=request.interval
            )
            yield service.PredictIntervalResponse(output=messages.Output(output_type=kind, track_data=data))
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
