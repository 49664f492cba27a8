"""Outward: what the store holds, given back in other forms."""
