"""The gateway as a service: owns nothing, shows read models, and is the door for people and programs."""

from foldgate.gateway.http.app import Gateway
from foldgate.gateway.projections.approvals import PROJECTION as APPROVALS
from foldgate.gateway.projections.jobs import PROJECTION as JOBS
from foldgate.gateway.projections.letters import PROJECTION as LETTERS
from foldgate.gateway.projections.policies import PROJECTION as POLICIES
from foldgate.gateway.projections.runs import PROJECTION as RUNS
from foldgate.gateway.projections.timeline import PROJECTION as TIMELINE
from foldgate.gateway.projections.workers import PROJECTION as WORKERS
from foldgate.gateway.projections.workflows import PROJECTION as WORKFLOWS
from foldgate.runtime.run import run
from foldgate.runtime.service import Service

READ_MODELS = (APPROVALS, JOBS, LETTERS, POLICIES, RUNS, TIMELINE, WORKERS, WORKFLOWS)
SERVICE = Service(name="gateway", projections=READ_MODELS, app=Gateway)

if __name__ == "__main__":
    run(SERVICE)
