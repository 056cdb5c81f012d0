"""Addresses of people's own pages. Names that allauth looks for are its own; only what is used has an address."""

from django.urls import URLPattern, path, re_path

from accounts.views import (
    account,
    audit,
    closing,
    exports,
    invitations,
    mails,
    organizations,
    own_data,
    retention,
    second_factor,
    signing,
    signing_up,
    social,
    standing_in,
    team,
)

_SIGN_IN = [
    path("sign-in/", signing.sign_in, name="sign_in"),
    path("sign-in/", signing.sign_in, name="account_login"),
    path("sign-in/passkey/", signing.passkey, name="mfa_login_webauthn"),
    path("sign-in/second-factor/", signing.second_factor, name="mfa_authenticate"),
    path("sign-in/google/", social.google, name="google_login"),
    path("sign-in/google/back/", social.google_back, name="google_callback"),
    path("sign-in/github/", social.github, name="github_login"),
    path("sign-in/github/back/", social.github_back, name="github_callback"),
    path("sign-in/canceled/", social.canceled, name="socialaccount_login_cancelled"),
    path("sign-in/failed/", social.failed, name="socialaccount_login_error"),
    path("sign-out/", signing.sign_out, name="sign_out"),
    path("sign-out/", signing.sign_out, name="account_logout"),
    path("sign-up/", signing_up.sign_up, name="sign_up"),
    path("sign-up/", signing_up.sign_up, name="account_signup"),
    path("sign-up/sent/", signing_up.sent, name="account_email_verification_sent"),
    path("sign-up/elsewhere/", social.sign_up, name="socialaccount_signup"),
    path("terms/", signing.accept_terms, name="terms"),
]
_FORGOTTEN = [
    path("account/forgotten/", account.forgotten, name="account_reset_password"),
    path("account/forgotten/sent/", account.forgotten_sent, name="account_reset_password_done"),
    path("account/forgotten/done/", account.reset_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^account/forgotten/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[-\w]+)/\Z",
        account.reset,
        name="account_reset_password_from_key",
    ),
    re_path(r"^account/confirm/(?P<key>[-:\w]+)/\Z", signing_up.confirm, name="account_confirm_email"),
]
_ACCOUNT = [
    path("account/", account.overview, name="account"),
    path("account/address/", account.address, name="account_email"),
    path("account/password/", account.change_password, name="account_change_password"),
    path("account/password/first/", account.set_password, name="account_set_password"),
    path("account/again/", account.password_again, name="account_reauthenticate"),
    path("account/again/code/", second_factor.code_again, name="mfa_reauthenticate"),
    path("account/again/passkey/", second_factor.passkey_again, name="mfa_reauthenticate_webauthn"),
    path("account/sessions/", account.own_sessions, name="usersessions_list"),
    path("account/second-factor/", second_factor.index, name="mfa_index"),
    path("account/second-factor/app/", second_factor.switch_on, name="mfa_activate_totp"),
    path("account/second-factor/app/off/", second_factor.switch_off, name="mfa_deactivate_totp"),
    path("account/second-factor/codes/", second_factor.codes, name="mfa_view_recovery_codes"),
    path("account/second-factor/codes/new/", second_factor.new_codes, name="mfa_generate_recovery_codes"),
    path("account/second-factor/codes/file/", second_factor.codes_file, name="mfa_download_recovery_codes"),
    path("account/passkeys/", second_factor.passkeys, name="mfa_list_webauthn"),
    path("account/passkeys/new/", second_factor.new_passkey, name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/", second_factor.rename_passkey, name="mfa_edit_webauthn"),
    path("account/passkeys/<int:pk>/remove/", second_factor.remove_passkey, name="mfa_remove_webauthn"),
    path("account/elsewhere/", social.connections, name="socialaccount_connections"),
]
_OWN_DATA = [
    path("account/export/", own_data.account_export, name="account_export"),
    path("account/delete/", own_data.account_delete, name="account_delete"),
]
_ORGANIZATION = [
    path("organizations/new/", organizations.new_organization, name="organization_new"),
    path("organizations/switch/", organizations.switch, name="organization_switch"),
    path("settings/", organizations.settings_page, name="settings"),
    path("settings/export/", exports.export_page, name="export"),
    path("settings/export/<str:export_id>/", exports.download, name="export_download"),
    path("settings/retention/", retention.retention_page, name="retention"),
    path("settings/delete/", closing.organization_delete, name="organization_delete"),
    path("settings/delete/undo/", closing.organization_undelete, name="organization_undelete"),
    path("audit/", audit.audit_page, name="audit"),
    path("audit/log.csv", audit.audit_file, name="audit_file"),
]
_TEAM = [
    path("team/", team.team_page, name="team"),
    path("team/leave/", organizations.leave, name="leave"),
    path("team/invite/", team.invite, name="invite"),
    path("team/invitations/<str:invitation_id>/again/", team.send_again, name="invitation_again"),
    path("team/invitations/<str:invitation_id>/revoke/", team.revoke, name="invitation_revoke"),
    path("team/<uuid:person>/", team.member, name="member"),
    path("team/<uuid:person>/remove/", team.remove, name="member_remove"),
    path("invitations/<str:token>/", invitations.invitation_page, name="invitation"),
]
_MAILS = [
    path("mails/", mails.newest, name="mails"),
    path("mails/<str:name>/", mails.show, name="mail"),
]

urlpatterns: list[URLPattern] = [
    *_SIGN_IN,
    *_FORGOTTEN,
    *_ACCOUNT,
    *_OWN_DATA,
    *_ORGANIZATION,
    *_TEAM,
    *_MAILS,
    path("look-in/end/", standing_in.end, name="stand_in_end"),
]
