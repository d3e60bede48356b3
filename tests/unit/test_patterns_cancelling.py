"""What ends before its time: a step, a group, a case."""

from tests.support.patterns import plays


def test_cancel_activity_by_time() -> None:
    """A step has its time, all attempts and waits included."""
    plays(
        """
        id: slow
        steps:
          work: {type: job, timeout: 10s}
          after: {type: job, depends_on: [work]}
        """,
        """
        RunStarted
        JobRequested work@1
        > 10s
        JobCancelRequested work@1
        > work stopped
        StepTimedOut work timeout
        StepSkipped after upstream_failed
        RunTimedOut timeout
        """,
    )


def test_cancel_activity_by_a_signal() -> None:
    """The work and a wait for somebody to call it off: the first of the two ends the other."""
    plays(
        """
        id: calling_off
        steps:
          either: {type: parallel, steps: [work, called_off], strategy: any}
          work: {type: job}
          called_off: {type: wait}
        """,
        """
        RunStarted
        StepStarted either parallel
        JobRequested work@1
        StepStarted called_off wait called_off
        > signal called_off
        SignalReceived called_off
        StepSucceeded called_off
        StepSucceeded either
        JobCancelRequested work@1
        > work stopped
        StepCancelled work
        RunSucceeded {"called_off":null,"work":null}
        """,
    )


def test_cancel_region() -> None:
    """A region is a group: what is in it ends with it, however deep."""
    plays(
        """
        id: region
        steps:
          region: {type: parallel, steps: [pick, boxes], timeout: 1m}
          pick: {type: job}
          boxes: {type: parallel, steps: [small, paint]}
          small: {type: approval}
          paint: {type: job, for_each: [1, 2]}
          outside: {type: job}
        """,
        """
        RunStarted
        JobRequested outside@1
        StepStarted region parallel
        JobRequested pick@1
        StepStarted boxes parallel
        StepStarted paint for_each
        JobRequested paint[0]@1
        JobRequested paint[1]@1
        ApprovalRequested small
        > paint[0] done
        StepSucceeded paint[0]
        > 1m
        StepCancelRequested region timed_out
        JobCancelRequested pick@1
        StepCancelRequested boxes cancelled
        StepCancelled small
        StepCancelRequested paint cancelled
        JobCancelRequested paint[1]@1
        > pick stopped
        StepCancelled pick
        > paint[1] stopped
        StepCancelled paint[1]
        StepCancelled paint
        StepCancelled boxes
        StepTimedOut region timeout
        > outside done
        StepSucceeded outside
        RunTimedOut timeout
        """,
    )


def test_cancel_multiple_instances() -> None:
    """The first item that fails calls the others back, and no more are begun."""
    plays(
        """
        id: files
        steps:
          scan: {type: job, for_each: [1, 2, 3, 4], max_parallel: 2}
        """,
        """
        RunStarted
        StepStarted scan for_each
        JobRequested scan[0]@1
        JobRequested scan[1]@1
        > scan[0] fails virus
        StepFailed scan[0] virus
        StepCancelRequested scan failed
        JobCancelRequested scan[1]@1
        > scan[1] stopped
        StepCancelled scan[1]
        StepFailed scan virus
        RunFailed virus
        """,
    )


def test_complete_multiple_instances_early() -> None:
    plays(
        """
        id: search
        steps:
          enough: {type: parallel, steps: [search, found], strategy: any}
          search: {type: job, for_each: [1, 2]}
          found: {type: wait}
          after: {type: job, depends_on: [enough]}
        """,
        """
        RunStarted
        StepStarted enough parallel
        StepStarted search for_each
        JobRequested search[0]@1
        JobRequested search[1]@1
        StepStarted found wait found
        > search[0] done
        StepSucceeded search[0]
        > signal found "it"
        SignalReceived found
        StepSucceeded found
        StepSucceeded enough
        StepCancelRequested search cancelled
        JobCancelRequested search[1]@1
        JobRequested after@1
        > search[1] stopped
        StepCancelled search[1]
        StepCancelled search
        > after done
        StepSucceeded after
        RunSucceeded "after"
        """,
    )


def test_cancel_case() -> None:
    """Everything under way is called back, what waits ends at once, and nothing more begins."""
    plays(
        """
        id: case
        steps:
          work: {type: job}
          ask: {type: approval}
          child: {type: subworkflow, workflow: part}
          after: {type: job, depends_on: [work]}
        """,
        """
        RunStarted
        JobRequested work@1
        ApprovalRequested ask
        ChildRequested child part
        child/RunStarted
        child/JobRequested piece@1
        > cancel
        RunHalted cancelled
        JobCancelRequested work@1
        StepCancelled ask
        ChildCancelRequested child
        child/RunHalted cancelled
        child/JobCancelRequested piece@1
        > child/piece stopped
        child/StepCancelled piece
        child/ChildEnded cancelled cancelled
        child/RunCancelled
        StepCancelled child
        > work stopped
        StepCancelled work
        StepSkipped after run_halted
        RunCancelled
        """,
        """
        id: part
        steps:
          piece: {type: job}
        """,
    )


def test_cancel_case_at_the_first_failure() -> None:
    plays(
        """
        id: case
        fail_fast: true
        steps:
          work: {type: job}
          other: {type: job}
          after: {type: job, depends_on: [other]}
        """,
        """
        RunStarted
        JobRequested other@1
        JobRequested work@1
        > work fails broken
        StepFailed work broken
        RunHalted fail_fast
        JobCancelRequested other@1
        > other done
        StepSucceeded other
        StepSkipped after run_halted
        RunFailed broken
        """,
    )


def test_cancel_case_by_time() -> None:
    plays(
        """
        id: case
        timeout: 1h
        steps:
          ask: {type: approval}
          after: {type: job, depends_on: [ask]}
        """,
        """
        RunStarted
        ApprovalRequested ask
        > 1h
        RunHalted timeout
        StepCancelled ask
        StepSkipped after run_halted
        RunTimedOut timeout
        """,
    )
