//! Programs made at random: every form of the grammar in every place that takes it. They parse; they need mean
//! nothing.

use proptest::prelude::*;

fn pick(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    pick(&["a", "b", "prod-1", "kind", "test", "check", "present", "long_name_of_something_that_takes_its_room"])
}

/// A key: also words that would go on with a value before them.
fn key() -> impl Strategy<Value = String> {
    pick(&["a", "kind", "on", "where", "in", "and", "or", "not", "if", "else", "matching", "override"])
}

fn string() -> impl Strategy<Value = String> {
    pick(&[
        "\"\"",
        "\"x\"",
        "\"a-\\(b [ 1 ])\"",
        "\"${aws:x} \\u{e9} é\"",
        "\"\"\"\n    several\n      lines \\(a)\n    \"\"\"",
        "\"\"\"one\"\"\"",
        "\"a string that is so long that hardly anything else has room in a line that has it\"",
    ])
}

fn binder() -> impl Strategy<Value = String> {
    pick(&["x", "k, v"])
}

fn list(element: impl Strategy<Value = String>, least: usize) -> impl Strategy<Value = String> {
    (prop::collection::vec(element, least..4), any::<bool>()).prop_map(|(elements, trailing)| {
        let comma = if trailing && !elements.is_empty() { "," } else { "" };
        format!("{}{comma}", elements.join(", "))
    })
}

pub(super) fn expr() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        name().prop_filter("a value", |name| name != "present"),
        string(),
        pick(&[
            "1",
            "400_000",
            "12h",
            "0.5%",
            "2026-12-31",
            "09:00",
            "10.0.0.0/8",
            "fd00::/8",
            "true",
            "none",
            ".kind"
        ]),
        pick(&["-1", "-12h", "[]", "{}", "f()", "count(cells)", "a.b.c", "n - 1"]),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let paren = inner.clone().prop_map(|inner| format!("({inner})"));
        let atom = prop_oneof![name(), paren.clone(), string()];
        let infix = pick(&["||", "&&", "==", "in", "??", "..=", "+", "-", "*", "/"]);
        prop_oneof![
            paren.clone(),
            (paren.clone(), infix, paren.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            prop::collection::vec(paren.clone(), 2..5).prop_map(|all| all.join(" && ")),
            paren.clone().prop_map(|a| format!("!{a}")),
            (atom.clone(), list(inner.clone(), 0)).prop_map(|(f, of)| format!("{f}({of})")),
            (atom, inner.clone()).prop_map(|(a, at)| format!("{a}[{at}].b")),
            (paren.clone(), paren).prop_map(|(a, b)| format!("{a} where {b}")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("if {a} then {b} else {c}")),
            (binder(), inner.clone(), inner.clone()).prop_map(|(x, a, b)| format!("every {x} in {a} : {b}")),
            list(inner.clone(), 0).prop_map(|of| format!("[{of}]")),
            list((string(), inner.clone()).prop_map(|(key, value)| format!("{key} = {value}")), 1)
                .prop_map(|of| format!("{{ {of} }}")),
            list((key(), inner.clone()).prop_map(|(key, value)| format!("{key} = {value}")), 1)
                .prop_map(|of| format!("{{ {of} }}")),
            (binder(), inner.clone(), inner.clone(), prop::option::of(inner.clone())).prop_map(|(x, a, b, c)| {
                format!("[for {x} in {a} : {b}{}]", c.map(|c| format!(" if {c}")).unwrap_or_default())
            }),
            (binder(), inner.clone(), inner.clone(), inner)
                .prop_map(|(x, a, b, c)| { format!("{{ for {x} in {a} : {b} => {c} }}") }),
        ]
    })
    .boxed()
}

fn ty() -> BoxedStrategy<String> {
    let leaf = pick(&["Int", "String?", "Ref<cell>", "Set<component>", "std.Email", "enum { \"a\", \"b\", }"]);
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|of| format!("[{of}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{{a} => {b}}}")),
            list((name(), inner).prop_map(|(name, ty)| format!("{name}: {ty} = 1")), 1)
                .prop_map(|of| format!("{{ {of} }}")),
        ]
    })
    .boxed()
}

fn item() -> BoxedStrategy<String> {
    let field = (key(), expr()).prop_map(|(key, value)| format!("{key} = {value}"));
    let over = (name(), expr()).prop_map(|(key, value)| format!("override {key} = {value}"));
    let mapped = (string(), expr()).prop_map(|(key, value)| format!("{key} = {value}"));
    let condition = (
        pick(&["", "if present ", "every ", "if present some "]),
        string(),
        pick(&["present", "absent", "== 1", "not in [1, 2]", "like \"a*\"", "ArnLike a ?? b", "<= 2026-12-31"]),
    )
        .prop_map(|(before, key, test)| format!("{before}{key} {test}"));
    let leaf = prop_oneof![field, over, mapped, condition];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let body = body_of(inner);
        prop_oneof![
            (pick(&["wave", "allow", "labels", "in", "where"]), pick(&["", "one ", "\"p-\\(x)\" "]), body.clone())
                .prop_map(|(block, label, body)| format!("{block} {label}{body}")),
            (binder(), expr(), body).prop_map(|(x, a, body)| format!("for {x} in ({a}) if (b) {body}")),
        ]
    })
    .boxed()
}

fn body_of(item: BoxedStrategy<String>) -> impl Strategy<Value = String> + Clone {
    prop::collection::vec(item, 0..4).prop_map(|items| format!("{{ {} }}", items.join(", ")))
}

fn inner_decl() -> BoxedStrategy<String> {
    let kind = pick(&["cell", "grant", "org", "permission_set", "group"]);
    let label = pick(&["a", "\"b-\\(x)\"", "c using std.d"]);
    let leaf = prop_oneof![
        3 => (kind, label, body_of(item())).prop_map(|(kind, label, body)| format!("{kind} {label} {body}")),
        1 => (string(), expr()).prop_map(|(text, value)| format!("assert {text} {{ {value} }}")),
        1 => body_of(item()).prop_map(|body| format!("module m = \"./m.cell\" {body}")),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        let decls = prop::collection::vec(inner, 0..3).prop_map(|decls| format!("{{ {} }}", decls.join(" ")));
        prop_oneof![
            (binder(), expr(), decls.clone()).prop_map(|(x, a, decls)| format!("for {x} in ({a}) {decls}")),
            (expr(), decls.clone(), decls.clone(), decls)
                .prop_map(|(c, a, b, d)| format!("if ({c}) {a} else if (x) {b} else {d}")),
        ]
    })
    .boxed()
}

fn decl() -> impl Strategy<Value = String> {
    prop_oneof![
        (name(), expr()).prop_map(|(name, value)| format!("let {name} = {value}")),
        (name(), ty(), expr()).prop_map(|(name, ty, value)| format!("export let {name}: {ty} = {value}")),
        (name(), ty(), ty(), expr())
            .prop_map(|(name, a, b, value)| format!("fn {name}(x: {a}, y: Int): {b} = {value}")),
        (ty(), expr()).prop_map(|(ty, value)| format!("type T = {ty} matching /a\\/[b ]+/ check {value}")),
        (name(), ty(), expr(), expr()).prop_map(|(name, ty, a, b)| format!("param {name}: {ty} = {a} check ({b})")),
        body_of(item()).prop_map(|body| format!("defaults d for grant {body}")),
        (expr(), expr()).prop_map(|(a, b)| format!("test \"t\" {{ let x: Int = {a} expect ({b}) }}")),
        body_of(item()).prop_map(|body| format!("accept \"E-1\" {body}")),
        inner_decl(),
        inner_decl(),
    ]
}

/// A whole program.
pub(super) fn program() -> impl Strategy<Value = String> {
    prop::collection::vec(decl(), 0..6)
        .prop_map(|decls| format!("edition \"2026\"\nimport \"std/x\" as x\n{}\n", decls.join("\n")))
}
