"""YAML read strictly: what YAML takes for something else than people mean is refused."""

from __future__ import annotations

import re

import yaml

from lth_utils.config.checks import SpecError

MISREAD = re.compile(r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")
"""Numbers that YAML reads to the base of 8 (010) or of 60 (1:30)."""


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe loader without repeated keys and without numbers that are easily misread."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict:
    """A mapping, each key of which is given once."""
    keys = [loader.construct_object(key) for key, _ in node.value]
    twice = {str(key) for key in keys if keys.count(key) > 1}
    if twice:
        raise SpecError(f"{', '.join(sorted(twice))} given twice")
    return loader.construct_mapping(node, deep=True)


def _number(loader: _StrictLoader, node: yaml.ScalarNode) -> int | float:
    """A number in ordinary notation."""
    value: int | float
    if node.tag.endswith(":int"):
        value = loader.construct_yaml_int(node)
    else:
        value = loader.construct_yaml_float(node)
    if MISREAD.fullmatch(node.value):
        raise SpecError(
            f"{node.value} in line {node.start_mark.line + 1} is read as {value} by YAML; "
            f'write the number without leading zeros and colons, or "{node.value}" for a text'
        )
    return value


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
_StrictLoader.add_constructor("tag:yaml.org,2002:int", _number)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _number)


def parse_yaml(text: str, where: str):
    """The value that a YAML text means.

    Args:
        text: one YAML document; an empty one means None.
        where: the origin of the text, the first word of every error.

    Returns:
        Plain values: None, bool, int, float, str, list or dict.

    Raises:
        SpecError: if the text is not valid YAML, gives a key twice, or has a number in octal or
            sexagesimal notation (010 would be 8, and 1:30 would be 90).
    """
    try:
        return yaml.load(text, _StrictLoader)
    except SpecError as error:
        raise SpecError(f"{where}: {error}") from None
    except (yaml.YAMLError, TypeError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise SpecError(f"{where}: not valid YAML: {reason}") from None
