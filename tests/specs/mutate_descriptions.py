"""Mutate descriptions of all sorts at random and look at what reading them does.

Shared by `test_mutated_descriptions.py`. By hand, for many more of them:

    python -m tests.specs.mutate_descriptions --count 200000

Every description is read or refused: with an error that names file and key, in bounded time. What
must be refused is refused, what is read has the values that were written, finite ones, and loads
back from its own text as the same description.
"""

from __future__ import annotations

import argparse
import math
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from pnnsim.errors import MOST_CHARACTERS, SpecError
from pnnsim.explore.study_file import load_study
from pnnsim.networks.mlp import Mlp
from pnnsim.specs.experiment import Experiment, load_experiment
from pnnsim.specs.resolve import available_specs
from tests.specs.description_mutations import MUTATIONS, Mutated, paths
from tests.specs.description_texts import EXPERIMENTS, STUDIES
from tests.specs.hostile_texts import TYPED

ROOT = Path(__file__).parents[2]

#: Time of the processor after which a reading has hung [s].
HANGS = 5.0

#: Every so many accepted descriptions is written out and read back.
ROUND_TRIPS = 20


class FaultError(AssertionError):
    """What a reading did wrong."""


@cache
def machines() -> dict[str, str]:
    """Return the text of every machine that comes along."""
    folder = ROOT / "hardware_specs"
    return {name: (folder / f"{name}.yaml").read_text("utf-8") for name in available_specs()}


@cache
def _tree(text: str) -> dict[str, Any]:
    """Return a text as sections, lists and texts; shared, which is never written to."""
    found: dict[str, Any] = yaml.load(text.replace("WORKLOAD", _workload()), _Texts)
    return found


@cache
def _workload() -> str:
    """Return the path of a workload in a file."""
    path = Path(_scratch()) / "workload.json"
    Mlp(sizes=(64, 16, 10)).workload.save(path)
    return str(path)


class _Texts(yaml.SafeLoader):
    """Loader that leaves every value the text that was typed."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


def examine(seed: int) -> tuple[str, str]:
    """Draw, mutate and read one description.

    Returns:
        What was done, and what became of it.

    Raises:
        FaultError: The outcome is wrong.
    """
    draw = random.Random(seed)
    way = draw.choices((_data, _text, _set, _study), (80, 4, 11, 5))[0]
    with _no_longer_than(HANGS):
        return way(draw)


def _base(draw: random.Random) -> str:
    names = sorted(machines())
    return draw.choice([*(machines()[name] for name in names), *EXPERIMENTS.values()])


def _data(draw: random.Random) -> tuple[str, str]:
    case = Mutated(_tree(_base(draw)))
    for mutate in draw.choices(MUTATIONS, k=draw.choice((1, 1, 1, 2, 3))):
        if case.tree:
            mutate(case, draw)
            case.done.append(mutate.__name__)
    found = read(lambda: load_experiment(case.tree))
    if isinstance(found, Experiment):
        if case.refused:
            raise FaultError(f"accepted, though {case.refused}")
        _has_value(found, case)
        _is_right(found, draw)
    return f"data {case.done[0]}", _outcome(found)


def _text(draw: random.Random) -> tuple[str, str]:
    text = _base(draw)
    for _ in range(draw.choice((1, 1, 2, 4))):
        text = _damaged(text, draw)
    path = Path(_scratch()) / "mutated.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    found = read(lambda: load_experiment(path))
    if isinstance(found, Experiment):
        _is_right(found, draw)
    return "text", _outcome(found)


def _damaged(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    at, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    match draw.randrange(9):
        case 0:
            lines[at], lines[other] = lines[other], lines[at]
        case 1:
            del lines[at]
        case 2:
            lines.insert(other, lines[at])
        case 3:
            lines[at] = " " * draw.randrange(5) + lines[at].lstrip()
        case 4:
            lines[at] = draw.choice(("\t", "- ", "? ", "&a ", "*a", "!!python/object:os.system ",
                                     "<<: ", "---", "{", "]", "'", "|", "%YAML 1.2", "\ufeff",
                                     "\x00", "\x85", "\ud800")) + lines[at]  # fmt: skip
        case 5:
            lines = lines[:at]
        case 6:
            strange = _base(draw).split("\n")
            lines[at] = draw.choice(strange)
        case 7:
            place = draw.randrange(len(lines[at]) + 1)
            length = draw.choice((0, 1, 3))
            new = draw.choice((":", ": ", "#", ",", "0", "9", "-", "}", "e", "%", "\u00b5", ""))
            lines[at] = lines[at][:place] + new + lines[at][place + length :]
        case 8:
            lines[at] = lines[at] * draw.choice((2, 300))
    return "\n".join(lines)


def _set(draw: random.Random) -> tuple[str, str]:
    text = _base(draw)
    named = [".".join(map(str, path)) for path in paths(_tree(text))]
    pairs = []
    for _ in range(draw.choice((1, 1, 2))):
        key = draw.choice(named).removeprefix("hardware.")
        if draw.random() < 0.3:
            key = draw.choice((f"{key}.value", f"{key}s", key.replace(".", "..", 1), f".{key}", "",
                               f"{key}[0]", "network", "network.kind", "simulation.rate",
                               f"{key}.law", "task.name", "hardware.name"))  # fmt: skip
        typed = draw.choice(TYPED)(draw)
        value = draw.choice((typed, f"[{typed}]", "[1, 2", "4", "0", "2 GHz", "1 mW", "machine",
                             "{a: b}", "[[1]]"))  # fmt: skip
        pairs.append((key, value))
    tree = _tree(text)
    found = read(lambda: load_experiment(tree, pairs))
    if isinstance(found, Experiment):
        _is_right(found, draw)
    return "set", _outcome(found)


def _study(draw: random.Random) -> tuple[str, str]:
    case = Mutated(_tree(draw.choice(list(STUDIES.values()))))
    for mutate in draw.choices(MUTATIONS[:5], k=draw.choice((1, 1, 2))):
        if case.tree:
            mutate(case, draw)
            case.done.append(mutate.__name__)
    found = read(lambda: load_study(case.tree))
    if not isinstance(found, SpecError):
        again = read(lambda: load_study(found.tree))
        if isinstance(again, SpecError) or again.tree != found.tree:
            raise FaultError(f"its own description is another study: {again}")
        if case.refused and case.done[-1] == "misspell":
            raise FaultError(f"accepted, though {case.refused}")
    return f"study {case.done[0]}", _outcome(found)


# --- what a reading must do


def read(load: Callable[[], Any]) -> Any:
    """Return what was read, or the refusal when it is one that a person can use."""
    try:
        return load()
    except SpecError as error:
        message = str(error)
        if not all(line.isprintable() for line in message.split("\n")):
            raise FaultError(f"message is not printable: {message!a:.300}") from None
        if len(message) > 101 * (MOST_CHARACTERS // 10 + 100) or not message.strip():
            raise FaultError(f"message of {len(message)} characters: {message[:200]}") from None
        if not error.problems or "internal" in message:
            raise FaultError(f"says nothing: {message[:300]}") from None
        return error


def _outcome(found: Any) -> str:
    return "refused" if isinstance(found, SpecError) else "read"


def _has_value(found: Experiment, case: Mutated) -> None:
    if case.value is None:
        return
    section, name, wanted = case.value
    holder = getattr(found, section, None) or getattr(found.hardware, section)
    got = getattr(holder, name)
    # Far beyond rounding, far below any factor between units.
    if not math.isclose(got, wanted, rel_tol=1e-9, abs_tol=0.0):
        raise FaultError(f"{section}.{name} is {got!r}; expected {wanted!r}")


def _is_right(found: Experiment, draw: random.Random) -> None:
    """Refuse values that are not finite, and now and then a text that is read as another."""
    for where, value in _numbers(found.hardware.values(), "hardware"):
        if not math.isfinite(value):
            raise FaultError(f"{where} is {value}")
    found.warnings()
    if draw.randrange(ROUND_TRIPS) == 0:
        path = Path(_scratch()) / "resolved.yaml"
        path.write_text(found.resolved(), encoding="utf-8")
        again = read(lambda: load_experiment(path))
        if isinstance(again, SpecError):
            raise FaultError(f"its own text is refused: {str(again)[:500]}")
        if again.sha256() != found.sha256():
            raise FaultError("its own text is another description")


def _numbers(tree: Any, where: str) -> Iterator[tuple[str, float]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _numbers(value, f"{where}.{key}")
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _numbers(value, where)
    elif isinstance(tree, float):
        yield where, tree


@cache
def _scratch() -> str:
    import atexit
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="pnnsim-mutated-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    """Bound the time of the processor, however busy the computer is."""

    def hung(signum: int, frame: FrameType | None) -> None:
        raise FaultError(f"still reading after {seconds} s")

    before = signal.signal(signal.SIGVTALRM, hung)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="descriptions")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first; others follow")
    options = parser.parse_args()
    outcomes: Counter[tuple[str, str]] = Counter()
    faults: Counter[str] = Counter()
    begin = time.process_time()
    for number, seed in enumerate(range(options.seed, options.seed + options.count), 1):
        try:
            outcomes[examine(seed)] += 1
        except Exception as error:  # every fault is shown, and the next one is examined
            frames = traceback.extract_tb(error.__traceback__)
            place = [f for f in frames if "/pnnsim/" in f.filename or "/tests/" in f.filename][-1]
            what = f"{type(error).__name__} {Path(place.filename).name}:{place.lineno}"
            faults[what] += 1
            if faults[what] <= 5:
                say(f"{seed} {what} {str(error)[:400]!a}")
        if number % 10_000 == 0:
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            taken = time.process_time() - begin
            say(f"{number} done, {taken:.0f} s, {most} MB, {sum(faults.values())} faults")
    for (what, became), count in sorted(outcomes.items()):
        say(f"{count:8} {what}: {became}")
    for what, count in faults.most_common():
        say(f"{count:8} FAULT {what}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
