"""The exported sessions in the other browsers themselves, fetched from the registry of npm into a folder of the test: igv.js and JBrowse 2.

Of ``make check``: it needs a registry, and skips with a reason where none answers.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import shutil
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from engine.commands.app import main
from tests.browser.locus_page import PATIENCE

pytestmark = pytest.mark.long
IGV, JBROWSE = "igv@3.8.10", "@jbrowse/react-linear-genome-view2@4.1.13"
HUB = "@gmod/ucsc-hub@2.0.4"
READ_HUB = """const fs = require('fs'), path = require('path'), {HubFile, GenomesFile, TrackDbFile} = require('./package/dist/index.js');
const read = (name) => fs.readFileSync(path.join(process.argv[1], name), 'utf8');
const hub = new HubFile(read('hub.txt')).data, genomes = Object.values(new GenomesFile(read(hub.genomesFile)).data).map((row) => row.data);
const tracks = genomes.map((genome) => Object.values(new TrackDbFile(read(genome.trackDb)).data).map((row) => row.data));
console.log(JSON.stringify([hub, genomes, tracks]));"""
ELEMENT = """{['$$typeof']: Symbol.for('react.transitional.element'), type: view.JBrowseLinearGenomeView, key: null, props: {viewState: state},
    _owner: null, _store: {}}"""
OPEN_IGV = """async (session) => {
  const browser = await igv.createBrowser(document.getElementById('root'), {...session, loadDefaultGenomes: false});
  return browser.trackViews.map(({track}) => [track.name, track.type]);
}"""
DRAWN = """(count) => {
  const root = document.getElementById('root');
  const inked = (canvas) => canvas.width > 0 && canvas.height > 0
    && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value, at) => at % 4 === 3 && value > 0);
  const inside = root.shadowRoot ?? root.firstElementChild.shadowRoot;
  return [...inside.querySelectorAll('.igv-viewport > canvas')].filter(inked).length >= count;
}"""
OPEN_JBROWSE = """async ([config, base]) => {
  const whole = (item) => { for (const [key, value] of Object.entries(item ?? {})) {
    if (key === 'uri') item[key] = new URL(value, base).href; else if (typeof value === 'object') whole(value); } };
  whole(config);
  const view = window.JBrowseReactLinearGenomeView, [shown] = config.defaultSession.views;
  const session = {name: 'test', view: {id: 'view', ...shown}};
  const state = view.createViewState({assembly: config.assemblies[0], tracks: config.tracks, location: shown.init.loc, defaultSession: session});
  window.state = state;
  view.createRoot(document.getElementById('root')).render(ELEMENT);
}""".replace("ELEMENT", ELEMENT)


def archive_of(package: str, folder: Path) -> Path:
    """A package of npm, packed, in ``folder``; the test is skipped where no registry answers."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm")
    try:
        done = subprocess.run(
            [npm, "pack", package, "--fetch-retries=0", "--fetch-timeout=20000"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("needs a registry of npm: none answered")
    if done.returncode:
        pytest.skip("needs a registry of npm: none answered")
    return folder / str(done.stdout.split()[-1])


def bundle(package: str, file: str, folder: Path) -> Path:
    """One file of a package of npm, unpacked into ``folder``."""
    with tarfile.open(archive_of(package, folder)) as archive:
        content = archive.extractfile(f"package/{file}")
        assert content is not None
        (folder / Path(file).name).write_bytes(content.read())
    return folder / Path(file).name


@contextlib.contextmanager
def web(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_given: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The unpacked zip of the lac promoter, by the command."""
    monkeypatch.setenv("LOCUSCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCUSCOPE_OFFLINE", "1")
    (tmp_path / "peaks.bed").write_text("NC_000913.3\t366310\t366340\tpeak\t900\t+\n", encoding="utf-8")
    marked = "track type=bedDetail\nNC_000913.3\t366350\t366371\tmarked\t0\t.\t366350\t366371\t204,121,167\t1\tCRP binds it\n"
    (tmp_path / "marked.bed").write_text(marked, encoding="utf-8")
    own = ["--track", str(tmp_path / "peaks.bed"), "--regions", str(tmp_path / "marked.bed")]
    asked = ["view", "--locus", "ASM584v2:NC_000913.3:366296-366428:-", *own]
    assert main([*asked, "--out", str(tmp_path / "view.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "view.zip") as archive:
        archive.extractall(tmp_path / "view")  # noqa: S202
    return tmp_path / "view"


@contextlib.contextmanager
def opened(browser: Browser, folder: Path, script: str) -> Iterator[tuple[Page, str]]:
    """A page with the bundle; nothing leaves this machine, and an error on it fails the test."""
    (folder / "index.html").write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><div id="root"></div><script src="{script}"></script>', encoding="utf-8"
    )
    problems: list[str] = []
    with web(folder) as address:
        context = browser.new_context(viewport={"width": 1440, "height": 1400})
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.route(lambda url: not url.startswith((address, "data:", "blob:")), lambda route: route.abort())
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{address}/index.html")
        yield page, address
        context.close()
    assert not problems


def test_the_session_opens_in_igv_with_its_tracks_drawn(browser: Browser, view: Path) -> None:
    bundle(IGV, "dist/igv.min.js", view)
    session = json.loads((view / "igv-session.json").read_text(encoding="utf-8"))
    with opened(browser, view, "igv.min.js") as (page, _):
        shown = page.evaluate(OPEN_IGV, session)
        assert [name for name, _ in shown if name] == [track["name"] for track in session["tracks"]]
        page.wait_for_function(DRAWN, arg=len(session["tracks"]))
        assert page.locator(".igv-alert-dialog-container:visible, #igv-alert-dialog:visible").count() == 0


def test_the_configuration_opens_in_jbrowse_with_its_tracks_drawn(browser: Browser, view: Path) -> None:
    bundle(JBROWSE, "dist/react-linear-genome-view.umd.production.min.js", view)
    config = json.loads((view / "jbrowse" / "config.json").read_text(encoding="utf-8"))
    with opened(browser, view, "react-linear-genome-view.umd.production.min.js") as (page, address):
        page.evaluate(OPEN_JBROWSE, [config, f"{address}/jbrowse/config.json"])
        page.wait_for_function("(count) => state.session.view.tracks.length === count", arg=len(config["tracks"]))
        page.get_by_text("CAP_site").first.wait_for()
        page.get_by_text("peak", exact=True).first.wait_for()
        errors = "state.session.view.tracks.map((track) => String(track.displays[0].error ?? '')).filter((text) => text)"
        assert page.evaluate(errors) == []


def test_jbrowses_own_reader_of_ucsc_hubs_takes_the_hub(view: Path, tmp_path: Path) -> None:
    """It refuses files without the settings that UCSC demands."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    with tarfile.open(archive_of(HUB, tmp_path)) as archive:
        archive.extractall(tmp_path, filter="data")
    done = subprocess.run([node, "-e", READ_HUB, str(view / "hub")], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    hub, (genome,), (tracks,) = json.loads(done.stdout)
    assert hub["hub"] == "locuscope"
    assert genome["organism"] == genome["scientificName"] == "Escherichia coli K-12 MG1655"
    assert all((view / "hub" / genome[name]).is_file() for name in ("trackDb", "twoBitPath", "htmlPath"))
    assert {track["track"] for track in tracks} == {path.stem for path in (view / "hub" / "ASM584v2").glob("*.b[bw]")}
