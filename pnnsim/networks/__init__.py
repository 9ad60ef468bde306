"""What is to be computed, without hardware: network shapes, workloads, parameters, modules.

Torch modules and ONNX files are lowered to workloads here, and the table of digital operators has
their reference arithmetic. Nothing here depends on a machine, a time or a price.
"""
