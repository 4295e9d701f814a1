"""The frame around every page: navigation, header with freshness, theme and link, and where errors are said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboard.draw.markup import attrs
from dashboard.page import Page
from dashboard.view.reader import LANGUAGES, Reader
from dashboard.view.texts import Text
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


def shell(pages: Sequence[Page], snapshot: str, status: Status, reader: Reader) -> Any:
    """The layout that stays while pages come and go.

    Args:
        pages: in the order of the navigation.
        snapshot: which snapshot is read; figures are worked out anew when it changes.
        status: how fresh it is; pages are laid out anew when there are figures where there were none.
        reader: for whom.
    """
    say = reader.say
    header = dmc.AppShellHeader(
        html.Div(
            [
                dmc.Burger(
                    id="burger", opened=False, hiddenFrom="sm", size="sm", **attrs({"aria-label": say(Text.NAVIGATION)})
                ),
                html.H1("", id="title"),
                html.Div(stamp(status), id="stamp", className="header-stamp"),
                _settings(reader),
                _button(
                    "icon-theme",
                    {"auto": say(Text.AUTO), "light": say(Text.LIGHT), "dark": say(Text.DARK)},
                    **attrs({"data-theme-toggle": "", "aria-label": say(Text.THEME)}),
                ),
                _button(
                    "icon-link",
                    {"copy": say(Text.COPY_LINK), "copied": say(Text.COPIED)},
                    **attrs({"data-copy-link": "", "aria-label": say(Text.COPY_LINK_TO_VIEW)}),
                ),
            ],
            className="header",
        )
    )
    navbar = dmc.AppShellNavbar(
        [
            html.A(
                [html.Span(className="logo-mark"), html.Span("sill"), html.Span("age", className="logo-end")],
                href=f"/{reader.query}",
                className="logo soft",
                **attrs({"aria-label": say(Text.HOME)}),
            ),
            html.Div([_nav_link(page, reader) for page in pages], className="nav"),
        ],
        **attrs({"aria-label": say(Text.PAGES)}),
    )
    main = dmc.AppShellMain(
        html.Div(
            [
                html.Div(_offline(reader), className="offline-note", role="alert"),
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
            html.A(say(Text.SKIP), href="#main", className="skip"),
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="scheme"),
            dcc.Store(id="snapshot", data=snapshot),
            dcc.Store(id="presence", data=status.presence),
            dcc.Interval(id="tick", interval=_REFRESH_MS),
            html.Div(id="announce", className="visually-hidden", role="status", **attrs({"aria-live": "polite"})),
            dmc.DatesProvider(
                frame, settings={"locale": reader.language, "firstDayOfWeek": 0 if reader.month_first else 1}
            ),
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


def _nav_link(page: Page, reader: Reader) -> Any:
    return html.A(
        [
            html.Span(
                className="icon",
                style={"--mask": f'url("/assets/icons/{page.name}.svg")'},
                **attrs({"aria-hidden": "true"}),
            ),
            html.Span(reader.say(page.title), className="nav-text"),
        ],
        href=page.path,
        className="nav-link soft",
        **attrs({"data-page": page.path}),
    )


def _button(icon: str, labels: dict[str, str], **named: Any) -> Any:
    """A button with a picture and all that may stand on it; the style shows one, by the state of the page."""
    words = [html.Span(text, className=f"label-{state}") for state, text in labels.items()]
    return html.Button(
        [
            html.Span(className=f"icon {icon}", **attrs({"aria-hidden": "true"})),
            html.Span(words, className="header-label"),
        ],
        type="button",
        className="header-button",
        **named,
    )


def _settings(reader: Reader) -> Any:
    """Language and units, each choice a link to the same view; the script puts the address of the view into it."""
    say, units = reader.say, {"km": Text.KILOMETRES, "mi": Text.MILES}
    languages = [_setting("lang", tag, name, is_on=tag == reader.language) for tag, name in LANGUAGES.items()]
    distances = [_setting("units", name, say(text), is_on=name == reader.units) for name, text in units.items()]
    label = f"{reader.language.upper()} · {reader.units}"
    named = {"data-menu": "settings", "aria-haspopup": "dialog", "aria-expanded": "false"}
    named["aria-label"] = f"{label}: {say(Text.LANGUAGE_AND_UNITS)}"
    button = html.Button(
        [html.Span(reader.language.upper()), html.Span(f"· {reader.units}", className="header-label")],
        type="button",
        className="header-button",
        **attrs(named),
    )
    groups = [
        html.Div([html.Div(say(text), className="menu-head"), *links], role="group", **attrs({"aria-label": say(text)}))
        for text, links in ((Text.LANGUAGE, languages), (Text.DISTANCES, distances))
    ]
    return dmc.Popover(
        [
            dmc.PopoverTarget(button, boxWrapperProps={"className": "menu-target"}),
            dmc.PopoverDropdown(html.Div(groups, className="settings"), id="settings-menu"),
        ],
        position="bottom-end",
        shadow="sm",
        offset=6,
        trapFocus=True,
        returnFocus=True,
        transitionProps={"duration": 0},
    )


def _setting(name: str, value: str, words: str, *, is_on: bool) -> Any:
    named = {"data-setting": name, "data-value": value, "aria-current": str(is_on).lower()}
    if name == "lang":
        named["lang"] = value
    return html.A(words, href=f"?{name}={value}", className="setting", **attrs(named))


def _offline(reader: Reader) -> list[Any]:
    return [
        html.Span(f"{reader.say(Text.OFFLINE)} "),
        html.Button(reader.say(Text.TRY_AGAIN), type="button", className="action", **attrs({"data-reload": ""})),
    ]
