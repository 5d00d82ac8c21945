//! Where functions start and end in Rust text, by a lexer that knows comments, strings and braces.

/// A function by name, and its length in lines from `fn` to its closing brace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) lines: usize,
}

/// Every function of `text` that has a body, in the order in which they end.
pub(crate) fn functions(text: &str) -> Vec<Function> {
    let code = without_literals(text);
    let mut found = Vec::new();
    // A header waits for its body: `(name, line of fn)`. A body waits for the depth at which it closes.
    let mut header: Option<(String, usize)> = None;
    let mut bodies: Vec<(String, usize, usize)> = Vec::new();
    let mut depth = 0;
    for (index, line) in code.lines().enumerate() {
        for token in tokens(line) {
            match token {
                Token::Fn(name) => header = Some((name.to_owned(), index)),
                Token::Semicolon => header = None,
                Token::Open => {
                    bodies.extend(header.take().map(|(name, start)| (name, start, depth)));
                    depth += 1;
                }
                Token::Close => {
                    depth = usize::saturating_sub(depth, 1);
                    if let Some((name, start, _)) = bodies.pop_if(|(_, _, opened)| *opened == depth) {
                        found.push(Function { name, lines: index - start + 1 });
                    }
                }
            }
        }
    }
    found
}

enum Token<'a> {
    Fn(&'a str),
    Semicolon,
    Open,
    Close,
}

/// What matters of a line of code. A semicolon counts only at a line's end, where a function without a body ends; the one of `[u8; 4]` does not.
fn tokens(line: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut word_start = 0;
    let mut after_fn = false;
    for (at, letter) in line.char_indices().chain([(line.len(), ' ')]) {
        if letter.is_alphanumeric() || letter == '_' {
            continue;
        }
        let word = &line[word_start..at];
        if after_fn && !word.is_empty() {
            tokens.push(Token::Fn(word));
        }
        after_fn = word == "fn" || (after_fn && word.is_empty() && letter == ' ');
        word_start = at + letter.len_utf8();
        match letter {
            '{' => tokens.push(Token::Open),
            '}' => tokens.push(Token::Close),
            ';' if line[word_start..].trim().is_empty() => tokens.push(Token::Semicolon),
            _ => {}
        }
    }
    tokens
}

/// The text with comments and the insides of literals blanked, line by line as long as before.
fn without_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let skipped = literal_length(rest, code.chars().next_back());
        if skipped == 0 {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
        } else {
            let (literal, after) = rest.split_at(skipped);
            code.extend(literal.chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }));
            rest = after;
        }
    }
    code
}

/// How long the comment or literal is that `rest` starts with; 0 when it starts with code.
fn literal_length(rest: &str, before: Option<char>) -> usize {
    let in_word = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment_length(rest)
    } else if rest.starts_with('"') {
        quoted_length(rest, '"')
    } else if rest.starts_with('\'') {
        character_length(rest)
    } else if !in_word && (rest.starts_with('r') || rest.starts_with("br")) {
        raw_string_length(rest)
    } else {
        0
    }
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        if letter == quote && !escaped {
            return at + 1;
        }
        escaped = letter == '\\' && !escaped;
    }
    rest.len()
}

/// `'a'` and `'\n'` are literals, `'a` in `&'a str` is not.
fn character_length(rest: &str) -> usize {
    let mut letters = rest.chars().skip(1);
    let (first, second) = (letters.next(), letters.next());
    if first == Some('\\') || second == Some('\'') { quoted_length(rest, '\'') } else { 0 }
}

/// `r"…"`, `r#"…"#`, `br"…"`; a raw identifier such as `r#type` is none.
fn raw_string_length(rest: &str) -> usize {
    let opening = rest.trim_start_matches('b').trim_start_matches('r').trim_start_matches('#');
    let prefix = rest.len() - opening.len();
    if !opening.starts_with('"') {
        return 0;
    }
    let hashes = rest[..prefix].matches('#').count();
    let closing = format!("\"{}", "#".repeat(hashes));
    opening[1..].find(&closing).map_or(rest.len(), |at| prefix + 1 + at + closing.len())
}

#[test]
fn functions_are_measured() {
    let check = |text: &str, expect: &[(&str, usize)]| {
        let expect: Vec<_> =
            expect.iter().map(|(name, lines)| Function { name: (*name).to_owned(), lines: *lines }).collect();
        assert_eq!(functions(text), expect, "{text}");
    };
    check("fn one() {}", &[("one", 1)]);
    check("fn three(\n    array: [u8; 4]) {\n}\n", &[("three", 3)]);
    check("trait T {\n    fn none(&self);\n    fn some(&self) {\n    }\n}\n", &[("some", 2)]);
    check("fn outer() {\n    fn inner() {\n    }\n}\n", &[("inner", 2), ("outer", 4)]);
    check("fn text() {\n    \"}\"; '}'; r#\"\"}\"#; // }\n    /* } /* } */ } */\n}\n", &[("text", 4)]);
    check("fn lifetime<'a>(it: &'a str) -> fn(u8) {\n    '\\'';\n}\n", &[("lifetime", 3)]);
    check("struct S { call: fn(u8) }\nconst TEXT: &str = \"fn no() {}\";\n", &[]);
    check("fn raw(r#type: u8, br: u8) {\n    b'{'; br\"{\"\n}\n", &[("raw", 3)]);
}
