//! Texts by chance: a few changes to one of a corpus.

/// Makes texts, the same ones for the same seed.
pub(crate) struct Mutator {
    state: u64,
    words: Vec<String>,
}

impl Mutator {
    pub(crate) fn new(seed: usize, words: Vec<String>) -> Self {
        Self { state: u64::try_from(seed).unwrap(), words }
    }

    /// A text like those given.
    pub(crate) fn text(&mut self, corpus: &[String]) -> String {
        let mut text = self.one_of(corpus);
        for _ in 0..=self.below(8) {
            text = self.changed(&text, corpus);
        }
        text
    }

    fn changed(&mut self, text: &str, corpus: &[String]) -> String {
        let (start, end) = (self.position(text), self.position(text));
        let (start, end) = (start.min(end), start.max(end));
        let (before, middle, after) = (&text[..start], &text[start..end], &text[end..]);
        match self.below(8) {
            0 => format!("{before}{after}"),
            1 if text.len() < 4_000 => format!("{before}{middle}{middle}{after}"),
            2 => format!("{before}{}{middle}{after}", letter(self.below(128))),
            3 => format!("{before}{}{middle}{after}", letter(self.below(0x3000))),
            4 => {
                let other = self.one_of(corpus);
                let (from, to) = (self.position(&other), self.position(&other));
                let part = &other[from.min(to)..from.max(to)];
                format!("{before}{part}{after}").chars().take(8_000).collect()
            }
            5 => format!("{before}{middle}"),
            _ => {
                let words = std::mem::take(&mut self.words);
                let word = self.one_of(&words);
                self.words = words;
                format!("{before}{word}{}{after}", if self.below(2) == 0 { middle } else { "" })
            }
        }
    }

    fn one_of(&mut self, texts: &[String]) -> String {
        texts[self.below(texts.len())].clone()
    }

    /// An offset between two letters.
    fn position(&mut self, text: &str) -> usize {
        text.floor_char_boundary(self.below(text.len() + 1))
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

fn letter(code: usize) -> char {
    u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(' ')
}
