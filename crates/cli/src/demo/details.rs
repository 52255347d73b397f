//! The demonstration's types of authorization details (RFC 9396).

use assent_protocol::authorization_details::DetailsType;
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::Write;
use assent_protocol::time::Timestamp;

/// What every application of the demonstration may ask for in detail.
pub const TYPES: [&str; 2] = ["payment_initiation", "account_information"];

const PAYMENT: &str = r##"{
  "type": "object",
  "required": ["instructedAmount", "creditorName"],
  "properties": {
    "instructedAmount": {
      "type": "object",
      "required": ["currency", "amount"],
      "properties": {
        "currency": { "type": "string", "pattern": "^[A-Z]{3}$" },
        "amount": { "type": "string", "pattern": "^[0-9]{1,9}([.][0-9]{1,2})?$" }
      },
      "additionalProperties": false
    },
    "creditorName": { "type": "string", "minLength": 1, "maxLength": 70 },
    "creditorAccount": {
      "type": "object",
      "required": ["iban"],
      "properties": { "iban": { "$ref": "#/$defs/iban" } },
      "additionalProperties": false
    },
    "remittanceInformation": { "type": "string", "maxLength": 140 }
  },
  "$defs": { "iban": { "type": "string", "pattern": "^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$" } }
}"##;
const PAYMENT_WORDS: &str = "Pay {{ instructedAmount.amount }} {{ instructedAmount.currency }} to \
    {{ creditorName }}{% if remittanceInformation is defined %}\nFor: {{ remittanceInformation }}\
    {% endif %}";

const ACCOUNT: &str = r#"{
  "type": "object",
  "required": ["iban", "actions"],
  "properties": {
    "iban": { "type": "string", "pattern": "^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$" },
    "actions": {
      "type": "array",
      "minItems": 1,
      "uniqueItems": true,
      "items": { "enum": ["balances", "transactions"] }
    }
  }
}"#;
const ACCOUNT_WORDS: &str = "Read {{ actions|join(' and ') }} of account {{ iban }}";

/// The records of the types.
pub fn types(env: EnvironmentId, now: Timestamp) -> [Write; 2] {
    let kind = |name: &str, schema: &str, template: &str, partial| {
        Write::insert(DetailsType {
            env,
            name: name.to_owned(),
            schema: schema.to_owned(),
            template: template.to_owned(),
            partial,
            created_at: now,
            updated_at: now,
        })
    };
    let [payment, account] = TYPES;
    [kind(payment, PAYMENT, PAYMENT_WORDS, false), kind(account, ACCOUNT, ACCOUNT_WORDS, true)]
}
