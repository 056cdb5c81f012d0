from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Money")

    def ready(self) -> None:
        from accounts import append_only, hooks
        from billing import (
            audit,
            audit_rules,
            closing,
            connecting,
            export_rows,
            gift_rules,
            packs,
            reads,
            shops,
            unfinished,
            welcome,
        )
        from billing.ledger import open_wallet
        from billing.triggers import ENTRIES

        hooks.shop_opened.append(packs.stock)
        hooks.shop_sections.append(shops.sections)
        hooks.shop_closed.append(shops.end)
        hooks.shop_paused.append(unfinished.after_pause)
        hooks.organization_created.append(open_wallet)
        hooks.currency_is_used.append(reads.has_money)
        hooks.address_confirmed.append(welcome.after_confirmation)
        hooks.signed_in.append(welcome.after_sign_in)
        hooks.resealed.append(connecting.reseal)
        hooks.closing_losses.append(closing.losses)
        hooks.organization_closing.append(closing.end_purchases)
        hooks.organization_blanked.append(closing.forget)
        hooks.export_sections.append(export_rows.sections)
        audit.rules.extend(audit_rules.RULES)
        audit.marks.append(audit_rules.ENTRIES)
        audit.groupings.append(audit_rules.WALLETS)
        audit.rules.extend(gift_rules.RULES)
        audit.marks.extend(gift_rules.MARKS)
        append_only.keep(ENTRIES, self)
