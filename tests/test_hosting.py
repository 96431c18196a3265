"""The image, its examples and the demo: every step that needs no container engine, in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.core.settings import PREFIX, Settings
from engine.core.version import VERSION
from tests.load.visitor import Visit, WebsocketVisitor
from tests.serving import ROOT, free_port

SETTINGS = {PREFIX + item.name.upper() for item in fields(Settings)}
NOT_SETTINGS = {"LOCUSCOPE_HOST", "LOCUSCOPE_UPSTREAM"}
"""Variables of the proxy in compose.yaml."""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile with what follows them, lines joined."""
    lines = "\n".join(line for line in text("Dockerfile").splitlines() if not line.lstrip().startswith("#"))
    found = re.findall(r"^([A-Z]+) ((?:.*\\\n)*.*)$", lines, flags=re.MULTILINE)
    return [(name, rest.replace("\\\n", " ")) for name, rest in found]


def of(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def copied() -> list[tuple[str, str]]:
    """What is copied into the image, and where below its working folder."""
    pairs = []
    for rest in of("COPY"):
        *sources, target = rest.split()
        pairs += [(source, source if target == "./" else target) for source in sources]
    return pairs


def json_command(rest: str) -> list[str]:
    return re.findall(r'"((?:[^"\\]|\\.)*)"', rest)


def test_everything_that_is_copied_is_here_and_reaches_the_build() -> None:
    ignored = set(text(".dockerignore").split())
    assert {"engine", "pages", "assets", "static", "app.py", ".streamlit", "requirements.txt"} <= {source for source, _ in copied()}
    for source, _ in copied():
        assert (ROOT / source).exists(), source
        assert source not in ignored


def test_the_image_has_an_own_user_a_volume_a_health_check_and_named_versions() -> None:
    assert of("USER") == ["locuscope"]
    assert of("VOLUME") == ["/data"]
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", of("FROM")[0])
    names = [name for name, _ in instructions()]
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in ("RUN", "COPY"))
    assert "HEALTHCHECK" in names
    assert not any("sudo" in rest or name == "ADD" for name, rest in instructions())
    for rest in of("RUN"):
        if "apt-get install" in rest:
            assert "apt-get update" in rest
            assert "--no-install-recommends" in rest
            assert "rm -rf /var/lib/apt/lists/*" in rest


@pytest.mark.parametrize(("viennarna", "has_it"), [("no", False), ("yes", True)])
def test_the_pins_of_the_image_are_those_of_the_requirements_and_viennarna_where_it_was_asked_for(
    viennarna: str, has_it: bool, tmp_path: Path
) -> None:
    """The step of the Dockerfile, with a pip that notes what it is asked for."""
    (step,) = [rest for rest in of("RUN") if "pip install" in rest]
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    pip = tmp_path / "pip"
    pip.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nfor last; do :; done; cp "$last" {tmp_path}/pins 2>/dev/null || true\n')
    pip.chmod(0o755)
    step = (
        step.replace("python -m venv /opt/venv", "true")
        .replace("/opt/venv/bin/pip", str(pip))
        .replace("/tmp/pins.txt", f"{tmp_path}/pins.txt")  # noqa: S108  the name in the Dockerfile
    )
    variables = {**os.environ, "TORCH_INDEX": "https://index.example/cpu", "VIENNARNA": viennarna}
    subprocess.run(["bash", "-o", "pipefail", "-ec", step], cwd=tmp_path, env=variables, check=True)
    torch, rest = (tmp_path / "asked").read_text().splitlines()
    assert re.fullmatch(r"install --no-cache-dir --index-url https://index\.example/cpu torch==[\d.]+", torch)
    assert "-r" in rest
    wanted = {line.split("#")[0].strip() for line in text("requirements.txt").splitlines()} - {""}
    found = {line.split("#")[0].strip() for line in (tmp_path / "pins").read_text().splitlines()} - {""}
    assert {pin.split("==")[0] for pin in wanted - found} == (set() if has_it else {"ViennaRNA"})
    assert found <= wanted


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Path]:
    """The image's working folder, which nobody may write, and an empty volume."""
    app = tmp_path / "app"
    for source, target in copied():
        place = app / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, place)
    (tmp_path / "data").mkdir()
    for path in (app, *app.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield app
    for path in (app, *app.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


def to_whom_permissions_apply() -> list[str]:
    """What stands before a command of root's, to whom nothing is forbidden otherwise."""
    able = os.geteuid() == 0 and shutil.which("setpriv")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"] if able else []


@pytest.mark.slow
def test_the_image_serves_and_computes_from_code_that_nobody_may_write(image: Path, tmp_path: Path) -> None:
    """The command and the health check of the Dockerfile, on another port; what is written lies in the volume."""
    port = free_port()
    (start,) = of("CMD")
    command = [sys.executable if part == "/opt/venv/bin/python" else part.replace("8501", str(port)) for part in json_command(start)]
    check = json_command(of("HEALTHCHECK")[0].partition("CMD")[2])
    health = [sys.executable, "-c", check[2].replace("8501", str(port))]
    set_here = dict(pair.split("=", 1) for rest in of("ENV") for pair in rest.split())
    volume = str(tmp_path / "data")
    variables = {"PATH": os.environ["PATH"], **{name: value.replace("/data", volume) for name, value in set_here.items()}}
    assert variables["LOCUSCOPE_HOME"] == volume
    before = listing(image)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*to_whom_permissions_apply(), *command],
            cwd=image,
            env={**variables, "LOCUSCOPE_OFFLINE": "1"},
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until(lambda: subprocess.run(health, check=False, capture_output=True).returncode == 0, process)
            visit = Visit("GGGGCUAUAGCUCAGCUGGGAGAGCGCUUGCAUGGCAUGCAAGAGGUCAGCGGUUCGAUCCCGCUUAGCUCCACCA".replace("U", "T"))
            coming = WebsocketVisitor(f"http://127.0.0.1:{port}", visit).stay(120, lambda: visit.finished is not None)
            _in_a_thread(coming)
        finally:
            process.terminate()
            process.wait(20)
    if os.geteuid() or to_whom_permissions_apply():
        assert subprocess.run([*to_whom_permissions_apply(), "touch", "new"], cwd=image, check=False, capture_output=True).returncode
    assert visit.reading.whole_map
    assert not visit.reading.problems
    assert listing(image) == before
    assert list((tmp_path / "data" / "results").glob("*.npz"))


def _wait_until(true: Any, process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + 90
    while not true():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.3)


def _in_a_thread(work: Any) -> None:
    """In a thread of its own: a browser's test before this one leaves its loop running in the test's thread."""
    thread = threading.Thread(target=asyncio.run, args=(work,))
    thread.start()
    thread.join()


def test_the_examples_name_only_settings_that_there_are() -> None:
    for name in ("Dockerfile", "compose.yaml", "docs/hosting.md", "docs/nginx.conf", "docs/Caddyfile"):
        assert set(re.findall(r"LOCUSCOPE_[A-Z_]+[A-Z]", text(name))) <= SETTINGS | NOT_SETTINGS, name


def test_the_switches_of_an_operator_are_in_the_page_about_hosting() -> None:
    names = "home keep disk_bytes result_bytes model_bytes jobs visitor_jobs visitor_seconds visitor_upload_bytes visitor_calls max_length"
    names += " max_upload_bytes offline services install operators user_header address_header metrics contact_email genomes weights"
    for name in names.split():
        assert PREFIX + name.upper() in text("docs/hosting.md"), name


def test_the_proxies_set_the_headers_that_the_settings_name_and_log_no_query() -> None:
    composed = yaml.safe_load(text("compose.yaml"))["services"]["locuscope"]["environment"]
    for header in (composed["LOCUSCOPE_ADDRESS_HEADER"], composed["LOCUSCOPE_USER_HEADER"]):
        assert re.search(rf"proxy_set_header +{header} ", text("docs/nginx.conf"))
        assert f"header_up {header} " in text("docs/Caddyfile")
    (line,) = re.findall(r"log_format .*", text("docs/nginx.conf"))
    assert not re.search(r"\$(request\b|request_uri|args|query_string|http_referer)", line)
    assert "request>headers>Referer delete" in text("docs/Caddyfile")


def test_the_checkout_starts_as_a_demo_by_the_front_matter_of_its_readme() -> None:
    front = yaml.safe_load(text("README.md").split("---\n")[1])
    assert front["sdk"] == "docker"
    assert str(front["app_port"]) in json_command(of("CMD")[0])
    assert len(front["short_description"]) <= 60
    assert {"chromium", "fonts-liberation"} == set(text("packages.txt").split())


def test_the_version_stands_in_the_code_and_citation_and_changes_agree_with_it() -> None:
    assert yaml.safe_load(text("CITATION.cff"))["version"] == VERSION
    assert re.findall(r"^## (\S+)$", text("CHANGELOG.md"), flags=re.MULTILINE)[0] == VERSION
    numbers = [
        path for path in (*ROOT.glob("engine/**/*.py"), *ROOT.glob("pages/**/*.py")) if f'"{VERSION}"' in path.read_text(encoding="utf-8")
    ]
    assert [path.name for path in numbers] == ["version.py"]


MAKE = ("env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", "--no-print-directory", "-n")
"""What make would do, also where these tests are run by make."""


def test_make_run_listens_on_this_machine_unless_it_is_told_otherwise() -> None:
    def command(*given: str) -> str:
        told = subprocess.run([*MAKE, "run", *given], cwd=ROOT, check=True, capture_output=True, text=True)
        return told.stdout.strip().splitlines()[-1]

    assert "--server.address localhost --server.port 8501" in command()
    assert "--server.address 0.0.0.0 --server.port 80" in command("HOST=0.0.0.0", "PORT=80")


def test_make_test_prints_its_slowest_and_make_check_has_the_long_forms() -> None:
    def lines(target: str) -> str:
        return subprocess.run([*MAKE, target], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert "--durations=20" in lines("test")
    long = lines("check")
    assert "LOCUSCOPE_EXAMPLES=100000" in long
    assert re.search(r"tests\.load --visitors 20\b", long)
    assert re.search(r"tests\.load .*--minutes 10\b", long)
