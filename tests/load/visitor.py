"""One visitor without a browser: Streamlit's messages over a websocket, as the browser's script would send and answer them.

A run of the page is asked for once; the fragments that the page wants to run again by themselves are asked for at their intervals; large
messages that arrived once come as a reference afterwards, because their hashes are told with each request.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.load.reading import Reading


@dataclass
class Visit:
    """What one visitor asked and when it saw what: seconds after its arrival, None = never."""

    sequence: str
    long: bool = False
    browser: bool = False
    page: float | None = None
    first_map: float | None = None
    whole_map: float | None = None
    finished: float | None = None
    closed_by_server: bool = False
    received_bytes: int = 0
    polls: int = 0
    reading: Reading = field(default_factory=Reading)

    @property
    def refused(self) -> bool:
        """Whether anything it asked for was refused or went wrong."""
        return bool(self.reading.problems) or self.reading.lacks_panels or self.closed_by_server

    def note(self, seconds: float) -> None:
        """Remember when what is on screen came there."""
        if self.first_map is None and self.reading.maps:
            self.first_map = seconds
        if self.whole_map is None and self.reading.whole_map:
            self.whole_map = seconds
        if self.finished is None and self.reading.finished:
            self.finished = seconds


class WebsocketVisitor:
    """Visits ``address`` with a sequence in the query, and stays until it is told to go."""

    def __init__(self, address: str, visit: Visit) -> None:
        self._address = address
        self.visit = visit
        self._known: dict[str, ForwardMsg] = {}
        self._polls: dict[str, tuple[float, asyncio.Task[None]]] = {}
        self._page_hash = ""
        self._session = ""
        self._query = urllib.parse.urlencode({"sequence": visit.sequence})

    async def stay(self, seconds: float, leave: Callable[[], bool]) -> Visit:
        """Ask, follow and leave: after ``seconds``, or as soon as ``leave()``."""
        began = time.monotonic()
        stream = self._address.replace("http", "ws", 1) + "/_stcore/stream"
        try:
            async with (
                asyncio.timeout(seconds),
                websockets.connect(
                    stream, subprotocols=self._subprotocols(), origin=self._address, max_size=None, open_timeout=seconds
                ) as socket,
            ):
                await self._ask(socket)
                while not leave() and time.monotonic() - began < seconds:  # a deadline that meets `wait_for`'s own is lost in Python 3.11
                    with contextlib.suppress(TimeoutError):
                        data = await asyncio.wait_for(socket.recv(decode=False), 0.5)
                        self.visit.received_bytes += len(data)
                        await self._receive(socket, ForwardMsg.FromString(data), time.monotonic() - began)
        except TimeoutError:
            pass
        except (OSError, websockets.WebSocketException):
            self.visit.closed_by_server = True
        finally:
            self._forget_polls()
        return self.visit

    def _subprotocols(self) -> list[websockets.Subprotocol]:
        """The protocol, a token that is not needed here, and the session of an earlier connection, which then goes on."""
        names = ["streamlit", "none", self._session] if self._session else ["streamlit"]
        return [websockets.Subprotocol(name) for name in names]

    async def _ask(self, socket: websockets.ClientConnection, fragment: str = "", pressed: str = "") -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self._query, self._page_hash
        state.cached_message_hashes.extend(self._known)
        state.context_info.url = self._address
        if fragment:
            state.fragment_id, state.is_auto_rerun = fragment, True
        if pressed:
            state.widget_states.widgets.add(id=pressed, trigger_value=True)
        await socket.send(message.SerializeToString())

    async def _receive(self, socket: websockets.ClientConnection, message: ForwardMsg, seconds: float) -> None:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            message = self._known[message.ref_hash]
        elif message.metadata.cacheable:
            self._known[message.hash] = message
        if kind == "new_session":
            self._page_hash = message.new_session.page_script_hash
            self._session = message.new_session.initialize.session_id
            if not message.metadata.run.fragment_ids:  # a run of the whole page
                self._forget_polls()
        elif kind == "auto_rerun":
            self._poll(socket, message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for name in message.stop_auto_rerun.fragment_ids:
                self._forget_poll(name)
        elif kind == "script_finished":
            if self.visit.page is None and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                self.visit.page = seconds
                if self.visit.reading.start_button:
                    await self._ask(socket, pressed=self.visit.reading.start_button)
        else:
            self.visit.reading.read(message)
            self.visit.note(seconds)

    def _poll(self, socket: websockets.ClientConnection, fragment: str, interval: float) -> None:
        if fragment in self._polls and self._polls[fragment][0] == interval:
            return
        self._forget_poll(fragment)

        async def again() -> None:
            while True:
                await asyncio.sleep(interval)
                self.visit.polls += 1
                await self._ask(socket, fragment)

        self._polls[fragment] = (interval, asyncio.create_task(again()))

    def _forget_polls(self) -> None:
        for name in list(self._polls):
            self._forget_poll(name)

    def _forget_poll(self, fragment: str) -> None:
        known = self._polls.pop(fragment, None)
        if known is not None:
            known[1].cancel()
