"""Whatever is given, whoever gives it: an answer, or one sentence of our own errors. At least ten thousand generated inputs over every reader.

``make test`` tries `TOTAL` inputs; ``make check`` sets LOCUSCOPE_EXAMPLES to a larger number.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as options
from hypothesis import strategies as st

from engine.core.errors import LocuscopeError
from engine.core.locus import Locus
from engine.core.parameters import read_window
from engine.core.sequence import NucleotideSequence
from engine.core.settings import PREFIX, Settings
from engine.exports.triage_files import triage_format
from engine.models.checkpoints.evidence import read_evidence
from engine.models.checkpoints.headers import read_header
from engine.models.checkpoints.weights import read_state
from engine.service.store import ResultStore
from engine.sources.door import Bounds, read_json
from engine.sources.ensembl import Ensembl
from engine.sources.entrez import Entrez
from engine.sources.genetic_codes import given_codes
from engine.sources.genomes import GenomeSet
from engine.sources.http import Answer, Service
from engine.sources.labelled import read_labelled
from engine.sources.remote import RemoteGenomes
from engine.sources.structures import known_pairs, reactivities, read_text
from engine.sources.transcripts import read_transcripts
from engine.sources.ucsc import Ucsc
from engine.sources.understand import read_features, read_upload, understand
from engine.sources.vcf import read_vcf
from pages._ui import address
from pages._ui.changes import read_change
from pages._ui.text import plain
from tests.sources.conftest import CHR_I, GFF, fasta_text
from tests.sources.test_spellings import NAMES, PLACES, VARIANTS
from tests.views import samples

TOTAL = int(os.environ.get("LOCUSCOPE_EXAMPLES", "10500"))
LONGEST_SENTENCE = 900

GENBANK = """LOCUS       TEST1                     60 bp    DNA     linear   BCT 01-JAN-2020
ACCESSION   TEST1
VERSION     TEST1.1
FEATURES             Location/Qualifiers
     gene            complement(11..20)
                     /gene="abcD"
     CDS             join(1..6,10..15)
                     /product="split"
ORIGIN
        1 acgtacgtac acgtacgtac acgtacgtac acgtacgtac acgtacgtac acgtacgtac
//
"""
EMBL = """ID   X1; SV 1; linear; genomic DNA; STD; PRO; 8 BP.
FH   Key             Location/Qualifiers
FT   gene            1..5
FT                   /gene="a"
SQ   Sequence 8 BP; 2 A; 2 C; 2 G; 2 T; 0 other;
     acgtacgt                                                                  8
//
"""
GTF = (
    'chrI\tx\tgene\t5\t20\t.\t+\t.\tgene_id "g\\"1"; note "a; b"; level 2;\nchrI\tx\tCDS\t5\t20\t.\t+\t0\tgene_id "g"; transcript_id "t";\n'
)
BED = "track name=x\nchrI\t10\t20\tpeak\t5\t-\t10\t20\t0,0,0\t2\t3,3\t0,7\n"
VCF = (
    "##fileformat=VCFv4.3\n##contig=<ID=chrI>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    "chrI\t9\trs1\tG\tT,<DEL>,*\t.\tPASS\tX=1\nchrI\t12\t.\tT\tTA,]chrI:5]T\t.\t.\t.\n"
)
FILES = [fasta_text(), GENBANK, EMBL, GFF, GTF, BED, VCF, "acgt 61 acgt\n", ">a\nGGGAAACCC\n(((...))) (-1.0)\n"]
ODD = st.sampled_from(
    [
        *"\t\n\r\x0b\x0c\x1a\x1c\x85\xad\u2028\u200b\ufeff:-–.,;>\"'=%\\/(){}[]<>#*&|~^0٣²Aaßſ",
        "\0",
        "\ud800",
        "9" * 400,
        "((",
        "chr",
        "%%41",
        "1e9",
    ]
)
PLAIN = st.text(alphabet="ACGTUNacgtun0123456789:-+.,>;\n\t /chrIkM[](){}_*=\"'%", max_size=80)


@st.composite
def changed(draw: st.DrawFn, seeds: list[str]) -> str:
    """One of the seeds with a few places cut out, doubled or filled with odd signs."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 12)))
        text = text[:at] + draw(st.one_of(ODD, st.just(text[at:end] * 2), st.text(max_size=4))) + text[draw(st.sampled_from([at, end])) :]
    return text


LINES = st.one_of(changed([text for text, _ in (*PLACES, *VARIANTS, *NAMES)]), PLAIN, st.text(max_size=60))
STRUCTURES = (
    ">a\nGGGAAACCC\n(((...)))\n",
    "((([..)))] -1.2",
    "9 a\n1 G 0 2 9 1\n2 G 1 3 8 2\n3 G 2 4 7 3\n4 A 3 5 0 4\n5 A 4 6 0 5\n6 A 5 7 0 6\n7 C 6 8 3 7\n8 C 7 9 2 8\n9 C 8 0 1 9\n",
    "1 G 9\n2 G 8\n3 G 7\n4 A 0\n5 A 0\n6 A 0\n7 C 3\n8 C 2\n9 C 1\n",
    "position value\n1 0.5\n2,NA\n9\t-999\n",
    "0.1\n0.2\n0.3\nnan\n1e9\n-999\n0\n1\n2\n",
)
CONTENTS = st.one_of(
    changed(FILES).map(lambda text: text.encode("utf-8", "surrogatepass")),
    changed(FILES).map(lambda text: text.encode("latin-1", "replace")),
    changed(FILES).map(lambda text: text.encode("utf-16", "replace")),
    changed(FILES).map(lambda text: gzip.compress(text.encode("utf-8", "replace"), mtime=0)),
    st.binary(max_size=200),
)


@st.composite
def flipped(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes with some of them changed, or cut."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 8))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


KEYS = [
    *("dna", "error", "genome", "start", "end", "mappings", "coord_system", "allele_string", "assembly_name", "seq_region_name"),
    *("feature_type", "strand", "id", "external_name", "x"),
]
JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=12,
)
ANSWERS = st.one_of(
    JSON_VALUES.map(json.dumps),
    JSON_VALUES.map(lambda value: json.dumps([value])),
    changed(FILES),
    st.text(max_size=60),
    st.sampled_from(["[" * 100_000, "1" * 5000, '{"dna": "ACGT", "start": 0}', '{"dna": "AC-T"}', ">NC_000913.3\nAC\0T", "NaN"]),
)


def sentence(ask: Callable[[], object]) -> str:
    """Ask, and let only an error of our own pass, whose words are one short sentence or two; the words, or nothing."""
    try:
        ask()
    except LocuscopeError as error:
        said = str(error)
    else:
        return ""
    assert said.endswith((".", "...")), said
    assert len(said) <= LONGEST_SENTENCE, said
    assert "\n" not in said, said
    return said


SHARES: dict[str, int] = {
    "the box": 22,
    "files": 20,
    "annotation": 12,
    "variants": 10,
    "gene models": 4,
    "tables": 3,
    "structures": 5,
    "services": 12,
    "addresses": 6,
    "settings": 6,
    "stored entries": 4,
    "weights": 4,
    "short texts": 5,
}


def many(name: str) -> Any:
    """How many inputs this reader gets."""
    count = max(20, TOTAL * SHARES[name] // 100)
    return options(
        max_examples=count,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
        ],
    )


def test_ten_thousand_inputs_are_tried() -> None:
    assert sum(SHARES.values()) >= 100
    assert sum(max(20, TOTAL * share // 100) for share in SHARES.values()) >= min(TOTAL, 10_000)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("genomes")
    (folder / "small.fa").write_text(fasta_text())
    (folder / "small.gff3").write_text(GFF)
    return Settings(
        home=folder / "home", genomes=f"sacCer3={folder / 'small.fa'};{folder / 'small.gff3'}", offline=True, max_upload_bytes=100_000
    )


@pytest.fixture(scope="module")
def genomes(usual: Settings) -> GenomeSet:
    return GenomeSet(usual)


@many("the box")
@given(LINES)
def test_the_box(genomes: GenomeSet, usual: Settings, text: str) -> None:
    sentence(lambda: understand(text, genomes, usual))
    with contextlib.suppress(LocuscopeError):
        found = understand(text, genomes, usual)
        if found.normal:  # what is written back asks the same
            assert understand(found.normal, genomes, usual).records == found.records


@many("files")
@given(CONTENTS)
def test_files(usual: Settings, data: bytes) -> None:
    sentence(lambda: read_upload("x.fa", data, usual))


@many("annotation")
@given(CONTENTS, st.sampled_from(["a.gff3", "a.gtf", "a.bed", "a.gb", "a"]))
def test_annotation(usual: Settings, data: bytes, name: str) -> None:
    on = NucleotideSequence(CHR_I, name="chrI")
    sentence(lambda: read_features(name, data, on, usual))


@many("variants")
@given(CONTENTS)
def test_variants(data: bytes) -> None:
    sentence(lambda: read_vcf(data, "a.vcf", Bounds()))


@many("gene models")
@given(data=CONTENTS)
def test_gene_models(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "models.gff3"
    path.write_bytes(data)
    sentence(lambda: read_transcripts(path))


@many("tables")
@given(CONTENTS, st.sampled_from(["a.tsv", "a.csv", "a.vcf", "a.txt.gz"]))
def test_labelled_tables(tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    sentence(lambda: read_labelled(path))


@many("structures")
@example("²\n1 G 0 2 9 1\n")
@example("² A ²")
@example("1 1e99\n")
@given(changed(STRUCTURES))
def test_structures_and_reactivities(text: str) -> None:
    on = NucleotideSequence("GGGAAACCC")
    sentence(lambda: known_pairs(text, on))
    sentence(lambda: reactivities(text, 9))
    sentence(lambda: read_text("a.ct", text.encode("utf-8", "surrogatepass")))


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    said: dict[str, Any] = {"answer": Answer(200, "")}
    monkeypatch.setattr(Service, "get", lambda *_: said["answer"])
    return said


@many("services")
@given(st.sampled_from([200, 200, 200, 400, 404, 403, 500]), ANSWERS)
def test_services(answered: dict[str, Any], status: int, text: str) -> None:
    online = Settings(home=Path("nowhere"), max_upload_bytes=10_000)
    answered["answer"] = Answer(status, text)
    client = Ensembl(online)
    place = Locus("", "NC_000913.3", 0, 4)
    asked: list[Callable[[], object]] = [
        lambda: Ucsc(online).letters("sacCer3", "chrI", 0, 4),
        lambda: client.letters("homo_sapiens", "7", 0, 4),
        lambda: client.features("homo_sapiens", "7", 0, 4),
        lambda: client.variation("rs699"),
        lambda: Entrez(online).letters("NC_000913.3", 0, 4),
        lambda: RemoteGenomes(online).letters(place),
        lambda: understand("NC_000913.3", GenomeSet(online), online),
        lambda: understand("rs699", GenomeSet(online), online),
    ]
    for ask in asked:
        sentence(ask)


@many("addresses")
@given(
    st.dictionaries(
        st.sampled_from(
            ["sequence", "locus", "example", "model", "species", "record", "strand", "window", "region", "select", "map", "low", "hide"]
        ),
        st.one_of(LINES, st.text(max_size=30), st.sampled_from(["1e999", "9" * 400, "-1", "٣-٤", "²", "\ud800"])),
        max_size=5,
    )
)
def test_addresses(parameters: dict[str, str]) -> None:
    state = address.parse(parameters)
    for problem in state.problems:
        assert problem.endswith(".")
        assert len(problem) < LONGEST_SENTENCE
    state.initial(10)
    state.outside(10)


@many("settings")
@given(
    st.sampled_from(["home", "genomes", "threads", "model_bytes", "offline", "max_length", "alphamissense", "device"]),
    st.one_of(
        LINES,
        st.sampled_from(["~nobody/x", "\0", "9" * 5000, "١٢", "1_000", "a=b", "a=~nobody", "=", "a=/dev/null", "A=x;y,B=z"]),
        st.text(max_size=40),
    ),
)
def test_settings(name: str, text: str) -> None:
    def ask() -> object:
        found = Settings.from_environment({PREFIX + name.upper(): text})
        return GenomeSet(replace(found, home=Path("nowhere"), offline=True)).names()

    sentence(ask)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("store")
    store = ResultStore(folder, 10**6, 10**8)
    store.put("k", samples.effects())
    (path,) = [item for item in folder.rglob("*") if item.is_file() and item.stat().st_size > 200]
    return path, path.read_bytes()


@many("stored entries")
@given(data=st.data())
def test_stored_entries(stored: tuple[Path, bytes], data: st.DataObject) -> None:
    path, whole = stored
    path.write_bytes(data.draw(flipped(whole)))
    folder = next(parent for parent in path.parents if parent.name.startswith("store"))
    sentence(lambda: ResultStore(folder, 10**6, 10**8).get("k", samples.effects().sequence))


def _weights() -> dict[str, bytes]:
    import safetensors.numpy
    import torch

    safe = safetensors.numpy.save({"a.weight": np.ones((2, 3), np.float32), "b": np.zeros(4, np.float32)})
    buffer = io.BytesIO()
    torch.save({"a.weight": torch.ones(2, 3), "b": torch.zeros(4)}, buffer)
    return {"model.safetensors": safe, "pytorch_model.bin": buffer.getvalue()}


WEIGHTS = _weights()
HEADERS = st.one_of(
    JSON_VALUES.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [
            b"[" * 50_000,
            b'{"a":{"dtype":"F32","shape":[1e9,1e9],"data_offsets":[0,4]}}',
            b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[4,0]}}',
        ]
    ),
).map(lambda text: len(text).to_bytes(8, "little") + text + b"\0" * 16)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
@many("weights")
@given(data=st.data())
def test_weights(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp() / "weights"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    name = data.draw(st.sampled_from(list(WEIGHTS)))
    content = data.draw(st.one_of(flipped(WEIGHTS[name]), HEADERS, st.binary(max_size=64)))
    (folder / name).write_bytes(content)
    for beside in data.draw(
        st.lists(st.sampled_from(["config.json", "tokenizer.json", "vocab.txt", "special_tokens_map.json"]), max_size=2)
    ):
        (folder / beside).write_text(
            data.draw(st.one_of(JSON_VALUES.map(json.dumps), st.text(max_size=40))), encoding="utf-8", errors="replace"
        )
    sentence(lambda: read_header(folder / name))
    sentence(lambda: read_evidence(folder))
    sentence(lambda: read_state(folder))


@many("short texts")
@example("1" * 5000)
@given(LINES)
def test_short_texts(text: str) -> None:
    asked: list[Callable[[], object]] = [
        lambda: Locus.parse(text),
        lambda: read_window(text),
        lambda: read_change(NucleotideSequence("ACGT"), text),
        lambda: triage_format(Path(text.replace("\0", "") or "x")),
        lambda: read_json(text, "X"),
        lambda: NucleotideSequence(text),
        lambda: plain(text),
        lambda: given_codes([text]),
        lambda: known_pairs(text, NucleotideSequence("GGGAAACCC")),
        lambda: reactivities(text, 9),
    ]
    for ask in asked:
        sentence(ask)
    with contextlib.suppress(LocuscopeError):
        found = Locus.parse(text)
        assert Locus.parse(str(found)) == found


@pytest.mark.parametrize("sign", ["A", "x", "9", "-", ":", " ", "(", "é", "“", "\u2028", "<", "\\"])
def test_a_sentence_repeats_at_most_eighty_characters_of_what_was_given(sign: str, genomes: GenomeSet, usual: Settings) -> None:
    long = sign * 3000
    texts = [
        long,
        f"chrI:{long}",
        f"{long}:1-2",
        f"R64:{long}",
        f"rs{long}",
        f">{long}",
        f">a\n{long}!",
        f"chrI:1-2{long}",
        f"TP53:c.{long}",
        f"chrI-5-{long}-G",
    ]
    files = [
        f"chrI\t5\t{long}\n",
        f"{long}\t5\t9\n",
        VCF + f"chrI\t{long}\t.\tA\tG\t.\t.\t.\n",
        VCF + f"{long}\t5\t.\t{long}\t{long}\t.\t.\t.\n",
        GFF.replace("chrI", long),
    ]
    on = NucleotideSequence(CHR_I, name="chrI")
    asked: list[Callable[[], object]] = [
        *(lambda text=text: understand(text, genomes, usual) for text in texts),
        *(lambda text=text: read_upload(f"{long}.fa", text.encode(), usual) for text in (*texts, *files)),
        *(lambda text=text: read_features(f"{long}.bed", text.encode(), on, usual) for text in files),
        *(lambda text=text: read_vcf(text.encode(), f"{long}.vcf", Bounds()) for text in files),
        lambda: Locus.parse(long),
        lambda: Settings.from_environment({"LOCUSCOPE_THREADS": long}),
        lambda: triage_format(Path(long.replace("/", "x"))),
    ]
    for ask in asked:
        said = sentence(ask)
        assert sign * 200 not in said, said[:200]
