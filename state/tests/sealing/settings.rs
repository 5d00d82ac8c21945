//! Settings that cannot be used.

use meshform_state::encryption::{Encryption, KeySource, PassphraseCost, Settings};

use crate::world::{ANN, BEN, age, own, passphrase, settings};

fn check(settings: Settings, expect: &str) {
    assert_eq!(Encryption::new(settings).err().unwrap().to_string(), expect);
}

#[test]
fn what_cannot_be_used_is_named() {
    let current = |source: KeySource| settings(&[source], &[]);
    check(current(passphrase("")), "the passphrase is empty");
    check(current(KeySource::Command(Vec::new())), "the command that gives the key is empty");
    check(current(age(&[], &[])), "there is neither a recipient nor an identity of age");
    let no_recipient = |shown: &str| {
        format!("{shown:?} is no recipient of age: one begins with \"age1\", and is made by `age-keygen -y`")
    };
    check(current(age(&["age1qqqq"], &[ANN.identity])), &no_recipient("age1qqqq"));
    check(current(age(&[ANN.identity], &[])), &no_recipient("what is given"));
    let no_identity =
        "an identity of age begins with \"AGE-SECRET-KEY-1\", and this one is not whole or not of that kind";
    check(current(age(&[ANN.recipient], &[ANN.recipient])), no_identity);
    check(current(age(&[ANN.recipient], &[&ANN.identity[..70]])), no_identity);
    let cannot_open =
        "none of the keys can open what is encrypted for the recipients: give the identity of one of them";
    check(current(age(&[ANN.recipient], &[])), cannot_open);
    check(current(age(&[ANN.recipient], &[BEN.identity])), cannot_open);
    check(settings(&[age(&[ANN.recipient], &[])], &[passphrase("old")]), cannot_open);
    check(settings(&vec![passphrase("a"); 9], &[]), "there are more than 8 keys of one kind");
    let cost = PassphraseCost { memory_kib: 1 << 20, ..PassphraseCost::default() };
    let expect = "the cost of the passphrase is out of bounds: 1024 to 262144 KiB of memory, 1 to 16 passes (at most 1 GiB in all), 1 to 16 lanes";
    check(Settings { cost, ..current(passphrase("a")) }, expect);
}

/// Points with which every shared secret is 0: zero, one, and the prime itself, which is zero.
#[test]
fn a_recipient_for_which_everybody_has_the_key_is_none() {
    for point in [[0; 32], one(), prime()] {
        let text = bech32(&point);
        assert!(Encryption::new(settings(&[age(&[&text], &[ANN.identity])], &[])).is_err(), "{text}");
    }
    assert!(Encryption::new(settings(&[age(&[BEN.recipient], &[BEN.identity])], &[])).is_ok());
}

fn one() -> [u8; 32] {
    let mut point = [0; 32];
    point[0] = 1;
    point
}

fn prime() -> [u8; 32] {
    let mut point = [0xff; 32];
    (point[0], point[31]) = (0xed, 0x7f);
    point
}

fn bech32(point: &[u8]) -> String {
    bech32::encode::<bech32::Bech32>(bech32::Hrp::parse("age").unwrap(), point).unwrap()
}

#[test]
fn nothing_that_can_be_printed_tells_a_secret() {
    let sources =
        [passphrase("hunter2"), own(&ANN), KeySource::Command(vec!["print".into(), "hunter2".into()])];
    let printed = format!("{:?}", settings(&sources, &sources));
    assert_eq!(
        printed,
        "Settings { current: [Passphrase, Age, Command], fallback: [Passphrase, Age, Command], migrate: false, \
         cost: PassphraseCost { memory_kib: 1024, passes: 1, lanes: 1 } }"
    );
}
