"""The page's server: only this machine, only its own page, nothing from elsewhere."""

import http.client
import json
import re

import pytest
from homes import living, until
from lamp.web import HOST, LONGEST_BODY, PAGE, Site

from partbench.core.errors import ConfigError


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with living(tmp_path_factory.mktemp("home")) as lamp:
        site = Site(lamp, 0)
        yield site
        site.close()


def ask(site, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(HOST, site.port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"Host": site.host} | named)
    answer = connection.getresponse()
    found = answer.status, dict(answer.headers), answer.read().decode()
    connection.close()
    return found


def switch(site, lit, **headers):
    return ask(site, "POST", "/switch", json.dumps({"lit": lit}), **headers)[0]


def test_it_listens_on_loopback_alone(site):
    assert site._server.server_address[0] == HOST
    assert HOST.startswith("127.")


def test_its_own_page_switches_and_speaks(site):
    headers = {"X_Lamp_Token": site.token, "Origin": site.address.rstrip("/")}
    assert switch(site, True, **headers) == 204
    until(lambda: site.lamp.operator.lit)
    assert ask(site, "POST", "/say", json.dumps({"text": " good \n night "}), **headers)[0] == 204
    until(lambda: [line["text"] for line in site.lamp.snapshot()["lines"]] == ["good night"])
    assert switch(site, False, **headers) == 204
    until(lambda: not site.lamp.operator.lit)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Lamp_Token": "guess"},
        {"X_Lamp_Token": "ä"},
        {"X_Lamp_Token": None, "Origin": "https://arxiv.org"},
        {"X_Lamp_Token": None, "Origin": "null"},
    ],
)
def test_other_pages_cannot_switch(site, headers):
    own = {name: value if value else site.token for name, value in headers.items()}
    assert switch(site, True, **own) == 403
    assert not site.lamp.operator.lit


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/events"), ("POST", "/switch")]
)
def test_a_name_bound_to_this_machine_by_others_is_refused(site, method, path):
    status, _, text = ask(site, method, path, Host="arxiv.org", X_Lamp_Token=site.token)
    assert status == 421
    assert site.token not in text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/switch", "{}"),
        ("/switch", '{"lit": 1}'),
        ("/switch", "[1]"),
        ("/switch", "\xff{"),
        ("/say", '{"text": "  "}'),
        ("/say", '{"text": 3}'),
        ("/say", json.dumps({"text": "a" * LONGEST_BODY})),
        ("/else", '{"lit": true}'),
    ],
)
def test_orders_that_are_none_change_nothing(site, path, body):
    version = site.lamp.snapshot()["version"]
    status, _, text = ask(site, "POST", path, body.encode(), X_Lamp_Token=site.token)
    assert status == 400
    assert text
    assert site.lamp.snapshot()["version"] == version


def test_the_page_loads_nothing_from_elsewhere_and_may_not(site):
    status, headers, page = ask(site, "GET", "/")
    assert status == 200
    assert site.token in page
    assert "{{" not in page
    assert not re.findall(r"https?:|//\w", page.replace("// the lamp", ""))
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)[1]
    assert page.count(f'nonce="{nonce}"') == 2
    assert ask(site, "GET", "/")[1]["Content-Security-Policy"] != policy
    assert ask(site, "GET", "/page.html")[0] == 404


def test_changes_are_told_to_open_pages(site):
    connection = http.client.HTTPConnection(HOST, site.port, timeout=10)
    connection.request("GET", "/events", headers={"Host": site.host})
    answer = connection.getresponse()
    assert json.loads(answer.readline().removeprefix(b"data: "))["lit"] is False
    assert answer.readline() == b"\n"
    switch(site, True, X_Lamp_Token=site.token)
    assert json.loads(answer.readline().removeprefix(b"data: "))["lit"] is True
    connection.close()
    switch(site, False, X_Lamp_Token=site.token)
    until(lambda: not site.lamp.operator.lit)


def test_a_port_that_is_taken_is_named(site):
    with pytest.raises(ConfigError, match=f"--port: {site.port}"):
        Site(site.lamp, site.port)


def test_the_page_says_what_it_is_to_those_who_cannot_see_it():
    page = PAGE.read_text()
    assert '<html lang="en">' in page
    assert 'role="switch"' in page
    assert 'role="status"' in page
    assert '<label for="words">' in page
    assert "prefers-color-scheme: dark" in page
