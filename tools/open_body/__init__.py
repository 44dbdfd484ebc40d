"""Build modules of the open body; run by ``tools/build_open_body.py``, never at run time.

Everything is built on the right half of the body and copied to the left by the mirror map, so the
two sides are exact twins.
"""
