"""The loop learns, keeps the best epoch, follows its settings, and stops with a reason."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch

from pnnsim.errors import InputError, TrainingError
from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.examples import Labelled, Windows
from pnnsim.learning.fit import fit, make_surrogate, score
from pnnsim.learning.optimizers import make_optimizer, rate_factor
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import load_spec
from pnnsim.specs.settings import TrainingParams

NETWORK = ReLaXNet(inputs=5, hidden=6, outputs=3, weight_sets=2, steps=3)
SPEC = load_spec("photonic_mrr")


def examples(seed: int = 0, samples: int = 60) -> Labelled:
    x = torch.rand((samples, 5), generator=torch.Generator().manual_seed(seed))
    return Labelled(x, (3 * x[:, 0]).long())


def new_surrogate(seed: int = 0) -> Surrogate:
    return Surrogate(NETWORK, SPEC, seed=seed)


def settings(**more) -> TrainingParams:
    return TrainingParams(**{"epochs": 5, "batch": 10, "learning_rate": 0.01, **more})


def test_it_learns() -> None:
    training = settings(epochs=40, learning_rate=0.02)
    history = fit(new_surrogate(), examples(), examples(1), training)
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert history.validation_accuracy[history.best_epoch] > 0.8


def test_the_best_epoch_is_kept_by_accuracy_or_by_loss() -> None:
    training = settings(epochs=30, learning_rate=0.1, schedule="constant", patience=30)
    model = new_surrogate()
    history = fit(model, examples(), examples(1), training)
    assert history.best_epoch == int(np.argmax(history.validation_accuracy))
    assert score(model, examples(1))[0] == max(history.validation_accuracy)

    model = new_surrogate()
    history = fit(model, examples(), examples(1), training, select="loss")
    assert history.best_epoch == int(np.argmin(history.validation_loss))
    assert score(model, examples(1))[1] == min(history.validation_loss)


def test_without_patience_the_last_epoch_is_kept() -> None:
    training = settings(epochs=30, learning_rate=0.1, schedule="constant")
    model = new_surrogate()
    history = fit(model, examples(), examples(1), training)
    assert history.best_epoch == 29
    assert score(model, examples(1))[0] == history.validation_accuracy[-1]
    assert min(history.validation_loss) < history.validation_loss[-1]


def test_the_score_is_that_of_numpy() -> None:
    model, held = new_surrogate(), examples(2, 9)
    outputs = model(held.x).detach().double().numpy()
    y = held.y.numpy()
    logarithms = outputs - np.log(np.exp(outputs).sum(axis=1, keepdims=True))
    share, loss = score(model, held)
    assert share == np.mean(outputs.argmax(axis=1) == y)
    assert loss == pytest.approx(-logarithms[np.arange(9), y].mean(), rel=1e-12, abs=0)


def test_patience_ends_a_training_that_no_longer_gets_better() -> None:
    # With steps this small nothing changes: the first epoch stays the best.
    training = settings(epochs=50, learning_rate=1e-12, patience=3)
    history = fit(new_surrogate(), examples(), examples(1), training)
    assert (len(history.loss), history.best_epoch) == (4, 0)


def test_the_step_size_rises_stays_or_falls_as_asked() -> None:
    training = settings(epochs=6, warmup=2)
    found = [rate_factor(training, done) for done in (0.5, 1.0, 2.0, 3.0, 4.0, 6.0)]
    wanted = [0.25, 0.5, 1.0, 0.5 + math.sqrt(2) / 4, 0.5, 0.0]
    assert found == pytest.approx(wanted, abs=1e-15)
    assert rate_factor(settings(schedule="constant"), 4.5) == 1.0


def test_the_step_size_changes_with_every_batch() -> None:
    seen = []

    class Watched(torch.optim.SGD):
        def step(self, closure=None):
            seen.append(self.param_groups[0]["lr"])

    training = settings(epochs=2, batch=30, learning_rate=1.0)
    fit(new_surrogate(), examples(), examples(1), training, optimizer=Watched)
    wanted = [0.5 * (1 + math.cos(math.pi * (k + 0.5) / 4)) for k in range(4)]
    assert seen == pytest.approx(wanted, rel=1e-12, abs=0)


def test_weight_sets_take_their_own_steps_and_decay_alike() -> None:
    model = new_surrogate()
    training = settings(weight_rate=10.0, weight_decay=0.5, learning_rate=0.01)
    others, sets = make_optimizer(model, training).param_groups
    assert sets["params"] == [model.weight]
    assert len(others["params"]) == 6
    assert (others["lr"], sets["lr"]) == (0.01, 0.1)
    assert others["lr"] * others["weight_decay"] == pytest.approx(
        sets["lr"] * sets["weight_decay"], rel=1e-12, abs=0
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)],
)
def test_the_settings_name_the_optimizer(name: str, kind: type) -> None:
    found = make_optimizer(new_surrogate(), settings(optimizer=name, momentum=0.7))
    assert type(found) is kind
    assert found.param_groups[0].get("momentum", 0.7) == 0.7


def test_one_step_of_sgd_is_the_clipped_gradient_with_smoothed_labels() -> None:
    """Do one batch by hand, with the loss written out."""
    training = settings(
        epochs=1, batch=60, optimizer="sgd", momentum=0.0, learning_rate=0.5, gradient_clip=0.01,
        label_smoothing=0.3, schedule="constant",
    )  # fmt: skip
    by_hand, held = new_surrogate(), examples()
    logarithms = torch.log_softmax(by_hand(held.x), dim=1)
    wanted = 0.7 * torch.nn.functional.one_hot(held.y, 3) + 0.1
    (-(wanted * logarithms).sum(dim=1).mean()).backward()
    gradients = [parameter.grad for parameter in by_hand.parameters()]
    norm = math.sqrt(sum(float(g.double().square().sum()) for g in gradients))
    assert norm > 0.01

    model = new_surrogate()
    fit(model, held, held, training)
    start = new_surrogate()
    for name, parameter in by_hand.named_parameters():
        moved = getattr(start, name) - 0.5 * (0.01 / norm) * parameter.grad
        # Float32: a few rounding errors of numbers near 1.
        np.testing.assert_allclose(
            getattr(model, name).detach(), moved.detach(), rtol=0, atol=1e-6, err_msg=name
        )


def test_an_epoch_may_be_a_part_that_is_drawn_anew() -> None:
    class Watched:
        def __init__(self) -> None:
            self.numbers: list[int] = []

        def __len__(self) -> int:
            return 60

        def take(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            self.numbers += numbers.tolist()
            return examples().take(numbers)

    watched = Watched()
    fit(new_surrogate(), watched, examples(1), settings(epochs=2, examples=15))
    first, second = watched.numbers[:15], watched.numbers[15:]
    assert len(second) == len(set(first)) == len(set(second)) == 15
    assert set(first) != set(second)


def test_seeds_decide_everything() -> None:
    runs = []
    for seed in (0, 0, 1):
        model = new_surrogate(seed)
        fit(model, examples(), examples(1), settings(seed=seed))
        runs.append(model.weight.detach().clone())
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def other(**more) -> Labelled:
    held = examples()
    return Labelled(**{"x": held.x, "y": held.y, **more})


#: Examples that do not fit a network of 5 inputs and 3 outputs, and what is said of them.
WRONG = {
    "wide": (other(x=torch.zeros(60, 4)), r"x: has the shape \(1, 4\); expected \(batch, 5\)"),
    "text": (Windows(torch.zeros(9, dtype=torch.int64), 2, 3), r"x: has the shape \(1, 6\)"),
    "beyond": (
        other(y=examples().y + 1),
        r"y: \d+ of 60 classes are out of range.*: 3; expected",
    ),
    "negative": (other(y=-examples().y - 1), r"y: 60 of 60 classes are out of range"),
    "fractions": (other(y=examples().y.float()), r"y: got fractions \(torch.float32\)"),
    "one-hot": (
        other(y=torch.eye(3)[examples().y].long()),
        r"y: has the shape \(60, 3\).*argmax",
    ),
    "fewer": (other(y=examples().y[:9]), r"y: has 9 classes for 60 samples"),
    "none": (
        Labelled(torch.zeros(0, 5), torch.zeros(0).long()),
        r"\b: is empty; expected at least",
    ),
    "pair": ((examples().x, examples().y), r"\b: is of the type tuple; expected examples. Hint"),
    "arrays": (Labelled(np.zeros((3, 5)), np.zeros(3)), r"x: is of the type ndarray.*labelled"),
}


@pytest.mark.parametrize("name", WRONG)
def test_examples_that_do_not_fit_are_refused_by_name(name: str) -> None:
    wrong, expected = WRONG[name]
    dot = "" if expected.startswith(r"\b") else r"\."
    with pytest.raises(InputError, match=f"^train{dot}{expected}"):
        fit(new_surrogate(), wrong, examples(1), settings())
    with pytest.raises(InputError, match=f"^validation{dot}{expected}"):
        fit(new_surrogate(), examples(), wrong, settings())


def test_examples_of_a_type_of_its_own_are_checked_as_they_are_taken() -> None:
    class Own:
        def __len__(self) -> int:
            return 60

        def take(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.zeros(len(numbers), 4), examples().y[numbers]

    with pytest.raises(InputError, match=r"^train\.x: has the shape \(1, 4\)"):
        fit(new_surrogate(), Own(), examples(1), settings())


def test_classes_of_any_whole_type_are_taken() -> None:
    models = [new_surrogate(), new_surrogate()]
    for model, kind in zip(models, (torch.int64, torch.uint8), strict=True):
        fit(model, other(y=examples().y.to(kind)), examples(1), settings(epochs=1))
    assert torch.equal(models[0].weight, models[1].weight)


def test_inputs_that_are_not_finite_are_named_as_the_cause() -> None:
    held = examples()
    held.x[17] = math.nan
    # Order of examples with seed 0: any batch may meet it, in the first epoch.
    with pytest.raises(TrainingError, match=r"epoch 1, update \d+: loss nan.*inputs of this batch"):
        fit(new_surrogate(), held, examples(1), settings())


def test_steps_that_are_too_large_are_named_as_the_cause() -> None:
    def too_large(groups: Iterable[dict[str, Any]]) -> torch.optim.Optimizer:
        return torch.optim.SGD([{**group, "lr": 1e5} for group in groups])

    with pytest.raises(TrainingError, match=r"epoch 1, update \d: loss .*training\.learning_rate"):
        fit(new_surrogate(), examples(), examples(1), settings(), optimizer=too_large)


def test_parameters_that_are_not_finite_are_named() -> None:
    model = new_surrogate()
    with torch.no_grad():
        model.gain[1] = math.inf
    with pytest.raises(TrainingError, match="Likely cause: gain is no longer finite"):
        fit(model, examples(), examples(1), settings())


def test_progress_counts_batches_and_tells_the_figures() -> None:
    class Watch:
        total = done = 0
        notes: tuple[str, ...] = ()

        def start(self, name: str, total: int) -> None:
            self.total = total

        def advance(self, n: int, note: str = "") -> None:
            self.done += n
            self.notes += (note,) if note else ()

        def finish(self) -> None: ...

    watch = Watch()
    fit(new_surrogate(), examples(samples=25), examples(1), settings(epochs=2), watch)
    # A note for each batch, and one for each epoch, which stays until the next validation.
    assert (watch.total, watch.done, len(watch.notes)) == (6, 6, 8)
    assert ["validation" in note for note in watch.notes] == [False] * 3 + [True] * 5


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without CUDA")
def test_cuda_that_is_not_there_is_said_and_auto_does_without() -> None:
    with pytest.raises(TrainingError, match=r"training\.device: is cuda.*training\.device=auto"):
        fit(new_surrogate(), examples(), examples(1), settings(device="cuda"))
    fit(new_surrogate(), examples(), examples(1), settings(device="auto", epochs=1))


def test_a_rule_decides_what_the_surrogate_sees() -> None:
    assert make_surrogate(NETWORK, SPEC, settings()).draws is None
    aware = make_surrogate(NETWORK, SPEC, settings(rule="hardware_aware"))
    some = settings(rule="hardware_aware", non_idealities=("detector.shot_noise",))
    x = examples().x
    assert not torch.equal(aware(x), aware(x))
    assert not torch.equal(make_surrogate(NETWORK, SPEC, some)(x), aware.eval()(x))


def test_training_with_non_idealities_makes_weights_that_bear_them() -> None:
    """A machine with gross write errors: weights trained with them lose less to them."""
    name = "weight_banks.write_repeatability"
    spec = load_spec("photonic_mrr", [(name, "0.3")])
    network = NETWORK.model_copy(update={"hidden": 24})
    held, unseen = examples(samples=200), examples(1, 400)
    losses = {}
    for rule in ("backprop", "hardware_aware"):
        training = settings(epochs=30, rule=rule, non_idealities=(name,), redraw=1)
        model = make_surrogate(network, spec, training)
        fit(model, held, held, training)
        judge = Surrogate(network, spec, seed=77, drawn=(name,))
        judge.load_parameter_set(model.parameter_set())
        with torch.no_grad():
            losses[rule] = [
                float(torch.nn.functional.cross_entropy(judge(unseen.x), unseen.y))
                for _ in range(100)
            ]
    # Both are judged on the same hundred chips; 5 sigma of the mean of the differences.
    gain = np.subtract(losses["backprop"], losses["hardware_aware"])
    assert gain.mean() > 5 * gain.std() / math.sqrt(100)


def test_windows_are_one_hot_and_the_next_character_is_the_class() -> None:
    text = Windows(torch.tensor([2, 0, 1, 1]), window=2, vocabulary=3)
    assert len(text) == 2
    x, y = text.take(torch.tensor([1, 0]))
    assert x.tolist() == [[1, 0, 0, 0, 1, 0], [0, 0, 1, 1, 0, 0]]
    assert y.tolist() == [1, 1]
