"""The operators' desk: Django's admin behind the shop's own sign-in, arranged by what an operator does.

site.py: who gets in; menu.py: where everything is; the pages that no row of a table has: today.py, finding.py,
books.py, health.py, rights.py, staff.py, shown.py.
"""

from config.desk.site import DeskSite, favicon, furnish, shop_name, shows_history, stylesheet, subheader

__all__ = ["DeskSite", "favicon", "furnish", "shop_name", "shows_history", "stylesheet", "subheader"]
