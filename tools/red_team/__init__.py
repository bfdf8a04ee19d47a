"""Children's worst quarters of an hour, held with the whole relay: does it ever say something bad?

`python -m tools.red_team` lets made-up children attack the toy for fifteen minutes each, in ways in
which toys on the market have failed, and looks at every sentence that was really spoken.
"""
