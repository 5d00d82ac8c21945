//! What a text is made of, as far as its layout is concerned.

/// A piece of the text with the spaces in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// How many spaces stand before it.
    pub(super) gap: usize,
}

/// The kinds of tokens that the rules of layout tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A line feed, perhaps with a carriage return before it.
    Newline,
    /// `# …` and `// …`, with their line end if they have one, and `/* … */`.
    Comment,
    Identifier,
    Number,
    /// The quote that begins a string.
    QuoteOpen,
    /// The quote that ends it.
    QuoteClose,
    /// Literal text inside a string or a heredoc.
    Literal,
    /// `<<EOT` with its line end.
    HeredocOpen,
    /// The end marker, with the spaces around it.
    HeredocClose,
    /// `${` or `${~`
    Interpolation,
    /// `%{` or `%{~`
    Directive,
    /// The `}` or `~}` of either.
    TemplateEnd,
    BraceOpen,
    BraceClose,
    BracketOpen,
    BracketClose,
    ParenthesisOpen,
    ParenthesisClose,
    Comma,
    Colon,
    DoubleColon,
    Dot,
    Ellipsis,
    Question,
    /// `=`
    Assign,
    /// `=>`
    Arrow,
    Bang,
    Minus,
    /// An operator between two operands, other than `-`.
    Operator,
    /// What no valid text holds.
    Other,
}

impl Kind {
    /// By how much it changes the number of open brackets.
    pub(super) fn nesting(self) -> isize {
        match self {
            Self::BraceOpen
            | Self::BracketOpen
            | Self::ParenthesisOpen
            | Self::Interpolation
            | Self::Directive => 1,
            Self::BraceClose | Self::BracketClose | Self::ParenthesisClose | Self::TemplateEnd => -1,
            _ => 0,
        }
    }

    /// Whether it opens a bracket.
    pub(super) fn opens(self) -> bool {
        self.nesting() > 0
    }

    /// Whether it closes a bracket.
    pub(super) fn closes(self) -> bool {
        self.nesting() < 0
    }
}

impl<'a> Token<'a> {
    /// A token that is not in the given text.
    pub(super) fn new(kind: Kind, text: &'a str) -> Self {
        Self { kind, text, gap: 0 }
    }

    /// Whether a new line begins after it.
    pub(super) fn ends_line(&self) -> bool {
        self.kind == Kind::Newline || (self.kind == Kind::Comment && self.text.ends_with('\n'))
    }
}

/// The sum of [`Kind::nesting`].
pub(super) fn net_nesting(tokens: &[Token<'_>]) -> isize {
    tokens.iter().map(|token| token.kind.nesting()).sum()
}
