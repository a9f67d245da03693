"""The public face: one import, every name loaded on first use."""

import ast
import subprocess
import sys
import time
from types import ModuleType

import pytest
from conftest import ROOT

import lth_utils as lth

FACE = ROOT / "lth_utils" / "__init__.py"


def python(code):
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def seconds(command):
    """The shortest of three times that a command takes."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        times.append(time.perf_counter() - began)
    return min(times)


def test_every_public_name_is_there_and_listed():
    for name in lth.__all__:
        assert getattr(lth, name) is not None, name
    assert set(lth.__all__) <= set(dir(lth)) and lth.__all__ == sorted(set(lth.__all__), key=order)


def order(name):
    """Constants, then classes, then all others."""
    return not name.isupper(), not name[0].isupper(), name


def test_type_checkers_see_exactly_the_public_names():
    (block,) = [node for node in ast.parse(FACE.read_text()).body if isinstance(node, ast.If)]
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    seen = {}
    for node in block.body:
        for alias in node.names:
            seen[alias.asname or alias.name] = (node.module, alias.name)
    assert set(seen) == set(lth.__all__)
    for name, (module, there) in seen.items():
        found = getattr(lth, name)
        if not isinstance(found, ModuleType):
            assert found is getattr(sys.modules[module], there), name


def test_the_functions_and_modules_are_those_of_the_package():
    from lth_utils import connectivity, data, imp
    from lth_utils.runs import sweep

    assert lth.sweep is sweep.run and lth.imp is imp and lth.data is data
    assert lth.status is connectivity.status and lth.connectivity is connectivity


def test_a_misspelt_name_gets_the_nearest_guess():
    with pytest.raises(AttributeError, match="lth_utils has no weight_state; did you mean weight_"):
        _ = lth.weight_state
    with pytest.raises(AttributeError, match=r"lth_utils has no zzz$"):
        _ = lth.zzz
    assert not hasattr(lth, "zzz")


def test_the_import_loads_nothing_until_it_is_needed():
    heavy = (
        "[m for m in ('numpy', 'torch', 'pandas', 'matplotlib', 'papermill') if m in sys.modules]"
    )
    assert python(f"import sys, lth_utils; print({heavy})") == "[]"
    assert python(f"import sys, lth_utils as lth; lth.Task; print({heavy})") == "['numpy']"


def test_a_folder_stays_a_folder_whatever_is_loaded_first():
    code = "import lth_utils.data, lth_utils as lth; lth.Task; print(lth.data is lth_utils.data)"
    assert python(code) == "True"
    code = "import lth_utils as lth; lth.data; import lth_utils.data.tasks as t; print(t.__name__)"
    assert python(code) == "lth_utils.data.tasks"


@pytest.mark.parametrize("command", [["-c", "import lth_utils"], ["-m", "lth_utils", "--help"]])
def test_it_starts_within_half_a_second(command):
    empty = seconds([sys.executable, "-c", ""])
    assert seconds([sys.executable, *command]) - empty < 0.5


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "lth_utils" / "py.typed").is_file()


def test_the_glossary_explains_every_word_of_a_table():
    from lth_utils.connectivity import STATE_NAMES, STATUSES

    for word in ("available", "decided", "coverage", *STATE_NAMES[1:], *STATUSES):
        assert f"\n    {word} " in lth.__doc__ or f"\n      {word} " in lth.__doc__, word
