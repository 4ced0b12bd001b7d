"""The page says what people need, and nothing in it can be turned against them."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from integrations.subscription import Visitor, app_named, headers_for, render
from integrations.subscription.apps import APPS, Platform
from integrations.subscription.clients import Form
from integrations.subscription.web import PAGE_POLICY, opening_page, web_page
from integrations.xray.link import write_link
from integrations.xray.profile import Profile
from tests.integrations.subscription.samples import ACTIVE, EXPIRED, EXPIRED_WORDS, NOBODY, USER, WORDS

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}"


class Reader(HTMLParser):
    """Every element of a page with its attributes, and the text outside of style and script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("style", "script"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self.words += data

    def targets(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.elements if tag == "a"]


def test_it_has_an_import_button_for_every_app_and_every_key_to_copy() -> None:
    page = Reader(web_page(ACTIVE, WORDS, NOBODY))
    for app in APPS:
        assert app.import_link(ACTIVE.address, ACTIVE.title) in page.targets()
        assert app.website in page.targets()
    copied = {attributes["data-copy"] for _, attributes in page.elements if "data-copy" in attributes}
    assert copied == {ACTIVE.address, *map(write_link, ACTIVE.profiles)}
    assert WORDS.status in page.words
    assert ACTIVE.support_url in page.targets()
    assert [tag for tag, _ in page.elements].count("svg") == 1


def test_the_apps_of_the_visitor_s_own_device_come_first() -> None:
    html = web_page(ACTIVE, WORDS, Visitor(Platform.IOS))
    first, _, others = html.partition(WORDS.other_devices)
    assert "Streisand" in first
    assert "v2rayNG" not in first
    assert "v2rayNG" in others
    assert "Connect · iOS" in Reader(html).words


def test_an_expired_one_says_so_leads_to_the_bot_and_offers_no_key() -> None:
    page = Reader(web_page(EXPIRED, EXPIRED_WORDS, NOBODY))
    assert EXPIRED.notice in page.words
    assert page.targets() == [EXPIRED.bot_url, EXPIRED.support_url]
    assert "vless://" not in page.words
    assert EXPIRED.address not in page.words


def test_without_a_bot_to_lead_to_the_page_still_says_what_is_the_matter() -> None:
    page = Reader(web_page(replace(EXPIRED, bot_url="", support_url=""), EXPIRED_WORDS, NOBODY))
    assert page.targets() == []
    assert EXPIRED.notice in page.words


@pytest.mark.parametrize("notice", ["", HOSTILE])
def test_whatever_people_wrote_stays_text(notice: str) -> None:
    hostile = replace(
        ACTIVE,
        title=HOSTILE,
        notice=notice,
        profiles=(Profile(USER, "h.example", 443, label=HOSTILE),),
        address=f"https://vpn.example/s/{HOSTILE}",
    )
    words = replace(WORDS, status=HOSTILE)
    plain, suspect = Reader(web_page(ACTIVE, WORDS, NOBODY)), Reader(web_page(hostile, words, NOBODY))
    assert {tag for tag, _ in suspect.elements} <= {tag for tag, _ in plain.elements} | {"h3"}
    assert [tag for tag, _ in suspect.elements].count("script") == 1
    assert not [name for _, attributes in suspect.elements for name in attributes if name.startswith("on")]
    assert HOSTILE in suspect.words
    opened = Reader(opening_page(hostile, words, APPS[2]))
    assert "script" not in [tag for tag, _ in opened.elements]


def test_the_page_loads_nothing_and_its_policy_lets_nothing_else_run() -> None:
    html = web_page(ACTIVE, WORDS, NOBODY)
    for tag in ("style", "script"):
        [inside] = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = b64encode(sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in PAGE_POLICY
    loading = {"img", "link", "iframe", "object", "embed", "audio", "video", "source", "base", "form"}
    assert not loading & {tag for tag, _ in Reader(html).elements}
    assert not re.search(r"@import|url\(", html)
    assert "unsafe" not in PAGE_POLICY
    assert headers_for(ACTIVE, Form.PAGE)["content-security-policy"] == PAGE_POLICY


def test_an_opening_page_sends_on_into_the_app_and_has_a_button_for_browsers_that_do_not_follow() -> None:
    app = app_named("v2rayng")
    assert app is not None
    page = Reader(opening_page(ACTIVE, WORDS, app))
    link = app.import_link(ACTIVE.address, ACTIVE.title)
    [refresh] = [attributes for _, attributes in page.elements if attributes.get("http-equiv") == "refresh"]
    assert refresh["content"] == f"0; url={link}"
    assert link in page.targets()


@pytest.mark.parametrize("form", Form)
def test_a_form_says_what_it_is(form: Form) -> None:
    kinds = {
        Form.LINKS: "text/plain; charset=utf-8",
        Form.XRAY: "application/json",
        Form.SING_BOX: "application/json",
        Form.MIHOMO: "text/yaml; charset=utf-8",
        Form.PAGE: "text/html; charset=utf-8",
    }
    assert render(ACTIVE, form, WORDS, NOBODY).media_type == kinds[form]
