"""The surface of the package in numbers:  python tests/house_metrics.py [FOLDER]

A report, not a gate: density, sizes and documentation of the package, beside its goals.
"""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
CODE_TOKENS = (tokenize.NAME, tokenize.NUMBER, tokenize.OP, tokenize.STRING)


def percentile(values: list[int], share: float) -> int:
    """The value below which this share of the sorted values lies."""
    return sorted(values)[int(share * len(values))]


def tokens(text: str) -> int:
    """Names, numbers, operators and strings; one f-string counts as its parts."""
    found = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(token.type in CODE_TOKENS for token in found)


def is_public(node: ast.AST) -> bool:
    return isinstance(node, FUNCTIONS) and not node.name.startswith("_")


def measure(package: Path) -> dict[str, tuple[object, str]]:
    """Each measure of a package with its goal in words ("" where it has none).

    Args:
        package: folder whose Python files are read, with those of its folders.

    Returns:
        From the measure's name to its value and its goal.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(package.rglob("*.py"))}
    files = {path: len(text.splitlines()) for path, text in texts.items()}
    lines = [line for text in texts.values() for line in text.splitlines() if line.strip()]
    code = [line for line in lines if not line.lstrip().startswith("#")]
    nodes = [node for text in texts.values() for node in ast.walk(ast.parse(text))]
    functions = [node for node in nodes if isinstance(node, FUNCTIONS)]
    public = [node for node in functions if is_public(node)]
    documented = [node for node in functions if ast.get_docstring(node)]
    public_documented = [node for node in public if ast.get_docstring(node)]
    lengths = [len(line) for line in lines]
    largest = max(files, key=files.__getitem__)
    n_tokens = sum(map(tokens, texts.values()))
    n_comprehensions = sum(isinstance(node, COMPREHENSIONS) for node in nodes)
    n_comments = sum(line.lstrip().startswith("#") or "  # " in line for line in lines)
    longest = max(functions, key=lambda node: node.end_lineno - node.lineno)
    return {
        "files": (len(files), ""),
        "lines": (sum(files.values()), ""),
        "median file, lines": (int(statistics.median(files.values())), ""),
        "largest file, lines": (f"{files[largest]} {largest.relative_to(package)}", "about 300"),
        "functions per file": (round(len(functions) / len(files), 1), ""),
        "longest function, lines": (
            f"{longest.end_lineno - longest.lineno + 1} {longest.name}",
            "a screen",
        ),
        "line length, mean": (round(statistics.mean(lengths)), ""),
        "line length, 95 % of lines below": (percentile(lengths, 0.95), "at most 100"),
        "lines above 100 columns": (sum(length > 100 for length in lengths), "0"),
        "tokens per line": (round(n_tokens / len(code), 1), "at most 8"),
        "comprehensions per 100 lines": (
            round(100 * n_comprehensions / len(code), 1),
            "at most 4",
        ),
        "comments per 100 lines": (round(100 * n_comments / len(code), 1), ""),
        "functions documented": (f"{len(documented) / len(functions):.0%}", ""),
        "public functions documented": (f"{len(public_documented) / len(public):.0%}", ""),
    }


def main(folder: str | None = None):
    package = Path(folder) if folder else ROOT / "lth_utils"
    for name, (value, goal) in measure(package).items():
        sys.stdout.write(f"{name:34} {value!s:42} {goal}\n".rstrip() + "\n")
    readme = package.parent / "README.md"
    if readme.is_file():
        count = len(readme.read_text(encoding="utf-8").splitlines())
        sys.stdout.write(f"{'README.md, lines':34} {count:<42} about 120\n")


if __name__ == "__main__":
    main(*sys.argv[1:2])
