"""All parameters of a surrogate as one vector, for rules that perturb them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pnnsim.inference.surrogate import Surrogate
from pnnsim.learning.rules.base import Session


def vector(surrogate: Surrogate) -> Tensor:
    """Return a copy of all parameters in a row, in the units of training."""
    trained = (p for p in surrogate.parameters() if p.requires_grad)
    return torch.cat([p.detach().reshape(-1) for p in trained])


@torch.no_grad()
def put(surrogate: Surrogate, values: Tensor) -> None:
    """Set all parameters from a row.

    Args:
        surrogate: Model whose parameters are set.
        values: New values in the order of `vector`, shape `(count,)`.
    """
    for parameter, part in _parts(surrogate, values):
        parameter.copy_(part)


@torch.no_grad()
def put_gradient(surrogate: Surrogate, gradient: Tensor) -> None:
    """Set all gradients from a row.

    Args:
        surrogate: Model whose gradients are set.
        gradient: Gradient in the order of `vector`, shape `(count,)`.
    """
    for parameter, part in _parts(surrogate, gradient):
        parameter.grad = part.clone()


def loss_at(session: Session, values: Tensor, x: Tensor, y: Tensor) -> float:
    """Return the machine's loss with some parameters, which stay in the surrogate [nats].

    Args:
        session: Machine and model.
        values: Parameters in the order of `vector`, shape `(count,)`.
        x: Inputs, shape `(batch, n_inputs)`.
        y: Classes, shape `(batch,)`.
    """
    put(session.surrogate, values)
    live = session.surrogate.live()
    session.bench.load(live)
    return float(nn.functional.cross_entropy(session.bench.run(live, x).outputs, y))


def signs(count: int, generator: torch.Generator, like: Tensor) -> Tensor:
    """Return random signs, each +1 or -1 by even chance, shape `(count,)`.

    Args:
        count: Number of signs.
        generator: Stream that they are drawn from.
        like: Tensor whose type and device are wanted.
    """
    return (2 * torch.randint(2, (count,), generator=generator) - 1).to(like)


def _parts(surrogate: Surrogate, values: Tensor) -> list[tuple[Tensor, Tensor]]:
    parameters = [p for p in surrogate.parameters() if p.requires_grad]
    sizes = [parameter.numel() for parameter in parameters]
    parts = torch.split(values, sizes)
    return [(p, part.reshape(p.shape)) for p, part in zip(parameters, parts, strict=True)]
