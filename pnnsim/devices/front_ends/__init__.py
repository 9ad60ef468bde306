"""Digital front ends that compute the input and output maps.

A front end prices operations; which operations there are is decided in `networks`.
"""
