//! Password hashes by bcrypt (Provos and Mazières, "A Future-Adaptable Password Scheme"), in the form `$2a$`.

use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use blowfish::Blowfish;

use super::{Call, Failure, Function, Outcome, Parameter, Shape};
use crate::types::Type;
use crate::value::Value;

const COST_DEFAULT: i64 = 10;
const COST_MIN: i64 = 4;
/// Each step doubles the work; beyond this, one call takes more than a minute.
const COST_MAX: i64 = 20;
/// The algorithm looks at no more than these.
const PASSWORD_BYTES_MAX: usize = 72;

const ALPHABET: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

pub(super) const FUNCTIONS: &[Function] = &[Function::new(
    "bcrypt",
    &[Parameter::text("password"), Parameter::number("cost")],
    Shape::Text,
    bcrypt,
)
.required(1)];

/// Salted differently at each call; unknown while planning, though what is wrong is told at once.
fn bcrypt(call: &Call<'_>) -> Outcome {
    let password = call.text(0)?;
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(Failure::at(0, format!("a password has at most {PASSWORD_BYTES_MAX} bytes")));
    }
    let cost = if call.count() > 1 { call.integer(1)? } else { COST_DEFAULT };
    if cost > COST_MAX {
        return Err(Failure::at(1, format!("the cost is at most {COST_MAX}: each step doubles the work")));
    }
    // As Terraform has it: a cost that is too low means the usual one.
    let cost = if cost < COST_MIN { COST_DEFAULT } else { cost };
    Ok(match call.context.impure {
        None => Value::unknown(Type::String),
        Some(impure) => hashed(password, cost, &impure.random()).into(),
    })
}

fn hashed(password: &str, cost: i64, salt: &[u8; 16]) -> String {
    let key: Vec<u8> = password.bytes().chain([0]).collect();
    let mut state: Blowfish = Blowfish::bc_init_state();
    state.salted_expand_key(salt, &key);
    for _ in 0..1u64 << cost {
        state.bc_expand_key(&key);
        state.bc_expand_key(salt);
    }
    let bytes: Vec<u8> = encrypted_magic(&state).into_iter().flat_map(u32::to_be_bytes).take(23).collect();
    format!("$2a${cost:02}${}{}", ALPHABET.encode(salt), ALPHABET.encode(bytes))
}

/// The magic text, encrypted 64 times, pair by pair.
fn encrypted_magic(state: &Blowfish) -> [u32; 6] {
    let (words, _) = b"OrpheanBeholderScryDoubt".as_chunks::<4>();
    let mut text = [0; 6];
    text.iter_mut().zip(words).for_each(|(word, bytes)| *word = u32::from_be_bytes(*bytes));
    for pair in text.as_chunks_mut::<2>().0 {
        for _ in 0..64 {
            *pair = state.bc_encrypt(*pair);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the test vectors of crypt_blowfish.
    #[test]
    fn hashes_are_those_of_other_implementations() {
        let check = |password: &str, expect: &str| {
            let salt = ALPHABET.decode(&expect[7..29]).unwrap();
            assert_eq!(hashed(password, 5, &salt.try_into().unwrap()), expect);
        };
        check("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
        check("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK");
        check("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a");
        check("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy");
    }
}
