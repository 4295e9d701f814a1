"""What the server says to requests that no page makes: never 500, never a page where there is none."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.serving import publish, running
from tests.unit.dashboard.asking import Answer, callback, post

PAGE = "overview-body"
VALUES = {"url.search": "?days=7", "scheme.data": "light", "snapshot.data": None}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(publish(tmp_path_factory.mktemp("asked"), days=20, scale=0.2)) as address:
        yield address


@pytest.mark.parametrize(
    "path",
    [
        "/_dash-component-suites/os/__init__.py",
        "/_dash-component-suites/dash/dash.py",
        "/_dash-component-suites/dash/../../etc/passwd",
        "/_dash-component-suites/dash/%2e%2e/%2e%2e/etc/passwd",
        "/_dash-component-suites/dash_mantine_components/",
        "/_dash-component-suites/dash_mantine_components/nothing.v1m1.js",
        "/_dash-component-suites/nothing/nothing.js",
        "/_dash-component-suites/",
        "/_dash-component-suites",
        "/_dash-config",
        "/_dash-",
        "/_dash",
        "/_dash-layout/",
        "/_dash-layout/more",
        "/export/",
        "/export/nonsense",
        "/export/nonsense/markets.csv",
        "/export/overview/nonsense.csv",
        "/export/overview/.csv",
        "/export/overview/markets",
        "/export/overview/markets.csv/",
        "/export/overview/..%2f..%2fx.csv",
        "/assets/nothing.js",
        "/assets/..%2fapp.py",
        "/healthz/",
        "/healthzz",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_there_is_404_and_not_the_page(address: str, path: str, method: str) -> None:
    answer = Answer(address, path, {}, method)
    assert answer.status == 404
    assert b"_dash-app-content" not in answer.content
    assert b"Traceback" not in answer.content


def test_files_of_components_are_there_before_any_page_was_asked_for(tmp_path: Path) -> None:
    with running(publish(tmp_path, days=0)) as fresh:
        assert Answer(fresh, "/_dash-component-suites/plotly/package_data/plotly.min.js", {}).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/usage",
        "/usage?days=7",
        "/healthz",
        "/export/overview/markets.csv",
        "/assets/style.css",
        "/_dash-layout",
        "/_dash-dependencies",
        "/_dash-component-suites/plotly/package_data/plotly.min.js",
    ],
)
def test_head_says_what_get_would_and_sends_no_body(address: str, path: str) -> None:
    get, head = Answer(address, path, {}), Answer(address, path, {}, "HEAD")
    assert (get.status, head.status) == (200, 200)
    assert head.content == b""
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["content-length"] == str(len(get.content))


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/healthz", "POST"),
        ("/export/overview/markets.csv", "DELETE"),
        ("/_dash-update-component", "GET"),
        ("/_dash-update-component", "HEAD"),
        ("/_dash-layout", "PUT"),
    ],
)
def test_another_method_is_405(address: str, path: str, method: str) -> None:
    assert Answer(address, path, {}, method).status == 405


def _without(name: str) -> Any:
    return lambda body: {key: value for key, value in body.items() if key != name}


def _with(**changed: Any) -> Any:
    return lambda body: body | changed


UNREADABLE = {
    "empty": b"",
    "a brace": b"{",
    "no JSON": b"days=7",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"output"',
    "a number": b"1e999",
    "an empty object": b"{}",
    "bad UTF-8": b'{"output": "\xff"}',
    "UTF-16": '{"output": "a.b"}'.encode("utf-16"),
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a deep value": b'{"output": "page.children", "inputs": ' + b"[" * 90_000 + b"]" * 90_000 + b"}",
    "a long number": b'{"output": ' + b"9" * 5_000 + b"}",
    "no output": _without("output"),
    "no inputs": _without("inputs"),
    "no outputs": _without("outputs"),
    "output null": _with(output=None),
    "output a list": _with(output=["page.children"]),
    "output an object": _with(output={"id": "page"}),
    "output unknown": _with(output="nothing.children"),
    "output of the browser's own": _with(output="shell.navbar"),
    "output very long": _with(output="a" * 100_000),
    "output dunder": _with(output="__class__"),
    "inputs null": _with(inputs=None),
    "inputs a text": _with(inputs="url.search"),
    "inputs an object": _with(inputs={"id": "url", "property": "search"}),
    "inputs empty": _with(inputs=[]),
    "inputs of others": _with(inputs=[{"id": "x", "property": "y", "value": 1}] * 3),
    "inputs of numbers": _with(inputs=[1, 2, 3]),
    "inputs of lists": _with(inputs=[[], [], []]),
    "inputs in lists": _with(inputs=[[{"id": "url", "property": "search"}]] * 3),
    "inputs without a property": _with(inputs=[{"id": "url"}] * 3),
    "inputs without an id": _with(inputs=[{"property": "search"}] * 3),
    "an input too many": lambda body: body | {"inputs": body["inputs"] * 2},
    "ids that are objects": _with(inputs=[{"id": {"a": 1}, "property": "b"}] * 3),
    "state null": _with(state=None),
    "state a text": _with(state="url"),
    "a state too many": _with(state=[{"id": "a", "property": "b", "value": 1}]),
    "outputs null": _with(outputs=None),
    "outputs a text": _with(outputs="page.children"),
    "outputs an object": _with(outputs={"id": "page", "property": "children"}),
    "outputs empty": _with(outputs=[]),
    "outputs of numbers": lambda body: body | {"outputs": [1] * len(body["outputs"])},
    "outputs of others": lambda body: body | {"outputs": [{"id": "x", "property": "y"}] * len(body["outputs"])},
    "an output too few": lambda body: body | {"outputs": body["outputs"][1:]},
    "changed null": _with(changedPropIds=None),
    "changed a text": _with(changedPropIds="url.search"),
    "changed numbers": _with(changedPropIds=[1, None, {}]),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_body_that_dash_cannot_read_is_400(address: str, case: str, caplog: pytest.LogCaptureFixture) -> None:
    made = UNREADABLE[case]
    body = made if isinstance(made, bytes) else json.dumps(made(callback(address, PAGE, VALUES))).encode()
    answer = post(address, body)
    assert answer.status == 400, answer.content
    assert answer.headers["content-type"].startswith("text/plain")
    assert "Traceback" not in caplog.text


def test_a_body_that_is_said_to_be_something_else_is_read_or_400(address: str) -> None:
    body = json.dumps(callback(address, PAGE, VALUES)).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        headers = {"Content-Type": kind, "Origin": address}
        assert Answer(address, "/_dash-update-component", headers, "POST", body).status == 400


def test_what_the_pages_send_is_answered(address: str) -> None:
    for outputs, values in (
        (PAGE, VALUES),
        ("usage-body", VALUES),
        ("page.children", {"url.pathname": "/", "presence.data": None, "url.search": ""}),
        ("stamp.children", {"tick.n_intervals": 3, "snapshot.data": "x", "presence.data": None}),
        ("filter-facts.data", {"snapshot.data": "x", "filter-facts.data": None}),
    ):
        answer = post(address, json.dumps(callback(address, outputs, values)).encode())
        assert answer.status == 200, answer.content
        assert b"data-error-id" not in answer.content


WRONG: list[Any] = [5, 1.5, True, [], ["?days=7"], [[]], {}, {"a": [1]}, {"search": "?"}]


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize(
    ("outputs", "place"),
    [
        (PAGE, "url.search"),
        (PAGE, "scheme.data"),
        ("usage-body", "url.search"),
        ("usage-body", "snapshot.data"),
        ("page.children", "url.pathname"),
        ("page.children", "url.search"),
        ("stamp.children", "snapshot.data"),
        ("filter-facts.data", "snapshot.data"),
        ("filter-facts.data", "filter-market.value"),
    ],
)
def test_a_value_of_the_wrong_type_is_a_sentence_and_one_line_in_the_log(
    address: str, outputs: str, place: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    if place == "filter-market.value" and isinstance(value, list) and all(isinstance(v, str) for v in value):
        pytest.skip("a list of texts is what this place takes")
    body = callback(address, outputs, VALUES | {"url.pathname": "/", place: value})
    answer = post(address, json.dumps(body).encode())
    assert answer.status == 200
    assert b"data-error-id" in answer.content
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1
    assert said[0].exc_info is None
    assert "\n" not in said[0].getMessage()


@pytest.mark.parametrize("value", [{}, {"values": None}, {"values": []}, {"values": {"market": 1}}], ids=repr)
def test_facts_of_another_making_are_made_anew(address: str, value: Any, caplog: pytest.LogCaptureFixture) -> None:
    body = callback(address, "filter-facts.data", {"snapshot.data": "x", "filter-facts.data": value})
    answer = post(address, json.dumps(body).encode())
    assert answer.status == 200
    assert b"data-error-id" not in answer.content
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
