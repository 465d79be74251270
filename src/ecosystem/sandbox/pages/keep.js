"use strict";
// Keeps a method for later: confirms the setup intent whose client secret the page gave, from the customer's browser.
// eslint-disable-next-line no-unused-vars
const sandboxKeep = async (key, method, secret) => {
  const body = new URLSearchParams({
    client_secret: secret,
    payment_method: method.id,
    "mandate_data[customer_acceptance][type]": "online",
    "mandate_data[customer_acceptance][online][infer_from_client]": "true",
  });
  const answer = await fetch(`/v1/setup_intents/${encodeURIComponent(secret.split("_secret_")[0])}/confirm`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}` },
    body,
  });
  const intent = await answer.json();
  if (intent.error) return { error: intent.error };
  const held = method[method.type];
  const action = intent.next_action || {};
  const url = (action.use_stripe_sdk || action.redirect_to_url || {}).stripe_js || (action.redirect_to_url || {}).url || "";
  return {
    told: {
      type: "setup", intent: intent.id, status: intent.status, id: method.id, kind: method.type, last4: held.last4,
      brand: held.brand || held.bank_name, url,
    },
  };
};
