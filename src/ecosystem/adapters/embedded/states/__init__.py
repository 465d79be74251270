"""Amazon States Language in JSONPath mode, as pure functions: a machine, a run, what arrived, and when.

`definition` reads a machine, `stepping` moves a run on by one turn, `history` tells what happened in the cloud's words.
Nothing here knows a clock, a table or chance; whoever keeps runs durable commits what a turn hands back.

The language: https://states-language.net/spec.html, and where the cloud differs from it, the cloud.
"""
