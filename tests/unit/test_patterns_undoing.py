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
