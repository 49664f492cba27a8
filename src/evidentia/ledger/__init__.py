"""Files out: ledgers of our own. Append, lock, fsync, recover torn tails, sign, prove, audit.

Bytes of a ledger are only ever appended, but for a tail that was never acknowledged: it is kept
aside and cut. This room knows no store; what connects the two is ``audit``.
"""
