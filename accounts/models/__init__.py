"""Who: shops, people, organizations, the keys that act for them, and what is told to whom."""

from accounts.models.audit import (
    NOBODY,
    AuditAction,
    AuditEvent,
    AuditOrigin,
)
from accounts.models.done_for import (
    DoneFor,
)
from accounts.models.exports import (
    DataExport,
    ExportState,
)
from accounts.models.invitations import (
    Invitation,
)
from accounts.models.keys import (
    SCOPES,
    ApiKey,
    new_key_id,
)
from accounts.models.news import (
    AlertKind,
    OperatorAlert,
    Outgoing,
    QueuedMail,
)
from accounts.models.stand_ins import (
    StandIn,
)
from accounts.models.tenancy import (
    Membership,
    Organization,
    Role,
    Shop,
    ShopDomain,
    ShopLogo,
    ShopStaff,
    SignUp,
    StaffRole,
    User,
    UserManager,
)
from accounts.models.terms import (
    Acceptance,
    DocumentKind,
)

__all__ = [
    "NOBODY",
    "SCOPES",
    "Acceptance",
    "AlertKind",
    "ApiKey",
    "AuditAction",
    "AuditEvent",
    "AuditOrigin",
    "DataExport",
    "DocumentKind",
    "DoneFor",
    "ExportState",
    "Invitation",
    "Membership",
    "OperatorAlert",
    "Organization",
    "Outgoing",
    "QueuedMail",
    "Role",
    "Shop",
    "ShopDomain",
    "ShopLogo",
    "ShopStaff",
    "SignUp",
    "StaffRole",
    "StandIn",
    "User",
    "UserManager",
    "new_key_id",
]
