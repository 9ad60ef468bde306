"""The shell offers commands, machines, keys and kinds."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("pnnsim run spintronic_s", ["spintronic_sto"]),
        ("pnnsim run photonic_mrr --set weight_banks.hold_pow", ["weight_banks.hold_power="]),
        ("pnnsim components network.m", ["network.mlp"]),
    ],
)
def test_the_shell_offers_what_may_be_typed(typed: str, offered: list[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    code = "import sys; sys.argv = ['pnnsim']; from pnnsim.cli.app import main; sys.exit(main())"
    environment = {**os.environ, **words, "_PNNSIM_COMPLETE": "complete_bash"}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert found.stdout.split() == offered
