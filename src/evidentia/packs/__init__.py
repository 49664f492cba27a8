"""The built-in packs. They come in by entry points like anybody's; no other room imports them."""
