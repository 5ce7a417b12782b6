//! A Rust file as a flat list of tokens that know where they stand.
//!
//! Rules look for short sequences of tokens, so a list is easier on them than a tree; what a tree would tell them, each
//! token's [`Scope`] does. Comments are no tokens: rules that need them look at the lines. Documentation is tokens, those
//! of the attribute that it stands for.

use std::ops::Range;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The tokens of a file.
pub struct Tokens {
    list: Vec<Token>,
    scopes: Vec<Scope>,
}

/// One token. Brackets are tokens, and so is `::`.
pub struct Token {
    pub text: String,
    /// Counted from 1.
    pub line: usize,
    pub is_identifier: bool,
    /// Between which brackets it stands. The brackets themselves stand outside.
    scope: usize,
    /// The first token of the statement, item, field, argument or match arm that it is part of, attributes included.
    anchor: usize,
    /// The bracket that belongs to this one; any other token is its own.
    mate: usize,
}

/// What stands between two brackets, or in the file.
struct Scope {
    /// The opening bracket; none for the file.
    opener: Option<usize>,
    kind: ScopeKind,
    /// Whether it is compiled for tests only.
    test: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ScopeKind {
    /// The file, or the body of `mod name`: what stands there are items.
    Module,
    /// The body of `impl Trait for Type`.
    TraitImpl,
    /// Any other body, of an item or of an expression.
    Body,
    /// Parentheses, square brackets, and the braces of a struct's value: what stands there is part of the statement around.
    Brackets,
}

impl Tokens {
    /// The tokens of `text`, or the line at which it stops being Rust, and why.
    pub fn of(text: &str) -> Result<Tokens, (usize, String)> {
        let stream = text.parse::<TokenStream>().map_err(|e| (e.span().start().line, e.to_string()))?;
        let file = Scope { opener: None, kind: ScopeKind::Module, test: false };
        let mut tokens = Tokens { list: Vec::new(), scopes: vec![file] };
        tokens.scopes[0].test = tokens.take_in(stream, 0);
        Ok(tokens)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The token at `at`.
    pub fn get(&self, at: usize) -> Option<&Token> {
        self.list.get(at)
    }

    /// The text of the token at `at`, empty beyond the end.
    pub fn text(&self, at: usize) -> &str {
        self.get(at).map_or("", |token| &token.text)
    }

    /// The line of the token at `at`.
    pub fn line(&self, at: usize) -> usize {
        self.list[at].line
    }

    /// All tokens in order.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.list.iter()
    }

    /// Where the tokens say `pattern`.
    pub fn find(&self, pattern: &[&str]) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(move |&at| self.says(at, pattern))
    }

    /// Whether the tokens from `at` on say `pattern`.
    pub fn says(&self, at: usize, pattern: &[&str]) -> bool {
        pattern.iter().enumerate().all(|(i, text)| self.text(at + i) == *text)
    }

    /// The bracket that belongs to the one at `at`.
    pub fn mate(&self, at: usize) -> usize {
        self.list[at].mate
    }

    /// The places of what stands between the bracket at `at` and its mate, at any depth.
    pub fn between(&self, at: usize) -> Range<usize> {
        at + 1..self.mate(at)
    }

    /// Whether both tokens stand between the same brackets.
    pub fn are_siblings(&self, a: usize, b: usize) -> bool {
        self.list[a].scope == self.list[b].scope
    }

    /// Whether the token at `at` belongs to an item of the file or of a module in it, and not to what is inside of one.
    pub fn is_of_item(&self, at: usize) -> bool {
        self.scopes[self.list[at].scope].kind == ScopeKind::Module
    }

    /// Whether the token at `at` belongs to an item of an `impl Trait for Type`.
    pub fn is_of_trait_impl(&self, at: usize) -> bool {
        self.scopes[self.list[at].scope].kind == ScopeKind::TraitImpl
    }

    /// Whether the token at `at` is part of a statement, an item or something else in a body, and not only of a piece of one.
    pub fn is_in_body(&self, at: usize) -> bool {
        self.scopes[self.list[at].scope].kind != ScopeKind::Brackets
    }

    /// Whether the token at `at` is compiled for tests only.
    pub fn is_test(&self, at: usize) -> bool {
        self.scopes[0].test || self.scopes_around(at).any(|scope| scope.test)
    }

    /// In how many `mod name { … }` the token at `at` stands.
    pub fn modules_around(&self, at: usize) -> usize {
        self.scopes_around(at).filter(|scope| scope.kind == ScopeKind::Module && scope.opener.is_some()).count()
    }

    /// The first token of the statement or item that the token at `at` is part of.
    pub fn anchor(&self, at: usize) -> usize {
        self.list[at].anchor
    }

    /// Where a comment on the token at `at` may end: above its line, and above the beginning of all that it is part of, out
    /// to the statement.
    pub fn commented_lines(&self, at: usize) -> Vec<usize> {
        let mut lines = vec![self.line(at)];
        let mut at = at;
        loop {
            lines.push(self.line(self.anchor(at)));
            let scope = &self.scopes[self.list[at].scope];
            match scope.opener {
                Some(opener) if scope.kind == ScopeKind::Brackets => at = opener,
                _ => return lines,
            }
        }
    }

    /// From the innermost scope outwards.
    fn scopes_around(&self, at: usize) -> impl Iterator<Item = &Scope> {
        let innermost = &self.scopes[self.list[at].scope];
        std::iter::successors(Some(innermost), |scope| Some(&self.scopes[self.list[scope.opener?].scope]))
    }

    /// Appends what stands in `scope`. Whether it says of itself that it is for tests, by `#![cfg(test)]`.
    fn take_in(&mut self, stream: TokenStream, scope: usize) -> bool {
        let mut test = false;
        // Commas part arguments and match arms, but in an item they may stand in its generics.
        let mut item = self.list.len();
        let mut anchor = item;
        let mut joint_colon = false;
        for tree in stream {
            let at = self.list.len();
            match tree {
                TokenTree::Group(group) => {
                    let line = group.span_open().start().line;
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    let (kind, for_tests) = match open {
                        "{" => self.classify(item..at, scope),
                        _ => (ScopeKind::Brackets, false),
                    };
                    self.push(open, line, scope, anchor);
                    self.scopes.push(Scope { opener: Some(at), kind, test: for_tests });
                    let inner = self.scopes.len() - 1;
                    self.scopes[inner].test |= self.take_in(group.stream(), inner);
                    let end = self.list.len();
                    self.push(close, group.span_close().start().line, scope, anchor);
                    self.list[at].mate = end;
                    self.list[end].mate = at;
                    let of_all_around = at >= 2 && self.says(at - 2, &["#", "!", "["]);
                    test |= of_all_around && self.is_test_attribute(at);
                    if open == "{" || of_all_around {
                        item = self.list.len();
                        anchor = item;
                    }
                }
                TokenTree::Ident(ident) => {
                    let line = ident.span().start().line;
                    self.push(&ident.to_string(), line, scope, anchor);
                    self.list[at].is_identifier = true;
                }
                TokenTree::Literal(literal) => {
                    let line = literal.span().start().line;
                    self.push(&literal.to_string(), line, scope, anchor);
                }
                TokenTree::Punct(punct) => {
                    let colon = punct.as_char() == ':';
                    if colon && joint_colon {
                        self.list[at - 1].text.push(':');
                        joint_colon = false;
                        continue;
                    }
                    self.push(&punct.as_char().to_string(), punct.span().start().line, scope, anchor);
                    joint_colon = colon && punct.spacing() == Spacing::Joint;
                    match punct.as_char() {
                        ';' => (item, anchor) = (at + 1, at + 1),
                        ',' => anchor = at + 1,
                        _ => {}
                    }
                }
            }
        }
        test
    }

    fn push(&mut self, text: &str, line: usize, scope: usize, anchor: usize) {
        let mate = self.list.len();
        self.list.push(Token { text: text.to_owned(), line, is_identifier: false, scope, anchor, mate });
    }

    /// What the braces are that follow `head`, and whether they are for tests.
    fn classify(&self, head: Range<usize>, scope: usize) -> (ScopeKind, bool) {
        let mut test = false;
        let mut words = Vec::new();
        let mut at = head.start;
        while at < head.end {
            match self.text(at) {
                "#" if self.text(at + 1) == "[" => {
                    test |= self.is_test_attribute(at + 1);
                    at = self.mate(at + 1);
                }
                "(" | "[" => at = self.mate(at),
                "pub" | "unsafe" | "const" | "async" => {}
                word => words.push(word),
            }
            at += 1;
        }
        let is_for = |pair: &[&str]| pair[0] == "for" && pair[1] != "<";
        let kind = match words.first() {
            Some(&"mod") if self.scopes[scope].kind == ScopeKind::Module => ScopeKind::Module,
            Some(&"impl") if words.windows(2).any(is_for) => ScopeKind::TraitImpl,
            _ if self.is_value(head.end, &words) => ScopeKind::Brackets,
            _ => ScopeKind::Body,
        };
        (kind, test || words.starts_with(&["mod", "tests"]))
    }

    /// Whether the brace at `at` follows the name of a struct, in an expression that begins with `words`.
    fn is_value(&self, at: usize, words: &[&str]) -> bool {
        const OTHERS: [&str; 11] =
            ["enum", "fn", "for", "if", "impl", "match", "mod", "struct", "trait", "union", "while"];
        const BLOCKS: [&str; 5] = ["async", "else", "loop", "move", "unsafe"];
        let follows_name = at > 0 && self.list[at - 1].is_identifier && !BLOCKS.contains(&self.text(at - 1));
        follows_name && !words.iter().any(|word| OTHERS.contains(word))
    }

    /// Whether the attribute whose bracket is at `at` is `test`, or a `cfg` that holds for tests alone.
    fn is_test_attribute(&self, at: usize) -> bool {
        let negated = |i: usize| self.says(i - 2, &["not", "("]);
        self.between(at).any(|i| self.text(i) == "test" && self.get(i).is_some_and(|t| t.is_identifier) && !negated(i))
    }
}
