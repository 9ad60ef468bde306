"""Hardware in the loop: simulated, recorded or remote, its bench, calibration and costs.

Nothing here trains or decides what is learned. A lab that has a machine of its own
implements `pnnsim.hil.HardwareBackend`, or the instrument commands of the documentation.
"""

from pnnsim.hil.backend import HardwareBackend
from pnnsim.hil.bench import Bench
from pnnsim.hil.calibration import calibrate, reality_gap
from pnnsim.hil.cost_report import CostReport
from pnnsim.hil.recorded import RecordedBackend, Recorder
from pnnsim.hil.remote import RemoteBackend, SocketLink, VisaLink
from pnnsim.hil.simulated import SimulatedBackend

__all__ = [
    "Bench",
    "CostReport",
    "HardwareBackend",
    "RecordedBackend",
    "Recorder",
    "RemoteBackend",
    "SimulatedBackend",
    "SocketLink",
    "VisaLink",
    "calibrate",
    "reality_gap",
]
