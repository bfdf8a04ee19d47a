"""The relay: listens, checks, thinks, checks again and speaks, on the family's own computer."""
