"""The public names: sorted, importable, documented, and enough for every documented workflow."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import pnnsim
from pnnsim import explore, hil, learning, testing
from pnnsim.learning import rules

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPTS = [
    *sorted((ROOT / "examples").rglob("*.py")),
    *sorted((ROOT / "training").glob("*.py")),
    *sorted((ROOT / "benchmarks").glob("*.py")),
]

#: Packages with public names of their own, beside those of `pnnsim`.
DOORS = {
    package.__name__: set(package.__all__) for package in (explore, hil, learning, rules, testing)
}

#: What a script needs beyond that, by file: the pieces of a device, or the inside that it measures.
EXCEPTIONS = {
    "examples/custom_device_package/attenuator_devices.py": {
        "pnnsim.common.rng",
        "pnnsim.common.units",
        "pnnsim.devices.base",
        "pnnsim.devices.family_params",
        "pnnsim.devices.quantities",
        "pnnsim.physics",
    },
    # Recipes that score by themselves, or train by a loop of their own.
    "training/lrunet_images.py": {
        "pnnsim.common.rng",
        "pnnsim.inference.predict",
        "pnnsim.networks.lrunet_files",
    },
    "training/lrunet_machines.py": {
        "pnnsim.common.rng",
        "pnnsim.inference.quality",
        "pnnsim.networks.lrunet_files",
        "pnnsim.networks.network_parameters",
        "pnnsim.simulation.chip_calibration",
        "pnnsim.simulation.simulate",
    },
    "training/non_idealities.py": {
        "pnnsim.inference.predict",
    },
    "training/photon_counting.py": {
        "pnnsim.devices.base",
        "pnnsim.devices.detectors.camera",
        "pnnsim.inference.predict",
        "pnnsim.physics",
    },
    "training/refresh_interval.py": {
        "pnnsim.inference.predict",
        "pnnsim.simulation.simulate",
        "pnnsim.simulation.timing_pass",
        "pnnsim.timing.arrivals",
    },
    # The network in plain torch, to compare with.
    "docs/how-to/bring-a-network.md": {"pnnsim.networks.reference"},
    # How a link of one's own is made.
    "docs/reference/scpi.md": {"pnnsim.hil.remote"},
    # Benchmarks take the passes apart.
    "benchmarks/arrays.py": {"pnnsim.physics.crossbar", "pnnsim.physics.photonic_decomposition"},
    "benchmarks/blocks.py": {"pnnsim.mapping.delays", "pnnsim.timing.run"},
    "benchmarks/timing.py": {
        "pnnsim.analysis.metrics",
        "pnnsim.mapping.delays",
        "pnnsim.mapping.prices",
        "pnnsim.mapping.tiling",
        "pnnsim.mapping.work",
        "pnnsim.specs.control",
        "pnnsim.timing.arrivals",
        "pnnsim.timing.multicore",
        "pnnsim.timing.run",
    },
    "benchmarks/values.py": {"pnnsim.inference.predict", "pnnsim.simulation.timing_pass"},
    "benchmarks/workloads.py": {
        "pnnsim.mapping.delays",
        "pnnsim.mapping.folding",
        "pnnsim.mapping.products",
        "pnnsim.mapping.tiling",
        "pnnsim.mapping.work",
        "pnnsim.networks.builder",
        "pnnsim.networks.parts",
        "pnnsim.specs.control",
        "pnnsim.timing.multicore",
        "pnnsim.timing.run",
    },
}


def test_names_are_sorted_and_few() -> None:
    assert pnnsim.__all__ == sorted(set(pnnsim.__all__))
    assert 25 <= len(pnnsim.__all__) <= 36
    assert dir(pnnsim) == pnnsim.__all__


@pytest.mark.parametrize("name", pnnsim.__all__)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    found = getattr(pnnsim, name)
    assert found.__name__ == name
    # A class inherits text from its bases; only text of its own counts.
    text = found.__dict__.get("__doc__") if inspect.isclass(found) else found.__doc__
    assert text
    assert len(text.splitlines()[0]) > 15


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse((ROOT / "pnnsim" / "__init__.py").read_text("utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {name: f"pnnsim.{home}" for name, home in pnnsim._HOME.items()}
    assert sorted(seen) == pnnsim.__all__


@pytest.mark.parametrize("door", DOORS)
def test_names_of_a_public_package_are_sorted_and_there(door: str) -> None:
    package = import_module(door)
    assert all(hasattr(package, name) for name in DOORS[door])
    assert set(package.__all__) == DOORS[door]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'simulat'"):
        pnnsim.simulat  # noqa: B018


def test_importing_pnnsim_imports_nothing_else() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, pnnsim\nprint([m for m in sys.modules if m.startswith('pnnsim.')])",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout == "[]\n"


def imports(source: str) -> Iterator[tuple[str, str]]:
    """Yield module and name of everything that a program takes from pnnsim."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pnnsim":
            yield from ((str(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "pnnsim" and alias.name != "pnnsim":
                    yield alias.name, "*"
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pnnsim":
            yield "pnnsim", node.attr


def beyond(source: str) -> set[str]:
    """Return the modules from which a program takes what is not public."""
    public = {**DOORS, "pnnsim": set(pnnsim.__all__)}
    return {module for module, name in imports(source) if name not in public.get(module, set())}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_script_imports_public_names_or_is_an_exception(script: Path) -> None:
    where = script.relative_to(ROOT).as_posix()
    source = script.read_text("utf-8")
    assert beyond(source) == EXCEPTIONS.get(where, set())
    every = set(pnnsim.__all__).union(*DOORS.values())
    # Nothing is taken by another way that a public name gives.
    inner = [(module, name) for module, name in imports(source) if module in beyond(source)]
    assert [found for found in inner if found[1] in every] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_programs_of_a_page_import_public_names_alone(page: Path) -> None:
    for program in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.S | re.M):
        assert beyond(program) <= EXCEPTIONS.get(page.relative_to(ROOT).as_posix(), set())


def test_a_private_import_is_found() -> None:
    assert beyond("from pnnsim.timing.run import run_fast\nimport pnnsim") == {"pnnsim.timing.run"}
    assert beyond("import pnnsim.timing.run") == {"pnnsim.timing.run"}
    assert beyond("import pnnsim\npnnsim.run_fast()") == {"pnnsim"}
    assert beyond("import pnnsim\nfrom pnnsim import run\npnnsim.simulate") == set()
