"""The keys of the public API's sample objects (stripe/openapi, fixtures3.json at f6c2a48f, MIT), by resource."""

from __future__ import annotations

KEYS = {
    "payment_intent": """
        amount amount_capturable amount_details amount_received application application_fee_amount
        automatic_payment_methods canceled_at cancellation_reason capture_method client_secret
        confirmation_method created currency customer customer_account description
        excluded_payment_method_types id last_payment_error latest_charge livemode managed_payments metadata
        next_action object on_behalf_of payment_method payment_method_configuration_details
        payment_method_options payment_method_types processing receipt_email review setup_future_usage
        shipping source statement_descriptor statement_descriptor_suffix status transfer_data transfer_group
    """.split(),
    "charge": """
        amount amount_captured amount_refunded application application_fee application_fee_amount
        balance_transaction billing_details calculated_statement_descriptor captured created currency customer
        description disputed failure_balance_transaction failure_code failure_message fraud_details id
        livemode metadata object on_behalf_of outcome paid payment_intent payment_method
        payment_method_details receipt_email receipt_number receipt_url refunded refunds review shipping
        source source_transfer statement_descriptor statement_descriptor_suffix status transfer_data
        transfer_group
    """.split(),
    "refund": """
        amount balance_transaction charge created currency customer customer_account destination_details id
        metadata object payment_intent payment_method reason receipt_number source_transfer_reversal status
        transfer_reversal
    """.split(),
    "dispute": """
        amount balance_transactions charge created currency enhanced_eligibility_types evidence
        evidence_details id is_charge_refundable livemode metadata object payment_intent
        payment_method_details reason status
    """.split(),
    "payment_method": """
        allow_redisplay billing_details card created customer customer_account id livemode metadata object
        type
    """.split(),
    "customer": """
        address balance created currency default_source delinquent description discount email id
        invoice_prefix invoice_settings livemode metadata name next_invoice_sequence object phone
        preferred_locales shipping tax_exempt test_clock
    """.split(),
    "event": """
        api_version created data id livemode object pending_webhooks request type
    """.split(),
    "balance_transaction": """
        amount available_on balance_type created currency description exchange_rate fee fee_details id net
        object reporting_category source status type
    """.split(),
    "charge.payment_method_details.card": """
        amount_authorized authorization_code brand checks country exp_month exp_year extended_authorization
        fingerprint funding incremental_authorization installments last4 mandate multicapture network
        network_token network_transaction_id overcapture regulated_status three_d_secure transaction_link_id
        wallet
    """.split(),
    "charge.outcome": """
        advice_code network_advice_code network_decline_code network_status reason seller_message type
    """.split(),
    "payment_method.card": """
        brand checks country display_brand exp_month exp_year fingerprint funding generated_from last4
        networks regulated_status three_d_secure_usage wallet
    """.split(),
    "dispute.evidence": """
        access_activity_log billing_address cancellation_policy cancellation_policy_disclosure
        cancellation_rebuttal customer_communication customer_email_address customer_name customer_purchase_ip
        customer_signature duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id
        enhanced_evidence product_description receipt refund_policy refund_policy_disclosure
        refund_refusal_explanation service_date service_documentation shipping_address shipping_carrier
        shipping_date shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text
    """.split(),
    "dispute.evidence_details": """
        due_by enhanced_eligibility has_evidence past_due submission_count
    """.split(),
    "charge.billing_details": """
        address email name phone tax_id
    """.split(),
    "charge.refunds": """
        data has_more object url
    """.split(),
    "event.request": """
        id idempotency_key
    """.split(),
    "account": """
        business_profile business_type capabilities charges_enabled controller country created
        default_currency details_submitted email external_accounts future_requirements id metadata
        object payouts_enabled requirements settings tos_acceptance type
    """.split(),
    "account.business_profile": """
        annual_revenue estimated_worker_count mcc minority_owned_business_designation name
        product_description support_address support_email support_phone support_url url
    """.split(),
    "account.business_profile.annual_revenue": """
        amount currency fiscal_year_end
    """.split(),
    "account.business_profile.support_address": """
        city country line1 line2 postal_code state
    """.split(),
    "account.external_accounts": """
        data has_more object url
    """.split(),
    "account.future_requirements": """
        alternatives current_deadline currently_due disabled_reason errors eventually_due past_due
        pending_verification
    """.split(),
    "account.requirements": """
        alternatives current_deadline currently_due disabled_reason errors eventually_due past_due
        pending_verification
    """.split(),
    "account.tos_acceptance": """
        date ip user_agent
    """.split(),
    "account.settings": """
        bacs_debit_payments branding card_issuing card_payments dashboard invoices payments payouts
        sepa_debit_payments
    """.split(),
    "account.settings.bacs_debit_payments": """
        display_name service_user_number
    """.split(),
    "account.settings.branding": """
        icon logo primary_color secondary_color
    """.split(),
    "account.settings.card_issuing": """
        tos_acceptance
    """.split(),
    "account.settings.card_payments": """
        decline_on statement_descriptor_prefix statement_descriptor_prefix_kana
        statement_descriptor_prefix_kanji
    """.split(),
    "account.settings.dashboard": """
        display_name timezone
    """.split(),
    "account.settings.invoices": """
        default_account_tax_ids hosted_payment_method_save
    """.split(),
    "account.settings.payments": """
        statement_descriptor statement_descriptor_kana statement_descriptor_kanji
        statement_descriptor_prefix_kana statement_descriptor_prefix_kanji
    """.split(),
    "account.settings.payouts": """
        debit_negative_balances schedule statement_descriptor
    """.split(),
    "account_link": """
        created expires_at object url
    """.split(),
    "bank_account": """
        account_holder_name account_holder_type account_type bank_name country currency customer
        fingerprint id last4 metadata object routing_number status
    """.split(),
}
