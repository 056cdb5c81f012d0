from django.urls import path

from accounts.views import (
    audit,
    closing,
    exports,
    invitations,
    organizations,
    own_data,
    retention,
    signing,
    team,
)

urlpatterns = [
    path("sign-in/", signing.sign_in, name="sign_in"),
    path("sign-out/", signing.sign_out, name="sign_out"),
    path("terms/", signing.accept_terms, name="terms"),
    path("organizations/new/", organizations.new_organization, name="organization_new"),
    path("organizations/switch/", organizations.switch, name="organization_switch"),
    path("settings/", organizations.settings_page, name="settings"),
    path("team/", team.team_page, name="team"),
    path("team/leave/", organizations.leave, name="leave"),
    path("team/invite/", team.invite, name="invite"),
    path("team/invitations/<str:invitation_id>/again/", team.send_again, name="invitation_again"),
    path("team/invitations/<str:invitation_id>/revoke/", team.revoke, name="invitation_revoke"),
    path("team/<uuid:person>/", team.member, name="member"),
    path("team/<uuid:person>/remove/", team.remove, name="member_remove"),
    path("invitations/<str:token>/", invitations.invitation_page, name="invitation"),
    path("audit/", audit.audit_page, name="audit"),
    path("audit/log.csv", audit.audit_file, name="audit_file"),
    path("settings/export/", exports.export_page, name="export"),
    path("settings/export/<str:export_id>/", exports.download, name="export_download"),
    path("settings/retention/", retention.retention_page, name="retention"),
    path("settings/delete/", closing.organization_delete, name="organization_delete"),
    path("settings/delete/undo/", closing.organization_undelete, name="organization_undelete"),
    path("account/export/", own_data.account_export, name="account_export"),
    path("account/delete/", own_data.account_delete, name="account_delete"),
]
