"""Authority: what a job is, and what allows it. Pure; kernel, worker and command line share it."""
