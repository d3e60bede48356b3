"""Metrics of a service, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

_PATIENCE_BUCKETS = (1, 5, 15, 60, 300, 900, 3_600, 4 * 3_600, 12 * 3_600, 86_400, 3 * 86_400, 7 * 86_400)
_APPEND_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5)

MESSAGES = Counter("foldgate_messages", "Messages decided on.", ["service", "stream"])
EVENTS = Counter("foldgate_events_appended", "Events appended.", ["service", "stream"])
APPENDS = Histogram("foldgate_append_seconds", "Time of one append.", ["service", "stream"], buckets=_APPEND_BUCKETS)
SETTLED = Histogram(
    "foldgate_settled_seconds",
    "How long what is settled was open: of approvals, until people answered.",
    ["service", "stream", "by"],
    buckets=_PATIENCE_BUCKETS,
)
OUTCOMES = Counter("foldgate_outcomes", "What became of jobs.", ["service", "stream", "outcome"])
WAITING = Gauge("foldgate_waiting", "What waits, by what it waits for.", ["service", "stream", "wait"])
WAITING_OLDEST = Gauge(
    "foldgate_waiting_oldest_seconds", "How long it has waited that waits longest.", ["service", "stream", "wait"]
)
_POOL = {
    "held": "Jobs that workers of the pool have.",
    "room": "How many more its workers would take.",
    "waiting": "Jobs that wait for one of its workers.",
    "waiting_oldest_seconds": "How long the one has waited that waits longest.",
    "workers": "Its workers.",
    "overloaded": "Whether too much waits, or its workers are too busy.",
    "open": "Whether jobs are sent to it.",
}
GAUGES = {f"pool_{name}": Gauge(f"foldgate_pool_{name}", doc, ["service", "pool"]) for name, doc in _POOL.items()}
"""What is measured of an aggregate, by the names that its decider has for it."""
QUARANTINED = Counter("foldgate_quarantined", "Messages set aside.", ["service", "stream", "code"])
RESUBMITTED = Counter("foldgate_resubmitted", "Requests moved to the right partition.", ["service", "stream"])
PASSED_OVER = Counter("foldgate_passed_over", "Records that the reader rule does not accept.", ["service", "stream"])
RELAYED = Counter("foldgate_relayed", "Events relayed.", ["service", "stream"])
FAULTS = Counter(
    "foldgate_faults", "Faults of ours: a decision broke, an invariant did not hold.", ["service", "stream"]
)
CLAIMS = Counter("foldgate_claims", "Partitions claimed.", ["service", "stream"])
LOST = Counter("foldgate_partitions_lost", "Partitions lost to another owner or to a failure.", ["service", "stream"])
OWNED = Gauge("foldgate_partitions_owned", "Partitions owned now.", ["service", "stream"])
LIVE = Gauge("foldgate_aggregates_live", "Aggregates that have not ended.", ["service", "stream", "partition"])
RECOVERY = Histogram("foldgate_recovery_seconds", "Time from assignment to ownership.", ["service", "stream"])
BEHIND = Gauge("foldgate_read_model_behind", "Records whose effect readers do not see yet.", ["service", "projection"])
BEHIND_SECONDS = Gauge(
    "foldgate_read_model_behind_seconds",
    "How old the newest is whose effect readers see; 0 if they see all.",
    ["service", "projection"],
)
