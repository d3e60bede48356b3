"""What depends on the state of the world or of the run: deferred choice, milestones, and who may go on meanwhile."""

from tests.support.patterns import plays

PAYMENT = """
id: payment
steps:
  what_comes: {type: parallel, steps: [paid, refused, too_late], strategy: any}
  paid: {type: wait}
  refused: {type: wait}
  too_late: {type: delay, delay: 2d}
  then:
    type: switch
    depends_on: [what_comes]
    cases: [{when: steps.paid.status == 'succeeded', next: ship}]
    default: give_up
  ship: {type: job, input: "${steps.paid.output}"}
  give_up: {type: job}
"""


def test_deferred_choice() -> None:
    """Whoever signals first decides; the other ways are closed by that."""
    plays(
        PAYMENT,
        """
        RunStarted
        StepStarted what_comes parallel
        StepStarted paid wait paid
        StepStarted refused wait refused
        StepStarted too_late delay
        > signal paid {"sum": 5}
        SignalReceived paid
        StepSucceeded paid
        StepSucceeded what_comes
        StepCancelled refused
        StepCancelled too_late
        StepSucceeded then
        StepSkipped give_up branch_not_taken
        JobRequested ship@1
        > signal refused
        SignalReceived refused
        > ship done
        StepSucceeded ship
        RunSucceeded {"give_up":null,"ship":"ship"}
        """,
    )


def test_deferred_choice_by_time() -> None:
    plays(
        PAYMENT,
        """
        RunStarted
        StepStarted what_comes parallel
        StepStarted paid wait paid
        StepStarted refused wait refused
        StepStarted too_late delay
        > 2d
        StepSucceeded too_late
        StepSucceeded what_comes
        StepCancelled paid
        StepCancelled refused
        StepSucceeded then
        JobRequested give_up@1
        StepSkipped ship branch_not_taken
        > give_up done
        StepSucceeded give_up
        RunSucceeded {"give_up":"give_up","ship":null}
        """,
    )


def test_interleaved_routing() -> None:
    """One at a time, in the order of the list."""
    plays(
        """
        id: examination
        steps:
          all: {type: parallel, steps: [blood, heart], max_parallel: 1}
          blood: {type: job}
          heart: {type: job}
        """,
        """
        RunStarted
        StepStarted all parallel
        JobRequested blood@1
        > blood done
        StepSucceeded blood
        JobRequested heart@1
        > heart done
        StepSucceeded heart
        StepSucceeded all
        RunSucceeded {"blood":"blood","heart":"heart"}
        """,
    )


def test_critical_section_between_runs() -> None:
    """Runs with the same key wait for one another, in the order in which they asked."""
    plays(
        """
        id: deploy
        concurrency: {key: "${input.service}"}
        steps:
          roll_out: {type: job}
        """,
        """
        RunStarted
        SlotRequested
        SlotTaken
        JobRequested roll_out@1
        > start two
        two/RunStarted
        two/SlotRequested
        > roll_out done
        StepSucceeded roll_out
        SlotReleased
        RunSucceeded "roll_out"
        two/SlotTaken
        two/JobRequested roll_out@1
        > two/roll_out done
        two/StepSucceeded roll_out
        two/SlotReleased
        two/RunSucceeded "roll_out"
        """,
        given={"service": "shop"},
    )


def test_milestone_that_was_reached_before() -> None:
    """A signal is kept until a step takes it: nobody misses one by coming late."""
    plays(
        """
        id: licence
        steps:
          prepare: {type: job}
          licensed: {type: wait, depends_on: [prepare]}
          open: {type: job, depends_on: [licensed]}
        """,
        """
        RunStarted
        JobRequested prepare@1
        > signal licensed
        SignalReceived licensed
        > prepare done
        StepSucceeded prepare
        StepSucceeded licensed
        JobRequested open@1
        > open done
        StepSucceeded open
        RunSucceeded "open"
        """,
    )


def test_milestone_that_may_have_passed() -> None:
    """A name in the ctx says whether it still holds, when it is asked."""
    plays(
        """
        id: booking
        steps:
          open: {type: storage, set: {changes: true}}
          close: {type: job, depends_on: [open]}
          closed: {type: storage, depends_on: [close], delete: changes}
          asked: {type: wait, depends_on: [open], signal: change}
          change: {type: job, depends_on: [asked], when: has(ctx.changes)}
        """,
        """
        RunStarted
        ContextChanged open changes true
        StepSucceeded open
        StepStarted asked wait change
        JobRequested close@1
        > close done
        StepSucceeded close
        ContextChanged closed changes
        StepSucceeded closed
        > signal change
        SignalReceived change
        StepSucceeded asked
        StepSkipped change when_false
        RunSucceeded {"change":null,"closed":["changes"]}
        """,
    )


def test_persistent_trigger_that_must_match() -> None:
    """Only a signal with these entries is taken; others stay, for whoever wants them."""
    plays(
        """
        id: parcels
        steps:
          mine: {type: wait, signal: delivered, match: {order: "${input.order}"}}
        """,
        """
        RunStarted
        StepStarted mine wait delivered
        > signal delivered {"order": 8}
        SignalReceived delivered
        > signal delivered {"order": 7, "door": "left"}
        SignalReceived delivered
        StepSucceeded mine
        RunSucceeded {"door":"left","order":7}
        """,
        given={"order": 7},
    )


def test_deferred_choice_that_was_made_before() -> None:
    """Where several signals are there already the list decides, and what was not begun leaves its signal alone."""
    plays(
        """
        id: answer
        steps:
          ask: {type: job}
          either: {type: parallel, depends_on: [ask], steps: [yes, no], strategy: any}
          yes: {type: wait}
          no: {type: wait}
          later: {type: wait, depends_on: [either], signal: no}
        """,
        """
        RunStarted
        JobRequested ask@1
        > signal no
        SignalReceived no
        > signal yes
        SignalReceived yes
        > ask done
        StepSucceeded ask
        StepStarted either parallel
        StepSucceeded yes
        StepSucceeded either
        StepSkipped no not_needed
        StepSucceeded later
        RunSucceeded null
        """,
    )
