"""Signing in with a code that is typed on another device (RFC 8628, as Entra speaks it)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from bulkexo.sandbox.aadsts import Answer, refusal, refused
from bulkexo.sandbox.accounts import User

_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Of a user code: none that is taken for another."""


@dataclass(slots=True)
class _Waiting:
    """One sign-in. interval: seconds that must pass between polls. polled: when it was asked for last."""

    user_code: str
    client: str
    scope: str
    asked_since: int
    expires: float
    interval: int
    polled: float | None = None
    user: User | None = None
    denied: bool = False


class Devices:
    """The sign-ins that wait for a person. now: seconds since the epoch. approve: who signs in by himself."""

    def __init__(self, interval: int, lifetime: float) -> None:
        self._interval = interval
        self._lifetime = lifetime
        self._waiting: dict[str, _Waiting] = {}

    def begin(self, client: str, scope: str, asked_since: int, page: str, now: float) -> Answer:
        """The answer to a request for a code. page: where a person types it."""
        self._waiting = {code: each for code, each in self._waiting.items() if each.expires + 3600 > now}
        device_code = secrets.token_urlsafe(48)
        user_code = "".join(secrets.choice(_LETTERS) for _ in range(9))
        self._waiting[device_code] = _Waiting(
            user_code, client, scope, asked_since, now + self._lifetime, self._interval
        )
        return 200, {
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": page,
            "expires_in": int(self._lifetime),
            "interval": self._interval,
            "message": f"To sign in, use a web browser to open the page {page} and enter the code "
            f"{user_code} to authenticate.",
        }

    def find(self, user_code: str, now: float) -> bool:
        """Whether a sign-in waits for this code."""
        return self._by_user_code(user_code, now) is not None

    def approve(self, user_code: str, user: User, now: float) -> bool:
        """Let `user` sign in with this code; False if nobody waits for it."""
        waiting = self._by_user_code(user_code, now)
        if waiting is None:
            return False
        waiting.user = user
        return True

    def deny(self, user_code: str, now: float) -> bool:
        """The person says no; False if nobody waits for this code."""
        waiting = self._by_user_code(user_code, now)
        if waiting is None:
            return False
        waiting.denied = True
        return True

    def _by_user_code(self, user_code: str, now: float) -> _Waiting | None:
        typed = user_code.strip().upper()
        fits = (each for each in self._waiting.values() if each.user_code == typed and each.expires > now)
        return next(fits, None)

    def poll(self, device_code: str, client: str, approved: User | None, now: float) -> _Waiting | Answer:
        """What a poll finds: the sign-in of a person, or what to say. approved: who signs in without being
        asked; from the second poll on, so that clients learn to wait."""
        waiting = self._waiting.get(device_code)
        if waiting is None or waiting.client != client:
            return refusal(70018)
        if waiting.expires <= now:
            return refusal(70019)
        if waiting.denied:
            del self._waiting[device_code]
            return refused(
                400, "authorization_declined", 70000, "The end user denied the authorization request."
            )
        if waiting.user is None and waiting.polled is not None:
            waiting.user = approved
        if waiting.user is not None:
            del self._waiting[device_code]
            return waiting
        early = waiting.polled is not None and now < waiting.polled + waiting.interval - 1
        waiting.polled = now
        if early:
            waiting.interval += 5
            return refused(400, "slow_down", 70016, "The device polls too fast: wait longer between polls.")
        return refusal(70016)
