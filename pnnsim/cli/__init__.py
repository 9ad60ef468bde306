"""The command line: arguments in, library calls, printed results and exit codes out.

Nothing is computed here, and no other package may import this one. Imports that cost time stand
inside the command that needs them.
"""
