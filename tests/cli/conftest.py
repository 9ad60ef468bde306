"""A machine and a job in place of training and simulation, for tests of the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.cli.jobs import Job
from tests.specs.spec_text import MACHINE


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PNNSIM_DATA_DIR", raising=False)
    monkeypatch.delenv("PNNSIM_DEBUG", raising=False)
    file = tmp_path / "small.yaml"
    file.write_text(MACHINE)
    return file


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Job:
    fake = Job()
    module: Any = ModuleType("pnnsim.simulation.experiment_run")
    module.run, module.compare = fake.run, fake.compare
    monkeypatch.setitem(sys.modules, "pnnsim.simulation.experiment_run", module)
    return fake
