"""Component families and their kinds, one folder a family.

Each kind is a description and a component: `KIND_params.py` describes the kind for YAML and imports
no torch; `KIND.py` beside it holds its three views (timing, values, cost). Nothing here depends on
networks or plans, and a kind does not depend on the other parts of its machine.
"""
