"""Cost of a training before it starts, from the description of the machine alone."""

from __future__ import annotations

from pnnsim.hil.cost_model import CostModel
from pnnsim.hil.cost_report import CostReport
from pnnsim.inference.chip import Chip
from pnnsim.learning.rules.base import Rule, Settings
from pnnsim.networks.relaxnet import ReLaXNet
from pnnsim.specs.hardware import HardwareSpec


def dry_run(
    rule: Rule,
    spec: HardwareSpec,
    network: ReLaXNet,
    *,
    examples: int,
    settings: Settings,
    update_time: float = 1e-3,
) -> CostReport:
    """Return what a training will take on the bench, the last write included.

    Args:
        rule: How gradients are found.
        spec: Machine.
        network: What it computes.
        examples: Number of training examples.
        settings: Length of the training.
        update_time: Time of one update on the host [s], as for `Bench`.

    Raises:
        MappingError: If the network does not fit the machine.
        BackendError: If its weight sets do not all have a bank of their own, or it has several
            cores.
    """
    chip = Chip.nominal(spec, network)
    cost_model = CostModel(chip)
    per_epoch = -(-examples // settings.batch)
    rest = examples - (per_epoch - 1) * settings.batch

    def sizes(batch: int) -> int:
        return rest if batch % per_epoch == per_epoch - 1 else settings.batch

    order = network.weight_set_order()
    settle = cost_model.settle(chip.weight_banks.setup_wait())
    selected, waiting, cost = order[0], False, CostReport()
    updates = rule.updates(settings.epochs * per_epoch)
    last = network.weight_sets
    for update in range(updates):
        for call in rule.calls(update, sizes, network):
            cost = cost + cost_model.write() * call.writes
            waiting = waiting or call.writes > 0
            if waiting:
                cost, waiting = cost + settle, False
            if selected != order[0]:
                cost = cost + cost_model.route()
            cost = cost + cost_model.forward(call.samples, states=call.states).cost
            selected = order[-1]
        cost = cost + cost_model.host(update_time, updates=1)
        last = rule.changed(update, network)
    return cost + cost_model.write() * last
