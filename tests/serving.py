"""The dashboard, or another Streamlit script, served by a process of its own; what it takes in memory and processor time."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """A running server: its ``address`` and its process."""

    def __init__(self, address: str, process: subprocess.Popen[bytes]) -> None:
        self.address = address
        self.process = process

    def healthy(self, timeout: float = 2.0) -> bool:
        """Whether it answers within ``timeout`` seconds."""
        try:
            with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=timeout) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def memory_bytes(self) -> int:
        """Resident memory of the process; 0 where the system has no /proc."""
        status = Path(f"/proc/{self.process.pid}/statm")
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if status.exists() else 0

    def processor_seconds(self) -> float:
        """Processor time of all its threads since it started; 0 where the system has no /proc."""
        status = Path(f"/proc/{self.process.pid}/stat")
        if not status.exists():
            return 0.0
        after_name = status.read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def served(script: Path, folder: Path, **environment: str) -> Iterator[Server]:
    """A Streamlit script in a process of its own until the block ends; its log and its home lie in ``folder``."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), "--server.address", "127.0.0.1"]
    variables = {**os.environ, "LOCUSCOPE_HOME": str(folder / "home"), **environment}
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log)
        server = Server(f"http://127.0.0.1:{port}", process)
        try:
            _wait_until_healthy(server)
            yield server
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_healthy(server: Server) -> None:
    for _ in range(1800):
        if server.process.poll() is not None:
            raise RuntimeError(f"the server stopped with status {server.process.returncode}")
        if server.healthy():
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not start within three minutes")
