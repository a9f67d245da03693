"""The command line:  python -m lth_utils run 01 --set quick

Strict papermill: an unknown or ill-typed parameter stops before a kernel starts; a notebook counts
as executed only when every cell has run; a failed one is kept as ``*.failed.ipynb``; one whose
source, parameters and package are unchanged and whose products are there is not executed again.
"""

from __future__ import annotations

import argparse
import sys

import yaml

from lth_utils.config import SpecError
from lth_utils.publish.runner import check, figures, gallery, run


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m lth_utils", description="Execute the notebooks; look after their results."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    runner = verbs.add_parser("run", help="execute notebooks with the parameters of a set")
    runner.add_argument("notebook", help="a number such as 01, a name, or all")
    runner.add_argument(
        "--set", default="quick", dest="set_name", help="folder of parameters/ (default: quick)"
    )
    runner.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="override one parameter",
    )
    runner.add_argument(
        "--force", action="store_true", help="execute again even if nothing changed"
    )
    runner.add_argument(
        "--no-page", action="store_false", dest="page", help="leave the gallery as it is"
    )
    drawer = verbs.add_parser(
        "figures", help="draw the figures of a set from its kept tables, without training"
    )
    drawer.add_argument(
        "--set", default="thesis", dest="set_name", help="folder of parameters/ (default: thesis)"
    )
    teller = verbs.add_parser(
        "report", help="write outputs/<set>/index.html, the gallery, from what is there"
    )
    teller.add_argument(
        "--set", default="quick", dest="set_name", help="folder of outputs/ (default: quick)"
    )
    checker = verbs.add_parser("check", help="verify the checksums of all finished runs")
    checker.add_argument(
        "--repair", action="store_true", help="set corrupt runs aside, to be computed again"
    )
    given = parser.parse_args(arguments)
    try:
        if given.verb == "check":
            return check(given.repair)
        if given.verb == "report":
            print(gallery(given.set_name, again=True))
            return 0
        if given.verb == "figures":
            return figures(given.set_name)
        run(
            given.notebook,
            given.set_name,
            {k: yaml.safe_load(v) for k, v in given.p},
            given.force,
            given.page,
        )
    except KeyboardInterrupt:
        print(
            "interrupted; finished levels are kept, the same command goes on from there",
            file=sys.stderr,
        )
        return 130
    except (SpecError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
