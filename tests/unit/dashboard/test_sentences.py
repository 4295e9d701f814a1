"""Sentences stand in ``view/texts.py`` and nowhere else in the dashboard: its syntax trees are walked.

What the server answers to a malformed request is for those who write programs, and English. It stands in modules of
``web`` that know nothing of a view.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dashboard

ROOM = Path(dashboard.__path__[0])
ASSETS = "".join((ROOM / "assets" / name).read_text(encoding="utf-8") for name in ("style.css", "app.js"))
CLASSES = frozenset(re.findall(r"[.#]([a-z][\w-]*)", ASSETS))
#: Two words beside each other, as no name, unit or id has; a format of dates and a code are in capitals.
WORDS = re.compile(r"[^\W\d_]{2,}[,;:.]? +[^\W\d_]?[a-zà-ÿ]+")
#: What begins so is for a machine: SQL, markup, a header or a policy of the browser, a list of fonts or of schemes.
FOR_MACHINES = re.compile(r"\s*(select |from |\"|text/|[a-z]+-src|<|public, |attachment; |width=|Inter, |light dark)")


def knows_a_reader(path: Path) -> bool:
    """It speaks to those who look at a page, and not to those who write requests."""
    return path.parent.name != "web" or "dashboard.view" in path.read_text(encoding="utf-8")


MODULES = sorted(path for path in ROOM.rglob("*.py") if not path.stem.startswith("texts") and knows_a_reader(path))


def parts(tree: ast.AST) -> Iterator[tuple[ast.Constant, tuple[ast.AST, ...]]]:
    """Every string of a tree, with what it stands in from the outside to the inside."""
    stack: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(tree, ())]
    while stack:
        node, around = stack.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node, around
        stack += [(child, (*around, node)) for child in ast.iter_child_nodes(node)]


def is_class(word: str) -> bool:
    """It is a class of the style sheet, or the beginning of one that is put together."""
    return word in CLASSES or (word.endswith("-") and any(name.startswith(word) for name in CLASSES))


def reaches_a_reader(text: ast.Constant, around: tuple[ast.AST, ...]) -> bool:
    """It is a sentence, by what it says and by where it stands."""
    value = str(text.value)
    words = re.findall(r"[\w-]+", value)
    if not WORDS.search(value) or FOR_MACHINES.match(value) or all(is_class(word) for word in words):
        return False
    if isinstance(around[-1], ast.Expr):  # says what a module, a class or a field is
        return False
    # Errors are the lake's and the developer's, in English; so is what the log says.
    return not any(
        isinstance(node, ast.Raise | ast.Assert | ast.Compare)
        or (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log."))
        for node in around
    )


def found(source: str) -> list[str]:
    return [str(text.value) for text, around in parts(ast.parse(source)) if reaches_a_reader(text, around)]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOM)))
def test_no_sentence_stands_elsewhere(module: Path) -> None:
    assert found(module.read_text(encoding="utf-8")) == []


def test_a_sentence_that_stands_elsewhere_is_found() -> None:
    assert found("html.P('No data here.')")
    assert found("text = f'{count} largest of all'")
    assert not found("def f():\n    'Says what it does.'\n    raise ValueError('not a day of mine')")
    assert not found("html.P(className='card-head muted')")
