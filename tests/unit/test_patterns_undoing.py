"""What is done about a failure: handlers that stand in for a step, and compensation of what has succeeded."""

from tests.support.patterns import plays

TRIP = """
id: trip
steps:
  flight: {type: job, compensate: cancel_flight}
  hotel: {type: job, depends_on: [flight], compensate: cancel_hotel}
  car: {type: job, depends_on: [hotel]}
  cancel_flight: {type: job}
  cancel_hotel: {type: job}
"""


def test_handler_of_a_failure() -> None:
    """What handles a failure stands in for the step: its output is what others see, and the run succeeds."""
    plays(
        """
        id: fallback
        steps:
          price: {type: job, on_error: guess, retry: {max_retries: 1, backoff: 1s}}
          guess: {type: transform, output: {price: 7, because: "${steps.price.error.code}"}}
          offer: {type: transform, depends_on: [price], output: "${steps.price.output}"}
        """,
        """
        RunStarted
        JobRequested price@1
        > price breaks busy
        AttemptFailed price@1 busy
        > 1s
        JobRequested price@2
        > price breaks busy
        StepFailed price busy
        StepSucceeded guess
        StepSucceeded offer
        RunSucceeded {"because":"busy","price":7}
        """,
    )


def test_saga() -> None:
    """What has succeeded is undone, the last first, one after the other."""
    plays(
        TRIP,
        """
        RunStarted
        JobRequested flight@1
        > flight done
        StepSucceeded flight
        JobRequested hotel@1
        > hotel done
        StepSucceeded hotel
        JobRequested car@1
        > car fails none_left
        StepFailed car none_left
        CompensationStarted cancel_hotel cancel_flight
        JobRequested cancel_hotel@1
        > cancel_hotel done
        StepSucceeded cancel_hotel
        JobRequested cancel_flight@1
        > cancel_flight done
        StepSucceeded cancel_flight
        RunFailed none_left compensation done
        """,
    )


def test_saga_that_cannot_undo_all() -> None:
    plays(
        TRIP,
        """
        RunStarted
        JobRequested flight@1
        > flight done
        StepSucceeded flight
        JobRequested hotel@1
        > hotel done
        StepSucceeded hotel
        JobRequested car@1
        > cancel
        RunHalted cancelled
        JobCancelRequested car@1
        > car stopped
        StepCancelled car
        CompensationStarted cancel_hotel cancel_flight
        JobRequested cancel_hotel@1
        > cancel_hotel fails closed
        StepFailed cancel_hotel closed
        JobRequested cancel_flight@1
        > cancel_flight done
        StepSucceeded cancel_flight
        RunCancelled compensation partial
        """,
    )


def test_a_success_that_comes_before_its_cancellation_is_undone() -> None:
    plays(
        TRIP,
        """
        RunStarted
        JobRequested flight@1
        > cancel
        RunHalted cancelled
        JobCancelRequested flight@1
        > flight done
        StepSucceeded flight
        StepSkipped hotel run_halted
        StepSkipped car run_halted
        CompensationStarted cancel_flight
        JobRequested cancel_flight@1
        > cancel_flight done
        StepSucceeded cancel_flight
        RunCancelled compensation done
        """,
    )


def test_each_instance_that_has_succeeded_is_undone() -> None:
    """Of several instances each is undone by itself, the last to end first."""
    plays(
        """
        id: seats
        steps:
          reserve: {type: job, for_each: [1, 2, 3], compensate: free}
          free: {type: job, input: {seat: "${item}", booking: "${steps.reserve.output}"}}
        """,
        """
        RunStarted
        StepStarted reserve for_each
        JobRequested reserve[0]@1
        JobRequested reserve[1]@1
        JobRequested reserve[2]@1
        > reserve[2] done
        StepSucceeded reserve[2]
        > reserve[0] done
        StepSucceeded reserve[0]
        > reserve[1] fails taken
        StepFailed reserve[1] taken
        StepCancelRequested reserve failed
        StepFailed reserve taken
        CompensationStarted free[0] free[2]
        JobRequested free[0]@1
        > free[0] done
        StepSucceeded free[0]
        JobRequested free[2]@1
        > free[2] done
        StepSucceeded free[2]
        RunFailed taken compensation done
        """,
    )


def test_what_stood_in_for_a_failed_step_is_undone_in_its_place() -> None:
    plays(
        """
        id: fallback
        steps:
          train: {type: job, on_error: bus, compensate: refund_train}
          bus: {type: job, compensate: refund_bus}
          hotel: {type: job, depends_on: [train]}
          refund_train: {type: job}
          refund_bus: {type: job}
        """,
        """
        RunStarted
        JobRequested train@1
        > train fails full
        StepFailed train full
        JobRequested bus@1
        > bus done
        StepSucceeded bus
        JobRequested hotel@1
        > hotel fails full
        StepFailed hotel full
        CompensationStarted refund_bus
        JobRequested refund_bus@1
        > refund_bus done
        StepSucceeded refund_bus
        RunFailed full compensation done
        """,
    )
