"""A training that is killed again and again and goes on: run as a script by `test_fit_resume.py`.

By hand, with more kills: `python -m tests.learning.kill_training FOLDER 200`. The parameters in the
end must be those of a training that was not killed, bit for bit. The parent computes nothing with
torch, so that its children can be forked: each starts at once, and dies wherever it happens to be.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.examples import Labelled
from pnnsim.learning.fit import fit
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.settings import TrainingParams

NETWORK = ReLaXNet(inputs=6, hidden=8, outputs=3, weight_sets=2, steps=3)
TRAINING = TrainingParams(batch=16, learning_rate=0.01, seed=4)
DRAWN = ("weight_banks.resonance_error", "detector.amplifier_noise")

#: Epochs for each kill: a child does at most three of them, so that the end is never reached.
EPOCHS = 4


def work(folder: Path, epochs: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((96, 6), generator=generator)
    examples = Labelled(x, (3 * x[:, 0]).long())
    surrogate = Surrogate(NETWORK, load_spec("photonic_mrr"), seed=4, drawn=DRAWN, redraw=4)
    training = TRAINING.model_copy(update={"epochs": epochs})
    fit(surrogate, examples, examples, training, checkpoints=folder)
    surrogate.parameter_set().save(folder / "parameters.safetensors")


def child(folder: Path, epochs: int) -> int:
    pid = os.fork()
    if pid == 0:
        work(folder, epochs)
        os._exit(0)
    return pid


def main(folder: Path, kills: int) -> None:
    epochs = EPOCHS * kills
    begin = time.monotonic()
    _, status = os.waitpid(child(folder / "whole", epochs), 0)
    assert status == 0
    epoch = (time.monotonic() - begin) / epochs
    draw = random.Random(7)
    killed = 0
    for _ in range(kills):
        pid = child(folder / "killed", epochs)
        time.sleep(draw.uniform(0.0, 3.0 * epoch))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        killed += os.WIFSIGNALED(status)
    _, status = os.waitpid(child(folder / "killed", epochs), 0)
    assert status == 0
    whole, resumed = (folder / name / "parameters.safetensors" for name in ("whole", "killed"))
    assert whole.read_bytes() == resumed.read_bytes(), "the parameters are others"
    (folder / "kills").write_text(str(killed))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
