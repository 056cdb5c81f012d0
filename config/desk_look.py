"""How the operator's desk looks: the colours of static/css/palette.css, in the words of its library."""

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "config.desk.shop_name",
    "SITE_HEADER": "config.desk.shop_name",
    "SITE_SUBHEADER": "config.desk.subheader",
    "SITE_SYMBOL": "photo_camera",
    "SITE_URL": "/playground/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "config.desk.favicon"}],
    "STYLES": ["config.desk.stylesheet"],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_HISTORY": "config.desk.shows_history",
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "base": {
            "50": "#f8f5ef",
            "100": "#efe9de",
            "200": "#e0d9cc",
            "300": "#c9bfae",
            "400": "#ada292",
            "500": "#665d51",
            "600": "#4d453b",
            "700": "#373129",
            "800": "#2b2621",
            "900": "#201c18",
            "950": "#171411",
        },
        "primary": {
            "50": "#fdf3ea",
            "100": "#f9e1cd",
            "200": "#f2c19a",
            "300": "#ea9c60",
            "400": "#f17324",
            "500": "#c9570f",
            "600": "#a8470a",
            "700": "#8a3a09",
            "800": "#6d2e08",
            "900": "#532407",
            "950": "#371804",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "config.desk.menu.sidebar",
    },
}
