"""`foldgate doctor`: is everything as it should be, and if not, what is to be done?"""

import typer

from foldgate.cli.finding import AsJson, Data


def doctor(data: Data = None, as_json: AsJson = False) -> None:
    """Check this machine, the servers and the suite, and say what to do about what is amiss.

    The exit code is 1 if something is bad; what is only worth knowing does not count.
    """
    from foldgate.cli import finding
    from foldgate.cli.examination import examine
    from foldgate.cli.terminal import say_json

    findings = finding.run(examine(finding.folder(data), data))
    healthy = all(found.state != "bad" for found in findings)
    if as_json:
        say_json({"healthy": healthy, "checks": findings})
    else:
        for found in findings:
            found.show()
    raise typer.Exit(0 if healthy else 1)
