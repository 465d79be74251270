"""The short form of the drill: `python -m bench.workflow_crash` kills a hundred times, this three times."""

from bench.workflow_crash import run


def test_executions_killed_at_random_end_as_if_they_had_lived() -> None:
    rows = run(kills=3, executions=15)

    assert rows[0].figure == 3
