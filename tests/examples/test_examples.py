"""The examples run, and the example package is found by its entry points."""

from __future__ import annotations

import importlib.metadata
import os
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pnnsim.devices import registry

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PACKAGE = EXAMPLES / "custom_device_package"

#: What each example must say, however little it was trained.
SAYS = {
    "01_quickstart.py": ("latency    110.7 ns", "of it: environment"),
    "02_compare_networks.py": ("rnn ", "relaxnet ", "dnn "),
    "03_custom_device.py": ("both devices keep the laws", "micro-rings ", "attenuators "),
}


def run(*words: str, path: tuple[Path, ...]) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    done = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(SAYS)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAYS)
def test_an_example_runs(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(sys, "argv", [name, "--quick"])
    # As `python examples/NAME` does.
    monkeypatch.syspath_prepend(str(EXAMPLES))
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    printed = capsys.readouterr().out
    for words in SAYS[name]:
        assert words in printed


@pytest.fixture
def installed(tmp_path: Path) -> tuple[Path, ...]:
    """Return a search path as installing the example package would make it."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text("utf-8"))["project"]
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    found = {point.name for d in importlib.metadata.distributions(path=[str(tmp_path)])
             for point in d.entry_points}  # fmt: skip
    assert found == {"weight_banks.attenuators", "switch.rotary"}
    return (tmp_path, PACKAGE)


def test_an_installed_package_needs_no_registration(installed: tuple[Path, ...]) -> None:
    listed = run("-m", "pnnsim", "components", "weight_banks", path=installed)
    found = [line.split()[1:5] for line in listed.splitlines()]
    assert ["attenuators", "Description", "of", "a"] in found
    script = (
        "import runpy\n"
        "import pnnsim\n"
        "from pnnsim.devices.quantities import Params\n"
        "from pnnsim.devices.registry import params_class\n"
        "from pnnsim.testing import check_component\n"
        f"example = runpy.run_path({str(EXAMPLES / '03_custom_device.py')!r})\n"
        "for part, values in (('weight_banks', example['BANK']), ('switch', example['SWITCH'])):\n"
        "    model = params_class(part, values['kind'])\n"
        "    check_component(part, values['kind'], model.model_validate(values))\n"
        "    print(part, model.__module__)\n"
    )
    printed = run("-c", script, path=(*installed, EXAMPLES))
    assert "weight_banks attenuator_devices\nswitch attenuator_devices\n" in printed
