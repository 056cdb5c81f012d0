"""How people sign in: what allauth is told. None of it is the operator's to set; see accounts/signing/."""

from typing import Any

ALLAUTH: dict[str, Any] = {
    "ACCOUNT_ADAPTER": "accounts.signing.adapter.AccountAdapter",
    "ACCOUNT_LOGIN_METHODS": {"email"},
    "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*"],
    "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
    "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
    "ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION": True,  # in the browser that signed up
    "ACCOUNT_PREVENT_ENUMERATION": "strict",
    "ACCOUNT_EMAIL_NOTIFICATIONS": True,
    "ACCOUNT_CHANGE_EMAIL": True,
    "ACCOUNT_SESSION_REMEMBER": True,
    "ACCOUNT_REAUTHENTICATION_REQUIRED": True,
    "ACCOUNT_REAUTHENTICATION_TIMEOUT": 900,
    "ACCOUNT_REAUTHENTICATION_METHODS": ("password", "mfa"),
    # Tries are counted by accounts.signing.limits: in Redis or the process, and never past them.
    "ACCOUNT_RATE_LIMITS": False,
    "MFA_RATE_LIMITS": False,
    "ACCOUNT_FORMS": {
        "login": "accounts.forms.signing.SignInForm",
        "signup": "accounts.forms.signing.SignUpForm",
        "reset_password": "accounts.forms.passwords.ResetForm",
        "reset_password_from_key": "accounts.forms.passwords.NewPasswordForm",
        "change_password": "accounts.forms.passwords.ChangePasswordForm",
        "set_password": "accounts.forms.passwords.SetPasswordForm",
        "reauthenticate": "accounts.forms.passwords.PasswordAgainForm",
        "add_email": "accounts.forms.signing.NewAddressForm",
    },
    "MFA_ADAPTER": "accounts.signing.second_factor.SecondFactorAdapter",
    "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
    "MFA_PASSKEY_LOGIN_ENABLED": True,
    "MFA_TOTP_TOLERANCE": 1,
    # A new address waits to be confirmed beside the old one, which stays the account's until then.
    "MFA_ALLOW_UNVERIFIED_EMAIL": True,
    "MFA_FORMS": {
        "authenticate": "accounts.forms.second_factor.CodeForm",
        "reauthenticate": "accounts.forms.second_factor.CodeAgainForm",
        "activate_totp": "accounts.forms.second_factor.SwitchOnForm",
        "add_webauthn": "accounts.forms.second_factor.NewPasskeyForm",
        "edit_webauthn": "accounts.forms.second_factor.RenamePasskeyForm",
        "authenticate_webauthn": "accounts.forms.second_factor.PasskeyForm",
        "reauthenticate_webauthn": "accounts.forms.second_factor.PasskeyAgainForm",
        "login_webauthn": "accounts.forms.second_factor.PasskeySignInForm",
    },
    "SOCIALACCOUNT_ADAPTER": "accounts.signing.social.SocialAdapter",
    "SOCIALACCOUNT_AUTO_SIGNUP": False,  # the form asks for the organization and the terms
    "SOCIALACCOUNT_FORMS": {"signup": "accounts.forms.signing.SocialSignUpForm"},
}
