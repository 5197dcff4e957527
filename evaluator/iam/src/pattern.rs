//! Globs as IAM reads them: `*`, `?`, policy variables and the segments of an ARN. Owns how a text becomes a pattern
//! and whether a pattern matches; it must not know of statements.

use smol_str::SmolStr;

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Tok {
    /// This character.
    Is(char),
    /// This ASCII letter (in lower case) in either case.
    Fold(char),
    /// One character.
    One(Class),
    /// Any number of characters.
    Many(Class),
}

/// A class of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Any.
    Any,
    /// Any but a colon.
    NotColon,
    /// What region and service names consist of.
    Name,
    /// Letters and digits.
    Word,
    /// Digits.
    Digit,
    /// Hexadecimal digits in lower case.
    Hex,
    /// Any but a colon and a slash.
    Part,
}

impl Class {
    pub(crate) fn has(self, c: char) -> bool {
        match self {
            Self::Any => true,
            Self::NotColon => c != ':',
            Self::Name => c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
            Self::Word => c.is_ascii_alphanumeric(),
            Self::Digit => c.is_ascii_digit(),
            Self::Hex => c.is_ascii_digit() || ('a'..='f').contains(&c),
            Self::Part => !matches!(c, ':' | '/'),
        }
    }
}

impl Tok {
    /// Whether the step takes this character.
    pub(crate) fn takes(self, c: char) -> bool {
        match self {
            Self::Is(own) => own == c,
            Self::Fold(own) => own == c.to_ascii_lowercase(),
            Self::One(class) | Self::Many(class) => class.has(c),
        }
    }
}

impl Tok {
    /// The character, if it is one in one case.
    pub(crate) fn literal(self) -> Option<char> {
        if let Self::Is(c) = self { Some(c) } else { None }
    }
}

/// Whether the steps match the whole text. Where a step of many characters excludes the colon, no step of many before
/// it includes it: then going back to the last such step suffices.
pub(crate) fn matches(toks: &[Tok], text: &str) -> bool {
    let mut chars = text.chars();
    let mut at = 0;
    let mut back: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        if let Some(Tok::Many(_)) = toks.get(at) {
            back = Some((at, chars.clone()));
            at += 1;
            continue;
        }
        match chars.next().map(|c| toks.get(at).is_some_and(|tok| tok.takes(c))) {
            None if at == toks.len() => return true,
            Some(true) => at += 1,
            _ => {
                let Some((star, from)) = back.as_mut() else { return false };
                let (Some(tok), Some(c)) = (toks.get(*star), from.next()) else { return false };
                if !tok.takes(c) {
                    return false;
                }
                at = *star + 1;
                chars = from.clone();
            }
        }
    }
}

/// The steps of each glob of a shape ([`crate::access::Fact::Like`]). No name in an ARN has a colon.
pub(crate) fn read_shape(shape: &str) -> Vec<Vec<Tok>> {
    shape.split('|').map(read_form).collect()
}

fn read_form(form: &str) -> Vec<Tok> {
    let star = if form.starts_with("arn:") { Class::NotColon } else { Class::Any };
    let mut out = Vec::with_capacity(form.len());
    let mut rest = form;
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix("${").and_then(|rest| rest.split_once('}'));
        let of = match named.map(|(name, _)| name) {
            Some("Account") => Some(vec![Tok::One(Class::Digit); 12]),
            Some("Suffix") => Some(vec![Tok::One(Class::Hex); 16]),
            Some("Region") => Some(vec![Tok::One(Class::Name), Tok::Many(Class::Name)]),
            Some("Name") => Some(vec![Tok::One(Class::Part), Tok::Many(Class::Part)]),
            _ => None,
        };
        if let (Some(toks), Some((_, after))) = (of, named) {
            out.extend(toks);
            rest = after;
            continue;
        }
        out.push(match c {
            '*' => Tok::Many(star),
            '?' => Tok::One(star),
            _ => Tok::Is(c),
        });
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    out
}

/// What a policy variable stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// This value.
    Is(SmolStr),
    /// The key is absent.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// How the text of a pattern is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Whether `*` and `?` are wildcards.
    pub(crate) glob: bool,
    /// Whether case counts not.
    pub(crate) fold: bool,
    /// Whether it is an ARN with segments.
    pub(crate) arn: bool,
    /// Whether policy variables stand only after the fifth colon.
    pub(crate) late_variables: bool,
}

/// A pattern in both readings of a `*` within a segment of an ARN.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Pattern {
    /// Segments are matched each by itself.
    pub(crate) within: Box<[Tok]>,
    /// A `*` may reach across a colon; none where it comes to the same.
    pub(crate) across: Option<Box<[Tok]>>,
    /// The variables nobody knows; each is a `*` in the steps.
    pub(crate) unknown: Box<[SmolStr]>,
    /// Whether nothing can ever match it.
    pub(crate) never: bool,
}

/// What a pattern says of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Hit {
    /// It does not match.
    No,
    /// It matches if `*` reaches across colons.
    Across,
    /// It depends on what nobody knows.
    Open,
    /// It matches.
    Yes,
}

impl Pattern {
    /// Reads a pattern. `lookup` gives the values of policy variables; none where the language has no variables.
    pub(crate) fn read(text: &str, how: Reading, lookup: Option<&dyn Fn(&str) -> Lookup>) -> Self {
        let mut out = Building { toks: Vec::with_capacity(text.len()), how, unknown: Vec::new(), never: false };
        out.read(text, lookup);
        let Building { toks, unknown, never, .. } = out;
        let (within, across) = if how.arn { segmented(toks) } else { (toks, None) };
        Self { within: within.into(), across: across.map(Into::into), unknown: unknown.into(), never }
    }

    /// Whether it matches a text.
    pub(crate) fn hit(&self, text: &str) -> Hit {
        if self.never {
            return Hit::No;
        }
        let within = matches(&self.within, text);
        let across = self.across.as_ref().map_or(within, |toks| matches(toks, text));
        self.hit_of(within, across)
    }

    /// What it says of a text that its steps match so.
    pub(crate) fn hit_of(&self, within: bool, across: bool) -> Hit {
        match (within, across) {
            (false, false) => Hit::No,
            _ if !self.unknown.is_empty() => Hit::Open,
            (true, true) => Hit::Yes,
            _ => Hit::Across,
        }
    }

    /// Whether it matches everything.
    pub(crate) fn is_all(&self) -> bool {
        !self.never && self.unknown.is_empty() && matches!(*self.within, [Tok::Many(Class::Any)])
    }
}

struct Building {
    toks: Vec<Tok>,
    how: Reading,
    unknown: Vec<SmolStr>,
    never: bool,
}

impl Building {
    fn read(&mut self, text: &str, lookup: Option<&dyn Fn(&str) -> Lookup>) {
        let mut rest = text;
        let mut colons = 0;
        while let Some(c) = rest.chars().next() {
            if let Some((inner, after)) = variable(rest).filter(|_| lookup.is_some()) {
                if self.how.late_variables && colons < 5 && !matches!(inner, "*" | "?" | "$") {
                    // IAM leaves it as it stands, and no ARN looks like that.
                    self.never = true;
                } else if let Some(lookup) = lookup {
                    self.variable(inner, lookup);
                }
                rest = after;
                continue;
            }
            colons += usize::from(c == ':');
            match c {
                '*' if self.how.glob => self.many(),
                '?' if self.how.glob => self.toks.push(Tok::One(Class::Any)),
                _ => self.literal(c),
            }
            rest = &rest[c.len_utf8()..];
        }
    }

    fn many(&mut self) {
        if self.toks.last() != Some(&Tok::Many(Class::Any)) {
            self.toks.push(Tok::Many(Class::Any));
        }
    }

    fn literal(&mut self, c: char) {
        let fold = self.how.fold && c.is_ascii_alphabetic();
        self.toks.push(if fold { Tok::Fold(c.to_ascii_lowercase()) } else { Tok::Is(c) });
    }

    fn variable(&mut self, inner: &str, lookup: &dyn Fn(&str) -> Lookup) {
        if let "*" | "?" | "$" = inner {
            inner.chars().for_each(|c| self.literal(c));
            return;
        }
        let (key, default) = match inner.split_once(',') {
            Some((key, default)) => (key.trim(), Some(default.trim().trim_matches('\''))),
            None => (inner.trim(), None),
        };
        match (lookup(&key.to_ascii_lowercase()), default) {
            (Lookup::Is(value), _) => value.chars().for_each(|c| self.literal(c)),
            (Lookup::Absent, Some(default)) => default.chars().for_each(|c| self.literal(c)),
            (Lookup::Absent, None) => self.never = true,
            (Lookup::Unknown, _) => {
                self.unknown.push(key.into());
                self.many();
            }
        }
    }
}

/// The inside of a policy variable at the start of a text, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("${")?.split_once('}')
}

/// The two readings of an ARN's pattern.
fn segmented(toks: Vec<Tok>) -> (Vec<Tok>, Option<Vec<Tok>>) {
    if matches!(toks.as_slice(), [Tok::Many(Class::Any)]) {
        return (toks, None);
    }
    let mut within = Vec::with_capacity(toks.len() + 10);
    let mut colons = 0;
    for tok in &toks {
        colons += usize::from(*tok == Tok::Is(':'));
        within.push(match tok {
            Tok::Many(Class::Any) if colons < 5 => Tok::Many(Class::NotColon),
            Tok::One(Class::Any) if colons < 5 => Tok::One(Class::NotColon),
            other => *other,
        });
    }
    // An ARN with fewer than six segments is completed.
    for at in colons..5 {
        let class = if at == 4 { Class::Any } else { Class::NotColon };
        within.extend([Tok::Is(':'), Tok::Many(class)]);
    }
    let differs = within != toks;
    (within, differs.then_some(toks))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: Reading = Reading { glob: true, fold: false, arn: true, late_variables: true };

    fn arn(text: &str) -> Pattern {
        Pattern::read(text, ARN, Some(&|_| Lookup::Unknown))
    }

    #[test]
    fn a_star_within_a_segment_has_two_readings() {
        let pattern = arn("arn:aws:ec2:*:*:instance/*");
        assert_eq!(pattern.hit("arn:aws:ec2:us-east-1:1:instance/i"), Hit::Yes);
        assert_eq!(pattern.hit("arn:aws:ec2:us-east-1:1:subnet/a:instance/i"), Hit::Across);
        assert_eq!(pattern.hit("arn:aws:ec2:us-east-1:1:subnet/a"), Hit::No);
        assert_eq!(arn("*").hit("arn:aws:s3:::a"), Hit::Yes);
        assert_eq!(arn("arn:aws:waf:*").hit("arn:aws:waf:r:1:rule/x:y"), Hit::Yes);
    }

    #[test]
    fn a_variable_stands_after_the_fifth_colon_only() {
        assert!(arn("arn:aws:iam::${aws:PrincipalAccount}:role/x").never);
        assert_eq!(arn("arn:aws:iam::1:user/${aws:username}").hit("arn:aws:iam::1:user/ann"), Hit::Open);
        assert_eq!(arn("arn:aws:iam::1:user/${aws:username}").hit("arn:aws:iam::1:role/ann"), Hit::No);
    }

    #[test]
    fn escapes_and_defaults() {
        let how = Reading { glob: true, fold: false, arn: false, late_variables: false };
        let absent: &dyn Fn(&str) -> Lookup = &|_| Lookup::Absent;
        assert_eq!(Pattern::read("a${*}b", how, Some(absent)).hit("a*b"), Hit::Yes);
        assert_eq!(Pattern::read("a${*}b", how, Some(absent)).hit("axb"), Hit::No);
        assert_eq!(Pattern::read("${aws:x, 'all'}-*", how, Some(absent)).hit("all-1"), Hit::Yes);
        assert_eq!(Pattern::read("${aws:x}*", how, Some(absent)).hit("a"), Hit::No);
        assert_eq!(Pattern::read("${aws:x}", how, None).hit("${aws:x}"), Hit::Yes);
    }

    #[test]
    fn globs_go_back() {
        let glob = |text: &str| arn(text).across.unwrap_or_else(|| arn(text).within);
        for (pattern, text, expected) in [
            ("*ab*abc", "ababxababc", true),
            ("*ab*abc", "abab", false),
            ("a?c*", "abc", true),
            ("a?c*", "ac", false),
            ("**", "", true),
            ("*x", "xyx", true),
        ] {
            assert_eq!(matches(&glob(pattern), text), expected, "{pattern} {text}");
        }
    }
}
