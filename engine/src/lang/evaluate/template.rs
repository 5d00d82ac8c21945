//! Templates: literal parts, interpolations, directives and strip markers.
//!
//! A template is first laid out flat, in the order of the source, because strip markers and the dedenting of heredocs look at
//! what stands beside a literal wherever that is nested. In heredocs and template files each line is a literal of its own, so
//! that a marker strips at most up to the end of its line.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression as Ast;
use hcl_edit::template::{Directive, Element, ForTemplateExpr, StringTemplate, Strip, Template};

use super::{Evaluated, Evaluator, is_unknown};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::limits;
use crate::types::Type;
use crate::value::{Marks, Value};

/// How the literal parts of a template are written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Style {
    /// Between quotes, with backslash escapes.
    Quoted,
    /// As they are, line by line.
    Lines,
    /// As they are, without the indentation that all lines share.
    Dedented,
}

/// One literal or what stands between literals, in the order of the source.
pub(super) enum Token {
    Text(String),
    Marker(Strip),
}

/// A part of a template, ready to be evaluated as often as a loop needs.
enum Piece<'t> {
    /// Literals, as positions in the tokens.
    Text(Range<usize>),
    Value(&'t Ast),
    If(&'t Ast, Vec<Piece<'t>>, Vec<Piece<'t>>),
    For(&'t ForTemplateExpr, Vec<Piece<'t>>),
}

/// The text so far.
#[derive(Default)]
struct Output {
    text: String,
    /// How much of the text is certain, once something in it is unknown.
    certain: Option<usize>,
    marks: Marks,
}

impl Output {
    fn fail(&mut self, problem: Diagnostic, diagnostics: &mut Diagnostics) {
        diagnostics.push(problem);
        self.unknown_from("");
    }

    /// What follows is unknown, but for how it begins.
    fn unknown_from(&mut self, begins: &str) {
        if self.certain.is_none() {
            self.text.push_str(begins);
            self.certain = Some(self.text.len());
        }
    }
}

impl Evaluator<'_> {
    pub(super) fn string_template(
        &self,
        template: &StringTemplate,
        diagnostics: &mut Diagnostics,
    ) -> Evaluated {
        self.template(template, Style::Quoted, diagnostics)
    }

    /// The value of a template: its text, or, if it is nothing but one interpolation, that value as it is.
    pub(super) fn template(
        &self,
        template: &Template,
        style: Style,
        diagnostics: &mut Diagnostics,
    ) -> Evaluated {
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            return Ok(self.value(&only.expr, diagnostics));
        }
        let mut tokens = Vec::new();
        let pieces = self.lay_out(template, style, &mut tokens);
        strip(&mut tokens);
        if style == Style::Dedented {
            super::heredoc::dedent(&mut tokens);
        }
        let mut output = Output::default();
        self.write_all(&pieces, &tokens, &mut output, diagnostics)?;
        let value = match output.certain {
            Some(end) => {
                Value::unknown(Type::String).starting_with(output.text.get(..end).unwrap_or_default())
            }
            None => Value::string(output.text),
        };
        self.spent
            .work(u64::from(value.weight()))
            .map_err(|(summary, detail)| self.wrong_at(template.span(), summary, detail))?;
        Ok(value.marked(output.marks))
    }

    fn lay_out<'t>(&self, template: &'t Template, style: Style, tokens: &mut Vec<Token>) -> Vec<Piece<'t>> {
        let pieces = template.iter().map(|element| match element {
            Element::Literal(literal) => {
                let source = literal.span().and_then(|range| self.unit.text().get(range));
                let start = tokens.len();
                literals(source.unwrap_or(literal.as_str()), style, tokens);
                Piece::Text(start..tokens.len())
            }
            Element::Interpolation(interpolation) => {
                tokens.push(Token::Marker(interpolation.strip));
                Piece::Value(&interpolation.expr)
            }
            Element::Directive(directive) => self.lay_out_directive(directive, style, tokens),
        });
        pieces.collect()
    }

    fn lay_out_directive<'t>(
        &self,
        directive: &'t Directive,
        style: Style,
        tokens: &mut Vec<Token>,
    ) -> Piece<'t> {
        match directive {
            Directive::If(node) => {
                tokens.push(Token::Marker(node.if_expr.strip));
                let then = self.lay_out(&node.if_expr.template, style, tokens);
                let otherwise = node.else_expr.as_ref().map(|node| {
                    tokens.push(Token::Marker(node.strip));
                    self.lay_out(&node.template, style, tokens)
                });
                tokens.push(Token::Marker(node.endif_expr.strip));
                Piece::If(&node.if_expr.cond_expr, then, otherwise.unwrap_or_default())
            }
            Directive::For(node) => {
                tokens.push(Token::Marker(node.for_expr.strip));
                let body = self.lay_out(&node.for_expr.template, style, tokens);
                tokens.push(Token::Marker(node.endfor_expr.strip));
                Piece::For(&node.for_expr, body)
            }
        }
    }

    fn write_all(
        &self,
        pieces: &[Piece<'_>],
        tokens: &[Token],
        output: &mut Output,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), Diagnostic> {
        for piece in pieces {
            match piece {
                Piece::Text(range) => write_text(tokens.get(range.clone()).unwrap_or_default(), output),
                Piece::Value(ast) => self.write_value(ast, output, diagnostics),
                Piece::If(condition, then, otherwise) => {
                    let truth = self.truth(condition, diagnostics)?;
                    output.marks |= truth.marks();
                    match truth.as_bool() {
                        Some(true) => self.write_all(then, tokens, output, diagnostics)?,
                        Some(false) => self.write_all(otherwise, tokens, output, diagnostics)?,
                        None => {
                            // Either text may come, so the marks of both count; what is wrong with one may not come true.
                            let mut untold = Diagnostics::new();
                            output.unknown_from("");
                            for either in [then, otherwise] {
                                let _ = self.write_all(either, tokens, output, &mut untold);
                            }
                        }
                    }
                }
                Piece::For(node, body) => self.write_loop(node, body, tokens, output, diagnostics)?,
            }
        }
        Ok(())
    }

    /// One interpolation. What is wrong with it does not keep the others from being looked at.
    fn write_value(&self, ast: &Ast, output: &mut Output, diagnostics: &mut Diagnostics) {
        let value = self.value(ast, diagnostics);
        output.marks |= value.all_marks();
        match self.as_text(ast, &value) {
            Ok(text) => match text.as_str() {
                Some(text) => match self.check_length(ast, output.text.len() + text.len()) {
                    Ok(()) => output.text.push_str(text),
                    Err(diagnostic) => output.fail(diagnostic, diagnostics),
                },
                None => output.unknown_from(text.known_prefix().unwrap_or_default()),
            },
            Err(diagnostic) => output.fail(diagnostic, diagnostics),
        }
    }

    fn check_length(&self, ast: &Ast, bytes: usize) -> Result<(), Diagnostic> {
        match bytes > limits::TEXT_MAX {
            true => {
                let detail = format!("The text has more than {} bytes.", limits::TEXT_MAX);
                Err(self.wrong(ast, "Text too long", detail))
            }
            false => Ok(()),
        }
    }

    fn write_loop(
        &self,
        node: &ForTemplateExpr,
        body: &[Piece<'_>],
        tokens: &[Token],
        output: &mut Output,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), Diagnostic> {
        let collection = self.value(&node.collection_expr, diagnostics);
        output.marks |= collection.marks();
        if is_unknown(&collection) || super::looping::is_open(&collection) {
            output.unknown_from("");
            return Ok(());
        }
        let found_before = diagnostics.len();
        for (key, item) in self.items(&node.collection_expr, &collection)? {
            self.check_round(&node.collection_expr)?;
            self.check_length(&node.collection_expr, output.text.len())?;
            if diagnostics.len() > found_before + limits::PROBLEMS_MAX {
                break;
            }
            let key = node.key_var.as_ref().map(|name| (name.as_str(), &key));
            self.with_item(key, (node.value_var.as_str(), &item), |inner| {
                inner.write_all(body, tokens, output, diagnostics)
            })?;
        }
        Ok(())
    }
}

fn write_text(tokens: &[Token], output: &mut Output) {
    for token in tokens {
        if let Token::Text(text) = token {
            output.text.push_str(text);
        }
    }
}

/// Cuts a literal's source into literals and replaces its escapes.
fn literals(source: &str, style: Style, tokens: &mut Vec<Token>) {
    match style {
        Style::Quoted => tokens.push(Token::Text(unescape(source, true))),
        Style::Lines | Style::Dedented => {
            tokens.extend(source.split_inclusive('\n').map(|line| Token::Text(unescape(line, false))));
        }
    }
}

/// `$${` and `%%{` stand for `${` and `%{`; backslash escapes count between quotes only.
fn unescape(source: &str, quoted: bool) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find(['$', '%', '\\']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (taken, meant) = match rest.as_bytes() {
            [b'$', b'$', b'{', ..] => (3, Some("${".to_owned())),
            [b'%', b'%', b'{', ..] => (3, Some("%{".to_owned())),
            [b'\\', ..] if quoted => escape(rest),
            _ => (1, None),
        };
        text.push_str(meant.as_deref().unwrap_or(&rest[..taken]));
        rest = &rest[taken..];
    }
    text.push_str(rest);
    text
}

/// The length of a backslash escape and what it stands for; an escape that is none stands for itself.
fn escape(rest: &str) -> (usize, Option<String>) {
    let plain = |letter: &str| (2, Some(letter.to_owned()));
    let hex = |digits: usize| {
        let code = rest.get(2..2 + digits).and_then(|code| u32::from_str_radix(code, 16).ok());
        code.and_then(char::from_u32).map_or((1, None), |letter| (2 + digits, Some(letter.to_string())))
    };
    match rest.as_bytes().get(1) {
        Some(b'n') => plain("\n"),
        Some(b'r') => plain("\r"),
        Some(b't') => plain("\t"),
        Some(b'"') => plain("\""),
        Some(b'\\') => plain("\\"),
        Some(b'u') => hex(4),
        Some(b'U') => hex(8),
        _ => (1, None),
    }
}

/// Applies strip markers to the literals beside them.
fn strip(tokens: &mut [Token]) {
    for at in 0..tokens.len() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at)).is_some_and(strips_after);
        let after = tokens.get(at + 1).is_some_and(strips_before);
        let Some(Token::Text(text)) = tokens.get_mut(at) else { continue };
        if before {
            *text = text.trim_start().to_owned();
        }
        if after {
            text.truncate(text.trim_end().len());
        }
    }
}

fn strips_before(token: &Token) -> bool {
    matches!(token, Token::Marker(Strip::Start | Strip::Both))
}

fn strips_after(token: &Token) -> bool {
    matches!(token, Token::Marker(Strip::End | Strip::Both))
}
