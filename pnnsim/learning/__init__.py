"""Training: the fit loop, learning rules and data sets.

Rules may train a surrogate or hardware in the loop; nothing here simulates events.
"""
