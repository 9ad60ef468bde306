from __future__ import annotations

import hashlib
import lzma
import os
from pathlib import Path

import numpy as np
import pytest

from pnnsim.errors import TaskError
from pnnsim.learning.datasets import load_text, text

DATA = os.environ.get("PNNSIM_DATA_DIR")
SAMPLE = b"First Citizen:\nBefore we proceed any further, hear me speak.\n"


@pytest.fixture(autouse=True)
def _only_given_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PNNSIM_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("suffix", ["", ".xz"])
def test_text_comes_back_from_its_numbers(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "SHA256", hashlib.sha256(SAMPLE).hexdigest())
    folder = tmp_path / "tinyshakespeare"
    folder.mkdir()
    stored = lzma.compress(SAMPLE) if suffix else SAMPLE
    (folder / f"input.txt{suffix}").write_bytes(stored)
    task = load_text("shakespeare", data_dir=tmp_path, offline=True)
    ids = np.concatenate([task.train_ids, task.validation_ids])
    assert "".join(task.vocabulary[number] for number in ids) == SAMPLE.decode()
    assert list(task.vocabulary) == sorted(set(SAMPLE.decode()))
    assert ids.dtype == np.int64
    assert len(task.train_ids) == int(0.9 * len(SAMPLE))


def test_characters_beyond_ascii_keep_their_order() -> None:
    task = text.encode("t", "", "aéa𝛼日b")
    assert task.vocabulary == ("a", "b", "é", "日", "𝛼")
    assert task.train_ids.tolist() == [0, 2, 0, 4, 3]
    assert task.validation_ids.tolist() == [1]


def test_cut_text_is_refused_by_its_checksum(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_bytes(SAMPLE)
    with pytest.raises(TaskError) as caught:
        load_text("shakespeare", data_dir=tmp_path, offline=True)
    message = str(caught.value)
    assert message.startswith(f"shakespeare: {tmp_path / 'input.txt'}: {len(SAMPLE)} bytes")
    assert "expected 1,115,394 bytes" in message


def test_image_task_asked_for_as_text_points_to_the_other_function() -> None:
    with pytest.raises(TaskError, match=r"use load_task\('mnist'\)"):
        load_text("mnist")


@pytest.mark.skipif(DATA is None, reason="PNNSIM_DATA_DIR names no folder with the real files")
def test_real_text_has_the_published_length_vocabulary_and_split() -> None:
    if not (Path(DATA or "") / "tinyshakespeare").is_dir():
        pytest.skip("tinyshakespeare is not in PNNSIM_DATA_DIR")
    task = load_text("shakespeare", data_dir=DATA, offline=True)
    assert len(task.vocabulary) == 65
    assert (len(task.train_ids), len(task.validation_ids)) == (1_003_854, 111_540)
