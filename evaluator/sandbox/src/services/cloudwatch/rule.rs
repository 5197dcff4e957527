//! Rules of composite alarms: `ALARM("a") AND NOT OK(b)`. Owns how they are read and decided.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html>

/// Rules nest no deeper.
const DEEPEST: usize = 64;

/// Does the rule hold? `state` says the state of an alarm by name or ARN; one that is not there is in none.
pub(super) fn holds(rule: &str, state: &dyn Fn(&str) -> Option<String>) -> Result<bool, String> {
    let mut reader = Reader { rest: rule, state };
    let holds = reader.any(0)?;
    match reader.rest.trim() {
        "" => Ok(holds),
        rest => Err(format!("unexpected '{rest}'")),
    }
}

struct Reader<'a> {
    rest: &'a str,
    state: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    fn takes(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn any(&mut self, depth: usize) -> Result<bool, String> {
        let mut holds = self.all(depth)?;
        while self.takes("OR") {
            holds |= self.all(depth)?;
        }
        Ok(holds)
    }

    fn all(&mut self, depth: usize) -> Result<bool, String> {
        let mut holds = self.one(depth)?;
        while self.takes("AND") {
            holds &= self.one(depth)?;
        }
        Ok(holds)
    }

    fn one(&mut self, depth: usize) -> Result<bool, String> {
        if depth > DEEPEST {
            return Err("it nests too deeply".to_owned());
        }
        if self.takes("NOT") {
            return Ok(!self.one(depth + 1)?);
        }
        if self.takes("(") {
            let holds = self.any(depth + 1)?;
            return if self.takes(")") { Ok(holds) } else { Err("')' is missing".to_owned()) };
        }
        for (word, holds) in [("TRUE", true), ("FALSE", false)] {
            if self.takes(word) {
                return Ok(holds);
            }
        }
        for word in [super::judge::ALARM, super::judge::OK, super::judge::NO_DATA] {
            if self.takes(word) {
                return Ok((self.state)(&self.named()?).is_some_and(|state| state == word));
            }
        }
        Err(format!("unexpected '{}'", self.rest.trim_start()))
    }

    /// `("name")`, `('name')` or `(name)`.
    fn named(&mut self) -> Result<String, String> {
        if !self.takes("(") {
            return Err("'(' is missing".to_owned());
        }
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (name, rest) = match quote {
            Some(quote) => rest.get(1..).and_then(|rest| rest.split_once(quote)).ok_or("a quote is not closed")?,
            None => rest.split_at(rest.find(')').unwrap_or(rest.len())),
        };
        let name = name.trim().to_owned();
        self.rest = rest;
        if self.takes(")") { Ok(name) } else { Err("')' is missing".to_owned()) }
    }
}
