"""What a job comes to, counted while it is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bulkexo.facts import destroys
from bulkexo.job.several import Part, Several
from bulkexo.job.template import OMIT
from bulkexo.job.twice import Twice
from bulkexo.model import Form, Item


@dataclass(slots=True)
class Survey:
    """See `job.Checked`. twice: finds rows that concern the same object."""

    rows: int = 0
    by_cmdlet: Counter[str] = field(default_factory=Counter)
    tenants: Counter[str] = field(default_factory=Counter)
    apis: set[str] = field(default_factory=set)
    secure: set[str] = field(default_factory=set)
    destroys: dict[str, tuple[int, str]] = field(default_factory=dict)
    twice: Twice = field(default_factory=Twice)

    def count(self, item: Item) -> None:
        """One more item."""
        self.by_cmdlet[item.cmdlet] += 1
        self.apis.add(item.api)
        if item.tenant:
            self.tenants[item.tenant] += 1
        if item.forms and any(item.forms.get(name) is Form.SECURE for name in item.parameters):
            self.secure.add(item.api)
        if why := destroys(item.cmdlet, item.parameters):
            self._destroyed(item.cmdlet, 1, why)
        self.twice.see(item)

    def count_all(self, items: Several) -> None:
        """The items of a block of rows."""
        for tenant, count in Counter(items.tenants).items() if items.tenants[0] else ():
            self.tenants[tenant] += count * len(items.parts)
        for part in items.parts:
            self._count(part)
        self.twice.see_all(items)

    def _count(self, part: Part) -> None:
        step, count = part.step, len(part.identities)
        self.by_cmdlet[step.cmdlet] += count
        self.apis.add(step.api)
        for name, form in step.forms.items():
            if form is Form.SECURE and any(value is not OMIT for value in part.columns[name].values):
                self.secure.add(step.api)
        always = destroys(step.cmdlet)
        if destroys(step.cmdlet, dict.fromkeys(part.columns, True)) == always:
            if always:
                self._destroyed(step.cmdlet, count, always)
            return
        for parameters in part.parameters():
            if why := destroys(step.cmdlet, parameters):
                self._destroyed(step.cmdlet, 1, why)

    def _destroyed(self, cmdlet: str, count: int, why: str) -> None:
        self.destroys[cmdlet] = self.destroys.get(cmdlet, (0, ""))[0] + count, why
