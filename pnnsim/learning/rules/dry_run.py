"""Tell the bill of a training before it starts, from the description of the machine alone."""

from __future__ import annotations

from pnnsim.hil.cost import Bill
from pnnsim.hil.cost_model import Meter
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
) -> Bill:
    """Return what a training will take on the bench, the last write included.

    Args:
        rule: How gradients are found.
        spec: Machine.
        network: What it computes.
        examples: Number of training examples.
        settings: How long to learn.
        update_time: Time of one update on the host [s], as for `Bench`.

    Raises:
        MappingError: If the network does not fit the machine.
        BackendError: If its weight sets do not all have a bank of their own, or it has several
            cores.
    """
    chip = Chip.nominal(spec, network)
    meter = Meter(chip)
    per_epoch = -(-examples // settings.batch)
    rest = examples - (per_epoch - 1) * settings.batch

    def sizes(batch: int) -> int:
        return rest if batch % per_epoch == per_epoch - 1 else settings.batch

    order = network.weight_set_order()
    settle = meter.settle(chip.weight_banks.setup_wait())
    selected, waiting, bill = order[0], False, Bill()
    updates = rule.updates(settings.epochs * per_epoch)
    last = network.weight_sets
    for update in range(updates):
        for call in rule.calls(update, sizes, network):
            bill = bill + meter.write() * call.writes
            waiting = waiting or call.writes > 0
            if waiting:
                bill, waiting = bill + settle, False
            if selected != order[0]:
                bill = bill + meter.route()
            bill = bill + meter.forward(call.samples, states=call.states).bill
            selected = order[-1]
        bill = bill + meter.host(update_time, updates=1)
        last = rule.changed(update, network)
    return bill + meter.write() * last
