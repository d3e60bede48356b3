"""Joins that do not wait for all: the first, n of m, and what becomes of the others."""

from tests.support.patterns import plays

RACE = """
id: race
output: "${steps.first.output}"
steps:
  first: {type: parallel, steps: [here, there], strategy: any}
  here: {type: job}
  there: {type: job}
  after: {type: job, depends_on: [first]}
"""
QUORUM = """
id: quorum
steps:
  votes: {type: parallel, steps: [ada, bob, eve], strategy: n_of_m, required: 2}
  ada: {type: job}
  bob: {type: job}
  eve: {type: job}
  after: {type: transform, depends_on: [votes], output: "${steps.votes.output}"}
"""


def test_cancelling_discriminator() -> None:
    """The first success goes on at once; the others are called back, and the run ends when they are over."""
    plays(
        RACE,
        """
        RunStarted
        StepStarted first parallel
        JobRequested here@1
        JobRequested there@1
        > there done
        StepSucceeded there
        StepSucceeded first
        JobCancelRequested here@1
        JobRequested after@1
        > after done
        StepSucceeded after
        > here stopped
        StepCancelled here
        RunSucceeded {"here":null,"there":"there"}
        """,
    )


def test_a_loser_that_was_done_after_all() -> None:
    """Its success comes before its worker heard: it counts as what it is, but the group's output stays."""
    plays(
        RACE,
        """
        RunStarted
        StepStarted first parallel
        JobRequested here@1
        JobRequested there@1
        > there done
        StepSucceeded there
        StepSucceeded first
        JobCancelRequested here@1
        JobRequested after@1
        > here done
        StepSucceeded here
        > after done
        StepSucceeded after
        RunSucceeded {"here":null,"there":"there"}
        """,
    )


def test_a_loser_that_nobody_hears_of() -> None:
    """What was called back and does not answer is given up after a grace."""
    plays(
        RACE,
        """
        RunStarted
        StepStarted first parallel
        JobRequested here@1
        JobRequested there@1
        > there done
        StepSucceeded there
        StepSucceeded first
        JobCancelRequested here@1
        JobRequested after@1
        > after done
        StepSucceeded after
        > 30s
        StepCancelled here
        RunSucceeded {"here":null,"there":"there"}
        """,
    )


def test_a_discriminator_takes_no_failure_for_the_first() -> None:
    plays(
        RACE,
        """
        RunStarted
        StepStarted first parallel
        JobRequested here@1
        JobRequested there@1
        > here fails broken
        StepFailed here broken
        > there done
        StepSucceeded there
        StepSucceeded first
        JobRequested after@1
        > after done
        StepSucceeded after
        RunSucceeded {"here":null,"there":"there"}
        """,
    )


def test_a_discriminator_that_nobody_wins_fails_as_the_first_that_failed() -> None:
    plays(
        RACE,
        """
        RunStarted
        StepStarted first parallel
        JobRequested here@1
        JobRequested there@1
        > there denied too_risky
        StepDenied there too_risky
        > here fails broken
        StepFailed here broken
        StepCancelRequested first denied
        StepDenied first too_risky
        StepSkipped after upstream_failed
        RunDenied too_risky
        """,
    )


def test_n_out_of_m_join() -> None:
    plays(
        QUORUM,
        """
        RunStarted
        StepStarted votes parallel
        JobRequested ada@1
        JobRequested bob@1
        JobRequested eve@1
        > eve done 1
        StepSucceeded eve
        > ada done 2
        StepSucceeded ada
        StepSucceeded votes
        JobCancelRequested bob@1
        StepSucceeded after
        > bob stopped
        StepCancelled bob
        RunSucceeded {"ada":2,"bob":null,"eve":1}
        """,
    )


def test_n_out_of_m_join_out_of_reach() -> None:
    """As soon as too few can succeed the rest is called back, and then the group fails."""
    plays(
        QUORUM,
        """
        RunStarted
        StepStarted votes parallel
        JobRequested ada@1
        JobRequested bob@1
        JobRequested eve@1
        > eve fails broken
        StepFailed eve broken
        > ada fails broken
        StepFailed ada broken
        StepCancelRequested votes failed
        JobCancelRequested bob@1
        > bob stopped
        StepCancelled bob
        StepFailed votes broken
        StepSkipped after upstream_failed
        RunFailed broken
        """,
    )


def test_a_part_that_is_not_needed_is_not_begun() -> None:
    plays(
        """
        id: fallbacks
        steps:
          one_of: {type: parallel, steps: [main, spare, last], strategy: any, max_parallel: 1}
          main: {type: job}
          spare: {type: job}
          last: {type: job}
        """,
        """
        RunStarted
        StepStarted one_of parallel
        JobRequested main@1
        > main fails down
        StepFailed main down
        JobRequested spare@1
        > spare done
        StepSucceeded spare
        StepSucceeded one_of
        StepSkipped last not_needed
        RunSucceeded {"last":null,"main":null,"spare":"spare"}
        """,
    )


def test_structured_synchronising_merge_by_a_group() -> None:
    """A part whose condition is false needs no waiting for."""
    plays(
        """
        id: merge
        steps:
          all: {type: parallel, steps: [text, image]}
          text: {type: job}
          image: {type: job, when: input.has_image}
          after: {type: job, depends_on: [all]}
        """,
        """
        RunStarted
        StepStarted all parallel
        JobRequested text@1
        StepSkipped image when_false
        > text done
        StepSucceeded text
        StepSucceeded all
        JobRequested after@1
        > after done
        StepSucceeded after
        RunSucceeded "after"
        """,
        given={"has_image": False},
    )
