"""What is published, as far as this process has seen it, so that a start need ask neither the read model nor the log.

It is told by what follows verdicts, which reads every publication, and of what was there before by whoever has looked.
That there is a version stays true, so all who ask may go by it. Whether its workflow is retired by now, and which is
its latest version, is the engine's word, which first reads as far as was seen here. So whoever was told by this process
of a publication or a retirement meets it; whoever was told elsewhere says where it lies (`after`).

Nothing is kept: a process begins with nothing, and asks. What it is told by those who look may be older than what it
has seen, and then what was seen holds.
"""

from foldgate.contracts.codec import Codec
from foldgate.contracts.events import WorkflowPublished, WorkflowRetired
from foldgate.contracts.places import Partition
from foldgate.contracts.topics import WORKFLOWS
from foldgate.eventlog.log import Record

PARTITION = Partition(WORKFLOWS.name, 0)
ACTIVE, RETIRED = "active", "retired"
_NAMES = {WorkflowPublished.__name__, WorkflowRetired.__name__}


class Published:
    """Versions of workflows; before `reached` lies all that somebody here was told of, so the engine is to have read as
    far before it starts a run."""

    def __init__(self) -> None:
        self.reached = 0
        self._versions: set[tuple[str, str, str]] = set()
        self._states: dict[tuple[str, str], str] = {}

    def starts(self, tenant: str, workflow: str, version: str) -> bool:
        """Whether that version, or the latest, is known to be there and to start runs; if not, nothing is known."""
        active = self._states.get((tenant, workflow)) == ACTIVE
        return active and (not version or (tenant, workflow, version) in self._versions)

    def learn(self, tenant: str, workflow: str, version: str, *, state: str) -> None:
        """Somebody has seen this in the read model."""
        self._versions.add((tenant, workflow, version))
        self._states.setdefault((tenant, workflow), state)

    def is_known(self, before: int) -> None:
        """Somebody here was told of what lies before this offset."""
        self.reached = max(self.reached, before)

    def see(self, record: Record, codec: Codec) -> None:
        """Take in the next record of the stream that counts."""
        if not record.key or codec.peek(record.value).name not in _NAMES:
            return
        self.is_known(record.offset + 1)
        meta, event = codec.decode(record.value)
        if isinstance(event, WorkflowPublished):
            self._versions.add((meta.tenant, event.workflow, event.version))
            self._states[meta.tenant, event.workflow] = ACTIVE
        elif isinstance(event, WorkflowRetired):
            self._states[meta.tenant, event.workflow] = RETIRED
