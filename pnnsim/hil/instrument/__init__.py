"""Present a machine as an instrument: SCPI commands over TCP with IEEE 488.2 binary blocks.

The same commands are what a lab would implement on the controller of its own machine. Nothing is
computed here: the machine is any backend of `pnnsim.hil`.
"""
