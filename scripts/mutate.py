"""Put small faults into copies of the code and list those that no test sees.

    python scripts/mutate.py                                  60 faults over all packages
    python scripts/mutate.py --changed main                   in lines that differ from a commit
    python scripts/mutate.py --files pnnsim/mapping/plan.py   in some files
    python scripts/mutate.py --packages physics --tests tests/physics --count 20 --seed 3
    python scripts/mutate.py --select "not slow and not long"  against the quick tests alone

The first run executes the tests once with coverage; its map and all results stay in `.mutate/`, and
a run that was stopped goes on from there. The same seed draws the same faults. The tree itself is
never changed. Exit code 1 if a fault survived.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mutation.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], root=Path(__file__).parents[1]))
