"""The commands ``protein`` and ``card``, and AlphaMissense as a column of triage, on small tables in the published layout."""

from __future__ import annotations

import csv
import json
import types
from pathlib import Path

import grpc
import numpy as np
import pytest

from engine.commands.app import main
from engine.core.card import ModelCard
from engine.core.settings import Settings
from engine.core.variant_card import VariantCard
from engine.core.variants import ScoredVariant, Variant
from engine.exports.card_files import card_rows, write_json
from engine.exports.figure import read_back
from engine.models.scorers import alphagenome, alphamissense, terms
from tests.models.scorers.genome_server import KEY, Behaviour, serving
from tests.models.scorers.protein_tables import both, score

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
BRCA1 = ["--fasta", str(EXAMPLES / "brca1.fa"), "--gff", str(EXAMPLES / "brca1.gff3")]
HEADER = "#CHROM\tPOS\tREF\tALT\tgenome\tuniprot_id\ttranscript_id\tprotein_variant\tam_pathogenicity\tam_class\n"
ROW = "chr17\t43063931\tG\tA\thg38\tP38398\tENST00000357654.9\tR1699W\t0.9970\tlikely_pathogenic\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = both(tmp_path / "home")
    monkeypatch.setenv("LOCUSCOPE_HOME", str(folder))
    monkeypatch.setenv("LOCUSCOPE_OFFLINE", "1")
    accept(alphamissense.CARD, folder)
    return folder


def accept(card: ModelCard, folder: Path) -> None:
    terms.accept(card, folder)


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader((line for line in text.splitlines() if not line.startswith("#")), delimiter="\t"))


def test_variants_are_looked_up_by_genome_and_by_protein(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protein", "chr7 117480097 . A G,T", "chr7:117480097-117480098 AC>TT"]) == 0
    rows = table(capsys.readouterr().out)
    assert [(row["position"], row["alternate"]) for row in rows] == [
        ("117480097", "G"),
        ("117480097", "G"),
        ("117480097", "T"),
        ("117480097", "TT"),
    ]
    assert main(["card", "chr7 117480097 . A G,T"]) == 2
    assert "has several alternates; give one of them" in capsys.readouterr().err
    assert main(["protein", "P13569:Q2M", "chr7:117480097 A>G", "GRCh37:7:5 A>C", "P13569:V2M", "nonsense here"]) == 0
    printed = capsys.readouterr()
    rows = table(printed.out)
    assert [row["change"] for row in rows[:3]] == ["Q2M", "Q2R", "Q2R"]
    assert float(rows[0]["am_pathogenicity"]) == pytest.approx(score(2, "M"))
    assert [row["am_pathogenicity"] for row in rows[1:3]] == ["0.3", "0.2"]
    assert "AlphaMissense_hg19.tsv.gz" in rows[3]["note"]
    assert "has Q at position 2, not V" in rows[4]["note"]
    assert "is no variant" in rows[5]["note"]
    assert printed.err == "2 of 5 have a score\n"


def test_a_protein_is_written_whole_and_as_a_picture(tmp_path: Path) -> None:
    assert main(["protein", "P13569", "--out", str(tmp_path / "x.tsv")]) == 0
    assert len(table((tmp_path / "x.tsv").read_text())) == 6 * 19
    assert main(["protein", "P13569", "--out", str(tmp_path / "x.npz")]) == 0
    with np.load(tmp_path / "x.npz", allow_pickle=False) as archive:
        assert archive["values"].shape == (20, 6)
        assert str(archive["residues"]) == "MQRSPL"
        assert json.loads(str(archive["provenance"]))["card"]["id"] == "alphamissense"
    assert main(["protein", "P13569:Q2M", "chr7:117480101 G>C", "--out", str(tmp_path / "x.html")]) == 0
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert read_back(page)["parameters"]["protein"] == "P13569"
    assert page.count("chr7:117480101 G&gt;C") == 2  # in the map and above it


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "Give variants or a protein"),
        (["P13569:Q2M", "Q8NH21:M1A", "--out", "x.html"], "A figure shows one protein, and these are P13569, Q8NH21"),
        (["P13569", "--last", "7", "--out", "x.html"], "is not in P13569, which has positions 1 to 6"),
        (["P13569:Q2M", "--out", "x.npz"], "names no format"),
        (["P13569:Q2M", "--out", "x.vcf"], "names no format"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(given: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protein", *given]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_without_accepted_terms_nothing_is_read(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "terms" / "alphamissense.json").unlink()
    assert main(["protein", "P13569:Q2M"]) == 2
    assert "accept them on the Models page" in capsys.readouterr().err


def test_triage_has_the_score_as_a_column_and_as_fields(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.models.scorers.protein_tables import packed

    (home / "AlphaMissense_hg38.tsv.gz").unlink()
    packed(home / "AlphaMissense_hg38.tsv.gz", HEADER + ROW)
    asked = ["triage", "--variant", "chr17:43063931 G>A", "--variant", "chr17:43067607 C>A", *BRCA1, "--window", "30", "--no-influence"]
    assert main([*asked, "--alphamissense", "--assembly", "GRCh38"]) == 0
    first, second = table(capsys.readouterr().out)
    assert [first[name] for name in ("am_pathogenicity", "am_class", "am_protein_variant")] == [
        "0.997",
        "likely_pathogenic",
        "P38398:R1699W",
    ]
    assert second["am_pathogenicity"] == ""
    assert main([*asked, "--alphamissense", "--assembly", "GRCh38", "--out", str(tmp_path / "x.vcf")]) == 0
    assert "LCS_AM=0.997;LCS_AM_CLASS=likely_pathogenic;LCS_AM_PROTEIN=P38398:R1699W" in (tmp_path / "x.vcf").read_text()
    assert main([*asked, "--alphamissense", "--assembly", "GRCh38", "--out", str(tmp_path / "x.py")]) == 0
    assert "'--alphamissense', '--assembly', 'GRCh38'" in (tmp_path / "x.py").read_text()
    told = json.loads((tmp_path / "x.vcf").read_text().partition("locuscope_provenance=")[2].splitlines()[0])
    assert told["parameters"]["missense"]["table"].startswith("AlphaMissense_hg38.tsv.gz, ")
    capsys.readouterr()
    assert main([*asked, "--alphamissense"]) == 2
    assert "The assembly is not named" in capsys.readouterr().err
    assert main([*asked, "--alphamissense", "--assembly", "R64"]) == 2
    assert "no table of assembly 'R64'" in capsys.readouterr().err


def test_a_card_holds_every_part_and_asks_the_service_only_when_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from alphagenome.models.v1 import dna_client

    from tests.models.scorers.protein_tables import packed

    monkeypatch.setattr(dna_client, "time", types.SimpleNamespace(sleep=lambda _: None))
    (home / "AlphaMissense_hg38.tsv.gz").unlink()
    packed(home / "AlphaMissense_hg38.tsv.gz", HEADER + ROW)
    monkeypatch.delenv("LOCUSCOPE_OFFLINE")
    monkeypatch.setenv("LOCUSCOPE_ALPHAGENOME_KEY", KEY)
    asked = ["card", "chr17:43063931 G>A", *BRCA1, "--model", "locuscope", "--window", "30", "--out", str(tmp_path / "card.json")]
    with serving(Behaviour()) as server:
        monkeypatch.setattr(alphagenome, "connect", lambda key: alphagenome.AlphaGenome(grpc.insecure_channel(server.address), key))
        assert main([*asked, "--alphagenome"]) == 0
        card = json.loads((tmp_path / "card.json").read_text())
        assert server.requests == []
        assert "accept them on the Models page" in card["notes"]["alphagenome"]
        accept(alphagenome.CARD, home)
        assert main(asked) == 0
        assert server.requests == []
        assert main([*asked, "--alphagenome"]) == 0
        assert len(server.requests) == 1
    card = json.loads((tmp_path / "card.json").read_text())
    assert (card["consequences"][0]["terms"], card["consequences"][0]["hgvs_p"]) == (["missense_variant"], "p.(Arg1699Trp)")
    assert card["missense"][0]["substitution"] == {"protein": "P38398", "position": 1699, "reference": "R", "alternate": "W"}
    names = [one["name"] for one in card["alphagenome"]]
    assert len(names) == len(set(names)) < card["alphagenome_asked"]
    quantiles = [abs(one["quantile"]) for one in card["alphagenome"]]
    assert quantiles == sorted(quantiles, reverse=True)
    assert card["language_models"][0]["llr"] is not None
    assert set(card["sources"]) == {"alphamissense", "alphagenome", "locuscope"}
    origins = card["provenance"]
    assert origins["locuscope"]["parameters"]["window_bp"] == 30
    assert len(origins["locuscope"]["card"]["weights_sha256"]) == len(origins["gene_models"]["sha256"]) == 64
    assert origins["alphamissense"]["table"].startswith("AlphaMissense_hg38.tsv.gz, ")
    assert origins["reference"].startswith("brca1.fa, ")
    assert str(EXAMPLES) not in json.dumps(card)
    assert KEY not in json.dumps(card)
    assert "AlphaMissense 0.997, likely pathogenic" in capsys.readouterr().err


def test_a_model_that_fails_takes_no_answer_of_another_with_it(tmp_path: Path) -> None:
    asked = ["card", "chr17:43063931 G>A", *BRCA1, "--window", "30"]
    assert main([*asked, "--model", "locuscope", "--model", "gpn", "--out", str(tmp_path / "card.json")]) == 0
    card = json.loads((tmp_path / "card.json").read_text())
    assert [one["model"] for one in card["language_models"]] == ["Locuscope"]
    assert card["notes"]["language models"].startswith("gpn: The weights of gpn")
    assert "gpn" not in card["sources"]


def test_every_number_of_a_causal_model_is_in_both_files() -> None:
    row = ScoredVariant(Variant("chr1", 5, "A", "G"), "scored", delta_log_likelihood=-3.0, mean_delta_log_likelihood=-0.5)
    card = VariantCard(row.variant, "GRCh38", scored=(("Evo", row),))
    (told,) = json.loads(write_json(card))["language_models"]
    assert (told["delta_log_likelihood"], told["mean_delta_log_likelihood"], told["llr"]) == (-3.0, -0.5, None)
    assert {line[1]: line[2] for line in card_rows(card)} == {
        "delta log-likelihood of the window": "-3",
        "delta log-likelihood a base": "-0.5",
    }


def test_a_card_without_letters_says_what_is_missing(tmp_path: Path) -> None:
    assert main(["card", "chr7:117480101 G>C", "--model", "locuscope", "--out", str(tmp_path / "card.html")]) == 0
    page = (tmp_path / "card.html").read_text(encoding="utf-8")
    assert "likely_pathogenic" in page
    assert page.count("The letters of GRCh38 are not here") == 2
    assert Settings.from_environment().offline
