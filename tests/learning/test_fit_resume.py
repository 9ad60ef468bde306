"""A training that was stopped goes on and ends with the same bits; a foreign one is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pnnsim.errors import OutputError, TrainingError
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.checkpoint import FILE
from pnnsim.learning.examples import Labelled
from pnnsim.learning.fit import fit
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.settings import TrainingParams
from tests.learning import kill_training

NETWORK = ReLaXNet(inputs=5, hidden=6, outputs=3, weight_sets=2, steps=3)
DRAWN = ("weight_banks.resonance_error", "detector.amplifier_noise")


class Stop(Exception):  # noqa: N818
    """Stand-in for whatever ends a process."""


class StopAfter:
    """Progress that ends the training after some batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def start(self, name: str, total: int) -> None: ...

    def advance(self, n: int, note: str = "") -> None:
        self.left -= n
        if self.left < 0:
            raise Stop

    def finish(self) -> None: ...


def examples() -> Labelled:
    x = torch.rand((40, 5), generator=torch.Generator().manual_seed(0))
    return Labelled(x, (3 * x[:, 0]).long())


def new_surrogate(seed: int = 0) -> Surrogate:
    return Surrogate(NETWORK, load_spec("photonic_mrr"), seed=seed, drawn=DRAWN, redraw=3)


def settings(**more) -> TrainingParams:
    return TrainingParams(**{"epochs": 6, "batch": 10, "seed": 3, **more})


def assert_same(first: Surrogate, second: Surrogate) -> None:
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.long)])
def test_a_killed_run_ends_like_one_that_was_not(tmp_path: Path, kills: int) -> None:
    script = Path(kill_training.__file__)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(kills)],
        capture_output=True, text=True, check=False, cwd=script.parent.parent, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int((tmp_path / "kills").read_text()) == kills


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("batches", [0, 7, 8, 15])
def test_history_and_parameters_are_those_of_the_whole_run(
    tmp_path: Path, optimizer: str, batches: int
) -> None:
    training = settings(optimizer=optimizer, warmup=2, label_smoothing=0.1)
    whole = new_surrogate()
    wanted = fit(whole, examples(), examples(), training)
    with pytest.raises(Stop):
        fit(
            new_surrogate(),
            examples(),
            examples(),
            training,
            StopAfter(batches),
            checkpoints=tmp_path,
        )
    resumed = new_surrogate()
    assert fit(resumed, examples(), examples(), training, checkpoints=tmp_path) == wanted
    assert_same(whole, resumed)


def test_any_optimizer_of_torch_is_resumed(tmp_path: Path) -> None:
    def factory(groups):
        return torch.optim.NAdam(groups)

    whole, resumed = new_surrogate(), new_surrogate()
    wanted = fit(whole, examples(), examples(), settings(), optimizer=factory)
    with pytest.raises(Stop):
        fit(
            new_surrogate(), examples(), examples(), settings(), StopAfter(13), optimizer=factory,
            checkpoints=tmp_path,
        )  # fmt: skip
    found = fit(
        resumed, examples(), examples(), settings(), optimizer=factory, checkpoints=tmp_path
    )
    assert found == wanted
    assert_same(whole, resumed)


def test_checkpoints_come_every_so_many_epochs_and_at_the_end(tmp_path: Path) -> None:
    training = settings(epochs=5, checkpoint_epochs=3)
    written = []

    class Watch(StopAfter):
        def advance(self, n: int, note: str = "") -> None:
            if note and n == 0:
                written.append((tmp_path / FILE).exists() and (tmp_path / FILE).stat().st_mtime_ns)

    fit(new_surrogate(), examples(), examples(), training, Watch(0), checkpoints=tmp_path)
    assert len(written) == 5
    assert written[:2] == [False, False]
    assert written[2] == written[3] != written[4]


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    first, second = new_surrogate(), new_surrogate()
    wanted = fit(first, examples(), examples(), settings(), checkpoints=tmp_path)
    found = fit(second, examples(), examples(), settings(), StopAfter(4 * 6), checkpoints=tmp_path)
    assert found == wanted
    assert_same(first, second)


def test_a_training_with_other_settings_is_refused_and_the_setting_named(tmp_path: Path) -> None:
    fit(new_surrogate(), examples(), examples(), settings(), checkpoints=tmp_path)
    with pytest.raises(TrainingError, match=r"training\.batch was 10, is now 20"):
        fit(new_surrogate(), examples(), examples(), settings(batch=20), checkpoints=tmp_path)
    fewer = Labelled(examples().x[1:], examples().y[1:])
    with pytest.raises(TrainingError, match=r"examples was \[40, 40\], is now \[39, 40\]"):
        fit(new_surrogate(), fewer, examples(), settings(), checkpoints=tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(TrainingError, match=r"cannot read the checkpoint.*remove it to start anew"):
        fit(new_surrogate(), examples(), examples(), settings(), checkpoints=tmp_path)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write the checkpoint"):
        fit(
            new_surrogate(),
            examples(),
            examples(),
            settings(),
            checkpoints=tmp_path / "file" / "inside",
        )
