"""The body of a callback, read before Dash reads it: what Dash could not make sense of is 400, and says why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from dashboard.web import App, Receive, Scope, Send

PATH = "/_dash-update-component"

Known = Mapping[str, Mapping[str, Any]]


class _Place(BaseModel):
    """A property of a component of the page."""

    model_config = ConfigDict(strict=True)
    id: str
    property: str


def _as_list(given: object) -> object:
    """Dash sends the place of a single output by itself."""
    return [given] if isinstance(given, dict) else given


class _Body(BaseModel):
    """What Dash's renderer sends; the values of the places are what the callback's own types are checked on."""

    model_config = ConfigDict(strict=True)
    output: str
    outputs: Annotated[list[_Place], BeforeValidator(_as_list)]
    inputs: list[_Place]
    state: list[_Place] = []
    changedPropIds: list[str] = []  # noqa: N815 (Dash's name)


class CallbackBodies:
    """Refuses the body of a callback that is no JSON, is not formed as Dash forms it, or asks for what nobody makes."""

    def __init__(self, app: App, known: Callable[[], Known]) -> None:
        """Wrap an application.

        Args:
            app: that has Dash's routes.
            known: the callbacks of the app as Dash keeps them, by output.
        """
        self.app, self.known = app, known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:  # the client has gone
            return
        kind = Headers(scope=scope).get("content-type", "")
        reason = self._unreadable(body) if kind.startswith("application/json") else "it is not said to be JSON"
        if reason:
            refusal = PlainTextResponse(f"No callback: {reason}.", HTTPStatus.BAD_REQUEST)
            await refusal(scope, receive, send)
            return
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again() -> MutableMapping[str, Any]:
            return next(given, None) or await receive()

        await self.app(scope, again, send)

    def _unreadable(self, body: bytes) -> str:
        """Why Dash cannot work with a body; empty if it can."""
        try:
            asked = _Body.model_validate(json.loads(body.decode()))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            return f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"
        except (ValueError, RecursionError):
            return "the body is no JSON"
        callback = self.known().get(asked.output, {})
        if "callback" not in callback:
            return "there is none with this output"
        for name, given in (("inputs", asked.inputs), ("state", asked.state)):
            if _named(given) != [(place["id"], place["property"]) for place in callback[name]]:
                return f"its {name} are others"
        if [f"{place.id}.{place.property}" for place in asked.outputs] != _outputs(asked.output):
            return "its outputs are others"
        return ""


async def _whole(receive: Receive) -> bytes | None:
    """The body of a request, which ``RequestLimits`` bounds; ``None`` if it did not come whole."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _named(places: Sequence[_Place]) -> list[tuple[str, str]]:
    return [(place.id, place.property) for place in places]


def _outputs(output: str) -> list[str]:
    """The places in Dash's name of a callback: ``a.b``, or ``..a.b...c.d..``; what follows an ``@`` keeps two apart."""
    many = output.startswith("..")
    return [part.partition("@")[0] for part in (output.strip(".").split("...") if many else [output])]
