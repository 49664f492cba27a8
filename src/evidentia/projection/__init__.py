"""Projections compared with the events that they are made of. What is wrong is named, never mended.

The SQL lives in ``store``, which also keeps them current; here are the walk over two tables,
the digests and the findings. No ledger, no terminal, no file.
"""
