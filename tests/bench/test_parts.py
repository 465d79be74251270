"""The parts of the bench run, in a tiny form: what is measured is asked elsewhere, here that it can be."""

from pathlib import Path

import pytest
from bench.rows import Row

from bench import __main__ as bench
from bench import checkout_speed, conformance, drills, races, slots, startup


def test_a_checkout_over_http_is_measured_and_verified() -> None:
    rows = checkout_speed.run(checkouts=12, callers=4, providers=3, warm=4)

    assert rows[0].figure > 0
    assert {row.name.partition(",")[0] for row in rows} >= {"quote", "hold", "pay", "confirm"}


async def test_one_time_raced_for_is_sold_as_often_as_it_has_seats() -> None:
    answers = await races.drill(2, 12)

    assert answers == {"held": 4, "SlotTaken": 20, "confirmed": 4}


def test_a_stamped_marketplace_is_served_searched_backed_up_and_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup, "STARTS", 1)
    monkeypatch.setattr(startup, "ASKED", 2)
    rows = startup.run(tmp_path, services=10, bookings=60, told=lambda _: None)

    named = {row.name: row.figure for row in rows}
    assert named["10 services and 60 bookings stored: items in the table"] > 60 * 15
    assert any("verify" in name for name in named)


def test_a_run_is_written_with_what_is_missing_and_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "ROUNDS", 1)
    parts = [part for part in bench.PARTS if part.name == "slots"]
    absent = bench.Part(name="table", what="nothing", measure=list[Row], missing=lambda: "PostgreSQL: apt-get ...")

    result = bench.measured([*parts, absent], limit_s=0.001)
    page = bench.written(
        bench.Result(**{**{n: getattr(result, n) for n in result.__struct_fields__}, "rows": slots.run()})
    )

    assert result.failed == ["slots", "table"]
    assert "Missing: 1. Failed: 2." in page
    assert "install PostgreSQL" in page
    assert "under 10 ms" in page


def test_a_drill_that_is_done_is_not_repeated_until_the_code_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    splits = drills.Part(name="splits", shows="splits", program="bench.splits", whole=("1000",))
    failing = drills.Part(name="fails", shows="fails", program="bench.splits", whole=("no number",))

    assert drills.drill([splits], tmp_path)
    assert drills.drill([splits], tmp_path)
    assert "done on" in capsys.readouterr().out
    assert not drills.drill([splits, failing], tmp_path)
    monkeypatch.setattr(drills, "digest", lambda *_: "other code")
    assert drills.drill([splits], tmp_path)

    assert "== splits" in capsys.readouterr().out
    assert "no unit lost" in (tmp_path / "drills.md").read_text()


async def test_recorded_material_that_is_not_there_does_not_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not await conformance.played(tmp_path)
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "broken.jsonl").write_text("{}")
    assert not await conformance.played(tmp_path)

    said = capsys.readouterr().out
    assert "ledger: missing" in said
    assert "DIFFERS" in said
