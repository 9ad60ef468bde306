"""`training.photon_counting`: photons are counted right, and training with their noise helps."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from pnnsim.common.rng import stream
from pnnsim.devices.detectors.camera import Camera
from pnnsim.inference.chip import Chip
from pnnsim.networks.relaxnet import ReLaXNet
from tests.devices.test_freespace import light
from training.photon_counting import Meter, machine, main


def test_the_meter_counts_the_electrons_of_both_pixels() -> None:
    """Logical 1 frees 10 electrons, and both pixels of an output share the light of 2."""
    camera = Chip.nominal(machine("2 uW"), ReLaXNet()).detector
    assert isinstance(camera, Camera)
    meter = Meter(camera)
    met = light(camera, 10.0, signal=0.5, batch=3)
    active = frozenset({"detector.shot_noise"})
    drawn = (part.detect(met, stream(0, "x", "read"), active) for part in (meter, camera))
    assert torch.equal(*drawn)
    assert meter.electrons == pytest.approx(3 * 64 * 20.0, rel=1e-9, abs=0)
    assert meter.macs == 3 * 64 * 64
    assert meter.non_idealities == camera.non_idealities


@pytest.mark.slow
def test_the_recipe_runs_and_counts_light_in_proportion_to_power(tmp_path: Path) -> None:
    main(["--quick", "--seeds", "1", "--out", str(tmp_path)])
    rows = list(csv.DictReader((tmp_path / "photon-counting.csv").read_text("utf-8").splitlines()))
    dim, _, bright, _ = (float(row["photons a MAC"]) for row in rows)
    # A hundred times the power; weights and states differ a little.
    assert bright / dim == pytest.approx(100.0, rel=0.2, abs=0)
