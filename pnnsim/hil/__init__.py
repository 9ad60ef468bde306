"""Hardware in the loop, simulated, recorded or on a bench, and what each call costs.

Only `pnnsim.hil.simulated` computes anything. A lab that wants its own machine in the loop
implements `pnnsim.hil.backend.HardwareBackend`, or the instrument commands of the documentation.
"""
