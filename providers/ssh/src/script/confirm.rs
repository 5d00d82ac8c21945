//! Changes that the host takes back by itself unless they are confirmed in time.

use super::{Program, assign, program};

/// The functions and variables by which a program arms the way back of `key`, which are few if nothing is to be confirmed.
pub(crate) fn confirming(key: &str, seconds: Option<u64>) -> String {
    let variables = format!("armed=\n{}", assign("confirm_seconds", &seconds.unwrap_or(0).to_string()));
    match seconds {
        Some(_) => format!("{variables}{}{}", assign("key", key), include_str!("confirm.sh")),
        None => variables,
    }
}

/// The program that confirms the change of `key`, and tells whether it could: `confirmed`, `reverted`, `reverting` or `nothing`.
pub(crate) fn disarm(nonce: &str, key: &str) -> Program {
    let body = format!("{}{}{}", assign("key", key), include_str!("confirm.sh"), include_str!("disarm.sh"));
    program(nonce, &body)
}
