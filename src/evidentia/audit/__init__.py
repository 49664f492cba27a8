"""Log and store compared: verify, recover, and what became of one line.

Verifying reads only. What may be said about the result comes from ``proof.claims`` alone.
"""
