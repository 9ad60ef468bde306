"""The command line: arguments in, library calls, printed results and exit codes out.

Nothing is computed here. Imports that cost time stand inside the command that needs them.
"""
