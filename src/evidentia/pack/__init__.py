"""What a pack is, how it is found and how it is checked.

A pack is data plus pure functions that teach evidentia a domain. This room knows no pack by name.
"""
