"""From YAML to validated, frozen descriptions of machines and experiments.

Every problem is reported with file, line and column. Reading a description imports no torch and
runs no code that a file names.
"""
