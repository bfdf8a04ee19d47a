"""Updates over the air: a new firmware goes to the toys while nobody talks to them.

`python -m relay update` leaves a request in the store; the running relay builds what the toy needs,
signs it with the toy's own key, sends it piece by piece, and learns from the next hello whether the
toy has kept it. docs/protocol.md, "Update", has the messages, docs/operations.md what to type.
"""
