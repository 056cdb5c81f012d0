"""What browsers may load and run on our pages. None of it is the operator's to set."""

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

OF_PAGES: dict[str, dict[str, list[str]]] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
# The operator's desk alone: its scripts read expressions from attributes, its pages carry their colours with them.
OF_DESK: dict[str, list[str]] = {
    **OF_PAGES["DIRECTIVES"],
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}
