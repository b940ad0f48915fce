"""Measures the program beside plain peers, in one run: `python -m tests.bench`, or `make bench`.

Timings of a shared machine tell little by themselves; ratios of what ran side by side do.
Nothing here passes or fails: a goal that is missed is marked, and that is all.
"""
