"""Try a toy from end to end, on a board or without one, and write down what came of it.

    python -m tools.hardware_test --virtual
    python -m tools.hardware_test --port /dev/ttyUSB0 --networks networks.json --hours 8

`checks/` holds one file a test; each drives the toy through a relay of its own, by what a toy and a
relay say to each other. A `Bench` is the difference between a board and the simulated one.
`on_board/` runs on the board itself, for what cannot be seen from the link.
"""
