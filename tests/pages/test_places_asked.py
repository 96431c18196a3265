"""A hosted model is asked about a place after a click that says what is sent, and not before."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from streamlit.testing.v1 import AppTest

from engine.models.scorers import alphagenome, terms
from pages._ui import state
from tests.models.scorers.genome_server import KEY, Behaviour, serving

ASKED = "predicted_tracks,splice_junctions,mutagenesis"


def _explorer() -> None:
    from pages._ui.explorer import page

    page()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Behaviour]:
    """The service on this machine, its terms accepted, and a genome that is called GRCh38."""
    from alphagenome.models.v1 import dna_client

    monkeypatch.setattr(dna_client, "time", types.SimpleNamespace(sleep=lambda _: None))
    (tmp_path / "g.fa").write_text(">chr7\n" + "\n".join(["ACGT" * 20] * 1000) + "\n>chrI\n" + "ACGT" * 30 + "\n")
    for name, value in {
        "HOME": str(tmp_path / "home"),
        "GENOMES": f"GRCh38={tmp_path / 'g.fa'},R64={tmp_path / 'g.fa'}",
        "ALPHAGENOME_KEY": KEY,
        "OFFLINE": "0",
    }.items():
        monkeypatch.setenv(f"LOCUSCOPE_{name}", value)
    terms.accept(alphagenome.CARD, tmp_path / "home")
    with serving(Behaviour()) as behaviour, grpc.insecure_channel(behaviour.address) as channel:
        monkeypatch.setattr(alphagenome, "connect", lambda key: alphagenome.AlphaGenome(channel, key))
        state.shared.clear()  # type: ignore[attr-defined]
        yield behaviour
    state.shared.clear()  # type: ignore[attr-defined]


def opened(locus: str, **more: str) -> AppTest:
    app = AppTest.from_function(_explorer, default_timeout=60)
    for name, value in {"locus": locus, "analyses": ASKED, **more}.items():
        app.query_params[name] = value
    return app.run()


def runs_of(app: AppTest):  # type: ignore[no-untyped-def]
    return app.session_state["locuscope"].computing


def test_an_address_asks_nothing_of_a_service_until_the_button_is_pressed(server: Behaviour) -> None:
    app = opened("GRCh38:chr7:20001-20020", tissue="UBERON:0002048")
    assert not app.exception
    runs = runs_of(app)
    assert runs.started
    assert not server.requests
    assert any("Ask AlphaGenome sends the place GRCh38:chr7:20001-20020" in item.value.replace("\\", "") for item in app.caption)
    assert runs.states()["predicted_tracks"] == ("waiting", "nothing was sent yet: press Ask AlphaGenome")
    app = app.button(key="ask-hosted").click().run()
    jobs = runs_of(app).jobs
    for name in ASKED.split(","):
        assert jobs[name].wait(60)
        assert jobs[name].error is None
    assert len(server.requests) == 4, "tracks, junctions, twice ten bases"
    assert "ask-hosted" not in [button.key for button in app.run().button]
    runs_of(app).cancel()


def test_a_place_of_another_assembly_says_so_in_its_panels(server: Behaviour) -> None:
    app = opened("R64:chrI:1-20")
    assert runs_of(app).states()["predicted_tracks"] == (
        "cannot",
        "AlphaGenome knows GRCh38, hg38, GRCm38 and mm10; this place is on R64.",
    )
    assert "ask-hosted" not in [button.key for button in app.button]
    runs_of(app).cancel()
    assert not server.requests


def test_without_a_key_the_menu_says_what_is_missing(server: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUSCOPE_ALPHAGENOME_KEY", "")
    state.shared.clear()  # type: ignore[attr-defined]
    app = opened("GRCh38:chr7:20001-20020", analyses="")
    box = next(box for box in app.checkbox if box.label == "Predicted tracks")
    assert box.disabled
    assert "ALPHA_GENOME_API_KEY" in box.help.replace("\\", "")
    runs_of(app).cancel()
