"""The forms of a page as a browser finds them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(slots=True)
class PageForm:
    """`fields`: what would be sent if nobody typed anything; `choices`: what a select or radio offers."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(PageForm(given.get("action", ""), given.get("method", "get").lower()))
        if not self.forms:
            return
        form, name = self.forms[-1], given.get("name", "")
        if tag in ("input", "textarea", "select", "button") and name:
            if tag == "select":
                self._select = name
                form.choices.setdefault(name, [])
            elif given.get("type") in ("radio", "checkbox"):
                form.choices.setdefault(name, []).append(given.get("value", "on"))
            form.fields.setdefault(name, given.get("value", ""))
        elif tag == "option" and self._select:
            form.choices[self._select].append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""


def forms_of(page: str) -> list[PageForm]:
    reader = _Reader()
    reader.feed(page)
    return reader.forms
