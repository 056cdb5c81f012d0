"""A one-page PDF, written by hand: lines of text with something at their right end."""

WIDTH, HEIGHT, MARGIN = 595, 842, 64  # A4, in points
# Of Helvetica, in thousandths of the size; what is not here is about as wide as a letter.
WIDTHS = {" ": 278, ",": 278, ".": 278, "-": 333, "×": 584, "I": 278, "J": 500, "M": 833, "W": 944}
WIDTHS |= dict.fromkeys("0123456789", 556) | dict.fromkeys("ABEKPSVXY", 667) | dict.fromkeys("CDHNRUw", 722)
WIDTHS |= dict.fromkeys("FTZ", 611) | dict.fromkeys("GOQ", 778) | dict.fromkeys("ijl", 222) | {"m": 833}
WIDTHS |= dict.fromkeys("cksvxyz", 500) | dict.fromkeys("ft", 278) | {"r": 333, "@": 1015}
LONGEST = 80


class Paper:
    def __init__(self, errors: str = "strict") -> None:
        """`errors`: as of str.encode(), for what the font does not have."""
        self._errors = errors
        self._y = HEIGHT - 90
        self._drawn: list[bytes] = []

    def line(self, left: str, right: str = "", *, size: int = 11, bold: bool = False) -> None:
        self._y -= size + 8
        cut = left if len(left) <= LONGEST else left[: LONGEST - 1] + "…"
        self._text(MARGIN, cut, size, bold)
        if right:
            self._text(WIDTH - MARGIN - _width(right) * size / 1000, right, size, bold)

    def gap(self) -> None:
        self._y -= 18

    def rule(self) -> None:
        self._y -= 10
        self._drawn.append(b"0.5 w %d %d m %d %d l S" % (MARGIN, self._y, WIDTH - MARGIN, self._y))
        self._y -= 2

    def _text(self, x: float, text: str, size: int, bold: bool) -> None:
        raw = text.encode("cp1252", self._errors)
        for sign in (b"\\", b"(", b")"):
            raw = raw.replace(sign, b"\\" + sign)
        font = b"F2" if bold else b"F1"
        self._drawn.append(b"BT /%s %d Tf %.2f %d Td (%s) Tj ET" % (font, size, x, self._y, raw))

    def pdf(self) -> bytes:
        stream = b"\n".join(self._drawn)
        font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources"
            b" << /Font << /F1 5 0 R /F2 6 0 R >> >> >>" % (WIDTH, HEIGHT),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
            font % b"Helvetica",
            font % b"Helvetica-Bold",
        ]
        file = bytearray(b"%PDF-1.4\n")
        places = []
        for number, content in enumerate(objects, 1):
            places.append(len(file))
            file += b"%d 0 obj\n%s\nendobj\n" % (number, content)
        begin = len(file)
        file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
        file += b"".join(b"%010d 00000 n \n" % place for place in places)
        file += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, begin)
        return bytes(file)


def _width(text: str) -> int:
    return sum(WIDTHS.get(letter, 556) for letter in text)
