//! Any text cut into words. Owns the lexer; knows nothing of grammar beyond what a word is.
//!
//! Nothing is lost: the texts of all tokens together are the input. The lexer does by hand what the rule `tokens`
//! of the grammar does, because recovery reads a file by it before any of it is parsed again; a test holds the two equal. INVARIANT: it
//! is linear, whatever the text.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Spaces, tabs and line ends.
    Space,
    /// `# …` to the end of the line.
    Comment,
    /// `## …` to the end of the line.
    Doc,
    /// A name or keyword.
    Word,
    /// A number, quantity, date, time or address block.
    Number,
    /// A string with its quotes; what is interpolated is inside.
    String,
    /// A string in `"` that its line does not close: to the end of the line.
    OpenString,
    /// A string in `"""` that nothing closes: to the end of the file.
    OpenBlockString,
    /// A regular expression, after `matching`.
    Regex,
    /// An operator or a bracket.
    Symbol,
    /// `// …` or `/* … */`, comments of other languages.
    ForeignComment,
    /// `'…'`, a string of other languages.
    ForeignString,
    /// One character that begins no token.
    Unknown,
}

impl TokenKind {
    /// White space and comments: without meaning to the parser.
    pub fn is_trivia(self) -> bool {
        matches!(self, Self::Space | Self::Comment | Self::Doc)
    }
}

/// A token and the bytes it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its first byte.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
}

impl Token {
    /// Its text.
    pub fn text(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}

/// All tokens of a text, in order and without gaps.
pub fn tokens(text: &str) -> Vec<Token> {
    Lexer::new(text).collect()
}

/// The operators of more than one character, the longest first.
const LONG_SYMBOLS: [&str; 11] = ["..=", "==", "&&", "||", "??", "!=", "<=", ">=", "=>", "->", ":="];
const SYMBOLS: &[u8] = b"{}[]()<>=,.:?+-*/!;$";

/// Cuts a text into tokens one by one.
pub(super) struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    after_matching: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self::from(text, 0)
    }

    /// From the byte `at` on.
    pub(super) fn from(text: &'a str, at: usize) -> Self {
        Self { text, bytes: text.as_bytes(), at, after_matching: false }
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// The first byte from `at` that is not one of `those`.
    fn run(&self, at: usize, those: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(at..).unwrap_or(&[]);
        rest.iter().position(|byte| !those(*byte)).map_or(self.bytes.len(), |len| at + len)
    }

    fn line_end(&self, at: usize) -> usize {
        self.run(at, |byte| byte != b'\n')
    }

    fn starts(&self, at: usize, with: &str) -> bool {
        self.bytes.get(at..).is_some_and(|rest| rest.starts_with(with.as_bytes()))
    }

    /// Does a word, if one stands before `at`, end there?
    fn word_ends(&self, at: usize) -> bool {
        let byte = self.byte(at);
        !(is_word(byte) || byte == b'-' && is_word(self.byte(at + 1)))
    }

    fn lex(&mut self, start: usize) -> (TokenKind, usize) {
        let byte = self.byte(start);
        match byte {
            b' ' | b'\n' | b'\t' | b'\r' => (TokenKind::Space, self.run(start, is_space)),
            b'#' => {
                let doc = self.byte(start + 1) == b'#' && self.byte(start + 2) != b'#';
                (if doc { TokenKind::Doc } else { TokenKind::Comment }, self.line_end(start))
            }
            b'"' => self.string(start),
            b'a'..=b'z' | b'A'..=b'Z' => match self.cidr6(start) {
                Some(end) => (TokenKind::Number, end),
                None => (TokenKind::Word, self.word(start)),
            },
            b'0'..=b'9' => (TokenKind::Number, self.number(start)),
            b':' => match self.cidr6(start) {
                Some(end) => (TokenKind::Number, end),
                None => self.symbol(start),
            },
            b'/' => self.slash(start),
            b'\'' => {
                let end = self.run(start + 1, |byte| byte != b'\'' && byte != b'\n');
                if self.byte(end) == b'\'' && end < self.bytes.len() {
                    (TokenKind::ForeignString, end + 1)
                } else {
                    (TokenKind::Unknown, start + 1)
                }
            }
            _ => self.symbol(start),
        }
    }

    fn word(&self, start: usize) -> usize {
        let mut end = self.run(start, is_word);
        while self.byte(end) == b'-' && is_word(self.byte(end + 1)) {
            end = self.run(end + 1, is_word);
        }
        end
    }

    fn symbol(&self, start: usize) -> (TokenKind, usize) {
        if let Some(symbol) = LONG_SYMBOLS.iter().find(|symbol| self.starts(start, symbol)) {
            return (TokenKind::Symbol, start + symbol.len());
        }
        if SYMBOLS.contains(&self.byte(start)) {
            return (TokenKind::Symbol, start + 1);
        }
        let len = self.text.get(start..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        (TokenKind::Unknown, start + len)
    }

    fn slash(&self, start: usize) -> (TokenKind, usize) {
        if self.after_matching
            && let Some(end) = self.regex(start)
        {
            return (TokenKind::Regex, end);
        }
        match self.byte(start + 1) {
            b'/' => (TokenKind::ForeignComment, self.line_end(start)),
            b'*' => {
                let rest = self.text.get(start + 2..).unwrap_or("");
                (TokenKind::ForeignComment, rest.find("*/").map_or(self.bytes.len(), |end| start + 2 + end + 2))
            }
            _ => self.symbol(start),
        }
    }

    fn regex(&self, start: usize) -> Option<usize> {
        let mut at = start + 1;
        if matches!(self.byte(at), b'*' | b'/') {
            return None;
        }
        loop {
            match *self.bytes.get(at)? {
                b'/' => return Some(at + 1),
                b'\n' => return None,
                b'\\' if self.byte(at + 1) == b'\n' => return None,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
    }

    fn digits(&self, at: usize, most: usize) -> usize {
        at + (0..most).take_while(|more| self.byte(at + more).is_ascii_digit()).count()
    }

    fn number(&self, start: usize) -> usize {
        let shaped = self.cidr6(start).or_else(|| self.date(start)).or_else(|| self.time(start));
        if let Some(end) = shaped.or_else(|| self.cidr4(start)) {
            return end;
        }
        let mut end = self.run(start, is_word);
        if self.byte(end) == b'.' && self.byte(end + 1).is_ascii_digit() {
            end = self.run(end + 1, is_word);
        }
        if self.byte(end) == b'%' { end + 1 } else { end }
    }

    fn date(&self, start: usize) -> Option<usize> {
        let two = |at: usize| self.byte(at) == b'-' && self.digits(at + 1, 2) == at + 3;
        let year = self.digits(start, 4);
        (year == start + 4 && two(year) && two(year + 3) && self.word_ends(year + 6)).then_some(year + 6)
    }

    fn time(&self, start: usize) -> Option<usize> {
        let hour = self.digits(start, 2);
        let end = hour + 3;
        (self.byte(hour) == b':' && self.digits(hour + 1, 2) == end && self.word_ends(end)).then_some(end)
    }

    fn cidr4(&self, start: usize) -> Option<usize> {
        // A bound, so that a long run of digits is not read twice for nothing.
        let mut at = self.digits(start, 20);
        for _ in 0..3 {
            if self.byte(at) != b'.' || !self.byte(at + 1).is_ascii_digit() {
                return None;
            }
            at = self.digits(at + 1, 20);
        }
        self.prefix(at)
    }

    fn cidr6(&self, start: usize) -> Option<usize> {
        let hex = |at: usize| {
            let count = (0..4).take_while(|more| self.byte(at + more).is_ascii_hexdigit()).count();
            at + count
        };
        let mut at = hex(start);
        let mut groups = 0;
        while self.byte(at) == b':' && groups < 8 {
            at = hex(at + 1);
            groups += 1;
        }
        if groups < 2 { None } else { self.prefix(at) }
    }

    fn prefix(&self, at: usize) -> Option<usize> {
        let end = self.digits(at + 1, 3);
        (self.byte(at) == b'/' && end > at + 1 && self.word_ends(end)).then_some(end)
    }

    fn string(&self, start: usize) -> (TokenKind, usize) {
        let block = self.starts(start, "\"\"\"");
        match string_end(self.bytes, start) {
            Ok(end) => (TokenKind::String, end),
            Err(_) if block => (TokenKind::OpenBlockString, self.bytes.len()),
            Err(_) => (TokenKind::OpenString, self.line_end(start)),
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        let (kind, end) = self.lex(start);
        if !kind.is_trivia() {
            self.after_matching =
                kind == TokenKind::Word && self.bytes.get(start..end).is_some_and(|word| word == b"matching");
        }
        self.at = end;
        Some(Token { kind, start: start as u32, end: end as u32 })
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where a reader of strings stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Line,
    Block,
    /// In `\(…)`, so many parentheses deep, which began at this byte.
    Interpolation(u32, usize),
}

/// The end of the string that begins at `start`; or where its innermost open `\(` stands, if it has one, when the
/// string does not end.
pub(super) fn string_end(bytes: &[u8], start: usize) -> Result<usize, Option<usize>> {
    let mut modes = Vec::new();
    let mut on_one_line = 0_usize;
    let mut at = start;
    let open = |modes: &[Mode]| {
        modes.iter().rev().find_map(|mode| match mode {
            Mode::Interpolation(_, at) => Some(*at),
            _ => None,
        })
    };
    loop {
        let Some(byte) = bytes.get(at) else { return Err(open(&modes)) };
        if *byte == b'\n' && on_one_line > 0 {
            return Err(open(&modes));
        }
        let block_quotes = bytes.get(at..).is_some_and(|rest| rest.starts_with(b"\"\"\""));
        match (modes.last().copied(), byte) {
            (Some(Mode::Line), b'"') => {
                modes.pop();
                on_one_line -= 1;
                at += 1;
            }
            (Some(Mode::Block), b'"') if block_quotes => {
                modes.pop();
                at += 3;
            }
            (Some(Mode::Block), b'"') => at += 1,
            (Some(Mode::Line | Mode::Block), b'\\') => match bytes.get(at + 1) {
                Some(b'(') => {
                    modes.push(Mode::Interpolation(0, at));
                    at += 2;
                }
                Some(b'\n') => at += 1,
                _ => at += 2,
            },
            (None | Some(Mode::Interpolation(..)), b'"') if block_quotes => {
                modes.push(Mode::Block);
                at += 3;
            }
            (None | Some(Mode::Interpolation(..)), b'"') => {
                modes.push(Mode::Line);
                on_one_line += 1;
                at += 1;
            }
            (Some(Mode::Interpolation(depth, from)), b'(') => {
                modes.pop();
                modes.push(Mode::Interpolation(depth + 1, from));
                at += 1;
            }
            (Some(Mode::Interpolation(depth, from)), b')') => {
                modes.pop();
                if depth > 0 {
                    modes.push(Mode::Interpolation(depth - 1, from));
                }
                at += 1;
            }
            _ => at += 1,
        }
        if modes.is_empty() {
            return Ok(at);
        }
    }
}
