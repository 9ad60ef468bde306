"""Component families and their kinds, one folder a family.

Each kind is a description and a component: `KIND_params.py` describes it
for YAML and imports no torch; `KIND.py` beside it has its three
views (timing, values, cost). A device knows nothing of networks, plans or other devices.
"""
