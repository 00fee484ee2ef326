"""What is known of the service's cmdlets, and bulk work has to know. Pure tables and rules, floor 1.

`catalogue` has the spelling, parameters and types; `naming` which parameter names the object; `subjects` who
shows that it is there, and what is mastered on-premises; `twins` the Get- cmdlet that shows what another
changes; `inverses` what undoes it; `effects` what it destroys; `causes` why an item failed. What is not known
is said to be so: a caller goes without, and refuses nothing because of it.
"""

from bulkexo.facts.effects import destroys
from bulkexo.facts.inverses import Inverse, Way, inverse, irreversible
from bulkexo.facts.naming import identity_names, identity_parameter, names_object, needs_identity
from bulkexo.facts.shows import Edit, Shown
from bulkexo.facts.subjects import mastered, subject
from bulkexo.facts.twins import Shape, Twin, twin

__all__ = [
    "Edit",
    "Inverse",
    "Shape",
    "Shown",
    "Twin",
    "Way",
    "destroys",
    "identity_names",
    "identity_parameter",
    "inverse",
    "irreversible",
    "mastered",
    "names_object",
    "needs_identity",
    "subject",
    "twin",
]
