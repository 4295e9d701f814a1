"""The frame around every page: navigation, header with freshness, theme and link, and where errors are said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboard.draw.markup import attrs
from dashboard.page import Page
from dashboard.web.status import Status, stamp

_REFRESH_MS = 30_000
_TEAL = [
    "#e6f4f4", "#cfe7e8", "#9fd0d3", "#6cb7bb", "#44a2a8", "#2c949a", "#1c8c93", "#0b6e74", "#08636a", "#04565c",
]  # fmt: skip
_THEME = {
    "primaryColor": "teal",
    "primaryShade": {"light": 7, "dark": 3},
    "colors": {"teal": _TEAL},
    "fontFamily": "var(--font)",
    "defaultRadius": "sm",
    "cursorType": "pointer",
    "respectReducedMotion": True,
}


def shell(pages: Sequence[Page], snapshot: str, status: Status) -> Any:
    """The layout that stays while pages come and go.

    Args:
        pages: in the order of the navigation.
        snapshot: which snapshot is read; figures are worked out anew when it changes.
        status: how fresh it is; pages are laid out anew when there are figures where there were none.
    """
    header = dmc.AppShellHeader(
        html.Div(
            [
                dmc.Burger(
                    id="burger", opened=False, hiddenFrom="sm", size="sm", **attrs({"aria-label": "Navigation"})
                ),
                html.H1("", id="title"),
                html.Div(stamp(status), id="stamp", className="header-stamp"),
                _button("icon-theme", "theme-label", **attrs({"data-theme-toggle": "", "aria-label": "Theme"})),
                _button(
                    "icon-link",
                    "copy-label",
                    **attrs({"data-copy-link": "", "aria-label": "Copy link to this view"}),
                ),
            ],
            className="header",
        )
    )
    navbar = dmc.AppShellNavbar(
        [
            html.A(
                [html.Span(className="logo-mark"), html.Span("sill"), html.Span("age", className="logo-end")],
                href="/",
                className="logo soft",
                **attrs({"aria-label": "Sillage, overview"}),
            ),
            html.Div([_nav_link(page) for page in pages], className="nav"),
        ],
        **attrs({"aria-label": "Pages"}),
    )
    main = dmc.AppShellMain(
        html.Div(
            [
                html.Div(_offline(), className="offline-note", role="alert"),
                html.Div(id="error", role="alert"),
                html.Div(id="page", className="page"),
            ],
            id="main",
            tabIndex=-1,
        )
    )
    frame = dmc.AppShell(
        [header, navbar, main],
        id="shell",
        layout="alt",
        padding=0,
        header={"height": 52},
        navbar={"width": 188, "breakpoint": "sm", "collapsed": {"mobile": True}},
        transitionDuration=0,
    )
    return dmc.MantineProvider(
        [
            html.A("Skip to the figures", href="#main", className="skip"),
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="scheme"),
            dcc.Store(id="snapshot", data=snapshot),
            dcc.Store(id="presence", data=status.presence),
            dcc.Interval(id="tick", interval=_REFRESH_MS),
            html.Div(id="announce", className="visually-hidden", role="status", **attrs({"aria-live": "polite"})),
            frame,
        ],
        theme=_THEME,
        defaultColorScheme="auto",
    )


def register_callbacks(app: Dash) -> None:
    """The frame's own callbacks, all in the browser."""
    in_browser: Any = app.clientside_callback
    in_browser(
        ClientsideFunction("sillage", "navigation"),
        Output("announce", "className"),
        Output("error", "children", allow_duplicate=True),
        Output("burger", "opened"),
        Input("url", "pathname"),
        Input("url", "search"),
        prevent_initial_call="initial_duplicate",
    )
    in_browser(
        ClientsideFunction("sillage", "burger"),
        Output("shell", "navbar"),
        Input("burger", "opened"),
        State("shell", "navbar"),
    )
    in_browser(ClientsideFunction("sillage", "scheme"), Output("scheme", "data"), Input("tick", "id"))


def _nav_link(page: Page) -> Any:
    return html.A(
        [
            html.Span(
                className="icon",
                style={"--mask": f'url("/assets/icons/{page.name}.svg")'},
                **attrs({"aria-hidden": "true"}),
            ),
            html.Span(page.title, className="nav-text"),
        ],
        href=page.path,
        className="nav-link soft",
        **attrs({"data-page": page.path}),
    )


def _button(icon: str, label: str, **named: Any) -> Any:
    return html.Button(
        [html.Span(className=f"icon {icon}", **attrs({"aria-hidden": "true"})), html.Span(className=label)],
        type="button",
        className="header-button",
        **named,
    )


def _offline() -> list[Any]:
    return [
        html.Span("The server does not answer; the figures below are the last it gave. "),
        html.Button("Try again", type="button", className="action", **attrs({"data-reload": ""})),
    ]
