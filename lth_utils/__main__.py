"""The command line:  python -m lth_utils run 01 --set quick

An unknown or ill-typed parameter stops before a kernel starts. A notebook counts as executed only
when every cell has run; a failed one is kept as ``*.failed.ipynb``. A notebook whose source,
parameters and package are unchanged, and whose products are there, is not executed again.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from pathlib import Path

from lth_utils.config import SpecError, parse_yaml


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks for.

    Args:
        arguments: its words, without the program's name; those of the process if None.

    Returns:
        The exit status: 0 if all went well, 1 after an error, 130 after an interruption.
    """
    asked = _parser().parse_args(arguments)
    try:
        return asked.verb(asked)
    except KeyboardInterrupt:
        print(
            "interrupted; finished levels are kept, the same command goes on from there",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:  # nobody reads what is printed any more, as with: ... | head
        sys.stdout = None  # else Python complains when it closes it
        return 1
    except Exception as error:
        if os.environ.get("LTH_DEBUG"):
            raise
        print(f"error: {_in_words(error)}", file=sys.stderr)
        return 1


def _in_words(error: Exception) -> str:
    """An error as a sentence."""
    if isinstance(error, (SpecError, RuntimeError)):
        return str(error) or type(error).__name__
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}"
    return (
        f"{type(error).__name__}: {error}. This was not foreseen; please report it with what "
        "LTH_DEBUG=1 and the same command print"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lth_utils", description="Execute the notebooks; look after their results."
    )
    verbs = parser.add_subparsers(
        required=True,
        metavar="run | figures | report | poster | study | audit | check | init | selftest | "
        "readmes",
    )

    runs = verbs.add_parser("run", help="execute notebooks with the parameters of a set")
    runs.set_defaults(verb=_run)
    runs.add_argument("notebook", help="a number such as 01, a name, or all")
    _add_set(runs, "quick", "folder of parameters/")
    runs.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        dest="overrides",
        metavar=("NAME", "VALUE"),
        help="override one parameter",
    )
    runs.add_argument("--force", action="store_true", help="execute again even if nothing changed")
    runs.add_argument(
        "--strict",
        action="store_true",
        help="stop before anything is computed if a finished run is damaged",
    )
    runs.add_argument(
        "--no-page", action="store_false", dest="page", help="leave the gallery as it is"
    )

    figures = verbs.add_parser(
        "figures", help="draw the figures of a set from its kept tables, without training"
    )
    figures.set_defaults(verb=_figures)
    _add_set(figures, "thesis", "folder of parameters/")

    report = verbs.add_parser(
        "report", help="write outputs/<set>/index.html, the gallery, from what is there"
    )
    report.set_defaults(verb=_report)
    _add_set(report, "quick", "folder of outputs/")

    poster = verbs.add_parser(
        "poster", help="write outputs/<set>/poster.pdf and .png, A0, from what is kept of a set"
    )
    poster.set_defaults(verb=_poster)
    _add_set(poster, "thesis", "folder of outputs/")

    check = verbs.add_parser("check", help="verify the checksums of all finished runs")
    check.set_defaults(verb=_check)
    check.add_argument(
        "--repair", action="store_true", help="set corrupt runs aside, to be computed again"
    )

    init = verbs.add_parser("init", help="lay out notebooks/ and parameters/ in a folder")
    init.set_defaults(verb=_init)
    init.add_argument("folder", type=Path, help="made where there is none")

    study = verbs.add_parser("study", help="ask of your data which of its tasks are independent")
    study.set_defaults(verb=_study)
    study.add_argument("file", type=Path, help="a file of columns, such as data.csv")
    study.add_argument("--targets", nargs="+", required=True, help="names of the columns to learn")
    study.add_argument("--inputs", nargs="+", help="of those to learn from (default: all others)")
    study.add_argument("--page", type=Path, help="where the page goes (default: <file>.html here)")
    study.add_argument("--seeds", default="16", help="how many networks, or 0-15 (default: 16)")
    study.add_argument("--draws", type=int, default=1, help="how many splits (default: 1)")
    study.add_argument("--no-controls", action="store_false", dest="controls", help="half the time")

    _add_audit(verbs)
    _add_selftest(verbs)

    readmes = verbs.add_parser("readmes", help="write the README of each folder of the project")
    readmes.set_defaults(verb=_readmes)
    return parser


def _add_audit(verbs):
    """The verb ``audit``."""
    audit = verbs.add_parser("audit", help="print what structure a pruned torch model has")
    audit.set_defaults(verb=_audit)
    audit.add_argument("file", type=Path, help="of torch.export.save (*.pt2), or *.safetensors")
    audit.add_argument(
        "--factory", metavar="MODULE:FUNCTION", help="makes the model of safetensors"
    )
    audit.add_argument("--shape", help="of its example, such as 1,3,224,224")
    audit.add_argument("--figure", type=Path, metavar="FILE", help="draw the layers there, too")


def _add_selftest(verbs):
    """The verb ``selftest``."""
    selftest = verbs.add_parser("selftest", help="hold a device against the CPU: one page to send")
    selftest.set_defaults(verb=_selftest)
    selftest.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    selftest.add_argument("--report", type=Path, metavar="FILE", help="write the page there, too")
    selftest.add_argument("--sweep", action="store_true", help="also a whole sweep of notebook 03")
    selftest.add_argument("--levels", default="0-25", help="of the sweep (default: 0-25)")
    selftest.add_argument("--seeds", default="0-3", help="of the sweep (default: 0-3)")
    selftest.add_argument("--minutes", type=float, default=8, help="of the sweep (default: 8)")


def _add_set(parser: argparse.ArgumentParser, default: str, meaning: str):
    """The option ``--set``."""
    parser.add_argument(
        "--set",
        type=_set_name,
        default=default,
        dest="set_name",
        help=f"{meaning} (default: {default})",
    )


def _set_name(text: str) -> str:
    """The name of a set, which is the name of a folder."""
    if text in ("", ".", "..") or "/" in text or "\\" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a set, such as quick")
    return text


# What each verb does. The modules are imported only then, because some take seconds to load.


def _run(asked: argparse.Namespace) -> int:
    from lth_utils.publish import runner

    if asked.strict:
        _refuse_damaged_runs()
    overrides = {}
    for name, text in asked.overrides:
        overrides[name] = parse_yaml(text, f"command line: {name}")
    runner.run(
        asked.notebook,
        asked.set_name,
        overrides,
        force=asked.force,
        page=asked.page,
        say=functools.partial(print, flush=True),
    )
    return 0


def _refuse_damaged_runs():
    """Without ``--strict`` they are named, set aside and computed again."""
    from lth_utils.runs.files import StoreError
    from lth_utils.runs.store import Store

    damaged = Store().check()
    if damaged:
        raise StoreError(f"{len(damaged)} runs are damaged, first {damaged[0]}")


def _figures(asked: argparse.Namespace) -> int:
    from lth_utils.publish import runner

    return runner.figures(asked.set_name)


def _report(asked: argparse.Namespace) -> int:
    from lth_utils.publish import runner

    print(runner.gallery(asked.set_name, again=True))
    return 0


def _poster(asked: argparse.Namespace) -> int:
    from lth_utils.publish import poster

    for path in poster.write(asked.set_name):
        print(path)
    return 0


def _check(asked: argparse.Namespace) -> int:
    from lth_utils.runs.store import Store

    store = Store()
    corrupt = store.check(asked.repair)
    for error in corrupt:
        moved = f" (moved to {store.root / 'corrupt'})" if asked.repair else f"\n  {error}"
        print(f"corrupt: {error.folder}{moved}")
    print(f"{len(corrupt)} corrupt of the runs in {store.runs}")
    return 1 if corrupt and not asked.repair else 0


def _study(asked: argparse.Namespace) -> int:
    from lth_utils.data import from_file
    from lth_utils.one_call.study import study

    data = from_file(asked.file, asked.targets, inputs=asked.inputs)
    seeds = int(asked.seeds) if asked.seeds.isdecimal() else asked.seeds
    found = study(data, seeds=seeds, draws=asked.draws, controls=asked.controls)
    print(*found.words(), sep="\n")
    print(found.page(asked.page or f"{asked.file.stem}.html", asked.file.name))
    return 0


def _audit(asked: argparse.Namespace) -> int:
    from dataclasses import replace

    from lth_utils.config import coerce
    from lth_utils.one_call import model_files
    from lth_utils.one_call.structure import structure

    shape = None
    if asked.shape:
        shape = coerce(parse_yaml(f"[{asked.shape}]", "--shape"), tuple[int, ...], "--shape")
    model, example = model_files.read(asked.file, asked.factory, shape)
    found = replace(structure(model, example), name=asked.file.name)
    print(found)
    if asked.figure:
        found.figure().savefig(asked.figure)
        print(asked.figure)
    return 0


def _init(asked: argparse.Namespace) -> int:
    from lth_utils.publish import project

    written = project.init(asked.folder)
    print(f"{len(written)} files written to {asked.folder}")
    print(f"next: cd {asked.folder}, then python -m lth_utils run 01 --set smoke")
    return 0


def _selftest(asked: argparse.Namespace) -> int:
    from lth_utils.selftest.command import selftest

    return selftest(
        asked.device,
        asked.report,
        with_sweep=asked.sweep,
        levels=asked.levels,
        seeds=asked.seeds,
        minutes=asked.minutes,
    )


def _readmes(asked: argparse.Namespace) -> int:
    from lth_utils.publish import readmes

    for path in readmes.write_all():
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
