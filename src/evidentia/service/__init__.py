"""The long-running process: follows logs, keeps its lease alive, waits, ends cleanly.

It reads logs and writes the store through ``ingest``; it never imports code that appends to
ledgers, and it neither prints nor exits.
"""
