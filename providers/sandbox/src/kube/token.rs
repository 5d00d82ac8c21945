//! The tokens of service accounts: JSON web tokens that this world alone signs and knows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::object::{integer, list, text};

/// Who issues them, and for whom they are if nothing else is said.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc";

const BLOCK: usize = 64;

/// The secret by which a world knows its own tokens.
pub(crate) type TokenKey = [u8; 32];

/// What a token says.
#[derive(Debug)]
pub(crate) struct Claims<'c> {
    pub(crate) namespace: &'c str,
    pub(crate) name: &'c str,
    pub(crate) uid: &'c str,
    /// The token's own.
    pub(crate) credential: &'c str,
    pub(crate) audiences: &'c Value,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
}

/// Whose a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    /// The token's own.
    pub(crate) credential: String,
    /// For whom the token is.
    pub(crate) audiences: Vec<String>,
}

/// A key that follows from a secret, for tokens that outlive the process.
pub(crate) fn key_from(secret: &str) -> TokenKey {
    Sha256::new().chain_update("service accounts\0").chain_update(secret).finalize().into()
}

/// Signs a token.
pub(crate) fn issue(key: &TokenKey, claims: &Claims<'_>) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let body = json!({
        "iss": ISSUER,
        "sub": format!("system:serviceaccount:{}:{}", claims.namespace, claims.name),
        "aud": claims.audiences,
        "iat": claims.issued.as_second(),
        "nbf": claims.issued.as_second(),
        "exp": claims.expires.as_second(),
        "jti": claims.credential,
        "kubernetes.io": {
            "namespace": claims.namespace,
            "serviceaccount": { "name": claims.name, "uid": claims.uid },
        },
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&body));
    let signature = URL_SAFE_NO_PAD.encode(authentication_code(key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// Whose a token is, if it is ours and still holds.
pub(crate) fn account(key: &TokenKey, token: &str, now: Timestamp) -> Option<Account> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !is_same(&signature, &authentication_code(key, signed.as_bytes())) {
        return None;
    }
    let (_, body) = signed.split_once('.')?;
    let body: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
    if integer(&body, "/exp")? <= now.as_second() {
        return None;
    }
    let claim = |pointer: &str| text(&body, pointer).to_owned();
    Some(Account {
        namespace: claim("/kubernetes.io/namespace"),
        name: claim("/kubernetes.io/serviceaccount/name"),
        uid: claim("/kubernetes.io/serviceaccount/uid"),
        credential: claim("/jti"),
        audiences: list(&body, "/aud").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

/// Compares in a time that does not tell where the difference is.
pub(crate) fn is_same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).fold(0, |differs, (left, right)| differs | (left ^ right)) == 0
}

/// HMAC (RFC 2104) over SHA-256; the key is shorter than a block.
fn authentication_code(key: &TokenKey, message: &[u8]) -> [u8; 32] {
    let pad = |with: u8| {
        let mut block = [with; BLOCK];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 4231, test case 2, with the key filled up with zeros as the standard does.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let code = authentication_code(&key, b"what do ya want for nothing?");
        let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn tokens_hold_for_their_time() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let audiences = json!([ISSUER]);
        let claims = Claims {
            namespace: "n",
            name: "robot",
            uid: "u",
            credential: "c",
            audiences: &audiences,
            issued: at(100),
            expires: at(200),
        };
        let token = issue(&[1; 32], &claims);
        let check = |key: u8, token: &str, now: i64, expect: Option<&str>| {
            assert_eq!(account(&[key; 32], token, at(now)).map(|account| account.name).as_deref(), expect);
        };
        check(1, &token, 150, Some("robot"));
        check(1, &token, 200, None);
        check(2, &token, 150, None);
        check(1, &token.replace('.', ""), 150, None);
        check(1, "", 150, None);
    }
}
