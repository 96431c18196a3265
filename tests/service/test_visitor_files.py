"""Files of visitors: bounded together, gone with whoever holds them, and swept when a process ended without a word."""

from __future__ import annotations

import errno
import gc
import gzip
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import FileFormatError, ResourceExhausted
from engine.core.settings import Settings
from engine.service.triage import ReferenceLetters
from engine.service.visitor_files import VisitorFolder, bound_bytes, folder_of, held_bytes
from tests.conftest import ROOT


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", disk_bytes=4_000, offline=True)


def test_a_folder_goes_with_its_holder_and_on_demand(settings: Settings) -> None:
    first, second = VisitorFolder(settings), VisitorFolder(settings)
    kept = first.path
    first.write("a.fa", b"ACGT")
    second.write("a.fa", b"ACGTACGT")
    assert held_bytes(settings) == 12
    second.close()
    assert held_bytes(settings) == 4
    del first
    gc.collect()
    assert not kept.exists()
    assert list(folder_of(settings).iterdir()) == []


def test_all_visitors_together_have_a_quarter_of_the_disk_bound(settings: Settings) -> None:
    folders = [VisitorFolder(settings) for _ in range(3)]
    assert bound_bytes(settings) == 1_000
    folders[0].write("a", b"x" * 600)
    with pytest.raises(ResourceExhausted, match="take 1,000 bytes here already"):
        folders[1].write("a", b"x" * 500)
    folders[0].close()
    folders[1].write("a", b"x" * 500)
    folders[2].write("a", b"x" * 500)


HOLDER = """
import sys, time
from pathlib import Path
from engine.core.settings import Settings
from engine.service.visitor_files import VisitorFolder
held = VisitorFolder(Settings(home=Path(sys.argv[1]), offline=True))
held.write("reference.fa", b"ACGT")
print(held.path, flush=True)
time.sleep(600)
"""


def test_what_a_killed_process_left_is_swept_and_what_another_one_holds_stays(settings: Settings) -> None:
    """Whatever numbers their processes have: those of another container mean nothing here."""
    command = [sys.executable, "-c", HOLDER, str(settings.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        own = VisitorFolder(settings)
        assert (left / "reference.fa").read_bytes() == b"ACGT"
        other.kill()
    later = VisitorFolder(settings)
    assert not left.exists()
    assert own.path.is_dir()
    own.close()
    later.close()
    assert list(folder_of(settings).iterdir()) == []


def test_folders_named_by_the_number_of_a_process_are_of_an_earlier_version_and_go(settings: Settings) -> None:
    left = folder_of(settings) / f"{os.getpid()}-old"
    left.mkdir(parents=True)
    VisitorFolder(settings).close()
    assert not left.exists()


def test_indexes_and_unpacked_copies_of_an_uploaded_reference_lie_in_the_visitors_folder(settings: Settings) -> None:
    folder = VisitorFolder(settings)
    path = folder.write("reference.fa.gz", gzip.compress(b">c\nACGTACGT\n", mtime=0))
    own = replace(settings, home=folder.path)
    reference = ReferenceLetters.of_file(path, own)
    assert reference.letters("c", 2, 6) == "GTAC"
    assert {item.parent.parent.name for item in folder.path.rglob("*.f*") if item.parent.name == "genomes"} == {folder.path.name}
    assert not (settings.home / "genomes").exists()
    folder.close()
    assert held_bytes(settings) == 0


def test_an_uploaded_reference_that_swells_is_stopped_at_the_bound(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", offline=True, max_upload_bytes=100_000)
    folder = VisitorFolder(settings)
    path = folder.write("reference.fa.gz", gzip.compress(b">c\n" + b"A" * 30_000_000, mtime=0))
    with pytest.raises(FileFormatError, match="unpacks to more than 100,000 bytes"):
        ReferenceLetters.of_file(path, replace(settings, home=folder.path))
    assert held_bytes(settings) < 200_000
    folder.close()


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(ResourceExhausted, match="cannot be written here"):
        VisitorFolder(Settings(home=tmp_path / "home"))


def test_a_folder_that_cannot_be_made_leaves_no_lock_behind(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    held = VisitorFolder(settings)
    made = Path.mkdir

    def refused(path: Path, *given: Any, **named: Any) -> None:
        if path.parent == folder_of(settings):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        made(path, *given, **named)

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(ResourceExhausted, match="No space left"):
        VisitorFolder(settings)
    assert {item.name for item in folder_of(settings).iterdir()} == {held.path.name, f"{held.path.name}.lock"}


def test_a_lock_without_a_folder_is_swept(settings: Settings) -> None:
    """As a process leaves it that ends between the two, or an earlier version whose folder could not be made."""
    folder_of(settings).mkdir(parents=True)
    (folder_of(settings) / "left.lock").touch()
    VisitorFolder(settings).close()
    assert list(folder_of(settings).iterdir()) == []
