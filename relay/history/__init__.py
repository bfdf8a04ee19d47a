"""What happened, kept for parents: what they have switched on, as long as they want it.

`note` decides what of a turn may be kept, `keeper` writes it, `vitals` keeps how the toys are,
`retention` erases what has had its time, `live` tells who is watching now. `recorder` runs them.
"""
