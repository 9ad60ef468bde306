"""A browser shows the page of a run: nothing is refused or fetched, and it is not empty."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import matplotlib.image as mpimg
import pytest

from pnnsim.analysis.report.html import write_html
from tests.analysis.report_example import make_metrics, make_record, make_trace

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

#: Size of the window [pixels]; the page is longer.
WIDTH, HEIGHT = 1200, 3000


@pytest.mark.long
@pytest.mark.skipif(not BROWSER, reason="no Chromium is installed here")
def test_a_browser_shows_the_page_of_a_run(tmp_path: Path) -> None:
    page, picture = tmp_path / "report.html", tmp_path / "page.png"
    trace = make_trace(steps=12)
    write_html(page, make_metrics(trace), make_record(trace))
    done = subprocess.run(
        [
            BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}",
            "--enable-logging=stderr", f"--window-size={WIDTH},{HEIGHT}",
            f"--screenshot={picture}", page.as_uri(),
        ],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert picture.exists(), done.stderr[-2000:]
    # Messages of the page itself: scripts that fail, and what its policy refuses.
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    pixels = mpimg.imread(picture)[..., :3]
    assert pixels.shape[:2] == (HEIGHT, WIDTH)
    paper = pixels[0, 0]
    drawn = (abs(pixels - paper) > 0.1).any(axis=-1)
    assert 0.01 < drawn.mean() < 0.9
    thirds = [drawn[: HEIGHT // 3], drawn[HEIGHT // 3 : 2 * HEIGHT // 3]]
    assert all(part.any() for part in thirds)  # the figures below the first table, too
