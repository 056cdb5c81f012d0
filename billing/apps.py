from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Money"

    def ready(self) -> None:
        from accounts import hooks
        from billing import (  # checks register themselves
            audit,
            audit_rules,
            checks,  # noqa: F401
            gift_rules,
            packs,
            reads,
            triggers,
            welcome,
        )
        from billing.ledger import open_wallet

        hooks.shop_opened.append(packs.stock)
        hooks.organization_created.append(open_wallet)
        hooks.currency_is_used.append(reads.has_payments)
        hooks.address_confirmed.append(welcome.after_confirmation)
        hooks.signed_in.append(welcome.after_sign_in)
        audit.rules.extend(audit_rules.RULES)
        audit.marks.append(audit_rules.ENTRIES)
        audit.groupings.append(audit_rules.WALLETS)
        audit.rules.extend(gift_rules.RULES)
        audit.marks.extend(gift_rules.MARKS)
        post_migrate.connect(triggers.install_after_migrate, sender=self, dispatch_uid="billing.triggers")
