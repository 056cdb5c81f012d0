"""A request as a reader would write it: one function for each language, from method, address and body."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LANGUAGES = {"curl": "curl", "python": "Python", "javascript": "JavaScript", "php": "PHP"}


@dataclass(frozen=True, slots=True)
class Call:
    """`address` is absolute, with its query; `body` None sends none."""

    method: str
    address: str
    key: str
    body: Mapping[str, Any] | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def samples(call: Call) -> dict[str, str]:
    """By language, in the order of LANGUAGES."""
    return {"curl": curl(call), "python": python(call), "javascript": javascript(call), "php": php(call)}


def curl(call: Call) -> str:
    method = "" if call.method == "GET" else f"-X {call.method} "
    lines = [
        f'curl {method}"{call.address}"',
        *(f'-H "{name}: {value}"' for name, value in call.headers.items()),
    ]
    if call.body is not None:
        lines.append('-H "Content-Type: application/json"')
        quoted = json.dumps(call.body, ensure_ascii=False, indent=2).replace("'", "'\\''")
        lines.append(f"-d '{quoted}'")
    return " \\\n  ".join(lines)


def python(call: Call) -> str:
    arguments = [f'"{call.address}"', f"headers={_python(call.headers)}"]
    if call.body is not None:
        arguments.append(f"json={_python(call.body, 4)}")
    arguments.append("timeout=30")
    inner = ",\n    ".join(arguments)
    verb = call.method.lower()
    return f"import requests\n\nanswer = requests.{verb}(\n    {inner},\n)\nprint(answer.status_code, answer.json())"


def javascript(call: Call) -> str:
    headers = dict(call.headers)
    options = [f'method: "{call.method}"'] if call.method != "GET" else []
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    options.append(f"headers: {json.dumps(headers)}")
    if call.body is not None:
        text = json.dumps(call.body, ensure_ascii=False, indent=2).replace("\n", "\n  ")
        options.append(f"body: JSON.stringify({text})")
    inner = ",\n  ".join(options)
    return (
        f'const answer = await fetch("{call.address}", {{\n  {inner},\n}});\n'
        "console.log(answer.status, await answer.json());"
    )


def php(call: Call) -> str:
    headers = [f"{name}: {value}" for name, value in call.headers.items()]
    lines = [
        "<?php",
        f"$request = curl_init({_php(call.address)});",
        f"curl_setopt($request, CURLOPT_CUSTOMREQUEST, {_php(call.method)});",
        "curl_setopt($request, CURLOPT_RETURNTRANSFER, true);",
    ]
    if call.body is not None:
        headers.append("Content-Type: application/json")
        lines.append(f"curl_setopt($request, CURLOPT_POSTFIELDS, json_encode({_php(call.body)}));")
    lines.append(f"curl_setopt($request, CURLOPT_HTTPHEADER, {_php(headers)});")
    lines.append("$answer = curl_exec($request);")
    lines.append("echo curl_getinfo($request, CURLINFO_RESPONSE_CODE), ' ', $answer, PHP_EOL;")
    return "\n".join(lines)


def _python(value: Any, indent: int = 0) -> str:
    """A literal. Of JSON's values only true, false and null are written otherwise in Python."""
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        lines = [
            f"{' ' * (indent + 4)}{json.dumps(name)}: {_python(one, indent + 4)},"
            for name, one in value.items()
        ]
        if not indent:
            return "{" + ", ".join(line.strip().rstrip(",") for line in lines) + "}"
        return "{\n" + "\n".join(lines) + "\n" + " " * indent + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_python(one, indent) for one in value) + "]"
    return repr(value) if isinstance(value, bool | None) else json.dumps(value, ensure_ascii=False)


def _php(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_php(str(name))} => {_php(one)}" for name, one in value.items())
        return f"[{inner}]" if value else "new stdClass()"
    if isinstance(value, list):
        return "[" + ", ".join(_php(one) for one in value) + "]"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return json.dumps(value)
