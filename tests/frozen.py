"""Imported last by the interpreter that is forked: excludes its objects from garbage collection in forks.

A collection writes to every object, and so would copy all memory that forks share.
"""

import gc

gc.collect()
gc.freeze()
