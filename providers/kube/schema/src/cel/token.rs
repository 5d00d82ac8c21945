//! The words of an expression.

use std::iter::Peekable;
use std::str::CharIndices;
use std::sync::Arc;

use super::value::Value;

/// A word, the character that it begins at, and how it is written.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// What a word is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Name,
    /// A field's name between backticks, which may be any.
    QuotedName,
    Literal(Value),
    /// Operators, brackets and separators.
    Mark,
    End,
}

/// What is no word, and where.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) at: usize,
    pub(super) message: String,
}

const MARKS: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")",
    "[", "]", "{", "}", "=",
];

/// The words of a text, the end last.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Mistake> {
    let mut lexer = Lexer { text, rest: text.char_indices().peekable(), at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let at = lexer.at;
        let Some(start) = lexer.offset() else {
            tokens.push(Token { at, kind: Kind::End, text: "<EOF>".to_owned() });
            return Ok(tokens);
        };
        let kind = lexer.kind(start)?;
        let written = text.get(start..lexer.offset().unwrap_or(text.len())).unwrap_or_default();
        tokens.push(Token { at, kind, text: written.to_owned() });
    }
}

struct Lexer<'t> {
    text: &'t str,
    rest: Peekable<CharIndices<'t>>,
    /// The place of the next character, in characters.
    at: usize,
}

impl Lexer<'_> {
    /// The place of the next character, in bytes.
    fn offset(&mut self) -> Option<usize> {
        self.rest.peek().map(|(offset, _)| *offset)
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, letter)| *letter)
    }

    fn next(&mut self) -> Option<char> {
        self.at += 1;
        self.rest.next().map(|(_, letter)| letter)
    }

    fn skip(&mut self, letters: usize) {
        for _ in 0..letters {
            self.next();
        }
    }

    fn skip_space(&mut self) {
        while let Some(letter) = self.peek() {
            let is_comment = letter == '/' && self.follows("//");
            match letter {
                ' ' | '\t' | '\r' | '\n' | '\u{c}' => self.skip(1),
                _ if is_comment => {
                    while self.peek().is_some_and(|letter| letter != '\n') {
                        self.skip(1);
                    }
                }
                _ => return,
            }
        }
    }

    fn follows(&mut self, text: &str) -> bool {
        let offset = self.offset().unwrap_or(self.text.len());
        self.text.get(offset..).is_some_and(|rest| rest.starts_with(text))
    }

    fn run(&mut self, holds: impl Fn(char) -> bool) -> String {
        let mut found = String::new();
        while let Some(letter) = self.peek().filter(|letter| holds(*letter)) {
            found.push(letter);
            self.skip(1);
        }
        found
    }

    fn kind(&mut self, start: usize) -> Result<Kind, Mistake> {
        let at = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        if let Some(prefix) = text_prefix(rest) {
            self.skip(prefix.chars().count());
            return self.text_literal(at, prefix);
        }
        match rest.chars().next() {
            Some(letter) if letter.is_ascii_alphabetic() || letter == '_' => {
                Ok(match self.run(|letter| letter.is_ascii_alphanumeric() || letter == '_').as_str() {
                    "true" => Kind::Literal(Value::Bool(true)),
                    "false" => Kind::Literal(Value::Bool(false)),
                    "null" => Kind::Literal(Value::Null),
                    "in" => Kind::Mark,
                    _ => Kind::Name,
                })
            }
            Some('`') => {
                self.skip(1);
                self.run(|letter| letter.is_ascii_alphanumeric() || "_.-/ ".contains(letter));
                if self.next() == Some('`') { Ok(Kind::QuotedName) } else { Err(unrecognised(at, rest)) }
            }
            Some(letter)
                if letter.is_ascii_digit()
                    || letter == '.' && rest.chars().nth(1).is_some_and(|next| next.is_ascii_digit()) =>
            {
                self.number(at)
            }
            _ => {
                let mark = MARKS.iter().find(|mark| rest.starts_with(**mark));
                let mark = mark.ok_or_else(|| unrecognised(at, rest))?;
                self.skip(mark.len());
                Ok(Kind::Mark)
            }
        }
    }

    fn number(&mut self, at: usize) -> Result<Kind, Mistake> {
        let wrong = |what: &str| Mistake { at, message: format!("invalid {what} literal") };
        if self.follows("0x") || self.follows("0X") {
            self.skip(2);
            let digits = self.run(|letter| letter.is_ascii_hexdigit());
            return if self.is_unsigned() {
                u64::from_str_radix(&digits, 16)
                    .map(Value::Uint)
                    .map(Kind::Literal)
                    .map_err(|_| wrong("uint"))
            } else {
                whole(&digits, 16).map(Kind::Literal).ok_or_else(|| wrong("int"))
            };
        }
        let mut digits = self.run(|letter| letter.is_ascii_digit());
        let mut is_whole = true;
        let fraction = self.text.get(self.offset().unwrap_or(self.text.len())..).unwrap_or_default();
        if fraction.starts_with('.') && fraction.chars().nth(1).is_some_and(|next| next.is_ascii_digit()) {
            self.skip(1);
            digits = format!("{digits}.{}", self.run(|letter| letter.is_ascii_digit()));
            is_whole = false;
        }
        if self.follows("e") || self.follows("E") {
            self.skip(1);
            let sign = self.run(|letter| matches!(letter, '+' | '-'));
            digits = format!("{digits}e{sign}{}", self.run(|letter| letter.is_ascii_digit()));
            is_whole = false;
        }
        if !is_whole {
            return digits.parse().map(Value::Double).map(Kind::Literal).map_err(|_| wrong("double"));
        }
        if self.is_unsigned() {
            return digits.parse().map(Value::Uint).map(Kind::Literal).map_err(|_| wrong("uint"));
        }
        whole(&digits, 10).map(Kind::Literal).ok_or_else(|| wrong("int"))
    }

    fn is_unsigned(&mut self) -> bool {
        let is_unsigned = self.peek().is_some_and(|letter| matches!(letter, 'u' | 'U'));
        if is_unsigned {
            self.skip(1);
        }
        is_unsigned
    }

    /// A text or bytes, after its opening quotes.
    fn text_literal(&mut self, at: usize, prefix: &str) -> Result<Kind, Mistake> {
        let is_raw = prefix.contains(['r', 'R']);
        let is_bytes = prefix.contains(['b', 'B']);
        let quotes = prefix.trim_start_matches(['r', 'R', 'b', 'B']);
        let mut bytes = Vec::new();
        loop {
            if self.follows(quotes) {
                self.skip(quotes.len());
                break;
            }
            match self.next() {
                Some('\\') if !is_raw => self.escape(at, is_bytes, &mut bytes)?,
                Some('\n') if quotes.len() == 1 => return Err(unrecognised(at, prefix)),
                Some(letter) => bytes.extend(letter.to_string().bytes()),
                None => return Err(unrecognised(at, prefix)),
            }
        }
        if is_bytes {
            return Ok(Kind::Literal(Value::Bytes(Arc::from(bytes))));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| Mistake { at, message: "invalid string literal".to_owned() })?;
        Ok(Kind::Literal(Value::text(&text)))
    }

    fn escape(&mut self, at: usize, is_bytes: bool, bytes: &mut Vec<u8>) -> Result<(), Mistake> {
        let wrong = || Mistake { at, message: "unable to unescape string".to_owned() };
        let letter = self.next().ok_or_else(wrong)?;
        let plain = match letter {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' | '\'' | '"' | '`' | '?' => letter as u8,
            _ => {
                let (digits, radix) = match letter {
                    'x' | 'X' => (2, 16),
                    'u' => (4, 16),
                    'U' => (8, 16),
                    '0'..='3' => (2, 8),
                    _ => return Err(wrong()),
                };
                let mut text = String::from(if radix == 8 { letter } else { '0' });
                (0..digits).for_each(|_| text.extend(self.next()));
                let code = u32::from_str_radix(&text, radix).map_err(|_| wrong())?;
                match (is_bytes, u8::try_from(code), char::from_u32(code)) {
                    (true, Ok(byte), _) => bytes.push(byte),
                    (false, _, Some(letter)) => bytes.extend(letter.to_string().bytes()),
                    _ => return Err(wrong()),
                }
                return Ok(());
            }
        };
        bytes.push(plain);
        Ok(())
    }
}

/// The number; its smallest is written with a sign, which is not its own.
fn whole(digits: &str, radix: u32) -> Option<Value> {
    i64::from_str_radix(digits, radix).ok().map(Value::Int).or_else(|| {
        let is_least = u64::from_str_radix(digits, radix).ok()? == i64::MIN.unsigned_abs();
        is_least.then_some(Value::Uint(i64::MIN.unsigned_abs()))
    })
}

/// What a text or bytes begin with: `'`, `"""`, `rb'`.
fn text_prefix(rest: &str) -> Option<&str> {
    let letters =
        rest.find(|letter: char| !matches!(letter, 'r' | 'R' | 'b' | 'B')).filter(|letters| *letters <= 2)?;
    let after = rest.get(letters..)?;
    let quotes = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quotes| after.starts_with(quotes))?;
    rest.get(..letters + quotes.len())
}

fn unrecognised(at: usize, rest: &str) -> Mistake {
    let shown: String = rest.chars().take(1).collect();
    Mistake { at, message: format!("Syntax error: token recognition error at: '{shown}'") }
}
