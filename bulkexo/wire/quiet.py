"""The usual reply to a batch of changes, read as a whole: every cmdlet ran, and none had anything to say.

What is written here says nothing of its own: `unpack` and `judge` come to the same, a call at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bulkexo.wire.batch import BATCH_LIMIT, Heard
from bulkexo.wire.message import Lost
from bulkexo.wire.verdict import OK, Action, Verdict, says_nothing

PLACES = {str(number): number - 1 for number in range(1, BATCH_LIMIT + 1)}


def quiet(whole: Heard, count: int) -> list[Verdict] | None:
    """The verdicts on the `count` calls of a batch, in the order in which they were packed; None if there is
    more to be told of any."""
    if isinstance(whole, Lost) or whole.body.__class__ is not dict or not 200 <= whole.status < 300:
        return None
    responses = whole.body.get("responses")
    if responses.__class__ is not list or not len(responses) == count > 1:
        return None
    try:
        ids = _ids(responses)
    except RecursionError:
        return None
    if ids is None:
        return None
    return [Verdict(Action.DONE, OK, [], [], None, None, request_id) for request_id in ids]


def _ids(responses: Sequence[Any]) -> list[str] | None:
    """The service's ids of its answers, in the order of the calls; None if one of these is not quiet."""
    count = len(responses)
    ids = [""] * count
    names: tuple[str, ...] = ()
    named = said = None
    for response in responses:
        if response.__class__ is not dict or (number := response.get("id")).__class__ is not str:
            return None
        headers, body, status = response.get("headers"), response.get("body"), response.get("status")
        if headers.__class__ is not dict or status.__class__ is not int or status != OK:
            return None
        if (order := tuple(headers)) != names:  # the same of all, as a rule
            names, named = order, _named(order)
        if body != said:  # likewise
            if not says_nothing(body):
                return None
            said = body
        request_id, place = headers.get(named), PLACES.get(number, count)
        if request_id.__class__ is not str or not request_id or place >= count or ids[place]:
            return None
        ids[place] = request_id
    return ids


def _named(names: Sequence[str]) -> str | None:
    """As what the service's id of a request stands among these headers; None if it does not, or others tell
    more."""
    lowered = {name.lower(): name for name in names}
    if "x-warnings" in lowered or len(lowered) != len(names):
        return None
    return lowered.get("request-id")
