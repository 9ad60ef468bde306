"""Files and inputs for the tests of ONNX networks."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import Tensor


def saved(content: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(content.SerializeToString())
    return path


def samples(*shape: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)
