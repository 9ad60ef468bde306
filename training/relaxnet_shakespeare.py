"""Predict the next character of a text with one weight set, with a few, and with one for each step.

Follows the text task of Tsuchiyama, Roehm, Mihana and Horisaki, arXiv:2511.00044, who do not state
how a text is presented. Assumed here: eight characters, one-hot, are the input of one sample, and
the network predicts the ninth; the state starts anew with each sample. Loss is in nats per
character on the last tenth of the text, which is never trained on; guessing costs ln 65 = 4.17.

    python -m training.relaxnet_shakespeare [--quick] [--data-dir DIR]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from pnnsim import Data, ReLaXNet, TrainingParams
from pnnsim.learning import Windows
from training.common import (
    STATE_SCALE,
    Cells,
    Options,
    Trained,
    least,
    load,
    on_machines,
    read_options,
)
from training.figures import (
    against_sets,
    against_sets_head,
    draw_against_sets,
    picture,
    write_table,
)
from training.held_out import closed

WEIGHT_SETS = (1, 2, 3, 4, 6, 8)
DEPTH = 8
WIDTH = 64
SEEDS = 2
#: The settings of every cell.
TRAINING: dict[str, Any] = {
    "epochs": 1,
    "batch": 512,
    "learning_rate": 2e-3,
    "weight_rate": 10.0,
    "state_scale": STATE_SCALE,
}
#: Machines on which the best network runs, each with its own activation.
MACHINES = ("photonic_mrr", "photonic_mzi")
#: A sentence for the quick size, which needs no file.
SENTENCE = "To be, or not to be, that is the question. "


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the recipe."""
    options = read_options("relaxnet_shakespeare", __doc__, SEEDS, arguments)
    quick = options.quick
    data = _sentences(options) if quick else load(options, "shakespeare")
    weight_sets, depth, width = ((1, 2), 2, 12) if quick else (WEIGHT_SETS, DEPTH, WIDTH)
    assert isinstance(data.train, Windows)
    vocabulary = data.train.vocabulary
    cells = Cells(options.out)
    chosen_by: dict[int, list[float]] = {sets: [] for sets in weight_sets}
    for seed in range(options.seeds):
        training = TrainingParams(seed=seed, **TRAINING)
        for sets in weight_sets:
            network = ReLaXNet(
                inputs=data.train.window * vocabulary, outputs=vocabulary, hidden=width,
                weight_sets=sets, steps=depth, residual=1.0,
            )  # fmt: skip

            trained = Trained(options.out, f"sets {sets} seed {seed}")

            def compute(
                trained: Trained = trained,
                network: ReLaXNet = network,
                training: TrainingParams = training,
            ) -> dict[str, float]:
                return trained.train(network, data, training)

            chosen_by[sets].append(cells.get(trained.key, compute)["validation_loss"])
    best = least(options, chosen_by)
    losses: dict[int, list[float]] = {sets: [] for sets in weight_sets}
    for sets, found in losses.items():
        for seed in range(options.seeds):
            trained = Trained(options.out, f"sets {sets} seed {seed}")
            cell = cells.get(f"test {trained.key}", lambda trained=trained: trained.measure(data))
            found.append(cell["loss"])
    print(_table(options, losses, depth, width))
    if not quick:
        print(_machines(options, best, depth, width))


def _sentences(options: Options) -> Data:
    """Return a sentence, over and over, as examples."""
    characters = sorted(set(SENTENCE))
    ids = torch.tensor([characters.index(character) for character in 20 * SENTENCE])
    part = Windows(ids, 3, len(characters))
    note = "a sentence, twenty times; it is learned by heart"
    (options.out / "note.txt").write_text(note + "\n", encoding="utf-8")
    data = Data("sentence", note, part, part, part, "loss")
    return closed(replace(data, validation=Windows(ids[:100], 3, len(characters))))


def _table(options: Options, losses: dict[int, list[float]], depth: int, width: int) -> str:
    """Write loss and hidden parameters against the number of weight sets."""
    rows = against_sets(losses, depth, width)
    with picture(options.out / "loss.png") as axes:
        draw_against_sets(axes, rows, f"{depth} steps, N = {width}", "loss [nats per character]")
    return write_table(options.out, "loss", against_sets_head("loss [nats]"), rows)


def _machines(options: Options, sets: int, depth: int, width: int) -> str:
    """Run the best network on two machines, one sample for each character that is predicted."""
    settings = [
        ("task.name", "shakespeare"),
        ("simulation.samples", "2000"),
    ]
    network = ReLaXNet(weight_sets=sets, steps=depth, hidden=width)
    return on_machines(options, MACHINES, network, settings)


if __name__ == "__main__":
    main()
