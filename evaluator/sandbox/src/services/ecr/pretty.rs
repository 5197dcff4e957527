//! JSON as ECR gives policies back: the text that was set, laid out anew. Owns the layout; members keep their order and
//! every value its spelling.

/// Lays out a text that reads as JSON: two spaces a level, ` : ` after names, lists in one line.
pub(super) fn laid_out(text: &str) -> String {
    let (mut out, mut closers): (String, Vec<char>) = (String::new(), Vec::new());
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => string_end(rest),
            '{' | '[' | '}' | ']' | ',' | ':' => 1,
            _ => rest.find(|c: char| c.is_whitespace() || "{}[],:\"".contains(c)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(end);
        rest = after.trim_start();
        match first {
            '{' | '[' => {
                let closer = if first == '{' { '}' } else { ']' };
                if rest.starts_with(closer) {
                    out.push_str(if first == '{' { "{ }" } else { "[ ]" });
                    rest = rest.get(1..).unwrap_or_default().trim_start();
                } else {
                    closers.push(closer);
                    out.push(first);
                    break_line(&mut out, &closers);
                }
            }
            '}' | ']' => {
                closers.pop();
                if first == '}' {
                    new_line(&mut out, &closers);
                } else {
                    out.push(' ');
                }
                out.push(first);
            }
            ',' => {
                out.push(',');
                break_line(&mut out, &closers);
            }
            ':' => out.push_str(" : "),
            _ => out.push_str(token),
        }
    }
    out
}

fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Lists go on in their line, structures in a new one.
fn break_line(out: &mut String, closers: &[char]) {
    if closers.last() == Some(&'}') {
        new_line(out, closers);
    } else {
        out.push(' ');
    }
}

fn new_line(out: &mut String, closers: &[char]) {
    out.push('\n');
    let level = closers.iter().filter(|closer| **closer == '}').count();
    out.extend(std::iter::repeat_n("  ", level));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_that_of_the_reference() {
        let text = r#"{"Version":"2008-10-17","Statement":[{"Sid":"a","Principal":"*","Action":["x","y"],"N":[]}]}"#;
        let expected = "{\n  \"Version\" : \"2008-10-17\",\n  \"Statement\" : [ {\n    \"Sid\" : \"a\",\n    \
                        \"Principal\" : \"*\",\n    \"Action\" : [ \"x\", \"y\" ],\n    \"N\" : [ ]\n  } ]\n}";
        assert_eq!(laid_out(text), expected);
        assert_eq!(laid_out(expected), expected);
        assert_eq!(laid_out("{\"a\\\"{\": 1 }"), "{\n  \"a\\\"{\" : 1\n}");
    }
}
