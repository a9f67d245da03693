"""Notebooks and their parameters: found, and checked at any depth before a kernel starts."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import io
import json
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any

from lth_utils import config
from lth_utils.config import SpecError, coerce, nearest, parse, parse_yaml
from lth_utils.runs.places import project_root

KINDS = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "list": list,
    "tuple": tuple,
    "dict": dict,
}
"""The types that a parameter may be declared with; alternatives are joined with ``|``."""

OF_ALL = ("set_name", "train", "device")
"""Parameters that every notebook may have and that belong to no study."""


@dataclass(frozen=True)
class Parameter:
    """What a notebook's parameters cell declares in one line.

    Args:
        kind: the declared type, else that of the default; None if neither says it.
        default: the value if nothing else is given.
        kind_text, default_text: both as the notebook writes them, on one line.
        help: the comment behind it, or nothing.
    """

    kind: Any
    default: Any
    kind_text: str
    default_text: str
    help: str


def find(name: str) -> list[Path]:
    """The notebooks that `name` means, in order.

    Args:
        name: ``all``, a number such as ``01``, or a full name.

    Returns:
        Paths of notebooks in the project's folder.

    Raises:
        SpecError: if there is no such notebook.
    """
    folder = project_root() / "notebooks"
    known = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if name == "all" and known:
        return known
    for path in known:
        if name.zfill(2) in (path.stem, path.stem[:2], path.name):
            return [path]
    stems = [path.stem for path in known]
    raise SpecError(
        f"no notebook {name} in {folder}; known: all, {', '.join(stems)}{nearest(name, stems)}"
    )


def parameters_folder(set_name: str) -> Path:
    """The folder with the parameter files of a set; :class:`SpecError` if there is none."""
    parent = project_root() / "parameters"
    known = sorted(path.name for path in parent.glob("*") if path.is_dir())
    if set_name not in known:
        raise SpecError(
            f"no set {set_name} in {parent}; known: {', '.join(known)}{nearest(set_name, known)}"
        )
    return parent / set_name


def parameters_of(notebook: Path) -> dict[str, Parameter]:
    """What the notebook's one parameters cell declares, by name.

    Raises:
        SpecError: if not exactly one cell is tagged ``parameters``, or if it cannot be read.
    """
    tagged = []
    try:
        for cell in json.loads(notebook.read_bytes())["cells"]:
            if "parameters" in cell["metadata"].get("tags", []):
                tagged.append("".join(cell["source"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise SpecError(f"{notebook} cannot be read as a notebook ({reason})") from None
    if len(tagged) != 1:
        raise SpecError(
            f"{notebook}: {len(tagged)} cells are tagged parameters; expected exactly one"
        )
    source = tagged[0]
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SpecError(f"{notebook}: its parameters cell is not valid Python: {error}") from None
    comments = _comments(source)
    declared = {}
    for node in statements:
        match node:
            case ast.AnnAssign(
                target=ast.Name(id=name), annotation=kind, value=ast.expr() as value
            ):
                declared[name] = _declared(notebook, name, kind, value, comments)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                declared[name] = _declared(notebook, name, None, value, comments)
    return declared


def _comments(source: str) -> dict[int, str]:
    """The comment in each line, by line number from 1."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            found[token.start[0]] = token.string.lstrip("# ")
    return found


def _declared(notebook, name, annotation: ast.expr | None, value: ast.expr, comments) -> Parameter:
    """One declaration as a :class:`Parameter`."""
    where = f"{notebook.name}: {name}"
    try:
        default = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise SpecError(
            f"{where} is {ast.unparse(value)}; a parameter is a literal value, such as 0.2"
        ) from None
    if annotation is None:
        kind, kind_text = type(default), type(default).__name__
    else:
        kind, kind_text = _kind(annotation, where), ast.unparse(annotation)
    if kind is NoneType:
        kind = None
    comment = comments.get(value.end_lineno, "")
    return Parameter(kind, default, kind_text, ast.unparse(value), comment)


def _kind(annotation: ast.expr, where: str):
    """The type that an annotation names; of ``list[int]`` only the list is checked."""
    match annotation:
        case ast.Name(id=name) if name in KINDS:
            return KINDS[name]
        case ast.Subscript(value=value):
            return _kind(value, where)
        case ast.Constant(value=None):
            return NoneType
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _kind(left, where) | _kind(right, where)
    raise SpecError(
        f"{where} has the type {ast.unparse(annotation)}; allowed: {', '.join(KINDS)}, "
        "None, and alternatives joined with |"
    )


def parameters(notebook: Path, given: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Values checked against the notebook's parameters cell and brought to the declared types.

    Args:
        notebook: path of the notebook.
        given: values by name, as YAML reads them.
        origin: where they come from, the first word of every error.

    Returns:
        The same names with values of the declared types.

    Raises:
        SpecError: if a name is not declared or a value does not fit.
    """
    known = parameters_of(notebook)
    checked = {}
    for name, value in given.items():
        where = f"{origin}: {name}"
        if name == "set_name":
            raise SpecError(f"{where} cannot be given here; choose the set with --set")
        if name not in known:
            raise SpecError(
                f"{where} is not a parameter of {notebook.name}; "
                f"it has {', '.join(known)}{nearest(name, known)}"
            )
        kind = known[name].kind
        if isinstance(value, str) and kind in (list, dict):
            value = parse_yaml(value, where)
        checked[name] = value if kind is None else coerce(value, kind, where)
    return checked


def values_of(notebook: Path, set_name: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The values a notebook is executed with: those of a set, and of the command line.

    Args:
        notebook: path of the notebook.
        set_name: folder of ``parameters/``.
        overrides: values that replace those of the file.

    Returns:
        All given values by name, and ``set_name``.

    Raises:
        SpecError: if the file is missing, or a name or a value does not fit the notebook.
    """
    file = parameters_folder(set_name) / f"{notebook.stem}.yaml"
    if not file.is_file():
        raise SpecError(
            f"set {set_name} lacks the parameters of {notebook.name}: {file} is missing"
        )
    values = parameters(notebook, config.read(file), file_name(notebook, set_name))
    values |= parameters(notebook, overrides, "command line")
    return {**values, "set_name": set_name}


def file_name(notebook: Path, set_name: str) -> str:
    """The parameter file of a notebook as errors name it, from the project's folder on."""
    return f"parameters/{set_name}/{notebook.stem}.yaml"


def study_of(notebook: Path) -> ModuleType | None:
    """The module of ``lth_utils.studies`` that bears the notebook's name without its number."""
    if not notebook.stem[3:].isidentifier():
        return None
    name = f"lth_utils.studies.{notebook.stem[3:]}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def check_study(notebook: Path, values: Mapping[str, Any], origin: str):
    """Check values at any depth, against the typed parameters of the notebook's study.

    A notebook of one's own, without a study, is not checked further.

    Args:
        notebook: path of the notebook.
        values: values by name; for all others the notebook's defaults are used.
        origin: where they come from, the first word of every error.

    Raises:
        SpecError: if a nested name is unknown, or a value does not fit or is out of its range.
    """
    wanted = getattr(study_of(notebook), "Parameters", None)
    if wanted is None:
        return
    merged = {name: known.default for name, known in parameters_of(notebook).items()} | values
    for name in OF_ALL:
        merged.pop(name, None)
    try:
        parse(wanted, merged, wanted.__name__)
    except SpecError as error:
        raise SpecError(f"{origin}: {str(error).removeprefix(f'{wanted.__name__}.')}") from None
