"""The controls above a page. They write the address, in the browser; what an address says, only the server knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dashboard.draw.markup import attrs
from dashboard.view import wording
from dashboard.view.address import COMPARE, DEFAULT_DAYS, DIMENSIONS, PRESETS, Catalogue, View, choices, parse
from dashboard.view.faults import typed
from dashboard.view.names import some_of
from dashboard.view.published import Published
from dashboard.view.reader import Reader, asking
from dashboard.view.texts import Text

_PERIOD, _RANGE, _COMPARE = "filter-period", "filter-range", "filter-compare"


def filter_bar(view: View, catalogue: Catalogue) -> Any:
    """The filter bar as a view has it."""
    chosen, say = dict(view.chosen), view.reader.say
    return html.Div(
        [
            dcc.Store(id="filter-facts", data=_facts(catalogue, view.reader)),
            dcc.Store(id="filter-view", data=_told(view)),
            html.Button(
                [html.Span(className="icon icon-filter"), html.Span(_summary(view, catalogue), id="filter-summary")],
                type="button",
                className="pill fold",
                **attrs({"data-fold": "filters", "aria-expanded": "false", "aria-controls": "filters"}),
            ),
            html.Div(
                [
                    _period(view, catalogue),
                    _compare(view),
                    *(_dimension(view, name, chosen.get(name, ()), catalogue) for name in DIMENSIONS),
                    html.A(say(Text.RESET), href=view.reset, className=_reset(view), id="filter-reset"),
                ],
                id="filters",
                className="filters",
            ),
        ],
        className="filterbar",
        role="group",
        **attrs({"aria-label": say(Text.FILTERS)}),
    )


def _facts(catalogue: Catalogue, reader: Reader) -> dict[str, Any]:
    """What the page's script knows of what can be chosen."""
    return {
        "first": catalogue.first.isoformat(),
        "last": catalogue.last.isoformat(),
        "default": DEFAULT_DAYS,
        "dimensions": list(DIMENSIONS),
        "values": {name: choices(catalogue, name, reader) for name in DIMENSIONS},
    }


def _told(view: View) -> dict[str, Any]:
    """What the page's script knows of the view that the address says, to write the next one."""
    chosen = dict(view.chosen)
    return {
        "preset": view.preset,
        "first": view.in_address[0].isoformat(),
        "last": view.in_address[1].isoformat(),
        "compare": view.compare,
        "chosen": {name: list(chosen.get(name, ())) for name in DIMENSIONS},
        "own": [list(pair) for pair in view.own],
    }


def _summary(view: View, catalogue: Catalogue) -> str:
    """The view in words, for the folded bar of a phone."""
    say = view.reader.say
    days = wording.days(view.reader, *view.in_address)
    period = days if view.preset is None else say(Text.DAYS_SHORT, view.preset)
    against = [] if view.compare == "none" else [say(Text.VERSUS, what=say(COMPARE[view.compare]))]
    active = [
        f"{catalogue.labels.get(name, name)} {some_of(view.reader, name, values)}"
        for name, values in view.chosen
        if values
    ]
    return " · ".join([period, *against, *(active or [say(Text.ALL_VEHICLES)])])


def _reset(view: View) -> str:
    is_default = view.preset == DEFAULT_DAYS and view.compare == "previous" and not view.chosen
    return f"pill reset soft{' off' if is_default else ''}"


def _days_label(view: View) -> str:
    """As the field writes them: a name holds what is seen."""
    first, last = (wording.day(view.reader, day) for day in view.in_address)
    return view.reader.say(Text.DAYS_FROM_TO, days=f"{first} {wording.DASH} {last}")


def _text(reader: Reader, name: str, chosen: tuple[str, ...], catalogue: Catalogue) -> str:
    return some_of(reader, name, chosen) or reader.say(Text.ALL_OF_THEM, len(catalogue.values.get(name, ())))


def _period(view: View, catalogue: Catalogue) -> Any:
    say = view.reader.say
    presets = dmc.SegmentedControl(
        id=_PERIOD,
        data=[{"value": str(days), "label": say(Text.DAYS_SHORT, days)} for days in PRESETS],
        value=str(view.preset or ""),
        className="presets",
        transitionDuration=0,
        **attrs({"aria-label": say(Text.PERIOD)}),
    )
    dates = dmc.DatePickerInput(
        id=_RANGE,
        type="range",
        value=[day.isoformat() for day in view.in_address],
        minDate=catalogue.first.isoformat(),
        maxDate=catalogue.last.isoformat(),
        valueFormat="MMM D, YYYY" if view.reader.month_first else "D MMM YYYY",
        allowSingleDateInRange=True,
        numberOfColumns=2,
        firstDayOfWeek=1,
        className="range",
        variant="unstyled",
        **attrs({"aria-label": _days_label(view)}),
    )
    return html.Div([presets, dates], className="pill group")


def _compare(view: View) -> Any:
    say = view.reader.say
    options = [dmc.Radio(label=say(label), value=value, size="sm") for value, label in COMPARE.items()]
    head = html.Span(say(Text.COMPARE_WITH), id=f"{_COMPARE}-label", className="visually-hidden")
    group = dmc.RadioGroup(options, id=_COMPARE, value=view.compare)
    return _menu("compare", say(Text.VERSUS_ALONE), say(COMPARE[view.compare]), [head, group])


def _dimension(view: View, name: str, chosen: tuple[str, ...], catalogue: Catalogue) -> Any:
    reader, label = view.reader, catalogue.labels[name]
    menu = _values(reader, name, label, choices(catalogue, name, reader), chosen)
    return _menu(name, label, _text(reader, name, chosen, catalogue), menu)


def _values(
    reader: Reader, name: str, label: str, values: Sequence[dict[str, str]], chosen: Sequence[str]
) -> list[Any]:
    """What is in the menu of a dimension."""
    boxes = [dmc.Checkbox(label=choice["label"], value=choice["value"], size="sm") for choice in values]
    group = dmc.CheckboxGroup(boxes, id=f"filter-{name}", value=list(chosen))
    every = html.Button(
        reader.say(Text.ALL),
        type="button",
        className="action",
        id=f"filter-{name}-all",
        **attrs({"aria-label": reader.say(Text.ALL_VALUES_OF, label=label)}),
    )
    head = html.Div([html.Span(label, id=f"filter-{name}-label"), every], className="menu-head")
    return [head, html.Div(group, className="menu-list")]


def _menu(name: str, label: str, value: str, content: Any) -> Any:
    button = html.Button(
        [html.Span(f"{label} "), html.B(value, id=f"filter-{name}-text"), html.Span(className="icon icon-caret")],
        type="button",
        className="pill",
        **attrs({"data-menu": name, "aria-haspopup": "dialog", "aria-expanded": "false"}),
    )
    return dmc.Popover(
        [
            dmc.PopoverTarget(button, boxWrapperProps={"className": "menu-target"}),
            dmc.PopoverDropdown(content, id=f"filter-{name}-menu"),
        ],
        position="bottom-start",
        shadow="sm",
        offset=6,
        trapFocus=True,
        returnFocus=True,
        transitionProps={"duration": 0},
    )


def register_callbacks(app: Dash, published: Published) -> None:
    """Address to controls by the server, controls to address in the browser, and what can be chosen."""
    _register_refresh(app, published)
    lists = [f"filter-{name}" for name in DIMENSIONS]
    texts = [f"filter-{name}-text" for name in ("compare", *DIMENSIONS)]

    @app.callback(
        Output(_PERIOD, "value"),
        Output(_RANGE, "value"),
        Output(_COMPARE, "value"),
        *[Output(name, "value") for name in lists],
        *[Output(name, "children") for name in texts],
        Output("filter-summary", "children"),
        Output("filter-reset", "className"),
        Output(_RANGE, "aria-label"),
        Output("filter-view", "data"),
        Input("url", "search"),
        Input("filter-facts", "data"),
        prevent_initial_call=True,
    )
    @typed
    def controls(search: str | None, _facts: dict[str, Any] | None) -> list[Any]:
        reader = asking(search)
        with published.reading(reader) as reading:
            catalogue = reading.catalogue
        if catalogue is None:
            return [no_update] * (7 + len(lists) + len(texts))
        view, _ = parse(search, catalogue, reader=reader)
        chosen = dict(view.chosen)
        period = [str(view.preset or ""), [day.isoformat() for day in view.in_address], view.compare]
        words = [
            reader.say(COMPARE[view.compare]),
            *(_text(reader, name, chosen.get(name, ()), catalogue) for name in DIMENSIONS),
        ]
        values = [list(chosen.get(name, ())) for name in DIMENSIONS]
        return [*period, *values, *words, _summary(view, catalogue), _reset(view), _days_label(view), _told(view)]

    in_browser: Any = app.clientside_callback
    in_browser(
        ClientsideFunction("sillage", "controlsToAddress"),
        Input(_PERIOD, "value"),
        Input(_RANGE, "value"),
        Input(_COMPARE, "value"),
        *[Input(name, "value") for name in lists],
        *[Input(f"{name}-all", "n_clicks") for name in lists],
        State("filter-facts", "data"),
        State("filter-view", "data"),
        prevent_initial_call=True,
    )


def _register_refresh(app: Dash, published: Published) -> None:
    """A newer snapshot may end later and hold more values: the controls follow where they are.

    What is in a menu is replaced as a whole: Dash draws a part of one that is closed as it was before.
    """

    @app.callback(
        Output("filter-facts", "data"),
        Output(_RANGE, "minDate"),
        Output(_RANGE, "maxDate"),
        *[Output(f"filter-{name}-menu", "children") for name in DIMENSIONS],
        Input("snapshot", "data"),
        State("filter-facts", "data"),
        State("url", "search"),
        *[State(f"filter-{name}", "value") for name in DIMENSIONS],
        prevent_initial_call=True,
    )
    @typed
    def refresh(
        _snapshot: str | None, known: dict[str, Any] | None, search: str | None, *chosen: list[str] | None
    ) -> list[Any]:
        reader = asking(search)
        with published.reading(reader) as reading:
            catalogue = reading.catalogue
        if catalogue is None or known is None or (facts := _facts(catalogue, reader)) == known:
            return [no_update] * (3 + len(DIMENSIONS))
        held = known.get("values")
        menus = [
            no_update
            if isinstance(held, dict) and facts["values"][name] == held.get(name)
            else _values(reader, name, catalogue.labels[name], facts["values"][name], some or ())
            for name, some in zip(DIMENSIONS, chosen, strict=True)
        ]
        return [facts, facts["first"], facts["last"], *menus]
