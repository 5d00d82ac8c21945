//! Old ways of writing become new ones: `"${x}"` becomes `x`, `resource a b` becomes `resource "a" "b"`, and the type `"map"` becomes
//! `map(string)`. Spaces do not matter yet.

use super::token::{Kind, Token, net_nesting};

/// The same text in tokens, written the new way.
pub(super) fn modernised<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut writer = Writer { tokens, at: 0, blocks: Vec::new(), written: Vec::with_capacity(tokens.len()) };
    while let Some(token) = writer.peek() {
        match token.kind {
            Kind::Identifier if writer.is_attribute() => writer.attribute(token.text),
            Kind::Identifier => writer.block(token.text),
            Kind::BraceClose => {
                writer.blocks.pop();
                writer.copy();
            }
            _ => writer.copy(),
        }
    }
    writer.written
}

/// Walks over the blocks and attributes of a text.
struct Writer<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    /// The types of the blocks around, the innermost last.
    blocks: Vec<&'a str>,
    written: Vec<Token<'a>>,
}

impl<'a> Writer<'_, 'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn copy(&mut self) {
        self.written.extend(self.peek());
        self.at += 1;
    }

    fn copy_while(&mut self, holds: impl Fn(Kind) -> bool) {
        while self.peek().is_some_and(|token| holds(token.kind)) {
            self.copy();
        }
    }

    /// Whether the name here is followed by `=`.
    fn is_attribute(&self) -> bool {
        let mut after = self.tokens[self.at + 1..].iter().filter(|token| token.kind != Kind::Comment);
        after.next().is_some_and(|token| token.kind == Kind::Assign)
    }

    fn attribute(&mut self, name: &str) {
        self.copy_while(|kind| kind != Kind::Assign);
        self.copy();
        self.copy_while(|kind| kind == Kind::Comment);
        let value = value(&self.tokens[self.at..]);
        self.at += value.len();
        let is_type = name == "type" && self.blocks == ["variable"];
        self.written.extend(if is_type { type_expression(value) } else { unwrapped(value) });
    }

    fn block(&mut self, ty: &'a str) {
        self.copy();
        while let Some(token) = self.peek().filter(|token| token.kind != Kind::BraceOpen) {
            match token.kind {
                // A template is not a label, but what it holds must not be taken for one.
                Kind::QuoteOpen => self.copy_while(|kind| kind != Kind::QuoteClose),
                Kind::Identifier => {
                    self.written.extend(quoted(token));
                    self.at += 1;
                }
                Kind::Newline => return,
                _ => self.copy(),
            }
        }
        self.copy();
        self.blocks.push(ty);
    }
}

fn quoted(label: Token<'_>) -> [Token<'_>; 3] {
    let literal = Token { kind: Kind::Literal, ..label };
    [Token::new(Kind::QuoteOpen, "\""), literal, Token::new(Kind::QuoteClose, "\"")]
}

/// The tokens of the expression that starts the given ones, without comments behind it.
fn value<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    let mut open = 0;
    let mut end = 0;
    for (at, token) in tokens.iter().enumerate() {
        open += token.kind.nesting();
        if open < 0 || (open == 0 && token.ends_line()) {
            break;
        }
        if token.kind != Kind::Comment {
            end = at + 1;
        }
    }
    &tokens[..end]
}

/// What a template that is nothing but one interpolation holds; all else as it is.
fn unwrapped<'a>(value: &[Token<'a>]) -> Vec<Token<'a>> {
    let [open, interpolation, inside @ .., end, close] = value else { return value.to_vec() };
    let wrapped = [open.kind, interpolation.kind, end.kind, close.kind]
        == [Kind::QuoteOpen, Kind::Interpolation, Kind::TemplateEnd, Kind::QuoteClose];
    let inside = without_outer_newlines(inside);
    if !wrapped || inside.is_empty() || !is_alone(inside) {
        return value.to_vec();
    }
    if inside.iter().any(|token| token.kind == Kind::Newline) && !is_in_parentheses(inside) {
        let mut parenthesised = vec![Token::new(Kind::ParenthesisOpen, "(")];
        parenthesised.extend(inside);
        parenthesised.push(Token::new(Kind::ParenthesisClose, ")"));
        return parenthesised;
    }
    inside.to_vec()
}

fn without_outer_newlines<'t, 'a>(mut tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    while let [Token { kind: Kind::Newline, .. }, rest @ ..]
    | [rest @ .., Token { kind: Kind::Newline, .. }] = tokens
    {
        tokens = rest;
    }
    tokens
}

/// Whether this is all between one `${` and its `}`: outside of strings in it there is neither text nor another template.
fn is_alone(inside: &[Token<'_>]) -> bool {
    let mut quotes = 0;
    inside.iter().all(|token| {
        match token.kind {
            Kind::QuoteOpen => quotes += 1,
            Kind::QuoteClose => quotes -= 1,
            Kind::Interpolation | Kind::Directive | Kind::TemplateEnd | Kind::Literal => return quotes > 0,
            // It would end the attribute.
            Kind::Comment => return !token.ends_line(),
            _ => {}
        }
        quotes >= 0
    })
}

/// Whether one pair of parentheses is around all of it.
fn is_in_parentheses(tokens: &[Token<'_>]) -> bool {
    let [first, middle @ .., last] = tokens else { return false };
    let mut open = 1;
    let stays_open = middle.iter().all(|token| {
        open += token.kind.nesting();
        open > 0
    });
    first.kind == Kind::ParenthesisOpen
        && last.kind == Kind::ParenthesisClose
        && stays_open
        && net_nesting(middle) == 0
}

/// A type as it is written now. A bare collection is one of `any`; a quoted one was one of strings.
fn type_expression<'a>(value: &[Token<'a>]) -> Vec<Token<'a>> {
    match value {
        [ty] if matches!(ty.text, "list" | "map" | "set") => collection(ty.text, "any"),
        [quote, ty, _] if quote.kind == Kind::QuoteOpen => match ty.text {
            "string" => vec![Token::new(Kind::Identifier, ty.text)],
            "list" | "map" => collection(ty.text, "string"),
            _ => value.to_vec(),
        },
        _ => value.to_vec(),
    }
}

fn collection<'a>(name: &'a str, element: &'a str) -> Vec<Token<'a>> {
    vec![
        Token::new(Kind::Identifier, name),
        Token::new(Kind::ParenthesisOpen, "("),
        Token::new(Kind::Identifier, element),
        Token::new(Kind::ParenthesisClose, ")"),
    ]
}
