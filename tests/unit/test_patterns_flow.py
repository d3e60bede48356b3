"""Control flow that branches and joins: sequence, split, choice and merge, each with its document and what it says."""

from tests.support.patterns import plays


def test_sequence() -> None:
    plays(
        """
        id: sequence
        steps:
          pick: {type: job}
          pack: {type: job, depends_on: [pick]}
          ship: {type: job, depends_on: pack}
        """,
        """
        RunStarted
        JobRequested pick@1
        > pick done
        StepSucceeded pick
        JobRequested pack@1
        > pack done
        StepSucceeded pack
        JobRequested ship@1
        > ship done
        StepSucceeded ship
        RunSucceeded "ship"
        """,
    )


def test_parallel_split_and_synchronisation() -> None:
    """One step, then two at a time, then one when both are over."""
    plays(
        """
        id: split
        steps:
          order: {type: job}
          pack: {type: job, depends_on: [order]}
          bill: {type: job, depends_on: [order]}
          ship: {type: job, depends_on: [pack, bill]}
        """,
        """
        RunStarted
        JobRequested order@1
        > order done
        StepSucceeded order
        JobRequested bill@1
        JobRequested pack@1
        > bill done
        StepSucceeded bill
        > pack done
        StepSucceeded pack
        JobRequested ship@1
        > ship done
        StepSucceeded ship
        RunSucceeded "ship"
        """,
    )


def test_parallel_split_and_synchronisation_as_a_group() -> None:
    """The same, where who comes after need not name the branches, and a failed one stops the other."""
    plays(
        """
        id: grouped
        steps:
          both: {type: parallel, steps: [pack, bill]}
          pack: {type: job}
          bill: {type: job}
          ship: {type: job, depends_on: [both]}
        """,
        """
        RunStarted
        StepStarted both parallel
        JobRequested pack@1
        JobRequested bill@1
        > pack done 1
        StepSucceeded pack
        > bill fails no_money
        StepFailed bill no_money
        StepCancelRequested both failed
        StepFailed both no_money
        StepSkipped ship upstream_failed
        RunFailed no_money
        """,
    )


def test_exclusive_choice_and_simple_merge() -> None:
    """One of two branches; what comes after both runs once, whichever was taken."""
    plays(
        """
        id: choice
        steps:
          grade: {type: switch, cases: [{when: "input.amount > 100", next: ask}], default: book}
          ask: {type: approval}
          tell: {type: job, depends_on: [ask]}
          book: {type: job}
          close: {type: job, depends_on: [tell, book]}
        """,
        """
        RunStarted
        StepSucceeded grade
        StepSkipped ask branch_not_taken
        JobRequested book@1
        StepSkipped tell branch_not_taken
        > book done
        StepSucceeded book
        JobRequested close@1
        > close done
        StepSucceeded close
        RunSucceeded "close"
        """,
        given={"amount": 7},
    )


def test_exclusive_choice_the_other_way() -> None:
    plays(
        """
        id: choice
        steps:
          grade: {type: switch, expression: input.kind, cases: [{match: big, next: ask}, {match: small, next: book}]}
          ask: {type: approval}
          book: {type: job}
          close: {type: job, depends_on: [ask, book]}
        """,
        """
        RunStarted
        StepSucceeded grade
        StepSkipped book branch_not_taken
        ApprovalRequested ask
        > ask granted
        StepSucceeded ask
        JobRequested close@1
        > close done
        StepSucceeded close
        RunSucceeded "close"
        """,
        given={"kind": "big"},
    )


def test_a_choice_without_a_way_fails() -> None:
    plays(
        """
        id: choice
        steps:
          grade: {type: switch, expression: input.kind, cases: [{match: big, next: ask}]}
          ask: {type: approval}
          close: {type: job, depends_on: [ask]}
        """,
        """
        RunStarted
        StepFailed grade no_matching_case
        StepSkipped ask upstream_failed
        StepSkipped close upstream_failed
        RunFailed no_matching_case
        """,
        given={"kind": "odd"},
    )


def test_multi_choice_and_structured_synchronising_merge() -> None:
    """Any number of branches, each by its own condition; what comes after waits for those that were taken."""
    plays(
        """
        id: several
        steps:
          police: {type: job, when: input.crime}
          doctor: {type: job, when: input.hurt}
          fire: {type: job, when: input.smoke}
          report: {type: job, depends_on: [police, doctor, fire]}
        """,
        """
        RunStarted
        StepSkipped doctor when_false
        JobRequested fire@1
        JobRequested police@1
        > fire done
        StepSucceeded fire
        > police done
        StepSucceeded police
        JobRequested report@1
        > report done
        StepSucceeded report
        RunSucceeded "report"
        """,
        given={"crime": True, "hurt": False, "smoke": True},
    )


def test_multi_choice_of_branches_of_several_steps() -> None:
    """Each branch behind its own switch: what it does not take, it does not take as a whole."""
    plays(
        """
        id: several
        steps:
          if_crime: {type: switch, cases: [{when: input.crime, next: police}], default: calm}
          police: {type: job}
          arrest: {type: job, depends_on: [police]}
          calm: {type: transform, output: nothing to do}
          doctor: {type: job}
          report: {type: job, depends_on: [arrest, calm, doctor]}
        """,
        """
        RunStarted
        JobRequested doctor@1
        StepSucceeded if_crime
        StepSucceeded calm
        StepSkipped police branch_not_taken
        StepSkipped arrest branch_not_taken
        > doctor done
        StepSucceeded doctor
        JobRequested report@1
        > report done
        StepSucceeded report
        RunSucceeded "report"
        """,
        given={"crime": False},
    )


def test_a_case_that_takes_several_branches() -> None:
    plays(
        """
        id: several
        steps:
          grade: {type: switch, expression: input.kind, cases: [{match: big, next: [ask, check]}], default: [check]}
          ask: {type: approval}
          check: {type: job}
          book: {type: job, depends_on: [ask, check]}
        """,
        """
        RunStarted
        StepSucceeded grade
        JobRequested check@1
        ApprovalRequested ask
        > check done
        StepSucceeded check
        > ask refused
        StepDenied ask approval
        StepSkipped book upstream_failed
        RunDenied approval
        """,
        given={"kind": "big"},
    )


def test_implicit_termination() -> None:
    """The run ends when nothing can move any longer; a failed branch takes none but what depends on it."""
    plays(
        """
        id: ends
        steps:
          left: {type: job}
          after_left: {type: job, depends_on: [left]}
          right: {type: job}
          after_right: {type: job, depends_on: [right]}
        """,
        """
        RunStarted
        JobRequested left@1
        JobRequested right@1
        > left fails broken
        StepFailed left broken
        StepSkipped after_left upstream_failed
        > right done
        StepSucceeded right
        JobRequested after_right@1
        > after_right done
        StepSucceeded after_right
        RunFailed broken
        """,
    )
