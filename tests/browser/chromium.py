"""A Chromium for the browser tests: the system's, else one that is installed now; ``python -m tests.browser.chromium`` prints its path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find() -> Path | None:
    """A Chromium that is here already: the one LOCUSCOPE_CHROMIUM names, the system's, Playwright's own."""
    named = os.environ.get("LOCUSCOPE_CHROMIUM")
    if named:
        return Path(named)
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    return _playwrights_own()


def _playwrights_own() -> Path | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.is_file() else None


def install() -> Path:
    """Install one: by the system's package manager as root, else by Playwright's installer."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        updated = subprocess.run(["apt-get", "update", "-q"], env=environment, stdout=sys.stderr, check=False)
        if updated.returncode == 0:
            packages = ["chromium", "fonts-liberation"]
            command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages]
            subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
        found = find()
        if found is not None:
            return found
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], stdout=sys.stderr, check=True)
    found = find()
    if found is None:
        raise SystemExit("No Chromium could be found or installed; install one and name it in LOCUSCOPE_CHROMIUM.")
    return found


def main() -> None:
    """Print the path of a Chromium, installed first where there is none."""
    print(find() or install())


if __name__ == "__main__":
    main()
