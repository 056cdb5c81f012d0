from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Money"

    def ready(self) -> None:
        from accounts import hooks
        from billing import audit, audit_rules, checks, packs, triggers  # noqa: F401 - checks register themselves
        from billing.ledger import open_wallet

        hooks.shop_opened.append(packs.stock)
        hooks.organization_created.append(open_wallet)
        audit.rules.extend(audit_rules.RULES)
        audit.marks.append(audit_rules.ENTRIES)
        audit.groupings.append(audit_rules.WALLETS)
        post_migrate.connect(triggers.install_after_migrate, sender=self, dispatch_uid="billing.triggers")
