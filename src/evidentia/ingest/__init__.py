"""Log to store: parse blocks of lines, collect them into batches, commit each with its checkpoint.

This room never writes to a log and never imports code that appends to ledgers.
"""
