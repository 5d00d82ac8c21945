//! Words → tree, by precedence.

use super::Error;
use super::signature;
use super::syntax::{Call, Entry, Kind, Node, located};
use super::token::{self, Token};
use super::value::Value;
use super::{macros, token::tokens};

/// How deep a tree may be: it is walked on the stack.
const HEIGHT_MAX: usize = 120;
/// How deep brackets may nest: they are read on the stack.
const DEPTH_MAX: usize = 50;
/// The longest text that is taken for an expression, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Where functions are that are called by a qualified name.
const NAMESPACES: [&str; 6] = ["ip", "lists", "sets", "optional", "format", "strings"];

/// What can begin an operand, as the API server lists it.
const OPERANDS: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/// Names that the language keeps for itself.
pub(super) const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Operators between two operands, the loosest first.
const BINARY: [&[(&str, &str)]; 5] = [
    &[("||", "_||_")],
    &[("&&", "_&&_")],
    &[
        ("==", "_==_"),
        ("!=", "_!=_"),
        ("<=", "_<=_"),
        (">=", "_>=_"),
        ("<", "_<_"),
        (">", "_>_"),
        ("in", "@in"),
    ],
    &[("+", "_+_"), ("-", "_-_")],
    &[("*", "_*_"), ("/", "_/_"), ("%", "_%_")],
];

/// Reads an expression.
///
/// # Errors
///
/// When it is none, with the place of its first mistake.
pub(super) fn parse(text: &str) -> Result<Node, Error> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::TooLarge);
    }
    let tokens = tokens(text).map_err(|mistake| syntax(text, mistake.at, &mistake.message))?;
    let mut parser = Parser { text, tokens, next: 0, depth: 0 };
    let root = parser.expression()?;
    match parser.peek().kind {
        token::Kind::End => Ok(root),
        _ => Err(parser.unexpected("<EOF>")),
    }
}

fn syntax(text: &str, at: usize, message: &str) -> Error {
    Error::Syntax { message: located(text, at, message) }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

static END: Token = Token { at: 0, kind: token::Kind::End, text: String::new() };

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).or(self.tokens.last()).unwrap_or(&END)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn is_mark(&self, mark: &str) -> bool {
        matches!(self.peek().kind, token::Kind::Mark) && self.peek().text == mark
    }

    /// The place of a mark that comes next, which is taken.
    fn mark(&mut self, mark: &str) -> Option<usize> {
        self.is_mark(mark).then(|| self.take().at)
    }

    fn wanted(&mut self, mark: &str) -> Result<usize, Error> {
        self.mark(mark).ok_or_else(|| self.unexpected(&format!("'{mark}'")))
    }

    fn unexpected(&self, expected: &str) -> Error {
        let token = self.peek();
        let what = if expected == "<EOF>" { "extraneous" } else { "mismatched" };
        let message = format!("Syntax error: {what} input '{}' expecting {expected}", token.text);
        syntax(self.text, token.at, &message)
    }

    fn node(&self, at: usize, kind: Kind) -> Result<Node, Error> {
        let node = Node::new(at, kind);
        if node.height() > HEIGHT_MAX { Err(Error::TooLarge) } else { Ok(node) }
    }

    fn call(&self, at: usize, name: &str, arguments: Vec<Node>) -> Result<Node, Error> {
        self.node(at, Kind::Call(Call { name: name.to_owned(), is_member: false, arguments }))
    }

    /// Everything that nests comes by here.
    fn expression(&mut self) -> Result<Node, Error> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Error::TooLarge);
        }
        let condition = self.binary(0)?;
        let result = match self.mark("?") {
            Some(at) => {
                let then = self.binary(0)?;
                self.wanted(":")?;
                let other = self.expression()?;
                self.call(at, "_?_:_", vec![condition, then, other])
            }
            None => Ok(condition),
        };
        self.depth -= 1;
        result
    }

    fn binary(&mut self, level: usize) -> Result<Node, Error> {
        let Some(operators) = BINARY.get(level) else { return self.unary() };
        let mut operands = vec![self.binary(level + 1)?];
        let mut taken = Vec::new();
        while let Some((mark, name)) = operators.iter().find(|(mark, _)| self.is_mark(mark)) {
            taken.push((self.wanted(mark)?, *name));
            operands.push(self.binary(level + 1)?);
        }
        // Only one of these is decided by any of its operands, so that they may be grouped to a tree that is not deep.
        if level < 2 { self.balanced(operands, &taken) } else { self.leftwards(operands, taken) }
    }

    fn leftwards(&self, operands: Vec<Node>, taken: Vec<(usize, &str)>) -> Result<Node, Error> {
        let mut operands = operands.into_iter();
        let first = operands.next().ok_or(Error::TooLarge)?;
        operands
            .zip(taken)
            .try_fold(first, |left, (right, (at, name))| self.call(at, name, vec![left, right]))
    }

    fn balanced(&self, mut operands: Vec<Node>, taken: &[(usize, &str)]) -> Result<Node, Error> {
        if operands.len() <= 2 {
            return self.leftwards(operands, taken.to_vec());
        }
        let half = operands.len().div_ceil(2);
        let right = operands.split_off(half);
        let (before, after) = taken.split_at(half - 1);
        let [(at, name), after @ ..] = after else { return Err(Error::TooLarge) };
        let (left, right) = (self.balanced(operands, before)?, self.balanced(right, after)?);
        self.call(*at, name, vec![left, right])
    }

    fn unary(&mut self) -> Result<Node, Error> {
        let (mark, name) = match self.peek().text.as_str() {
            "!" => ("!", "!_"),
            "-" => ("-", "-_"),
            _ => return self.member(),
        };
        let Some(at) = self.mark(mark) else { return self.member() };
        let mut count = 1;
        while self.mark(mark).is_some() {
            count += 1;
        }
        let is_once = count % 2 == 1;
        if is_once && mark == "-" && matches!(self.peek().kind, token::Kind::Literal(_)) {
            self.negate_literal();
            return self.member();
        }
        let operand = self.member()?;
        if is_once { self.call(at, name, vec![operand]) } else { Ok(operand) }
    }

    /// A sign before a number is the number's own.
    fn negate_literal(&mut self) {
        let next = self.next;
        if let Some(Token { kind: token::Kind::Literal(value), .. }) = self.tokens.get_mut(next) {
            match value {
                Value::Int(number) => *number = -*number,
                Value::Double(number) => *number = -*number,
                Value::Uint(number) if *number == i64::MIN.unsigned_abs() => *value = Value::Int(i64::MIN),
                _ => {}
            }
        }
    }

    fn member(&mut self) -> Result<Node, Error> {
        let mut node = self.primary()?;
        loop {
            if let Some(at) = self.mark(".") {
                node = self.selected(at, node)?;
            } else if let Some(at) = self.mark("[") {
                let name = if self.mark("?").is_some() { "_[?_]" } else { "_[_]" };
                let index = self.expression()?;
                self.wanted("]")?;
                node = self.call(at, name, vec![node, index])?;
            } else if self.is_mark("{") && matches!(node.kind, Kind::Name(_) | Kind::Select { .. }) {
                let name = qualified(&node).unwrap_or_default();
                let message = format!("undeclared reference to '{name}' (in container '')");
                return Err(Error::Type { message: located(self.text, self.peek().at, &message) });
            } else {
                return Ok(node);
            }
        }
    }

    fn selected(&mut self, at: usize, of: Node) -> Result<Node, Error> {
        let is_optional = self.mark("?").is_some();
        let field = self.field_name()?;
        if is_optional {
            let field = self.node(at, Kind::Literal(Value::text(&field)))?;
            return self.call(at, "_?._", vec![of, field]);
        }
        match self.mark("(") {
            Some(open) => {
                let arguments = self.arguments()?;
                self.member_call(open, of, &field, arguments)
            }
            None => self.node(at, Kind::Select { of: Box::new(of), field, is_test: false }),
        }
    }

    fn field_name(&mut self) -> Result<String, Error> {
        let token = self.peek().clone();
        match token.kind {
            token::Kind::Name => {
                self.next += 1;
                Ok(token.text)
            }
            token::Kind::QuotedName => {
                self.next += 1;
                Ok(token.text.trim_matches('`').to_owned())
            }
            _ => Err(self.unexpected("{'?', IDENTIFIER, ESC_IDENTIFIER}")),
        }
    }

    fn member_call(&self, at: usize, target: Node, name: &str, arguments: Vec<Node>) -> Result<Node, Error> {
        if let Kind::Name(namespace) = &target.kind
            && NAMESPACES.contains(&namespace.as_str())
            && signature::is_function(&format!("{namespace}.{name}"))
        {
            return self.call(at, &format!("{namespace}.{name}"), arguments);
        }
        match macros::expand(at, name, &target, &arguments) {
            Ok(Some(expanded)) if expanded.height() > HEIGHT_MAX => Err(Error::TooLarge),
            Ok(Some(expanded)) => Ok(expanded),
            Ok(None) => {
                let arguments = std::iter::once(target).chain(arguments).collect();
                self.node(at, Kind::Call(Call { name: name.to_owned(), is_member: true, arguments }))
            }
            Err(wrong) => Err(syntax(self.text, wrong, "argument must be a simple name")),
        }
    }

    /// The arguments of a call after its bracket.
    fn arguments(&mut self) -> Result<Vec<Node>, Error> {
        let mut arguments = Vec::new();
        if self.mark(")").is_some() {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression()?);
            if self.mark(",").is_none() {
                self.wanted(")")?;
                return Ok(arguments);
            }
        }
    }

    fn primary(&mut self) -> Result<Node, Error> {
        self.mark(".");
        let token = self.peek().clone();
        match (&token.kind, token.text.as_str()) {
            (token::Kind::Literal(value), _) => {
                self.next += 1;
                self.node(token.at, Kind::Literal(value.clone()))
            }
            (token::Kind::Name, _) => self.name_or_call(),
            (token::Kind::Mark, "(") => {
                self.next += 1;
                let inner = self.expression()?;
                self.wanted(")")?;
                Ok(inner)
            }
            (token::Kind::Mark, "[") => self.list(token.at),
            (token::Kind::Mark, "{") => self.map(token.at),
            _ => Err(self.unexpected(OPERANDS)),
        }
    }

    fn name_or_call(&mut self) -> Result<Node, Error> {
        let token = self.take();
        let Some(open) = self.mark("(") else {
            if RESERVED.contains(&token.text.as_str()) {
                let message = format!("reserved identifier: {}", token.text);
                return Err(syntax(self.text, token.at, &message));
            }
            return self.node(token.at, Kind::Name(token.text));
        };
        let mut arguments = self.arguments()?;
        if token.text != "has" || arguments.len() != 1 {
            return self.call(open, &token.text, arguments);
        }
        match arguments.pop().map(|only| (only.at, only.kind)) {
            Some((at, Kind::Select { of, field, .. })) => {
                self.node(at, Kind::Select { of, field, is_test: true })
            }
            other => {
                let at = other.map_or(open, |(at, _)| at);
                Err(syntax(self.text, at, "invalid argument to has() macro"))
            }
        }
    }

    fn list(&mut self, at: usize) -> Result<Node, Error> {
        self.next += 1;
        let mut elements = Vec::new();
        while self.mark("]").is_none() {
            let is_optional = self.mark("?").is_some();
            elements.push((self.expression()?, is_optional));
            if self.mark(",").is_none() {
                self.wanted("]")?;
                break;
            }
        }
        self.node(at, Kind::List(elements))
    }

    fn map(&mut self, at: usize) -> Result<Node, Error> {
        self.next += 1;
        let mut entries = Vec::new();
        while self.mark("}").is_none() {
            let is_optional = self.mark("?").is_some();
            let key = self.expression()?;
            self.wanted(":")?;
            entries.push(Entry { key, value: self.expression()?, is_optional });
            if self.mark(",").is_none() {
                self.wanted("}")?;
                break;
            }
        }
        self.node(at, Kind::Map(entries))
    }
}

fn qualified(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Name(name) => Some(name.clone()),
        Kind::Select { of, field, .. } => Some(format!("{}.{field}", qualified(of)?)),
        _ => None,
    }
}
