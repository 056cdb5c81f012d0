import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """What is done to a shop itself is audited too: such events are of no organization."""

    dependencies = [("accounts", "0020_done_for")]

    operations = [
        migrations.AlterModelOptions(
            name="shop",
            options={"permissions": [("suspend_shop", "Can suspend, resume and close shops")]},
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="organization",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="audit_events",
                to="accounts.organization",
            ),
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="action",
            field=models.CharField(choices=[('signed_in', 'Signed in'), ('sign_in_failed', 'Failed to sign in'), ('signed_out_elsewhere', 'Ended other sessions'), ('password_changed', 'Changed the password'), ('email_changed', 'Changed the e-mail address'), ('second_factor_on', 'Switched a second factor on'), ('second_factor_off', 'Switched a second factor off'), ('recovery_codes_made', 'Made new recovery codes'), ('passkey_added', 'Added a passkey'), ('passkey_removed', 'Removed a passkey'), ('account_connected', 'Connected a social account'), ('account_disconnected', 'Disconnected a social account'), ('organization_created', 'Founded the organization'), ('organization_renamed', 'Renamed the organization'), ('settings_changed', 'Changed settings'), ('deletion_asked', 'Asked for the organization to be deleted'), ('deletion_undone', 'Took the deletion back'), ('organization_closed', 'Deleted the organization'), ('member_invited', 'Invited somebody'), ('invitation_sent_again', 'Sent an invitation again'), ('invitation_revoked', 'Took an invitation back'), ('member_joined', 'Joined'), ('role_changed', 'Changed a role'), ('member_removed', 'Removed a member'), ('member_left', 'Left'), ('key_created', 'Made a key'), ('key_changed', 'Changed a key'), ('key_rotated', 'Rotated a key'), ('key_revoked', 'Revoked a key'), ('key_frozen', 'Froze a key'), ('webhook_created', 'Made a webhook endpoint'), ('webhook_changed', 'Changed a webhook endpoint'), ('webhook_deleted', 'Deleted a webhook endpoint'), ('webhook_disabled', 'Switched a webhook endpoint off'), ('webhook_secret_shown', 'Looked at a webhook secret'), ('webhook_secret_rotated', 'Rotated a webhook secret'), ('webhook_replayed', 'Sent webhooks again'), ('billing_changed', 'Changed a billing setting'), ('export_asked', 'Asked for an export'), ('export_fetched', 'Fetched an export'), ('person_erased', 'Was erased'), ('suspended', 'Suspended the organization'), ('resumed', 'Resumed the organization'), ('limits_changed', 'Changed limits'), ('credits_changed', 'Gave or took credits'), ('image_taken_down', 'Took an image down'), ('images_deleted', 'Deleted images'), ('refunded', 'Gave money back'), ('payment_settled', 'Settled a payment by hand'), ('task_retried', 'Made a task again'), ('task_canceled', 'Canceled a task'), ('stand_in_begun', 'Began to look in as a member'), ('stand_in_ended', 'Ended looking in as a member'), ('person_shut_out', 'Shut somebody out'), ('person_let_in', 'Let somebody in again'), ('shop_opened', 'Opened the shop'), ('shop_suspended', 'Suspended the shop'), ('shop_resumed', 'Resumed the shop'), ('shop_closing', 'Began to close the shop'), ('shop_kept', 'Took the closing of the shop back'), ('shop_exported', 'Exported the shop'), ('shop_closed', 'Closed the shop')], max_length=30),
        ),
    ]
