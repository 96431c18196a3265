"""Who runs this server, and what only they may do on its pages."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.card import ModelCard
from engine.core.settings import Settings


@dataclass(frozen=True)
class Person:
    """Who sits in front of a page: ``user`` as signed in (empty = nobody is), ``address`` of their machine where it is known, and whether
    they are ``local``: on the machine of a server that listens there only, and not behind a proxy.
    """

    user: str = ""
    address: str = ""
    local: bool = False

    @property
    def name(self) -> str:
        """What their visits have in common; empty where nothing is known."""
        return f"user {self.user.casefold()}" if self.user else f"address {self.address}" if self.address else ""


def is_operator(settings: Settings, person: Person) -> bool:
    """Whether they are signed in as one of the setting ``operators``."""
    names = {name.strip().casefold() for name in settings.operators.split(",")} - {""}
    return person.user.strip().casefold() in names


def may_see_status(settings: Settings, person: Person) -> bool:
    """Whether the page about the server itself is theirs."""
    return person.local or is_operator(settings, person)


def cannot_install(settings: Settings, person: Person, card: ModelCard) -> str:
    """Why they cannot install a model or accept its terms on a page, in one sentence; empty where they can."""
    rule = settings.install or ("anyone" if person.local else "operator")
    if rule == "anyone" or (rule == "operator" and is_operator(settings, person)):
        return ""
    if rule == "off":
        return f"Nothing is installed through the pages of this server; its command line can: python -m engine install {card.id}."
    return (
        f"Models of this server are installed, their terms accepted and their keys given by whoever runs it; ask them for {card.title} "
        f"(their command: python -m engine install {card.id})."
    )
