"""Text from outside goes through one function: what it makes of signs, and that no page goes around it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from engine.core.typography import folded
from pages._ui.text import JOINER, plain

PAGES = sorted((Path(__file__).resolve().parents[2] / "pages").rglob("*.py"))
BOXES = frozenset({"error", "warning", "info", "success", "exception"})
MARKDOWN = frozenset(
    {
        "markdown",
        "caption",
        "subheader",
        "header",
        "title",
        "button",
        "checkbox",
        "toggle",
        "radio",
        "progress",
        "popover",
        "expander",
        "badge",
        "toast",
        "link_button",
        "write",
        "metric",
    }
)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("A and B, 5-2 (1,234)!", "A and B, 5-2 (1,234)!"),
        ("[a](b)", "\\[a\\](b)"),
        ("a_b*c`d", "a\\_b\\*c\\`d"),
        ("x\n\n y\t z", "x y z"),
        ("1. x", "1\\. x"),
        ("- x", "\\- x"),
        ("R64:chrIV:1-2", "R64\\:chrIV\\:1-2"),
        ("http://a", f"http\\:{JOINER}//a"),
        ("me@b.c", f"me{JOINER}@b.c"),
    ],
)
def test_signs_of_markdown_are_escaped_and_others_stay(text: str, markdown: str) -> None:
    assert plain(text) == markdown


def test_the_joiner_is_left_out_again_when_it_is_pasted_into_the_box() -> None:
    assert folded(f"chr1{JOINER}:1-2") == "chr1:1-2"


def streamlit_calls(path: Path) -> list[tuple[str, ast.Call]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BOXES | MARKDOWN:
            found.append((node.func.attr, node))
    return found


OUTSIDE = frozenset(
    {"name", "note", "notes", "problem", "problems", "why_not", "gene", "consequence", "text", "message", "identifier", "error", "variant"}
)
"""What an attribute or a variable is called that may hold text from outside."""


def outside_parts(node: ast.AST) -> list[str]:
    """Parts of an expression that may hold text from outside and did not go through `plain`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "plain":
        return []
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        return []  # a number
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return outside_parts(node.elt)
    found = []
    if isinstance(node, ast.Attribute) and (node.attr in OUTSIDE or ast.unparse(node) in ("shown.title", "card.title", "row.card.title")):
        found.append(ast.unparse(node))
    if isinstance(node, ast.Name) and node.id in OUTSIDE:
        found.append(node.id)
    return found + [part for child in ast.iter_child_nodes(node) for part in outside_parts(child)]


def shown_texts(name: str, call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that Streamlit reads as Markdown."""
    first = call.args[1:2] if name == "progress" else call.args[:1]
    return [*first, *(word.value for word in call.keywords if word.arg in ("text", "help", "label", "body"))]


@pytest.mark.parametrize("path", [path for path in PAGES if path.name != "text.py"], ids=lambda path: path.name)
def test_no_page_shows_text_that_did_not_go_through_plain(path: Path) -> None:
    for name, call in streamlit_calls(path):
        for text in shown_texts(name, call):
            where = f"{path.name}:{call.lineno} shows {ast.unparse(text)}"
            if name in BOXES:
                assert isinstance(text, ast.Constant | ast.JoinedStr), f"{where}; use show_{name}"
            assert not outside_parts(text), f"{where}; {outside_parts(text)} may come from outside, use plain"


def test_the_check_finds_what_it_is_for() -> None:
    for source in (
        "st.error(str(error))",
        "st.markdown(f'**{shown.title}**')",
        "st.caption(row.note)",
        "st.button(record.name)",
        "st.progress(0.5, text=job.note)",
    ):
        call = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
        assert any(outside_parts(text) for text in shown_texts(call.func.attr, call)), source  # type: ignore[attr-defined]
    assert outside_parts(ast.parse("f'{plain(shown.title)} {count:,}'")) == []
