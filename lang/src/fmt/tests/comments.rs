//! Every comment is kept, in order, near what it is about.

use super::{form, shown};

#[test]
fn in_every_place() {
    let text = r#"#!head
# one
edition "2026" # two


## three

# four
## five
cell a { # six
  # seven
  kind = "dev" # eight

  # nine

  size = [ # ten
    1, # eleven
    # twelve
    2 # thirteen
    # fourteen
  ] # fifteen
  # sixteen

} # seventeen
# eighteen
"#;
    insta::assert_snapshot!(shown(text));
}

#[test]
fn in_what_was_on_one_line() {
    let text = "cell a { b = 1, # one\n c = 2 } cell d { e = [1, # two\n 2], f = g(h, # three\n i) } let j = (k # four\n && l)\nlet m = [ # five\n]\nou n { # six\n}\nou o { ## seven\n p = 1 }\n";
    insta::assert_snapshot!(shown(text));
}

#[test]
fn between_words() {
    let text = r#"let # one
  a # two
  = # three
  b # four
  + # five
  # six
  c
cell d # seven
# eight
{
  e = 1
}
cell f
## nine
{ g = 1 }
if h {
  cell i {}
} # ten
# eleven
else # twelve
{
  cell j {}
}
let k = l(m # thirteen
  , n)
cell o {
  p = 1 # fourteen
  , q = 2
  # fifteen
  ,
  r = 3
  ## sixteen
  , s {}
}
fn t(u: Int # seventeen
  ) : Int # eighteen
  = [for v in w # nineteen
    : v # twenty
    if x]
type Y = enum { "z", # twentyone
}
"#;
    insta::assert_snapshot!(shown(text));
}

#[test]
fn documentation_stays_with_what_it_documents() {
    let text = "## One.\n##  Two.\ncell a {\n  x = 1 ## no\n  ## Wave.\n  wave b {}\n  ## Last.\n}\n\n## Apart.\n\ncell c {}\n## It.\nexport let x = 1\n#### rule ####\ncell d {}\nfor x in y {\n  ## In.\n  cell e {}\n}\n";
    assert_eq!(form(text), text);
}

#[test]
fn of_a_file_that_is_all_comments() {
    assert_eq!(form("\n\n  # a  \n\n\n ## b\n#c"), "# a\n\n## b\n#c\n");
}
