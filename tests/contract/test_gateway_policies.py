"""Policy through the gateway: drafts put, tried, published, taken back and deleted, and all of it shown."""

import asyncio
import random
from typing import Any

import httpx
import msgspec
import pytest

from foldgate.contracts.events import PolicyDrafted, PolicyPublished, PolicyShadowed, PolicyVersion
from foldgate.gateway.http import policy_backtests
from foldgate.gateway.projections.policies import PROJECTION, rows
from tests.support.door import Door, gateway
from tests.support.logs import Opened
from tests.support.projected import Laid, applied, asked_of, in_stretches, meta_on, models_in
from tests.support.suite import running, settings
from tests.support.waiting import until

API = "/api/v1/policy"
FLOOR = """
bundle: team/floor
default_decision: allow
rules:
  - {id: no-mail, match: {topics: [mail.*]}, decision: deny, reason: not from here}
tests:
  - {name: mail, job: {topic: mail.send}, expect: {decision: deny, rule: no-mail}}
  - {name: wrong, job: {topic: web.get}, expect: {decision: deny}}
"""
LATER = FLOOR.replace("mail.*", "web.*")
MAIL: dict[str, Any] = {"job": {"topic": "mail.send"}}


async def asked(door: Door, method: str, path: str, *, status: int = 200, **given: Any) -> Any:
    answer = await door.client.request(method, f"{API}{path}", **given)
    assert answer.status_code == status, answer.text
    return answer.json()


async def put(door: Door, source: str, revision: int, *, status: int = 200) -> Any:
    given: dict[str, Any] = {"content": source, "params": {"revision": revision, "reason": "why"}}
    return await asked(door, "PUT", "/bundles/team~floor", status=status, **given)


async def test_a_bundle_from_its_draft_to_its_end(opened: Opened, postgres_url: str) -> None:
    given = settings(default_decision="deny")
    async with opened() as log, running(log, given=given), gateway(log, postgres_url, given=given) as door:
        async with asyncio.timeout(100):
            assert await asked(door, "GET", "/bundles") == {
                "policy_snapshot": None,
                "default_decision": "deny",
                "items": [],
            }
            assert (await asked(door, "POST", "/evaluate", json=MAIL))["decision"] == "deny"
            drafted = await put(door, FLOOR, 0)
            assert (drafted["status"], drafted["bundle"], drafted["revision"]) == ("drafted", "team/floor", 1)
            await what_a_draft_would_do(door, drafted["position"])
            first = await asked(door, "POST", "/publish", json={"reason": "go"})
            await what_holds(door, first)
            await another_version(door, first["policy_snapshot"])
            await what_is_told_of_it(door)


async def what_a_draft_would_do(door: Door, position: str) -> None:
    shown = await asked(door, "GET", "/bundles/team~floor", params={"after": position})
    assert (shown["active"], shown["waits"], shown["source"]) == (None, True, FLOOR)
    [rule], [draft] = shown["rules"], shown["drafts"]
    assert (rule["id"], rule["decision"], rule["asks"]) == ("no-mail", "deny", ["topics"])
    assert (draft["revision"], draft["reason"], draft["by"]) == (1, "why", "local")
    tests = await asked(door, "POST", "/bundles/team~floor/test")
    assert (tests["passed"], [one["passed"] for one in tests["items"]]) == (1, [True, False])
    assert tests["items"][1]["problem"].startswith("Expected deny, but got allow")
    web = {"job": {"topic": "web.get"}}
    for path in ("/simulate", "/bundles/team~floor/simulate"):
        said = await asked(door, "POST", path, json=web)
        assert (said["decision"], said["bundles"][0]["by"]) == ("allow", "default_decision")
        assert said["bundles"][0]["rules"][0]["failed"] == "topics"
    named = await asked(door, "POST", "/simulate", json={**MAIL, "bundles": ["team/floor"]})
    assert (named["rule"], named["reason"]) == ("team/floor#no-mail", "not from here")
    assert (await asked(door, "POST", "/evaluate", json=web))["decision"] == "deny", "it does not hold yet"
    await asked(door, "POST", "/bundles/team~floor/shadow", json={"reason": "look"})


async def what_holds(door: Door, published: Any) -> None:
    assert published["status"] == "published"
    told = {"after": published["position"]}
    shown = await asked(door, "GET", "/bundles", params=told)
    [one] = shown["items"]
    assert (shown["policy_snapshot"], one["active"]["version"]) == (published["policy_snapshot"], 1)
    assert (one["waits"], one["shadow"]) == (False, None), "what holds is not tried beside itself"
    said = await asked(door, "POST", "/evaluate", json=MAIL)
    assert (said["decision"], said["snapshot"]) == ("deny", published["policy_snapshot"])
    assert "bundles" not in said
    explained = await asked(door, "POST", "/explain", json=MAIL)
    assert explained["bundles"][0]["rules"][0]["decides"]
    assert (await asked(door, "POST", "/evaluate", json={}))["decision"] == "allow", "a run that wants to begin"
    again = await asked(door, "POST", "/publish", status=409)
    assert again["code"] == "nothing_to_publish"


async def another_version(door: Door, first: str) -> None:
    stale = await put(door, LATER, 0, status=409)
    assert stale["code"] == "revision_conflict"
    await put(door, LATER, 1)
    shadowed = await asked(door, "POST", "/bundles/team~floor/shadow", json={"reason": "look"})
    assert (shadowed["status"], shadowed["revision"]) == ("shadowed", 2)
    listed = await asked(door, "GET", "/bundles", params={"after": shadowed["position"]})
    assert listed["items"][0]["shadow"] == 2
    ended = await asked(door, "POST", "/bundles/team~floor/shadow", json={"end": True})
    assert (ended["status"], ended["revision"]) == ("shadowed", None)
    second = await asked(door, "POST", "/publish", json={"bundles": ["team/floor"]})
    assert second["policy_snapshot"] != first
    back = await asked(door, "POST", "/rollback", json={"reason": "no"})
    assert back["policy_snapshot"] == first
    same = await asked(door, "POST", "/rollback", json={"policy_snapshot": first[:20]}, status=409)
    assert same["code"] == "unchanged"
    gone = await asked(door, "DELETE", "/bundles/team~floor", params={"reason": "over"})
    shown = await asked(door, "GET", "/bundles/team~floor", params={"after": gone["position"]})
    assert (shown["active"], shown["revision"]) == (None, 2)
    page = await asked(door, "GET", "/snapshots", params={"limit": 3})
    assert [one["kind"] for one in page["items"]] == ["delete", "rollback", "publish"]
    assert [one["active"] for one in page["items"]] == [True, False, False]
    rest = await asked(door, "GET", "/snapshots", params={"cursor": page["next_cursor"]})
    assert [(one["policy_snapshot"], one["reason"]) for one in rest["items"]] == [(first, "go")]
    assert rest["next_cursor"] is None
    named = await asked(door, "GET", f"/snapshots/{first[:17]}")
    assert (named["kind"], named["bundles"][0]["bundle"]) == ("rollback", "team/floor")


async def what_is_told_of_it(door: Door) -> None:
    page = await asked(door, "GET", "/audit", params={"limit": 2, "bundle": "team/floor"})
    assert [one["type"] for one in page["items"]] == ["PolicyShadowed", "PolicyShadowed"]
    rest = await asked(door, "GET", "/audit", params={"bundle": "team/floor", "cursor": page["next_cursor"]})
    assert [(one["type"], one["code"]) for one in rest["items"]][:2] == [
        ("PolicyDrafted", ""),
        ("PolicyRefused", "revision_conflict"),
    ]
    everything = await asked(door, "GET", "/audit")
    assert {one["principal"] for one in everything["items"]} == {"local"}
    for path, code in (("/bundles/team~flor", "unknown_bundle"), ("/snapshots/12345678", "unknown_snapshot")):
        said = await asked(door, "GET", path, status=404)
        assert said["code"] == code
    assert "did you mean 'team/floor'?" in (await asked(door, "GET", "/bundles/team~flor", status=404))["detail"]
    wrong = await put(door, "bundle: team/floor\nrules:\n  - {id: x, decison: deny}\n", 2, status=422)
    assert (wrong["code"], wrong["problems"][0]["line"]) == ("invalid_bundle", 3)
    other = await put(door, "bundle: team/other\n", 0, status=422)
    assert "the document is another: 'team/other'" in other["detail"]
    secret = await put(door, FLOOR.replace("not from here", "AKIAIOSFODNN7EXAMPLE"), 2, status=422)
    assert (secret["code"], "AKIA" in str(secret)) == ("invalid_bundle", False)
    for path, body, field in (
        ("/evaluate", {"job": {"topik": "x"}}, "job.topik"),
        ("/simulate", {"bundles": ["no/such"]}, "bundles"),
        ("/rollback", {"policy_snapshot": "0" * 64}, "policy_snapshot"),
    ):
        answer = await door.client.post(f"{API}{path}", json=body)
        assert (answer.status_code in (404, 422), answer.json()["field"]) == (True, field), answer.text
    for revision in ("", "x", "1" * 12):
        answer = await door.client.put(f"{API}/bundles/team~floor", params={"revision": revision}, content=FLOOR)
        assert (answer.status_code, answer.json()["field"]) == (400, "revision")


async def test_what_was_decided_is_compared_with_what_a_draft_says(postgres_url: str, opened: Opened) -> None:
    given = settings(default_decision="allow")
    async with opened() as log, running(log, given=given), gateway(log, postgres_url, given=given) as door:
        client = door.client
        await put(door, "bundle: team/floor\ndefault_decision: allow\n", 0)
        await asked(door, "POST", "/publish")
        for topic in ("mail.send", "web.get", "mail.send"):
            await client.post("/api/v1/jobs", json={"topic": topic})
        await put(door, FLOOR, 1)

        async def compared() -> bool:
            found = await asked(door, "POST", "/backtest", json={"days": 1.0})
            return (found["decisions"], found["changed"], found["runs_changed"]) == (6, 2, 2)

        await until(compared, what="all of it to be decided and shown")
        found = await asked(door, "POST", "/backtest", json={"bundles": ["team/floor"]})
        [change] = found["changes"]
        assert (change["was"], change["would_be"], change["rule"]) == ("allow", "deny", "team/floor#no-mail")
        assert (found["same"], change["times"], len(change["examples"])) == (4, 2, 2)
        nothing = await asked(door, "POST", "/backtest", json={"days": 1e-9})
        assert nothing["decisions"] == 0
        unknown = await asked(door, "POST", "/backtest", status=404, json={"bundles": ["no/such"]})
        assert unknown["code"] == "unknown_bundle"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(policy_backtests, "MOST_EVENTS", 3)
            much = await asked(door, "POST", "/backtest", status=413)
        assert "foldgate policy backtest" in much["detail"]


async def test_a_tenant_asks_for_itself(postgres_url: str, opened: Opened) -> None:
    given = settings(default_decision="allow")
    async with opened() as log, running(log, given=given), gateway(log, postgres_url, given=given) as door:
        own = {"X-Tenant-ID": "acme"}
        await put(door, FLOOR.replace("topics: [mail.*]", "tenants: [acme]"), 0)
        published = await asked(door, "POST", "/publish")
        await asked(door, "GET", "/bundles", params={"after": published["position"]})

        async def decided(**body: Any) -> httpx.Response:
            return await door.client.post(f"{API}/evaluate", json=body, headers=own)

        assert (await decided(job={"topic": "a"})).json()["decision"] == "deny", "without a word it is its own"
        assert (await decided(job={"topic": "a", "tenant": "acme"})).json()["decision"] == "deny"
        other = await decided(job={"topic": "a", "tenant": "other"})
        assert (other.status_code, other.json()["field"]) == (403, "job.tenant")
        assert (await decided(run={"tenant": "other"})).status_code == 403
        for path in ("/explain", "/simulate"):
            answer = await door.client.post(f"{API}{path}", json=MAIL, headers=own)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_the_read_model_is_the_same_however_it_is_read(postgres_url: str) -> None:
    laid = Laid()
    version = PolicyVersion(bundle="a", version=1, digest="d", definition="{}")
    for event in (
        PolicyDrafted(bundle="a", revision=1, digest="d", definition="{}", reason="zero \0 here", by="ada"),
        PolicyPublished(policy_snapshot="snapshot_1", bundles=(version,), kind="publish", by="ada"),
        PolicyShadowed(bundle="b", revision=1),
    ):
        laid.add(event, "policies", key="policies", principal="kernel")
    found = []
    async with models_in(postgres_url) as models:
        for most in (1, 3):
            await applied(models, PROJECTION, in_stretches(laid.events, random.Random(most), most=most))
            found.append(await asked_of(models, "SELECT * FROM policy_changes ORDER BY number"))
    assert found[0] == found[1]
    assert [(row["number"], row["principal"]) for row in found[0]] == [(1, "ada"), (2, "ada"), (3, "kernel")]
    [statement] = rows(meta_on("policies", "policies"), PolicyShadowed(bundle="b", revision=1))
    assert msgspec.json.decode(str(statement.arguments[-1]))["bundle"] == "b"


async def test_a_plan_says_what_each_step_would_come_to_and_begins_nothing(postgres_url: str, opened: Opened) -> None:
    flow = """
id: flow
input_schema: {type: object, required: [host]}
steps:
  look: {type: job, topic: web.get, input: {host: "${input.host}"}}
  mail: {type: job, topic: mail.send, depends_on: [look], input: "${steps.look.output}"}
"""
    rule = "rules:\n  - {id: db, when: \"job.input.host == 'db'\", decision: deny, reason: not there}\n"
    given = settings(default_decision="allow")
    async with opened() as log, running(log, given=given), gateway(log, postgres_url, given=given) as door:
        client, at = door.client, "/api/v1/workflows"
        await client.post(at, content=flow)
        await put(door, f"bundle: team/floor\ndefault_decision: allow\n{rule}", 0)
        await asked(door, "POST", "/publish")

        async def planned(**body: Any) -> httpx.Response:
            return await client.post(f"{at}/flow/runs", json={"dry_run": True, **body})

        answer = (await planned(input={"host": "db"})).json()
        assert (answer["status"], answer["run_id"], answer["plan"]["decision"]) == ("planned", None, "allow")
        look, mail = answer["plan"]["steps"]
        assert (look["decision"], look["rule"], look["reason"]) == ("deny", "team/floor#db", "not there")
        assert (mail["decision"], mail["waits_for"], mail["pool"]) == ("unknown", ["look"], "default")
        assert (await planned(input={"host": "web"})).json()["plan"]["steps"][0]["decision"] == "allow"
        drained = "pools: [{name: own}]\nroutes: [{topics: [web.*], pools: [own]}]"
        await client.put("/api/v1/pools?revision=0", content=drained)

        async def routed() -> bool:
            steps = (await planned(input={"host": "web"})).json()["plan"]["steps"]
            return [step["pool"] for step in steps] == ["own", ""]

        await until(routed, what="a plan by the pools that were put")
        unfit = await planned(input={})
        assert (unfit.status_code, unfit.json()["code"]) == (422, "invalid_input")
        assert (await client.get("/api/v1/workflow-runs")).json()["items"] == []
