"""Run the command line as `python -m pnnsim`."""

from __future__ import annotations

import sys

from pnnsim.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
