"""The site of the documentation is built without a warning, and reads no other host."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: What a page loads, other than links that a reader follows.
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["'](https?:[^"']+)"""
    r"""|<link\b[^>]*\brel=["']stylesheet["'][^>]*\bhref=["'](https?:[^"']+)"""
)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(
    tmp_path: Path,
) -> None:
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    found = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert {"index.html", "tutorial.html", "glossary.html"} <= {page.name for page in pages}
    loaded = {hit for page in pages for hit in LOADED.findall(page.read_text("utf-8"))}
    assert loaded == set()
