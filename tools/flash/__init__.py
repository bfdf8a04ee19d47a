"""Put MicroPython, the firmware and the settings on a board, and see that it says hello.

The steps are one file each: `ports` finds the board, `chip` talks to its boot loader, `image` has
MicroPython, `bundle` the compiled firmware, `console` copies and listens, `settings` asks, `hello`
waits for the toy.
"""
