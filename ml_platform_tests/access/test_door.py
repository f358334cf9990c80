"""Coming in: sign in, sign out, tokens, what a browser may be made to send, and the routes that are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.websockets import WebSocketDisconnect

from ml_platform.access.door import Door
from ml_platform.access.pages import local_path
from ml_platform.access.web import open_door
from ml_platform.core.errors import DataInvalid
from ml_platform_tests.access.people import PASSWORD, user
from ml_platform_tests.access.world import HERE, ORIGIN, World, ask, sign_in

if TYPE_CHECKING:
    from starlette.testclient import TestClient

VERSION = "{ version }"


def test_without_a_session_a_page_leads_to_the_form_and_all_else_is_refused(web: World) -> None:
    nobody = web.browser()
    page = nobody.get("/runs?status=x", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=/runs%3Fstatus%3Dx")
    for method, path in (("GET", "/"), ("POST", "/graphql"), ("GET", "/server_info"), ("GET", "/favicon.png"),
                         ("GET", "/logs/x/y.out"), ("POST", "/report_asset_check/parcels/model"),
                         ("POST", "/logout"), ("GET", "/whoami"), ("GET", "/_next/x.js")):  # fmt: skip
        answer = nobody.request(method, path, json={"query": VERSION} if method == "POST" else None)
        assert answer.status_code == 401, path
        assert "Bearer" in answer.json()["error"]


def test_signing_in_opens_a_session_that_scripts_and_other_sites_cannot_use(web: World) -> None:
    client = web.browser()
    answer = sign_in(client, "vera")
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert ask(client, VERSION).json()["data"] is not None
    assert "ml_platform/launched" not in client.get("/whoami").text
    assert client.get("/whoami").json()["roles"] == ["viewer"]
    assert web.audited("signed_in", "vera")[-1] == {"source": "testclient"}


def test_behind_tls_the_cookie_goes_over_tls_only(web: World) -> None:
    door = Door(users=web.door.users, trail=web.door.trail, clock=web.door.clock, https=True)
    assert door.cookie("x") == "__Host-x"
    page = door._form()
    assert page.headers["set-cookie"].startswith("__Host-")
    assert "Secure" in page.headers["set-cookie"]


def test_the_forms_page_loads_nothing_and_shows_what_was_typed_as_text(web: World) -> None:
    client = web.browser()
    answer = sign_in(client, '"><script>alert(1)</script>', "wrong password")
    assert answer.status_code == 401
    assert "<script" not in answer.text
    assert "don't belong together" in answer.text.replace("&#39;", "'")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in answer.text.partition("<body>")[2]
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "more",
    [{"csrf": ""}, {"csrf": "x"}, {"csrf": "ü"}, {"name": "x" * 10_000}],
    ids=["none", "wrong", "not ascii", "too large"],
)
def test_a_form_that_isnt_ours_signs_nobody_in(web: World, more: dict[str, str]) -> None:
    answer = sign_in(web.browser(), "vera", **more)
    assert answer.status_code == 403
    assert "ml_platform_session" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://elsewhere.example"},
        {"origin": "null"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
        {"origin": f"{ORIGIN}.elsewhere.example"},
        {"origin": ORIGIN.replace("http", "https")},
    ],
)
def test_another_site_can_neither_sign_in_nor_ask_nor_sign_out(web: World, headers: dict[str, str]) -> None:
    client = web.browser("vera")
    assert client.post("/graphql", json={"query": VERSION}, headers=headers).status_code == 403
    assert client.post("/logout", data={"csrf": "x"}, headers=headers).status_code == 403
    assert client.post("/login", data={"name": "tom", "password": PASSWORD}, headers=headers).status_code == 403
    assert client.get("/whoami").json()["name"] == "vera"


def test_signing_out_ends_the_session_for_good(web: World) -> None:
    client = web.browser("vera")
    cookie = client.cookies["ml_platform_session"]
    assert client.post("/logout", data={"csrf": "wrong"}, headers=HERE).status_code == 403
    page = client.get("/whoami", headers={"accept": "text/html"}).text
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    assert client.post("/logout", data={"csrf": csrf}, headers=HERE).headers["location"] == "/login"
    client.cookies.set("ml_platform_session", cookie)
    assert client.get("/whoami").status_code == 401
    assert web.audited("signed_out", "vera")


def test_who_is_removed_is_out_in_open_sessions_too(web: World) -> None:
    web.door.users.add(user("max", "viewer"))
    client = web.browser("max")
    web.door.users.remove("max")
    assert client.get("/whoami").status_code == 401
    web.door.users.add(user("max"))  # somebody without any role
    client = web.browser("max")
    assert client.get("/").status_code == 403
    assert ask(client, VERSION).status_code == 403


def test_a_token_comes_in_without_cookies_and_a_wrong_one_stays_out(web: World) -> None:
    headers = web.token("vera")
    client = web.browser()
    assert ask(client, VERSION, headers).status_code == 200
    assert client.get("/whoami", headers=headers).json()["name"] == "vera"
    for wrong in ("", "Bearer", "Bearer x", "Basic dmVyYTp4", headers["authorization"] + "x"):
        assert web.browser("tom").get("/whoami", headers={"authorization": wrong}).status_code == 401


def test_guessing_ends_soon_and_the_right_password_waits_too(web: World) -> None:
    web.door.users.add(user("gus", "viewer"))
    client = web.browser()
    codes = [sign_in(client, "gus", "a wrong password").status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]
    assert sign_in(client, "gus").status_code == 429
    assert sign_in(client, "vera").status_code == 303
    failed = web.audited("sign_in_failed", "unknown")
    assert failed[-1]["name"] == "gus"


def test_what_somebody_types_instead_of_a_name_isnt_written_down(web: World) -> None:
    assert sign_in(web.browser(), "my secret password", "x").status_code == 401
    assert web.audited("sign_in_failed", "unknown")[-1]["name"] == "a name that isn't known"
    assert "my secret password" not in str([one.payload for one in web.ledger.audit()])


@pytest.mark.parametrize("onward", ["http://elsewhere.example", "//elsewhere.example", "/\\elsewhere", "javascript:x"])
def test_nobody_is_led_elsewhere_after_signing_in(web: World, onward: str) -> None:
    assert local_path(onward) == "/"
    assert sign_in(web.browser(), "vera", next=onward).headers["location"] == "/"


@pytest.mark.parametrize("name", ["vera", "rita", "ada"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/report_asset_check/parcels/evaluation"),
        ("POST", "/report_asset_materialization/parcels/model"),
        ("POST", "/report_asset_observation/parcels/source"),
        ("POST", "//report_asset_check/parcels/evaluation"),
        ("POST", "/Report_Asset_Check/parcels/evaluation"),
        ("GET", "/notebook"),
        ("GET", "/dagit/notebook"),
        ("DELETE", "/runs"),
        ("POST", "/surprise"),
    ],
)
def test_past_the_platform_nobody_gets_and_the_audit_knows(web: World, name: str, method: str, path: str) -> None:
    before = len(web.audited("access_denied", name))
    body = {"asset_key": "parcels/evaluation", "check_name": "auc_is_sufficient", "passed": True}
    answer = web.browser(name).request(method, path, json=body, headers=HERE)
    assert answer.status_code == 403
    denied = web.audited("access_denied", name)[before:]
    assert [one["source"] for one in denied] == ["testclient"]
    assert str(denied[0]["what"]).startswith(method)


def test_a_forged_check_leaves_no_event(web: World) -> None:
    from dagster import DagsterEventType, EventRecordsFilter

    web.browser("rita").post("/report_asset_check/parcels/evaluation", json={"passed": True}, headers=HERE)
    kind = EventRecordsFilter(DagsterEventType.ASSET_CHECK_EVALUATION)
    assert list(web.instance.event_log_storage.get_event_records(kind)) == []


def test_what_steps_printed_is_for_those_who_may_read_it(web: World) -> None:
    viewer, trainer = web.browser("vera"), web.browser("tom")
    for path in ("/logs/0/compute_logs/x.err", "/download_debug/0"):
        assert viewer.get(path).status_code == 403
        assert viewer.head(path).status_code == 403
        assert trainer.get(path).status_code != 403
    query = '{ capturedLogs(logKey: ["0", "compute_logs", "x"]) { stdout } }'
    assert ask(viewer, query).status_code == 403
    assert ask(trainer, query).status_code == 200
    metadata = query.replace("capturedLogs", "capturedLogsMetadata").replace("stdout", "stdoutDownloadUrl")
    assert ask(viewer, metadata).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://elsewhere.example"},
        {"sec-fetch-site": "same-origin"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
    ],
)
def test_another_site_opens_no_websocket(web: World, headers: dict[str, str]) -> None:
    assert is_closed(web.browser("vera"), "/graphql", headers)


def test_nobody_and_no_other_path_opens_a_websocket(web: World) -> None:
    assert is_closed(web.browser(), "/graphql", HERE)
    assert is_closed(web.browser("vera"), "/surprise", HERE)
    assert is_closed(web.browser(), "/graphql", {"authorization": "Bearer x"})


def is_closed(client: TestClient, path: str, headers: dict[str, str]) -> bool:
    try:
        with client.websocket_connect(path, subprotocols=["graphql-ws"], headers=headers):
            return False
    except WebSocketDisconnect as closed:
        return closed.code == 1008


def test_a_websocket_is_closed_when_its_session_has_ended(web: World) -> None:
    client = web.browser("vera")
    with client.websocket_connect("/graphql", subprotocols=["graphql-ws"], headers=HERE) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json()["type"] == "connection_ack"
        web.door.sessions.end(client.cookies["ml_platform_session"])
        socket.send_json({"type": "connection_init"})
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_what_steps_print_isnt_streamed_to_who_may_not_read_it(web: World) -> None:
    query = 'subscription { capturedLogs(logKey: ["0", "compute_logs", "x"]) { stdout } }'
    with web.browser("vera").websocket_connect("/graphql", subprotocols=["graphql-ws"], headers=HERE) as socket:
        socket.send_json({"type": "start", "id": "1", "payload": {"query": query}})
        said = socket.receive_json()
        assert said["type"] == "error"
        assert "vera may not read" in said["payload"]["message"]


def test_a_users_file_that_isnt_readable_lets_nobody_in(web: World) -> None:
    client = web.browser("vera")
    web.door.users.path.chmod(0o644)
    try:
        web.door.users._known = None
        answer = client.get("/whoami")
        assert answer.status_code == 503
        assert "chmod 600" in answer.json()["error"]
        assert is_closed(client, "/graphql", HERE)
    finally:
        web.door.users.path.chmod(0o600)


def test_the_ui_says_who_is_signed_in(web: World) -> None:
    page = web.browser("flo").get("/runs")
    assert "flo · release_manager:parcels</a></body>" in page.text
    assert page.headers["content-security-policy"].startswith("base-uri 'none'")


def test_the_door_stays_shut_as_long_as_there_are_no_users(web: World) -> None:
    with pytest.raises(DataInvalid, match="ml-platform users add NAME --role admin"):
        open_door(web.home / "elsewhere", web.ledger)
