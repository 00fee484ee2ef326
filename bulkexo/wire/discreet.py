"""Answers without the secrets of what was sent, should the service quote them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace

from bulkexo.model import Failure
from bulkexo.redact import blot, cut_off
from bulkexo.wire.batch import Answer, Heard
from bulkexo.wire.errors import TEXT_LIMIT
from bulkexo.wire.verdict import Verdict


def discreet_text(heard: Heard, secrets: Sequence[str]) -> Heard:
    """An answer whose body is a text without them; of a text only a part is shown, and that might end in the
    middle of one."""
    if isinstance(heard, Answer) and isinstance(heard.body, str):
        return replace(heard, body=blot(heard.body, secrets))
    return heard


def discreet(verdict: Verdict, secrets: Sequence[str]) -> Verdict:
    """A verdict without them. Its link stays as it is: it is sent to the service, and shown nowhere."""
    error = verdict.failure
    if error is not None:
        whole = (
            error
            if len(error.message) < TEXT_LIMIT
            else replace(error, message=cut_off(error.message, secrets))
        )
        error = Failure(*(blot(text, secrets) for text in astuple(whole)))
    return replace(
        verdict,
        value=blot(verdict.value, secrets),
        warnings=blot(verdict.warnings, secrets),
        failure=error,
        request_id=blot(verdict.request_id, secrets),
    )
