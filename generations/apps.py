from django.apps import AppConfig


class GenerationsConfig(AppConfig):
    name = "generations"
    verbose_name = "Generations"

    def ready(self) -> None:
        from accounts import hooks
        from billing import audit
        from generations import audit_rules, catalogue

        hooks.shop_opened.append(catalogue.stock)
        audit.known_causes.append("generation")
        audit.rules.extend(audit_rules.RULES)
        audit.marks.extend(audit_rules.MARKS)
        audit.groupings.append(audit_rules.KEYS)
