"""Programs that the docs show, in whichever languages this machine runs."""

import datetime
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from standardwebhooks import Webhook

INTERPRETERS = {"curl": "sh", "python": sys.executable, "javascript": "node", "php": "php"}
# What is added to a program that checks signatures, so that it prints what it makes of one.
CHECKS = {
    "python": "import json\nprint(json.dumps(event_of({body!r}.encode(), {headers!r}, {secret!r})))",
    "javascript": "console.log(JSON.stringify(eventOf({body}, {headers}, {secret})));",
    "php": "echo json_encode(event_of({body}, {headers}, {secret}));",
}
SECRET, BODY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"type":"generation.succeeded"}'


def runnable(languages: Iterable[str]) -> list[str]:
    """Python and curl always; `make test` installs PHP where it may, Node is yours to install."""
    return [language for language in languages if shutil.which(INTERPRETERS[language])]


def run(language: str, source: str, folder: Path, ending: str) -> str:
    """What the program prints; it must end well."""
    file = folder / f"program.{ending}"
    file.write_text(source)
    interpreter = str(shutil.which(INTERPRETERS[language]))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [interpreter, str(file)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, (source, done.stdout, done.stderr)
    return done.stdout


def assert_it_checks_signatures(language: str, source: str, folder: Path, ending: str) -> None:
    """A genuine event comes back, an altered one and one of yesterday do not."""
    for said, days_ago, expected in (
        (BODY, 0, json.loads(BODY)),
        (BODY + " ", 0, None),
        (BODY, 1, None),
    ):
        check = _check(language, said, _headers(days_ago), SECRET)
        assert json.loads(run(language, f"{source}\n{check}\n", folder, ending)) == expected, said


def _headers(days_ago: int) -> dict[str, str]:
    """As they come during a rotation, with a signature of another secret in front."""
    when = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days_ago)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": f"v1,AAAA {Webhook(SECRET).sign('msg_1', when, BODY)}",
    }


def _check(language: str, body: str, headers: dict[str, str], secret: str) -> str:
    if language == "python":
        return CHECKS[language].format(body=body, headers=headers, secret=secret)
    if language == "javascript":
        parts = {"body": json.dumps(body), "headers": json.dumps(headers), "secret": json.dumps(secret)}
        return CHECKS[language].format(**parts)
    server = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    pairs = ", ".join(f"'{name}' => '{value}'" for name, value in server.items())
    return CHECKS[language].format(body=f"'{body}'", headers=f"[{pairs}]", secret=f"'{secret}'")
