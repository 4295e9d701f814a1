"""The controls above a page. They only write the address; ``assets/app.js`` keeps the two in step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dashboard.draw.markup import attrs
from dashboard.view.address import COMPARE, DEFAULT_DAYS, DIMENSIONS, FILTERS, PRESETS, Catalogue, View, choices
from dashboard.view.faults import typed
from dashboard.view.names import some_of
from dashboard.view.published import Published

_PERIOD, _RANGE, _COMPARE = "filter-period", "filter-range", "filter-compare"


def filter_bar(view: View, catalogue: Catalogue) -> Any:
    """The filter bar as a view has it."""
    chosen = dict(view.chosen)
    return html.Div(
        [
            dcc.Store(id="filter-facts", data=_facts(catalogue)),
            html.Button(
                [html.Span(className="icon icon-filter"), html.Span("", id="filter-summary")],
                type="button",
                className="pill fold",
                **attrs({"data-fold": "filters", "aria-expanded": "false", "aria-controls": "filters"}),
            ),
            html.Div(
                [
                    _period(view, catalogue),
                    _compare(view),
                    *(_dimension(name, chosen.get(name, ()), catalogue) for name in DIMENSIONS),
                    html.A("Reset", href="?", className="pill reset soft", id="filter-reset"),
                ],
                id="filters",
                className="filters",
            ),
        ],
        className="filterbar",
        role="group",
        **attrs({"aria-label": "Filters"}),
    )


def _facts(catalogue: Catalogue) -> dict[str, Any]:
    """What the page's script knows of what can be chosen."""
    return {
        "first": catalogue.first.isoformat(),
        "last": catalogue.last.isoformat(),
        "default": DEFAULT_DAYS,
        "presets": list(PRESETS),
        "compare": COMPARE,
        "labels": dict(catalogue.labels),
        "values": {name: choices(catalogue, name) for name in FILTERS},
    }


def _period(view: View, catalogue: Catalogue) -> Any:
    presets = dmc.SegmentedControl(
        id=_PERIOD,
        data=[{"value": str(days), "label": f"{days} d"} for days in PRESETS],
        value=str(view.preset or ""),
        className="presets",
        transitionDuration=0,
        **attrs({"aria-label": "Period"}),
    )
    dates = dmc.DatePickerInput(
        id=_RANGE,
        type="range",
        value=[day.isoformat() for day in view.in_address],
        minDate=catalogue.first.isoformat(),
        maxDate=catalogue.last.isoformat(),
        valueFormat="D MMM YYYY",
        allowSingleDateInRange=True,
        numberOfColumns=2,
        firstDayOfWeek=1,
        className="range",
        variant="unstyled",
        **attrs({"aria-label": "Days"}),
    )
    return html.Div([presets, dates], className="pill group")


def _compare(view: View) -> Any:
    options = [dmc.Radio(label=label, value=value, size="sm") for value, label in COMPARE.items()]
    head = html.Span("Compare with", id=f"{_COMPARE}-label", className="visually-hidden")
    group = dmc.RadioGroup(options, id=_COMPARE, value=view.compare)
    return _menu("compare", "vs", COMPARE[view.compare], [head, group])


def _dimension(name: str, chosen: tuple[str, ...], catalogue: Catalogue) -> Any:
    label, values = catalogue.labels[name], choices(catalogue, name)
    return _menu(name, label, some_of(name, chosen) or f"all {len(values)}", _values(name, label, values, chosen))


def _values(name: str, label: str, values: Sequence[dict[str, str]], chosen: Sequence[str]) -> list[Any]:
    """What is in the menu of a dimension."""
    boxes = [dmc.Checkbox(label=choice["label"], value=choice["value"], size="sm") for choice in values]
    group = dmc.CheckboxGroup(boxes, id=f"filter-{name}", value=list(chosen))
    every = html.Button(
        "All",
        type="button",
        className="action",
        id=f"filter-{name}-all",
        **attrs({"aria-label": f"All values of {label}"}),
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
    """Address to controls, controls to address, both in the browser; and what can be chosen, from a newer snapshot."""
    _register_refresh(app, published)
    in_browser: Any = app.clientside_callback
    lists = [f"filter-{name}" for name in DIMENSIONS]
    texts = [f"filter-{name}-text" for name in ("compare", *DIMENSIONS)]
    in_browser(
        ClientsideFunction("sillage", "addressToControls"),
        Output(_PERIOD, "value"),
        Output(_RANGE, "value"),
        Output(_COMPARE, "value"),
        *[Output(name, "value") for name in lists],
        *[Output(name, "children") for name in texts],
        Output("filter-summary", "children"),
        Output("filter-reset", "className"),
        Output(_RANGE, "aria-label"),
        Input("url", "search"),
        Input("filter-facts", "data"),
    )
    in_browser(
        ClientsideFunction("sillage", "controlsToAddress"),
        Input(_PERIOD, "value"),
        Input(_RANGE, "value"),
        Input(_COMPARE, "value"),
        *[Input(name, "value") for name in lists],
        *[Input(f"{name}-all", "n_clicks") for name in lists],
        State("filter-facts", "data"),
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
        *[State(f"filter-{name}", "value") for name in DIMENSIONS],
        prevent_initial_call=True,
    )
    @typed
    def refresh(_snapshot: str | None, known: dict[str, Any] | None, *chosen: list[str] | None) -> list[Any]:
        with published.reading() as reading:
            catalogue = reading.catalogue
        if catalogue is None or known is None or (facts := _facts(catalogue)) == known:
            return [no_update] * (3 + len(DIMENSIONS))
        held = known.get("values")
        menus = [
            no_update
            if isinstance(held, dict) and facts["values"][name] == held.get(name)
            else _values(name, facts["labels"][name], facts["values"][name], some or ())
            for name, some in zip(DIMENSIONS, chosen, strict=True)
        ]
        return [facts, facts["first"], facts["last"], *menus]
