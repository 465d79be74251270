"""The command line: `ecosystem serve`, `ecosystem import FILE`, `ecosystem verify` ... `ecosystem --help` lists them.

Reads the environment and the arguments, and hands them on. Every refusal ends with one line on standard error that
says what to do, and status 1; wrong arguments end with status 2.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from ecosystem.commands.bank_settings import SECRET as BANK_SECRET
from ecosystem.commands.settings import DEFAULTS, Settings, settings
from ecosystem.commands.stripe_settings import SECRET
from ecosystem.kernel.refusals import Refusal
from ecosystem.kernel.trace import trace_id
from ecosystem.ports.keys import KeyName

Command = Callable[[Settings, argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; its exit status."""
    asked = parser().parse_args(arguments)
    given = dict(os.environ)
    for name in DEFAULTS:
        flag = getattr(asked, name.lower(), None)
        if flag is not None:
            given[name] = flag
    # Whatever one command does bears one trace; what is served has one for each request.
    name = asked.command.__name__.strip("_")
    before = trace_id.set("" if asked.command is _serve else f"command:{name}:{datetime.now(UTC).isoformat()}")
    try:
        return asked.command(settings(given), asked)
    except Refusal as refused:
        print(f"{refused.name}: {refused.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    finally:
        trace_id.reset(before)


def parser() -> argparse.ArgumentParser:
    """The arguments of every command."""
    top = argparse.ArgumentParser(prog="ecosystem", description="An open marketplace for services.")
    commands = top.add_subparsers(required=True, metavar="command")

    def command(name: str, act: Command, summary: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=summary, description=summary)
        made.set_defaults(command=act)
        _flag(made, "ECOSYSTEM_DATA", "--data")
        return made

    serving = command("serve", _serve, "Serve the marketplace; the first start seeds a demo.")
    for name in DEFAULTS:
        if name not in {"ECOSYSTEM_DATA", "ECOSYSTEM_DEMO", *SECRET, *BANK_SECRET}:
            _flag(serving, name, "--" + name.removeprefix("ECOSYSTEM_").lower().replace("_", "-"))
    serving.add_argument("--demo", dest="ecosystem_demo", action="store_const", const="1", help="seed an empty folder")
    serving.add_argument("--no-demo", dest="ecosystem_demo", action="store_const", const="0", help="start empty")

    importing = command("import", _import, "Load providers, services and weekly plans from CSV or JSON.")
    importing.add_argument("file", type=Path)
    importing.add_argument("--dry-run", action="store_true", help="check every row and write nothing")
    importing.add_argument("--report", type=Path, help="write the whole report there, as JSON")

    demo = command(
        "demo", _demo, "Make a demo that has lived some weeks, in a new folder; go on with an interrupted one."
    )
    demo.add_argument("--days", type=_days, default=40, help="how many days it has lived (1 to 365; 40)")
    demo.add_argument(
        "--daily", type=_daily, default=12, help="how many people look for a service each day (0 to 200; 12)"
    )
    demo.add_argument("--seed", type=int, default=2026, help="the same seed tells the same story (2026)")

    _store_commands(command)

    verifying = command("verify", _verify, "Hold the ledger's invariants against bookings and payments.")
    verifying.add_argument("--json", action="store_true", help="say how far it is and what it found as lines of JSON")
    _add_reconcile(command("reconcile", _reconcile, "Hold ledger, processor and bank against each other for a day."))
    rebuild = command("rebuild", _rebuild, "Make a derived store anew from the table.")
    rebuild.add_argument("what", choices=["search"])
    rebuild.add_argument("--check", action="store_true", help="only say what has drifted")

    _add_costs(commands.add_parser("costs", help="What a month costs on each rail for money, by dated rate tables."))
    _add_keys(commands.add_parser("keys", help="The five named keys: their versions and rotation."))

    webhooks = commands.add_parser("webhooks", help="What the card processor tells of its own accord.")
    acts = webhooks.add_subparsers(required=True, metavar="act")
    missing = "Find what its webhooks never told in the processor's own lists, and repair it."
    made = acts.add_parser("reconcile", help=missing, description=missing)
    made.set_defaults(command=_webhooks)
    _flag(made, "ECOSYSTEM_DATA", "--data")

    ledger = commands.add_parser("ledger", help="The ledger by itself.")
    acts = ledger.add_subparsers(required=True, metavar="act")
    replay = acts.add_parser("replay", help="Play recorded traces against the ledger and compare every answer.")
    replay.add_argument("file", type=Path)
    replay.set_defaults(command=_replay)

    _workflow_commands(commands.add_parser("workflow", help="State machines by themselves."))
    compliance = commands.add_parser("compliance", help="What an assessor asks to see.")
    _compliance_commands(compliance)
    _audit_commands(commands.add_parser("audit", help="The audit log: verify it, prove an act, check proofs."))

    _ach(commands.add_parser("ach", help="Files of the Automated Clearing House by themselves."))
    _fraud(commands.add_parser("fraud", help="Fraud's models by themselves."))
    return top


def _store_commands(command: Callable[[str, Command, str], argparse.ArgumentParser]) -> None:
    backup = command("backup", _backup, "Copy the table to one file while the marketplace serves; then read it back.")
    backup.add_argument("file", type=Path)
    backup.add_argument("--encrypt", action="store_true", help="under the key `backups`: it opens with our keys alone")
    restore = command("restore", _restore, "Put a backup in the place of the table, verified before and after.")
    restore.add_argument("file", type=Path)
    restore.add_argument("--replace", action="store_true", help="replace the table that is there")


def _add_reconcile(made: argparse.ArgumentParser) -> None:
    day = made.add_mutually_exclusive_group(required=True)
    day.add_argument("--date", type=date.fromisoformat, metavar="DAY", help="the day, such as 2026-11-19")
    day.add_argument(
        "--compare", type=date.fromisoformat, nargs=2, metavar=("DAY", "UNTIL"), help="only read, and say it as JSON"
    )


def _add_costs(costs: argparse.ArgumentParser) -> None:
    costs.set_defaults(command=_costs)
    costs.add_argument("--volume", type=int, default=100_000, help="in whole units of the currency (100000)")
    costs.add_argument("--transactions", type=int, default=500, help="how many make up the volume (500)")
    costs.add_argument("--payouts", type=int, default=1_000, help="payouts to providers (1000)")
    costs.add_argument("--entries", type=int, help="clearing house entries; the tables' own proportion if not given")
    costs.add_argument("--accounts", type=int, help="accounts paid out to; the tables' own proportion if not given")
    costs.add_argument("--paid-out-bps", type=int, default=9_000, help="what providers get, in basis points (9000)")
    costs.add_argument("--own-costs", type=int, default=0, help="what native rails cost besides, as you reckon (0)")
    costs.add_argument("--json", action="store_true", help="everything, as one document of JSON")


def _add_keys(keys: argparse.ArgumentParser) -> None:
    acts = keys.add_subparsers(required=True, metavar="act")
    for act, summary in (
        ("list", "Versions of each key, what they still have, and when they were used."),
        ("rotate", "Make a new version of a key and re-wrap what the former ones have, while all of it is read."),
        ("retire", "Take a former version of a key away for ever."),
    ):
        made = acts.add_parser(act, help=summary, description=summary)
        made.set_defaults(command=_keys, act=act)
        _flag(made, "ECOSYSTEM_DATA", "--data")
        if act != "list":
            made.add_argument("name", choices=[name.value for name in KeyName])
        if act == "retire":
            made.add_argument("version", type=_version)
            made.add_argument("--now", action="store_true", help="although backups of the last week may need it")


def _workflow_commands(workflow: argparse.ArgumentParser) -> None:
    acts = workflow.add_subparsers(required=True, metavar="act")
    rehearse = acts.add_parser(
        "rehearse", help="Play cases of machines on a virtual clock and compare what comes of them."
    )
    rehearse.add_argument("cases", type=Path, nargs="+", metavar="CASE.json", help="files, or folders of them")
    rehearse.set_defaults(command=_rehearse)


def _compliance_commands(compliance: argparse.ArgumentParser) -> None:
    acts = compliance.add_subparsers(required=True, metavar="act")
    summary = "Write the evidence for a PCI DSS SAQ A, measured now; start the marketplace before."
    reporting = acts.add_parser("report", help=summary, description=summary)
    reporting.set_defaults(command=_report)
    reporting.add_argument("--out", type=Path, metavar="FILE.md", help="write it there, and as JSON beside it")
    reporting.add_argument(
        "--no-checkout",
        action="store_true",
        help="leave out the checkout's page, for which a free time is taken as a visitor takes it, and given back",
    )
    for name, flag in (("ECOSYSTEM_DATA", "--data"), ("ECOSYSTEM_PORT", "--port"), ("ECOSYSTEM_URL", "--url")):
        _flag(reporting, name, flag)


def _audit_commands(audit: argparse.ArgumentParser) -> None:
    acts = audit.add_subparsers(required=True, metavar="act")

    def act(name: str, do: Command, summary: str) -> argparse.ArgumentParser:
        made = acts.add_parser(name, help=summary, description=summary)
        made.set_defaults(command=do)
        return made

    verifying = act("verify", _verify_audit, "Hold the whole log to its items, checkpoints and witness.")
    verifying.add_argument("--json", action="store_true", help="say how far it is and what it found as lines of JSON")
    verifying.add_argument(
        "--key",
        action="append",
        default=[],
        help="a key from elsewhere that must have signed, as `audit key` prints it; again for later ones, oldest first",
    )
    verifying.add_argument("--least", type=_size, default=0, metavar="SIZE", help="how many entries there were once")
    proving = act("prove", _prove, "Write the proof that one act is in the log.")
    proving.add_argument(
        "id", metavar="ID", help="a transfer, an event (AGGREGATE:VERSION:TYPE), an act_..., or a place"
    )
    proving.add_argument("--out", type=Path, metavar="PROOF.json", help="write it there instead of printing it")
    act("key", _audit_key, "Print the keys that checkpoints are verified with.")
    summary = "Write every signed checkpoint, as the witness keeps them."
    act("checkpoints", _audit_checkpoints, summary).add_argument(
        "--out", type=Path, metavar="FILE", help="write them there, where no file is yet"
    )
    for name, default in (("verify", True), ("prove", False), ("key", False), ("checkpoints", False)):
        _flag(acts.choices[name], "ECOSYSTEM_DATA", "--data")
        if default:
            _flag(acts.choices[name], "ECOSYSTEM_AUDIT_WITNESS", "--witness")
    checking = act("check", _check_proof, "Check a proof by itself, without the marketplace.")
    checking.add_argument("file", type=Path, metavar="PROOF.json")
    checking.add_argument("--key", default="", help="the key that must have signed, had from elsewhere")
    cases = act("check-proofs", _check_proofs, "Say of each proof in a file of cases whether it is accepted.")
    cases.add_argument("file", type=Path, metavar="FILE")


def _ach(made: argparse.ArgumentParser) -> None:
    """The arguments of what is done with bank files."""
    acts = made.add_subparsers(required=True, metavar="act")
    checking = acts.add_parser("check", help="Hold files to the rules of the format, and write them back.")
    checking.add_argument("files", type=Path, nargs="+", metavar="FILE")
    checking.add_argument("--json", action="store_true", help="one line of JSON for each file")
    checking.add_argument("--lenient", action="store_true", help="take partial return files")
    checking.add_argument(
        "--relax",
        action="append",
        default=[],
        metavar="NAME",
        help="let one kind of breach pass; docs/ach.md names them",
    )
    checking.set_defaults(command=_check_ach)
    for name, summary in (
        ("files", "The latest files, and how each stands."),
        ("build", "Build the file of the window that has just closed."),
        ("deliver", "Take each file one step on: to the bank, or back when it is too late."),
        ("collect", "Keep what the bank has for us, and work through it."),
    ):
        banking = acts.add_parser(name, help=summary, description=summary)
        _flag(banking, "ECOSYSTEM_DATA", "--data")
        banking.set_defaults(command=_bank, act=name)


def _fraud(made: argparse.ArgumentParser) -> None:
    """The arguments of what is done about fraud."""
    acts = made.add_subparsers(required=True, metavar="act")
    evaluating = acts.add_parser("evaluate", help="Hold a detector to transactions in the handbook's columns.")
    evaluating.add_argument("file", type=Path)
    evaluating.add_argument(
        "--train-start",
        dest="starts",
        type=_date,
        action="append",
        required=True,
        metavar="DATE",
        help="first day of the week of training, such as 2018-07-25; again for further ones",
    )
    evaluating.add_argument("--json", action="store_true", help="lines of JSON alone")
    evaluating.set_defaults(command=_evaluate_fraud)
    simulating = acts.add_parser("simulate", help="Write a market made up as a file that evaluate reads.")
    simulating.add_argument("file", type=Path)
    simulating.add_argument("--days", type=_days, default=150)
    simulating.add_argument("--seed", type=int, default=2026)
    simulating.add_argument("--unseen", action="store_true", help="cheated in ways that no model here learned from")
    simulating.set_defaults(command=_simulate_fraud)
    training = acts.add_parser("train", help="Make a model, and a report of it.")
    training.add_argument("file", type=Path, help="where the model goes")
    training.add_argument("--simulated", action="store_true", help="from a market made up, not from this one's history")
    training.add_argument("--seed", type=int, default=2026)
    training.add_argument("--report", type=Path, help="where the model card goes (Markdown)")
    training.add_argument("--made", type=_date, help="the day that it says it was made; today")
    training.set_defaults(command=_train_fraud)
    _flag(training, "ECOSYSTEM_DATA", "--data")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a day such as 2018-07-25") from None


def _evaluate_fraud(_: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.fraud.evaluating import run

    return run(asked.file, asked.starts, as_json=asked.json)


def _simulate_fraud(_: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.fraud.evaluating import simulate
    from ecosystem.commands.fraud.simulation import TRAINED, UNSEEN, World

    patterns = UNSEEN if asked.unseen else TRAINED
    return simulate(asked.file, World(seed=asked.seed, days=asked.days, patterns=patterns))


def _train_fraud(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.fraud.acts import train

    return asyncio.run(train(chosen, asked.file, asked.report, asked.seed, asked.made, simulated=asked.simulated))


def _flag(made: argparse.ArgumentParser, name: str, flag: str) -> None:
    default, meaning = DEFAULTS[name]
    made.add_argument(flag, dest=name.lower(), metavar="VALUE", help=f"{meaning} ({default or 'none'}; {name})")


def _serve(chosen: Settings, _: argparse.Namespace) -> int:
    from ecosystem.commands.serve import serve

    return serve(chosen)


def _import(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.importing import run

    return asyncio.run(run(chosen, asked.file, dry_run=asked.dry_run, report=asked.report))


def _demo(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.demo import demo
    from ecosystem.commands.demonstration.beginning import Length

    def say(line: str) -> None:
        print(line, flush=True)

    return demo(chosen, Length(days=asked.days, daily=asked.daily, seed=asked.seed), say)


def _days(text: str) -> int:
    return _between(text, 1, 365)


def _daily(text: str) -> int:
    return _between(text, 0, 200)


def _between(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise argparse.ArgumentTypeError(f"a whole number from {low} to {high}")
    return int(text)


def _backup(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.store import backup

    return asyncio.run(backup(chosen, asked.file, encrypted=asked.encrypt))


def _restore(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.store import restore

    return asyncio.run(restore(chosen, asked.file, overwrite=asked.replace))


def _verify(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.verifying import verify

    return asyncio.run(verify(chosen, as_json=asked.json))


def _reconcile(chosen: Settings, asked: argparse.Namespace) -> int:
    if asked.compare:
        from ecosystem.commands.comparing import compare

        return asyncio.run(compare(chosen, *asked.compare))
    from ecosystem.commands.reconcile import run

    return asyncio.run(run(chosen, asked.date))


def _rebuild(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.store import rebuild_search

    return asyncio.run(rebuild_search(chosen, check_only=asked.check))


def _webhooks(chosen: Settings, _: argparse.Namespace) -> int:
    from ecosystem.commands import webhooks

    return asyncio.run(webhooks.run(chosen))


def _costs(_: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands import costs
    from ecosystem.contexts.rails import MonthAsked

    month = MonthAsked(**{name: getattr(asked, name) for name in MonthAsked.__struct_fields__})
    return costs.run(month, as_json=asked.json)


def _keys(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands import keyring

    arguments = {"act": asked.act, "name": getattr(asked, "name", ""), "version": getattr(asked, "version", 0)}
    arguments["now"] = "yes" if getattr(asked, "now", False) else ""
    return asyncio.run(keyring.run(chosen, arguments))


def _size(text: str) -> int:
    return _between(text, 0, 2**48)


def _version(text: str) -> int:
    return _between(text, 1, 1000)


def _report(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands import compliance

    return asyncio.run(compliance.report(chosen, asked.out, with_checkout=not asked.no_checkout))


def _verify_audit(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands import audits

    known = audits.Known(keys=asked.key, least=asked.least)
    return asyncio.run(audits.verify(chosen, known, as_json=asked.json))


def _audit_checkpoints(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands import audits

    return asyncio.run(audits.checkpoints(chosen, asked.out))


def _prove(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands import audits

    return asyncio.run(audits.prove(chosen, asked.id, asked.out))


def _audit_key(chosen: Settings, _: argparse.Namespace) -> int:
    from ecosystem.commands import audits

    return asyncio.run(audits.key(chosen))


def _check_proof(_: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands import audits

    return audits.check(asked.file, asked.key)


def _check_proofs(_: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands import audits

    return audits.check_proofs(asked.file)


def _replay(_: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.ledgers import replay

    return asyncio.run(replay(asked.file))


def _rehearse(_: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.workflows import rehearse

    return rehearse(asked.cases)


def _bank(chosen: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands.banking import run

    return asyncio.run(run(chosen, asked.act))


def _check_ach(_: Settings, asked: argparse.Namespace) -> int:
    from ecosystem.commands import ach

    unknown = [name for name in asked.relax if name not in ach.RELAXATIONS]
    if unknown:
        print(f"There is no relaxation {unknown[0]}; there are {', '.join(ach.RELAXATIONS)}.", file=sys.stderr)
        return 2
    return ach.check(asked.files, ach.relaxed(asked.relax, lenient=asked.lenient), as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
