"""The commands of studies: nothing of torch before a study is checked, one message for a fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pnnsim.cli.app import main
from tests.explore.studies import TIMING


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(TIMING), "utf-8")
    return path


def test_a_dry_run_shows_the_grid_and_writes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = file.parent / "out"
    assert main(["sweep", str(file), "--dry-run", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "6 trials" in text
    assert "4 ns" in text
    assert main(["sweep", str(file), "--dry-run", "--json", "--out", str(out)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["trials"], len(found["first"])) == (6, 6)
    assert found["seconds"] == pytest.approx(6 * found["seconds_per_trial"], rel=1e-12, abs=0)
    assert not out.exists()


def test_a_sweep_prints_the_front(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sweep", str(file), "--out", str(file.parent / "out"), "--workers", "0"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["trials"] == {"done": 6}
    assert found["front"][0]["set"] == {"weight_banks.count": "2", "switch.rise_time": "1 ns"}
    assert main(words) == 0
    assert "6 done" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["sweep", "search"])
def test_a_bad_study_is_one_message_without_torch(file: Path, command: str) -> None:
    file.write_text("schema: 1\nbase: photonic_mrr\nvary: {switch.rise_tim: [1 ns]}\n", "utf-8")
    code = (
        "import sys; from pnnsim.cli.app import main\n"
        f"code = main([{command!r}, {str(file)!r}])\n"
        "assert 'torch' not in sys.modules\n"
        "sys.exit(code)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 2, found.stderr
    assert "study.yaml:3:8: vary.switch.rise_tim: unknown key" in found.stderr
    assert "Traceback" not in found.stderr
