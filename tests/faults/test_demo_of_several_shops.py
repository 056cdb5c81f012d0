"""A demo with a further shop, made before its first start or while it runs: each answers at its own host, and the owner
of the demo, who is the operator of it all, sees them all at the desk.
"""

import re
import subprocess
import sys
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from tests.faults.shop import Shop, environment, prepare, running
from tests.processes import ROOT, free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("sqlite")


def manage(data_dir: Path, port: int, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(data_dir, port),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Visitor:
    """A browser that keeps its cookies; `host` as it has typed it."""

    def __init__(self, shop: Shop, host: str) -> None:
        self._address = f"http://127.0.0.1:{shop.port}"
        self._host = f"{host}:{shop.port}"
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def open(self, path: str, fields: dict[str, str] | None = None) -> str:
        data = None if fields is None else urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(f"{self._address}{path}", data, {"Host": self._host})
        with self._opener.open(request, timeout=30) as answer:
            return str(answer.read().decode())

    def sign_in(self, email: str, password: str) -> None:
        page = self.open("/sign-in/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        self.open("/sign-in/", {"email": email, "password": password, "csrfmiddlewaretoken": token[1]})


def test_each_shop_answers_and_the_owner_of_the_demo_sees_all(tmp_path: Path) -> None:
    data_dir, port = tmp_path / "data", free_port()
    prepare(data_dir)
    manage(data_dir, port, "migrate", "--verbosity", "0")
    said = manage(
        data_dir, port, "create_shop", "Harbour", "--domain", "harbour.localhost", "--currency", "eur"
    )
    assert said.startswith(f"http://harbour.localhost:{port}\n")
    with running(tmp_path, data_dir, port=port) as shop:
        password = re.search(r"password\s+(\S+)", shop.out)
        email = re.search(r"\S+@demo\.example", shop.out)
        assert password, shop.out
        assert email
        manage(data_dir, port, "create_shop", "Lighthouse", "--domain", "lighthouse.localhost")
        wait_until(lambda: "Lighthouse" in Visitor(shop, "lighthouse.localhost").open("/"), "the young shop")
        assert "Harbour" in Visitor(shop, "harbour.localhost").open("/")
        assert "Tintype" in Visitor(shop, "localhost").open("/")
        boss = Visitor(shop, "localhost")
        boss.sign_in(email[0], password[1])
        assert "All shops are shown." in boss.open("/admin/")
        listed = boss.open("/admin/accounts/shop/")
        assert all(name in listed for name in ("Tintype", "Harbour", "Lighthouse"))
        assert shop.err == ""
