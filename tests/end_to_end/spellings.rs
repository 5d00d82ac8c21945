//! A secret, and what it looks like to who looks for it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;

/// Two lines, for what is written line by line shows its lines one by one.
pub(crate) const SECRET: &str = "correct-h0rse\nbattery-st4ple";

/// How bytes may be spelt: as they are, in base64 (wherever they begin among three bytes), in hexadecimal.
pub(crate) fn spellings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let encoded = |before: usize| {
        let padded = [&vec![0; before], bytes].concat();
        let encoded = BASE64_STANDARD_NO_PAD.encode(&padded);
        // The letters at the ends depend on the neighbours too.
        let whole = (padded.len() * 8) / 6;
        encoded[(before * 8).div_ceil(6)..whole].to_owned()
    };
    let texts = [hex.to_uppercase(), hex, encoded(0), encoded(1), encoded(2)];
    texts.map(String::into_bytes).into_iter().chain([bytes.to_vec()]).collect()
}

/// All that must not be seen.
pub(crate) fn needles() -> Vec<Vec<u8>> {
    SECRET.lines().flat_map(|line| spellings(line.as_bytes())).collect()
}

/// Whether one of them is in it.
pub(crate) fn shows(haystack: &[u8], needles: &[Vec<u8>]) -> bool {
    let text = String::from_utf8_lossy(haystack);
    needles.iter().any(|needle| match str::from_utf8(needle) {
        Ok(needle) => text.contains(needle),
        Err(_) => haystack.windows(needle.len()).any(|part| part == needle),
    })
}

#[test]
fn the_needles_find_what_they_are_for() {
    let found = |text: &str| shows(text.as_bytes(), &needles());
    for text in [SECRET, "k=battery-st4ple!", "636f72726563742d6830727365", "636F72726563742D6830727365"] {
        assert!(found(text), "{text}");
    }
    for before in ["", "k", "k=", "key", "long before\n"] {
        let encoded = BASE64_STANDARD_NO_PAD.encode(format!("{before}{SECRET}; and after"));
        assert!(found(&encoded), "{before:?} {encoded}");
    }
    assert!(!found("correct horse, battery staple"));
}
