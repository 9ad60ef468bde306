"""Digital front ends that compute the input and output maps.

A front end prices operations; it does not know what they are for.
"""
