"""Several instances of one step, whoever knows how many there are, and when."""

from tests.support.patterns import plays


def test_multiple_instances_without_synchronisation() -> None:
    """Nothing depends on them, so everything goes on beside them; only the end of the run waits."""
    plays(
        """
        id: mails
        output: "${steps.book.output}"
        steps:
          send: {type: job, for_each: "${input.to}", on_item_failure: collect}
          book: {type: job}
        """,
        """
        RunStarted
        JobRequested book@1
        StepStarted send for_each
        JobRequested send[0]@1
        JobRequested send[1]@1
        > book done
        StepSucceeded book
        > send[1] fails bounced
        StepFailed send[1] bounced
        > send[0] done
        StepSucceeded send[0]
        StepSucceeded send
        RunSucceeded "book"
        """,
        given={"to": ["ada", "bob"]},
    )


def test_multiple_instances_known_when_the_workflow_is_written() -> None:
    plays(
        """
        id: three
        steps:
          all: {type: parallel, steps: [one, two, three]}
          one: {type: job, topic: job.review}
          two: {type: job, topic: job.review}
          three: {type: job, topic: job.review}
        """,
        """
        RunStarted
        StepStarted all parallel
        JobRequested one@1
        JobRequested two@1
        JobRequested three@1
        > three done
        StepSucceeded three
        > one done
        StepSucceeded one
        > two done
        StepSucceeded two
        StepSucceeded all
        RunSucceeded {"one":"one","three":"three","two":"two"}
        """,
    )


def test_multiple_instances_known_when_the_step_begins() -> None:
    plays(
        """
        id: files
        steps:
          list: {type: job}
          scan: {type: job, depends_on: [list], for_each: "${steps.list.output}", max_parallel: 2}
          sum: {type: transform, depends_on: [scan], output: "${size(steps.scan.output)}"}
        """,
        """
        RunStarted
        JobRequested list@1
        > list done ["a", "b", "c"]
        StepSucceeded list
        StepStarted scan for_each
        JobRequested scan[0]@1
        JobRequested scan[1]@1
        > scan[1] done
        StepSucceeded scan[1]
        JobRequested scan[2]@1
        > scan[0] done
        StepSucceeded scan[0]
        > scan[2] done
        StepSucceeded scan[2]
        StepSucceeded scan
        StepSucceeded sum
        RunSucceeded 3
        """,
    )


def test_multiple_instances_of_which_enough_must_succeed() -> None:
    plays(
        """
        id: replicas
        steps:
          write: {type: job, for_each: [1, 2, 3], on_item_failure: collect, min_success: 2}
        """,
        """
        RunStarted
        StepStarted write for_each
        JobRequested write[0]@1
        JobRequested write[1]@1
        JobRequested write[2]@1
        > write[0] fails down
        StepFailed write[0] down
        > write[1] fails down
        StepFailed write[1] down
        > write[2] done
        StepSucceeded write[2]
        StepFailed write too_few_succeeded
        RunFailed too_few_succeeded
        """,
    )


def test_multiple_instances_without_knowing_how_many() -> None:
    """Each signal is one more, until one says that it was the last."""
    plays(
        """
        id: deliveries
        steps:
          receive: {type: loop, body: [arrived, unload, was_last], until: loop.previous_output, max_iterations: 1000}
          arrived: {type: wait, signal: truck}
          unload: {type: job}
          was_last: {type: condition, expression: steps.arrived.output.last}
        """,
        """
        RunStarted
        StepStarted receive loop
        StepStarted arrived[0] wait truck
        > signal truck {"last": false}
        SignalReceived truck
        StepSucceeded arrived[0]
        JobRequested unload[0]@1
        > signal truck {"last": true}
        SignalReceived truck
        > unload[0] done
        StepSucceeded unload[0]
        StepSucceeded was_last[0]
        StepSucceeded arrived[1]
        JobRequested unload[1]@1
        > unload[1] done
        StepSucceeded unload[1]
        StepSucceeded was_last[1]
        StepSucceeded receive
        RunSucceeded true
        """,
    )


def test_multiple_instances_as_runs_of_their_own() -> None:
    plays(
        """
        id: orders
        steps:
          each: {type: subworkflow, workflow: order, for_each: "${input.orders}", input: {order: "${item}"}}
        """,
        """
        RunStarted
        StepStarted each for_each
        ChildRequested each[0] order
        ChildRequested each[1] order
        each[0]/RunStarted
        each[0]/JobRequested pack@1
        each[1]/RunStarted
        each[1]/JobRequested pack@1
        > each[1]/pack done 2
        each[1]/StepSucceeded pack
        each[1]/ChildEnded succeeded
        each[1]/RunSucceeded 2
        StepSucceeded each[1]
        > each[0]/pack done 1
        each[0]/StepSucceeded pack
        each[0]/ChildEnded succeeded
        each[0]/RunSucceeded 1
        StepSucceeded each[0]
        StepSucceeded each
        RunSucceeded [1,2]
        """,
        """
        id: order
        steps:
          pack: {type: job, input: "${input.order}"}
        """,
        given={"orders": ["x", "y"]},
    )


def test_instances_within_instances() -> None:
    plays(
        """
        id: nested
        steps:
          rooms: {type: loop, body: tidy, while: "loop.index < 2"}
          tidy: {type: parallel, steps: [sweep, dust]}
          sweep: {type: job}
          dust: {type: job, for_each: ["shelf"]}
        """,
        """
        RunStarted
        StepStarted rooms loop
        StepStarted tidy[0] parallel
        JobRequested sweep[0]@1
        StepStarted dust[0] for_each
        JobRequested dust[0][0]@1
        > sweep[0] done
        StepSucceeded sweep[0]
        > dust[0][0] done
        StepSucceeded dust[0][0]
        StepSucceeded dust[0]
        StepSucceeded tidy[0]
        StepStarted tidy[1] parallel
        JobRequested sweep[1]@1
        StepStarted dust[1] for_each
        JobRequested dust[1][0]@1
        > dust[1][0] done
        StepSucceeded dust[1][0]
        StepSucceeded dust[1]
        > sweep[1] done
        StepSucceeded sweep[1]
        StepSucceeded tidy[1]
        StepSucceeded rooms
        RunSucceeded {"dust":["dust[1][0]"],"sweep":"sweep[1]"}
        """,
    )
