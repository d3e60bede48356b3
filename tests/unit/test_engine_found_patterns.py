"""What playing the patterns found that the engine did otherwise than the language says."""

from tests.support.patterns import plays

UNDOING = """
id: undoing
steps:
  book: {type: job, compensate: unbook}
  pay: {type: job, depends_on: [book]}
  unbook: {type: job, on_error: ask_them}
  ask_them: {type: job}
"""


def test_what_undoes_a_step_may_have_a_handler_of_its_own() -> None:
    """A handler of a handler that undoes begins like any other, and what it has handled is undone."""
    plays(
        UNDOING,
        """
        RunStarted
        JobRequested book@1
        > book done
        StepSucceeded book
        JobRequested pay@1
        > pay fails no_money
        StepFailed pay no_money
        CompensationStarted unbook
        JobRequested unbook@1
        > unbook fails closed
        StepFailed unbook closed
        JobRequested ask_them@1
        > ask_them done
        StepSucceeded ask_them
        RunFailed no_money compensation done
        """,
    )


def test_what_undoes_a_step_is_not_done_where_its_handler_fails_too() -> None:
    plays(
        UNDOING,
        """
        RunStarted
        JobRequested book@1
        > book done
        StepSucceeded book
        JobRequested pay@1
        > cancel
        RunHalted cancelled
        JobCancelRequested pay@1
        > pay stopped
        StepCancelled pay
        CompensationStarted unbook
        JobRequested unbook@1
        > unbook fails closed
        StepFailed unbook closed
        JobRequested ask_them@1
        > ask_them fails closed
        StepFailed ask_them closed
        RunCancelled compensation partial
        """,
    )


def test_so_may_a_part_of_what_undoes() -> None:
    plays(
        """
        id: undoing
        steps:
          book: {type: job, compensate: unbook}
          pay: {type: job, depends_on: [book]}
          unbook: {type: parallel, steps: [flight, hotel]}
          flight: {type: job, on_error: call_them}
          hotel: {type: job}
          call_them: {type: job}
        """,
        """
        RunStarted
        JobRequested book@1
        > book done
        StepSucceeded book
        JobRequested pay@1
        > pay fails no_money
        StepFailed pay no_money
        CompensationStarted unbook
        StepStarted unbook parallel
        JobRequested flight@1
        JobRequested hotel@1
        > flight fails closed
        StepFailed flight closed
        JobRequested call_them@1
        > hotel done
        StepSucceeded hotel
        > call_them done
        StepSucceeded call_them
        StepSucceeded unbook
        RunFailed no_money compensation done
        """,
    )


def test_the_handlers_of_a_halted_run_stay_unbegun_while_it_compensates() -> None:
    """Only what undoes goes on: a step that failed while the run was paused is not handled any more."""
    plays(
        """
        id: halted
        steps:
          book: {type: job, compensate: unbook}
          send: {type: job, depends_on: [book], on_error: resend}
          resend: {type: job}
          unbook: {type: job}
        """,
        """
        RunStarted
        JobRequested book@1
        > book done
        StepSucceeded book
        JobRequested send@1
        > pause
        RunPaused
        > send fails closed
        StepFailed send closed
        > cancel
        RunHalted cancelled
        CompensationStarted unbook
        JobRequested unbook@1
        > unbook done
        StepSucceeded unbook
        RunCancelled compensation done
        """,
    )
