"""Digests, chains and what may be claimed from them. Pure.

This room touches no file, clock, network or database.
"""
