"""Templates fill in names and do nothing else."""

import pytest
from hypothesis import given, strategies as st

from recallgate.text.template import MAX_OUTPUT, TemplateError, render, variables_of


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("", ""),
        ("no names", "no names"),
        ("Hi {{ name }}!", "Hi Ada!"),
        ("{{name}}{{ n }}", "Ada7"),
        ("{{ name | upper }} {{ name|lower }} [{{ padded | trim }}]", "ADA ada [x]"),
        ('{{ missing | default("friend") }}', "friend"),
        ("{{ empty | default('friend') }}", "friend"),
        ('{{ none | default("") }}|', "|"),
        ('{{ missing | default("x") | upper }}', "X"),
        ('{{ name | default("}}") }}', "Ada"),
        ('{{ missing | default("}}") }}', "}}"),
        ("{{ order.id }}", "A-1"),
        ("{{ 名字 }}", "小明"),
        ("{ name } {% if x %}", "{ name } {% if x %}"),
        ("{{ empty }}|", "|"),
    ],
)
def test_names_are_filled_in(template: str, expected: str) -> None:
    values = {"name": "Ada", "n": 7, "padded": " x ", "empty": "", "none": None, "order.id": "A-1", "名字": "小明"}

    assert render(template, values) == expected


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{{ who }}", "variable who is missing"),
        ("{{ none }}", "variable none is None"),
        ("{{ name", "name is not followed"),
        ("{{ }}", "no variable name"),
        ("{{ 1 + 1 }}", "no variable name"),
        ("{{ name.__class__() }}", "not followed"),
        ("{{ name | shout }}", "filter shout of name is unknown"),
        ("{{ name | default }}", "default takes a quoted text"),
        ('{{ name | upper("x") }}', "default takes a quoted text"),
        ("name }}", "stray"),
        ("a }} {{ name }}", "stray"),
        ("{{ {{ name }} }}", "no variable name"),
    ],
)
def test_a_fault_names_the_place_and_never_a_value(template: str, fault: str) -> None:
    with pytest.raises(TemplateError, match=fault) as caught:
        render(template, {"name": "s3cret", "none": None})

    assert "s3cret" not in str(caught.value)


def test_attributes_are_not_looked_up() -> None:
    with pytest.raises(TemplateError, match=r"name\.upper is missing"):
        render("{{ name.upper }}", {"name": "Ada"})


@given(st.text(max_size=60))
def test_what_is_filled_in_is_never_read_again(value: str) -> None:
    assert render("<{{ name }}>", {"name": value, "secret": "x"}) == f"<{value}>"


def test_the_output_is_capped() -> None:
    assert len(render("{{ a }}", {"a": "x" * MAX_OUTPUT})) == MAX_OUTPUT
    with pytest.raises(TemplateError, match="20000"):
        render("{{ a }}", {"a": "x" * (MAX_OUTPUT + 1)})
    with pytest.raises(TemplateError, match="20000"):
        render("{{ a }}" * 30, {"a": "x" * 1000})


def test_the_names_of_a_template_are_listed_once_in_order() -> None:
    assert variables_of('{{ b }} {{ a | upper }} {{ b }} {{ c | default("d") }}') == ("b", "a", "c")
