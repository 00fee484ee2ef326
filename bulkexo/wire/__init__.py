"""The service's language, without I/O: cmdlets to bytes, replies to verdicts.

Floor 1: knows nothing of files, clocks or sockets. Facts come from protocol.md; each doubtful one is
in one place only.
"""

from bulkexo.wire.batch import Answer, pack, unpack
from bulkexo.wire.doors import Call
from bulkexo.wire.message import Lost, Reply, Request, Service
from bulkexo.wire.verdict import Action, Verdict, judge

__all__ = [
    "Action",
    "Answer",
    "Call",
    "Lost",
    "Reply",
    "Request",
    "Service",
    "Verdict",
    "judge",
    "pack",
    "unpack",
]
