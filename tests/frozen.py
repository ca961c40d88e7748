"""Imported last by the interpreter that is forked: what it has allocated is never looked at by a fork's collector.

A collection writes to every object, and so would copy all memory that forks share.
"""

import gc

gc.collect()
gc.freeze()
