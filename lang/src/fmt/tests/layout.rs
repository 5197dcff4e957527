//! Lines, spaces and commas.

use super::{form, shown};

#[test]
fn a_file_with_no_layout_at_all() {
    let text = r#"edition "2026" import "./lib/regions.cell" as regions let sum=-1+2*(3- -n)/4 let names=[for c in cells:c.name if!(c.label in["a"])] let by-name={for k,v in{"a"=1}:"\(k)-x"=>v+1} type Shape={name:String,sizes:[Int]=[1,2],tags:{String=>String},owner:Ref<group>?} type Size=enum{"small","large"} type Email=String matching /[^@]+@[a-z.]+/ check it!="" param on:Set<cell>=cells check count(it)>0 export fn short(region:String,width:Int):String={"us-west-2"="usw2"}[region]
module west="./lib/fleet.cell"{region="us-west-2" networks=[10.0.0.0/8,fd00::/8]} if count>3{cell big{}}else if count==2{for x in west.names if x!="b"{cell"\(x)"{kind="dev"}}}else{assert"small"{true}}
test"names"{let a:Int=names expect count(a)==3 expect some x in a:x=="a"} moved{from="a",to="b"} accept"E-12"{reason="known"}
permission_set Operator using sets.operator{session=4h,allow operate{actions=["ecs:*"] when{"aws:SourceIp"in 10.0.0.0/8 if present every"aws:TagKeys"not in["env"]"k"present}}}
grant own{to=.owner on=cells where.kind=="dev"&&!(.size=="large")} org acme{limits{accounts=20}}"#;
    insta::assert_snapshot!(shown(text));
}

#[test]
fn bodies_keep_their_line_when_they_were_on_one_and_fit() {
    let long = "x".repeat(60);
    let text = format!(
        r#"ou a {{}}
ou b {{
}}
cell c {{ kind = "dev", size = "small" }}
cell d {{
  kind = "dev", size = "small" }}
cell e {{ kind = "dev", tags = {{ "a" = "{long}", "b" = "c" }} }}
cell f {{ kind = "dev", labels {{ a = "b" }} }}
grant g {{ to = group.a, can = permission_set.b }}
guard h {{}}
defaults i for grant {{ to = group.a }}
defaults j for cell {{ kind = "dev" }}
cell k {{ x = """
  a
  """ }}
for x in y {{ cell "\(x)" {{}} }}
for x in y {{}}
test "one" {{ expect true }}
test "two" {{ let a = 1 expect a == 1 }}
cell l {{ for x in y {{ "\(x)" = x }} }}
"#
    );
    insta::assert_snapshot!(shown(&text));
}

#[test]
fn the_line_is_a_hundred_characters() {
    // `let x = ["…"]` has 12 characters around the dots.
    for (dots, lines) in [(88, 1), (89, 3)] {
        let text = format!("let x = [\"{}\"]\n", "é".repeat(dots));
        assert_eq!(text.trim_end().chars().count(), dots + 12);
        assert_eq!(form(&text).lines().count(), lines, "with {dots}");
    }
    // In a list the comma after it counts, too.
    for (dots, lines) in [(93, 3), (94, 5)] {
        let text = format!("let x = [\n  [\"{}\"],\n]\n", "e".repeat(dots));
        assert_eq!(form(&text).lines().count(), lines, "with {dots}");
    }
    // A comment after it does not.
    let text = format!("ou a {{ name = \"b\" }} # {}\n", "c".repeat(100));
    assert_eq!(form(&text), text);
}

#[test]
fn lists_and_maps() {
    let long = "x".repeat(50);
    let text = format!(
        r#"let a = [1,2,]
let b = [
  1, 2 ]
let c = [ "{long}", "{long}" ]
let d = {{ "a" = 1,
  "b" = [1, 2], "c" = {{ d = 1 }} }}
let e = [[1,
2], [3]]
let f = f(a,
  b)
let g = union([
  1
], b)
let h = count(cells where .a == "{long}" && .b == "{long}")
let i = index("{long}", "{long}")
let j = [for c in cells :
  c.name if c.x]
let k = [for c in cells : c.name if c.name != "{long}" && c.name != "{long}"]
let l = {{}}
let m = [
]
let n = (
  1 + 2
)
let o = a[
  1]
type P = {{ a: Int,
  b: String? }}
type Q = enum {{ "a",
  "b" }}
fn r(a: Int,
  b: Int): Int = a
"#
    );
    insta::assert_snapshot!(shown(&text));
}

#[test]
fn long_expressions_break_where_the_author_says() {
    let text = r#"let a = cells where
  .kind == "prod" && (.size == "small" ||
  .size == "large") && union([
    x,
  ], y) == z
  && true
let b =
  if c
    then d
  else if e then
    f else g
param h: Int
  = 1 check it > 1 &&
  it < 2
type I = String
   matching /a/
   check it != "x"
assert "j" {
  every k in cells where .l :
    k.m != none
}
if n ||
  o { cell p {} }
let q = a
  .b [ 1 ] . c ( d ) ..= - 1
cell r {
  s = t
    ?? u
  v = 1
}
"#;
    insta::assert_snapshot!(shown(text));
}

#[test]
fn blank_lines() {
    let text = "\n\n\nlet a = 1\nlet b = 2\n\n\n\nlet c = [\n\n  1,\n\n\n  2,\n\n]\ncell d {\n\n  e = 1\n\n\n  f = 2\n\n}\n\n\n";
    insta::assert_snapshot!(shown(text));
}

#[test]
fn line_ends_tabs_and_the_end_of_the_file() {
    assert_eq!(
        form("let x = 1\r\n\r\n\r\n# c \t\r\ncell a {\r\n\tb\t=\t1  \r\n}"),
        "let x = 1\n\n# c\ncell a {\n  b = 1\n}\n"
    );
    assert_eq!(form("let x = \"\"\"\r\n  a\r\n  \"\"\"\r\n"), "let x = \"\"\"\n  a\n  \"\"\"\n");
    assert_eq!(form(""), "");
    assert_eq!(form(" \n\n"), "");
    assert_eq!(form("# c"), "# c\n");
    assert_eq!(form("let x = 1\rlet y = 2"), "let x = 1\nlet y = 2\n");
}

#[test]
fn strings_are_kept_as_written() {
    let text = r#"let a = "\u{e9} é \"\\ ${x}\(  b [ 1 ] )"
let c = """
      d
        \(  e(1,2) )
    """
cell "f\( g )" {
  h = """one"""
}
"#;
    assert_eq!(form(text), text);
}

#[test]
fn a_comma_stays_where_the_value_before_would_go_on() {
    let text = "cell a {\n  b = c,\n  in {}\n  where = 1,\n  not in { d = 1 }\n}\n";
    insta::assert_snapshot!(shown(text));
}

#[test]
fn types_and_their_marks() {
    assert_eq!(form("param a:Ref<ou>=b"), "param a: Ref<ou> = b\n");
    assert_eq!(form("param a : Set < cell >?=b"), "param a: Set<cell>? = b\n");
    assert_eq!(form("param a: Int ? check it>1"), "param a: Int? check it > 1\n");
    assert_eq!(form("param a: { String=>[Int?] }"), "param a: {String => [Int?]}\n");
    assert_eq!(form("let a = b>=c"), "let a = b >= c\n");
}

#[test]
fn what_is_printed_elsewhere_is_on_one_line() {
    let cases = [
        ("{ email = \"a\"\n  ou=ou[ .kind ] # why\n}", "{ email = \"a\", ou = ou[.kind] }"),
        ("{\n  \"a\" = [1,\n 2,],\n}", "{ \"a\" = [1, 2] }"),
        ("{for k in a:\n k=>1}", "{ for k in a : k => 1 }"),
        ("( .capacity??500 )\n  / 500", "(.capacity ?? 500) / 500"),
        (".owner", ".owner"),
        ("accounts{\nemail=\"a\"\nou=b }", "accounts { email = \"a\", ou = b }"),
        ("to   = .owner", "to = .owner"),
        ("a = 1 # why", "a = 1"),
        ("{}", "{}"),
        ("=  1", "= 1"),
        ("1 let   b = 2", "1 let b = 2"),
    ];
    for (text, expected) in cases {
        assert_eq!(crate::fmt::one_line(text), expected);
    }
    // However it was found out what each is, no thread was begun for it: thousands are printed.
    assert_eq!(crate::syntax::DEEP_STACKS.get(), 0);
}
