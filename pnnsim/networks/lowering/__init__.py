"""Lower networks to workloads: torch modules, ONNX files, ReLaX-Nets and LruNets.

Modules and files become a sketch first (layers and free values, shapes checked), which is fused and
emitted as matrix products and digital steps. Nothing here executes a network, changes a module, or
depends on a machine.
"""
