//! Pages of the specification: their rules, programs and expectations.
//!
//! Owns how they are written. A rule is marked `r[rule.id]` at the start of a line. A fenced `cell` block is a
//! program; blocks `cell file=NAME` before it are its other files. A comment `# error: [E0203]` at a line's end
//! says what must be found there. A block `json expect`, `text expect` or `diag expect` after a program is what
//! `expand` prints of it, or its diagnostics; `test expect` is what `test` prints. A block `text unformatted` before a
//! program is another layout of it. `env=NAME=VALUE` on a program sets a variable for it.

/// A page, read.
#[derive(Debug, Default)]
pub struct Page {
    /// Its first line.
    pub title: String,
    /// The rules, in order: the id and the line (from 1).
    pub rules: Vec<(String, usize)>,
    /// The programs, in order.
    pub programs: Vec<Program>,
    /// The lines on which a `cell` block begins.
    pub examples: Vec<usize>,
    /// The files that `cell` blocks hold, in order.
    pub sources: Vec<Source>,
    /// Layouts that `fmt` must turn into the program after them: the text, and its index in `sources`.
    pub layouts: Vec<(String, usize)>,
    /// What is wrong with the page itself.
    pub faults: Vec<String>,
    /// The first word after each fence.
    kinds: Vec<String>,
}

/// A program of a page.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The line its main block begins on.
    pub line: usize,
    /// Its files; the main one is `main.cell`.
    pub files: Vec<(String, String)>,
    /// Variables of the environment it runs with.
    pub environment: Vec<(String, String)>,
    /// `failing` or `fixed`, on the page of a code.
    pub role: Option<String>,
    /// What must be found.
    pub expected: Vec<Expected>,
    /// What must be printed.
    pub prints: Vec<Print>,
}

/// A file of a program, as a block holds it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The page's lines that hold it, from 0.
    pub lines: std::ops::Range<usize>,
}

/// A finding that a program announces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The code.
    pub code: String,
}

/// A block that must equal what is printed.
#[derive(Debug, Clone)]
pub struct Print {
    /// `json`, `text`, `diag` or `test`.
    pub kind: String,
    /// The part of the JSON: a pointer such as `/entities/0/fields`, or an address.
    pub select: Option<String>,
    /// The text of the block.
    pub text: String,
    /// The page's lines that hold it, from 0.
    pub lines: std::ops::Range<usize>,
}

struct Block<'a> {
    info: &'a str,
    text: String,
    /// The page's lines that hold it, from 0.
    lines: std::ops::Range<usize>,
}

impl Page {
    /// Reads a page.
    pub fn parse(text: &str) -> Self {
        let mut page = Self { title: text.lines().next().unwrap_or_default().to_owned(), ..Self::default() };
        let lines: Vec<&str> = text.lines().collect();
        let mut files = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            if let Some(block) = block(&lines, at) {
                at = block.lines.end + 1;
                page.block(&block, &mut files);
                continue;
            }
            page.rules.extend(rule(lines[at]).map(|id| (id.to_owned(), at + 1)));
            at += 1;
        }
        if let Some((name, _)) = files.first() {
            page.faults.push(format!("no main block follows the file `{name}`"));
        }
        page
    }

    fn block(&mut self, block: &Block<'_>, files: &mut Vec<(String, String)>) {
        let mut words = block.info.split_whitespace();
        let line = block.lines.start;
        self.kinds.extend(block.info.split_whitespace().next().map(str::to_owned));
        match words.next() {
            Some("cell") => self.cell(block, words, files),
            Some(kind @ ("json" | "text" | "diag" | "test")) => {
                let words: Vec<&str> = words.collect();
                if words.contains(&"unformatted") {
                    self.layouts.push((block.text.clone(), self.sources.len()));
                }
                if !words.contains(&"expect") {
                    return;
                }
                let select = words.iter().find_map(|word| word.strip_prefix("select=")).map(str::to_owned);
                let print =
                    Print { kind: kind.to_owned(), select, text: block.text.clone(), lines: block.lines.clone() };
                match self.programs.last_mut() {
                    Some(program) => program.prints.push(print),
                    None => self.faults.push(format!("line {line}: no program stands before this expectation")),
                }
            }
            _ => {}
        }
    }

    fn cell<'a>(
        &mut self,
        block: &Block<'_>,
        words: impl Iterator<Item = &'a str>,
        files: &mut Vec<(String, String)>,
    ) {
        let line = block.lines.start;
        let (mut name, mut role, mut environment) = ("main.cell", None, Vec::new());
        self.examples.push(line);
        for word in words {
            let variable = word.strip_prefix("env=").and_then(|pair| pair.split_once('='));
            match (word.strip_prefix("file="), variable) {
                (Some(file), _) => name = file,
                (None, Some((key, value))) => environment.push((key.to_owned(), value.to_owned())),
                (None, None) if matches!(word, "failing" | "fixed") => role = Some(word.to_owned()),
                (None, None) => self.faults.push(format!("line {line}: a `cell` block cannot be `{word}`")),
            }
        }
        files.push((name.to_owned(), block.text.clone()));
        self.sources.push(Source { name: name.to_owned(), text: block.text.clone(), lines: block.lines.clone() });
        if name == "main.cell" {
            let files = std::mem::take(files);
            let expected = files.iter().flat_map(|(name, text)| announced(name, text)).collect();
            self.programs.push(Program { line, files, environment, role, expected, prints: Vec::new() });
        }
    }

    /// Has it a fenced block of this kind?
    pub fn blocks_of(&self, kind: &str) -> bool {
        self.kinds.iter().any(|found| found == kind)
    }

    /// The rules without an example between them and the next rule.
    pub fn bare_rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().enumerate().filter_map(|(at, (id, line))| {
            let next = self.rules.get(at + 1).map_or(usize::MAX, |(_, line)| *line);
            (!self.examples.iter().any(|example| (*line..next).contains(example))).then_some(id.as_str())
        })
    }
}

/// The fenced block that begins on line `at`; one that is never closed reaches to the end.
fn block<'a>(lines: &[&'a str], at: usize) -> Option<Block<'a>> {
    let fence: String = lines[at].chars().take_while(|c| *c == '`').collect();
    if fence.len() < 3 {
        return None;
    }
    let closes = |line: &&str| line.trim_end().len() >= fence.len() && line.trim_end().chars().all(|c| c == '`');
    let length = lines[at + 1..].iter().position(closes).unwrap_or(lines.len() - at - 1);
    let text = lines[at + 1..at + 1 + length].iter().flat_map(|line| [*line, "\n"]).collect();
    Some(Block { info: lines[at][fence.len()..].trim(), text, lines: at + 1..at + 1 + length })
}

/// The id in `r[rule.id]` at the start of a line, after a list's bullet.
fn rule(line: &str) -> Option<&str> {
    let (id, _) = line.trim_start_matches([' ', '-', '*']).strip_prefix("r[")?.split_once(']')?;
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    (!id.is_empty() && id.chars().all(sound)).then_some(id)
}

/// What the comments of a program announce.
fn announced(file: &str, text: &str) -> Vec<Expected> {
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let comment = ["# error: [", "# warning: [", "# note: ["].iter().find_map(|mark| {
            let start = line.find(mark)?;
            line.get(start..)
        });
        let codes = comment.unwrap_or_default().split('[').skip(1).filter_map(|rest| Some(rest.split_once(']')?.0));
        all.extend(codes.map(|code| Expected { file: file.to_owned(), line: at + 1, code: code.to_owned() }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Names\n\nr[names.one] One name, one thing.\n\n```cell file=lib/a.cell\nlet a = 1\n```\n```cell\n\
        let b = c # error: [E0201]\n```\n```json expect select=/entities\n[]\n```\n\n- r[names.bare]: no example\n\n```ebnf\nr[x]\n```\n";

    #[test]
    fn a_page_gives_its_rules_programs_and_expectations() {
        let page = Page::parse(PAGE);
        assert_eq!(page.title, "# Names");
        assert_eq!(page.rules, [("names.one".to_owned(), 3), ("names.bare".to_owned(), 15)]);
        assert_eq!(page.bare_rules().collect::<Vec<_>>(), ["names.bare"]);
        assert_eq!(page.faults, Vec::<String>::new());
        let [program] = page.programs.as_slice() else { unreachable!("one program") };
        assert_eq!(
            program.files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["lib/a.cell", "main.cell"]
        );
        let expected = Expected { file: "main.cell".to_owned(), line: 1, code: "E0201".to_owned() };
        assert_eq!(program.expected, [expected]);
        assert_eq!(program.prints.len(), 1);
        assert_eq!(program.prints[0].text, "[]\n");
        assert_eq!(program.prints[0].lines, 11..12);
    }

    #[test]
    fn a_misspelt_word_is_a_fault_of_the_page() {
        assert_eq!(Page::parse("```cell failling\n```\n").faults.len(), 1);
        assert_eq!(Page::parse("```cell file=a.cell\n```\n").faults.len(), 1);
        assert_eq!(Page::parse("```diag expect\n```\n").faults.len(), 1);
    }
}
