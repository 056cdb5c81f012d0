from django.urls import path

from accounts.views import closing, exports, own_data, retention, signing

urlpatterns = [
    path("sign-in/", signing.sign_in, name="sign_in"),
    path("sign-out/", signing.sign_out, name="sign_out"),
    path("terms/", signing.accept_terms, name="terms"),
    path("settings/export/", exports.export_page, name="export"),
    path("settings/export/<str:export_id>/", exports.download, name="export_download"),
    path("settings/retention/", retention.retention_page, name="retention"),
    path("settings/delete/", closing.organization_delete, name="organization_delete"),
    path("settings/delete/undo/", closing.organization_undelete, name="organization_undelete"),
    path("account/export/", own_data.account_export, name="account_export"),
    path("account/delete/", own_data.account_delete, name="account_delete"),
]
